/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The differences that are known and meant; each with its reason. */
#include "twin.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

bool is_mapped(const char *map, bool inside, unsigned id)
{
    while (map) {
        unsigned from, to, size;

        if (sscanf(map, "%u:%u:%u", &from, &to, &size) == 3 && id - (inside ? from : to) < size)
            return true;
        map = strchr(map, ',');
        map = map ? map + 1 : NULL;
    }
    return false;
}

/* A container id as the caller writes it. */
static bool is_strange(const char *map, const struct op *op, unsigned id)
{
    bool inside = caller_inside(op->who);

    return id != (unsigned)-1 && !is_mapped(map, inside, inside ? id : HOST_BASE + id);
}

static bool sets_strange_owner(const char *map, const struct op *op)
{
    return (op->kind == K_CHOWN || op->kind == K_FCHOWN) &&
           (is_strange(map, op, op->a) || is_strange(map, op, op->b));
}

/* By the list of names: one whose root the mapping lacks cannot be read. */
static bool has_capability(const struct actor *a, const struct op *op)
{
    char list[4096];
    ssize_t n;

    if (op->kind == K_MMAP || op->kind == K_FCHOWN)
        n = flistxattr(a->slots[op->slot], list, sizeof(list));
    else
        n = listxattr(op->p, list, sizeof(list));
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
        if (strcmp(list + at, xattr_names[XATTR_CAPABILITY]) == 0)
            return true;
    return false;
}

/* The file that an operation changes in its content or owner, if it does. */
static int changed_file(const struct actor *a, const struct op *op, struct stat *st)
{
    switch (op->kind) {
    case K_OPEN:
        return op->a & O_TRUNC ? stat(op->p, st) : -1;
    case K_TRUNCATE:
    case K_CHOWN:
        return stat(op->p, st);
    case K_WRITE:
    case K_PWRITE:
    case K_FTRUNCATE:
    case K_FALLOCATE:
    case K_FCHOWN:
        return fstat(a->slots[op->slot], st);
    case K_COPY:
        return fstat(a->slots[op->slot2], st);
    default:
        return -1;
    }
}

/*
 * What one file system does otherwise than all others. tmpfs takes the set-group-id bit when an ACL
 * is removed by who may not set it (FUSE does not say that of a removal, and the bit stays), moves
 * no times when a mapping is written to, and says of what fallocate cannot do that it cannot, as
 * btrfs does where there is nothing to punch: the kernel's FUSE has set-id bits and capabilities
 * taken, and the time of change set, before it asks.
 */
static bool left_out_there(const struct actor *a, const struct op *op)
{
    struct stat st;

    if (a->type == BTRFS_SUPER_MAGIC)
        return op->kind == K_FALLOCATE && (op->a & FALLOC_FL_PUNCH_HOLE);
    if (a->type != TMPFS_MAGIC)
        return false;
    if (op->kind == K_REMOVEXATTR || op->kind == K_SETXATTR)
        return op->who != WHO_ROOT && op->a % n_xattr_names == XATTR_ACL_ACCESS &&
               stat(op->p, &st) == 0 && (st.st_mode & S_ISGID);
    if (op->kind == K_FSETXATTR)
        return op->who != WHO_ROOT && op->a % n_xattr_names == XATTR_ACL_ACCESS &&
               fstat(a->slots[op->slot], &st) == 0 && (st.st_mode & S_ISGID);
    return (op->kind == K_MMAP && op->len > 0) ||
           (op->kind == K_FALLOCATE && (op->a & FALLOC_FL_ZERO_RANGE));
}

/* What is not done at all. */
bool left_out(const struct actor *a, const struct op *op)
{
    struct stat st;

    if (left_out_there(a, op))
        return true;
    /* Linux 6.18 lets the host's root make a whiteout, and writes it to disk with the owner
     * 4294967295, so that nobody can remove it. The shifter refuses. */
    if (op->kind == K_RENAME && (op->a & RENAME_WHITEOUT) && !a->mapped)
        return true;
    /* A place in a directory is a matter of each file system, and the kernel does not ask a FUSE
     * server for it. */
    if (op->kind == K_LSEEK)
        return fstat(a->slots[op->slot], &st) == 0 && S_ISDIR(st.st_mode);
    /* A chown of neither owner nor group strips set-id bits where the caller may change the mode.
     * The server is sent a request that sets nothing, from whom it cannot tell. */
    if ((op->kind == K_CHOWN || op->kind == K_FCHOWN) && op->a == (unsigned)-1 &&
        op->b == (unsigned)-1)
        return true;
    /* Pages of a shared mapping reach the lower by a write, and a write takes file capabilities. */
    if (op->kind == K_MMAP && op->len > 0 && has_capability(a, op))
        return true;
    /* Of a chown that fails for its owner, the kernel has taken the file capability before it asks
     * the server. */
    if (sets_strange_owner(a->map, op) && has_capability(a, op))
        return true;
    if (changed_file(a, op, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    /* Who changes a file takes its set-id bits, with two exceptions that FUSE tells the server
     * nothing of, and the bits are taken. Where the group may not execute the file, its members
     * leave the set-group-id bit. */
    if ((st.st_mode & (S_ISGID | S_IXGRP)) == S_ISGID)
        return true;
    /* The host's CAP_FSETID leaves both, but of fallocate and copy_file_range nothing is said, and
     * a write past the server takes what the file got since it was opened. */
    return a->who == WHO_HOST && (st.st_mode & (S_ISUID | S_ISGID)) &&
           (op->kind == K_FALLOCATE || op->kind == K_COPY || op->kind == K_WRITE ||
            op->kind == K_PWRITE);
}

/*
 * Where a file has holes is certain until pages are written through a mapping, which dirties whole
 * folios of whatever size the page cache has, or blocks are allocated and not written, which count
 * as data once they were read ahead. Both follow from what is in a page cache, and there is one
 * more of these with FUSE. The pages of tmpfs are the file: there a look through a mapping fills
 * the holes.
 */
bool left_out_now(const struct sides *s, const struct op *op, bool *holes_unclear)
{
    if ((op->kind == K_MMAP && (op->len > 0 || s->type == TMPFS_MAGIC)) ||
        (op->kind == K_FALLOCATE && !(op->a & FALLOC_FL_PUNCH_HOLE)))
        *holes_unclear = true;
    return *holes_unclear && op->kind == K_LSEEK && (op->a == SEEK_DATA || op->a == SEEK_HOLE);
}

static bool refuses(const char *text)
{
    return strncmp(text, "EOVERFLOW", 9) == 0 || strncmp(text, "EPERM", 5) == 0 ||
           strncmp(text, "EACCES", 6) == 0 || strncmp(text, "EINVAL", 6) == 0;
}

bool known_difference(const struct sides *s, const struct op *op, const struct answer *answer)
{
    const char *a = answer->text[0], *b = answer->text[1];

    if (strcmp(a + strcspn(a, ";"), b + strcspn(b, ";")) != 0)
        return false;
    /* Who is not in the mapping may make nothing: the kernel looks at that first, and of a FUSE
     * mount only the server knows, who is asked when there is nothing else against it. */
    if (op->who == WHO_HOST && !is_mapped(s->map, false, 0) && strncmp(a, "EOVERFLOW", 9) == 0)
        return b[0] == 'E';
    if (!refuses(a) || !refuses(b))
        return false;
    /* Nor does the kernel know that an owner is not in the mapping; it sees first that the caller
     * may not chown. */
    if (sets_strange_owner(s->map, op))
        return true;
    /* An id in a capability or an ACL that is not in the mapping: EINVAL, where every other one is
     * EOVERFLOW, for the kernel. EOVERFLOW says what is wrong. */
    return (op->kind == K_SETXATTR || op->kind == K_FSETXATTR) &&
           op->a % n_xattr_names >= XATTR_CAPABILITY && op->a % n_xattr_names <= XATTR_ACL_DEFAULT;
}
