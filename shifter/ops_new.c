/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a new file is: ops.h. */
#include "base/cleanup.h"
#include "base/io.h"
#include "shifter/ops.h"

#include <errno.h>
#include <fcntl.h>

/* What a directory with the set-group-id bit gives to what is made in it. */
static int inherit_group(struct shifter *sh, uint64_t dir, mode_t type, struct ops_new *n)
{
    cleanup_inode_fd struct inode_fd d = INODE_FD_NONE;
    struct sys_stat st;
    int r = inode_path_fd(sh->inodes, dir, &d);

    if (r < 0)
        return r;
    r = inode_stat(sh->inodes, dir, d.fd, &st);
    if (r < 0 || !(st.st.st_mode & S_ISGID))
        return r;
    n->gid.v = st.st.st_gid;
    if (S_ISDIR(type))
        n->shown_mode |= S_ISGID;
    return 0;
}

/*
 * As the server and for nobody else until the attribute says whose it is, so that one whose maker
 * is interrupted in between is nobody's to read. What can have no attribute is the caller's in its
 * inode, as far as the server can be the caller.
 */
static int begin_by_attribute(struct shifter *sh, uint64_t dir, mode_t mode, mode_t umask,
                              struct ops_new *n)
{
    int r;

    n->shown_mode = mode & ~umask;
    r = inherit_group(sh, dir, mode, n);
    if (r < 0)
        return r;
    n->by_attribute = S_ISREG(mode) || S_ISDIR(mode);
    n->is_callers = !n->by_attribute;
    n->mode = n->by_attribute ? (mode & S_IFMT) | (S_ISDIR(mode) ? 0700 : 0600) : n->shown_mode;
    if (!n->by_attribute && creds_enter(&n->scope, n->uid, n->gid, 0) == 0)
        return 0;
    n->is_callers = false;
    creds_leave(&n->scope);
    return creds_enter(&n->scope, (struct disk_id){0}, (struct disk_id){0}, 0);
}

int ops_new_begin(struct shifter *sh, const struct ops_caller *who, uint64_t dir, mode_t mode,
                  struct ops_new *n)
{
    int r = ops_caller_on_disk(sh, who, &n->uid, &n->gid);

    if (r < 0)
        return r;
    if (override_writes(&sh->override))
        return begin_by_attribute(sh, dir, mode, who->umask, n);
    n->mode = mode;
    r = creds_enter(&n->scope, n->uid, n->gid, who->umask);
    /* The kernel took the bit out already where the caller may not set it. */
    if (r == 0 && (mode & S_ISGID) && !S_ISDIR(mode))
        creds_raise_fsetid(&n->scope);
    return r;
}

int ops_new_begin_for(fuse_req_t req, uint64_t dir, mode_t mode, struct ops_new *n)
{
    struct ops_caller who = ops_caller_of(req);

    return ops_new_begin(ops_shifter(req), &who, dir, mode, n);
}

int ops_new_end_fd(const struct shifter *sh, struct ops_new *n, int fd)
{
    int r = 0;

    creds_leave(&n->scope);
    if (n->by_attribute)
        r = override_set(&sh->override, fd, n->uid.v, n->gid.v, n->shown_mode);
    if (r == 0 && n->by_attribute)
        r = sys_chmod(fd, OVERRIDE_INODE_MODE);
    return r;
}

/*
 * True where fd refers to what was made just now: another mount of the same source may have put
 * something else in its place, which is not to become the caller's.
 */
static bool is_new(const struct shifter *sh, const struct ops_new *n, int fd)
{
    uint32_t owner = n->by_attribute ? sh->override.owners[0] : n->uid.v;
    struct sys_stat st;

    if (S_ISDIR(n->mode) && !io_dir_is_empty(fd))
        return false;
    /* But for the set-group-id bit, which a directory passes on. */
    return sys_stat(fd, &st) == 0 && st.st.st_uid == owner &&
           ((st.st.st_mode ^ n->mode) & (n->by_attribute ? 05777 | S_IFMT : S_IFMT)) == 0;
}

/*
 * Group and mode of what can have no attribute: the lower went by the inode of the directory, by
 * its group, its set-group-id bit and its default ACL, and that is not what is shown of it.
 */
static int correct_inode(struct ops_new *n, int fd)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    int r = sys_chown(fd, IDMAP_NO_ID, n->gid.v);

    creds_raise_fsetid(&scope);
    return r < 0 || S_ISLNK(n->mode) ? r : sys_chmod(fd, n->shown_mode & 07777);
}

int ops_new_end(const struct shifter *sh, struct ops_new *n, int r, int dir_fd, const char *name)
{
    cleanup_close int fd = -1;

    creds_leave(&n->scope);
    if (r < 0 || !(n->by_attribute || n->is_callers))
        return r;
    fd = sys_open_path_at(dir_fd, name);
    if (fd < 0)
        return fd;
    if (!is_new(sh, n, fd))
        return -ESTALE;
    if (n->is_callers)
        return correct_inode(n, fd);
    r = ops_new_end_fd(sh, n, fd);
    if (r == -EEXIST)
        return -ESTALE;
    if (r < 0)
        unlinkat(dir_fd, name, S_ISDIR(n->mode) ? AT_REMOVEDIR : 0);
    return r;
}

void ops_new_release(struct ops_new *n)
{
    creds_leave(&n->scope);
}
