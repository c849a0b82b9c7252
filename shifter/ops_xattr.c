/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/uppermark.h"
#include "shifter/acl.h"
#include "shifter/fcap.h"
#include "shifter/ops.h"
#include "shifter/worker.h"

#include <string.h>

/*
 * What has a meaning of its own to the file system, and is none of the kernel's to watch over: of
 * system.* it checks no permission (xattr_permission() in fs/xattr.c), since the file system is to.
 * The server, who may do all, is the wrong one to ask for the ACL of an NFS or SMB share, or for
 * what else a lower knows by such a name. The ids in it would not be shifted either.
 */
static bool is_the_file_systems(const struct shifter *sh, const char *name)
{
    return strncmp(name, "system.", 7) == 0 && (sh->no_acl || !acl_is_name(name));
}

/*
 * What fuse-overlayfs and overlayfs without privileges write to layers for themselves. (The words
 * that overlayfs has as root are hidden by the one below.)
 */
static bool is_of_layers(const char *name)
{
    static const char *const prefixes[] = {"user.fuseoverlayfs.", "security.fuseoverlayfs.",
                                           "user.overlay."};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/*
 * What is not to be had through the mount: -EOPNOTSUPP as where the file system knows no such
 * thing. The mark of an upper is for those who put it over an image, not for who writes to it.
 * To -ENOSYS the kernel asks no more.
 */
static int check_name(const struct shifter *sh, const char *name)
{
    bool not_to_be_had = is_the_file_systems(sh, name) || uppermark_is_name(name) ||
                         override_hides(&sh->override, name) ||
                         (sh->hide_markers && is_of_layers(name));

    if (sh->no_xattrs)
        return -ENOSYS;
    return not_to_be_had ? -EOPNOTSUPP : 0;
}

/* As it lies on disk, where a name may stand for another one and for itself: the former first. */
static ssize_t get_value(const struct shifter *sh, int fd, const char *name, void *buf, size_t size)
{
    char room[OVERRIDE_NAME_MAX];
    const char *kept = override_name_on_disk(&sh->override, name, room);
    ssize_t n = kept ? sys_getxattr(fd, kept, buf, size) : -ENODATA;

    return n == -ENODATA || n == -EOPNOTSUPP ? sys_getxattr(fd, name, buf, size) : n;
}

/* A symlink or device has no user.*, so nothing is kept there in another's place. */
static const char *name_to_write(const struct shifter *sh, int fd, const char *name,
                                 char room[OVERRIDE_NAME_MAX])
{
    const char *kept = override_name_on_disk(&sh->override, name, room);

    return kept && override_is_for(&sh->override, fd) > 0 ? kept : name;
}

static int remove_value(const struct shifter *sh, int fd, const char *name)
{
    char room[OVERRIDE_NAME_MAX];
    const char *kept = override_name_on_disk(&sh->override, name, room);
    int r = sys_removexattr(fd, name);

    if (kept && sys_removexattr(fd, kept) == 0 && r == -ENODATA)
        return 0;
    return r;
}

/* Reads and shifts a whole value. Returns its size or -errno. */
static ssize_t read_value(const struct shifter *sh, int fd, const char *name, void *buf,
                          size_t size)
{
    ssize_t n = get_value(sh, fd, name, buf, size);
    int r;

    if (n <= 0)
        return n;
    if (strcmp(name, FCAP_NAME) == 0)
        return fcap_shift_out(&sh->shift, buf, (size_t)n);
    if (acl_is_name(name)) {
        r = acl_shift_out(&sh->shift, buf, (size_t)n);
        return r < 0 ? r : n;
    }
    return n;
}

/* A size of 0 asks how long the value is; only a file capability changes its length on the way. */
static ssize_t value_size(const struct shifter *sh, int fd, const char *name)
{
    char cap[FCAP_MAX_SIZE];

    if (strcmp(name, FCAP_NAME) == 0)
        return read_value(sh, fd, name, cap, sizeof(cap));
    return get_value(sh, fd, name, NULL, 0);
}

static ssize_t value_into(const struct shifter *sh, int fd, const char *name, char *buf,
                          size_t size)
{
    /* The scratch has room for the longer form; what the caller has room for is checked after. */
    ssize_t n = read_value(sh, fd, name, buf, size < FCAP_MAX_SIZE ? FCAP_MAX_SIZE : size);

    return n > 0 && (size_t)n > size ? -ERANGE : n;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    char *buf = worker_scratch(size < FCAP_MAX_SIZE ? FCAP_MAX_SIZE : size);
    ssize_t n = buf ? 0 : -ENOMEM;

    if (n == 0)
        n = check_name(sh, name);
    if (n == 0)
        n = inode_path_fd(sh->inodes, ino, &f);
    if (n == 0)
        n = size == 0 ? value_size(sh, f.fd, name) : value_into(sh, f.fd, name, buf, size);
    /* A file system without ACLs, as SquashFS: the kernel, which asks before it checks permissions,
     * is to go by the mode, and takes any other error for its own. */
    if (n == -EOPNOTSUPP && acl_is_name(name))
        n = -ENODATA;
    if (n < 0)
        fuse_reply_err(req, (int)-n);
    else if (size == 0)
        fuse_reply_xattr(req, (size_t)n);
    else
        fuse_reply_buf(req, buf, (size_t)n);
}

static int write_value(const struct shifter *sh, int fd, const struct ops_xattr *x,
                       const void *value, size_t size)
{
    char room[OVERRIDE_NAME_MAX];

    return sys_setxattr(fd, name_to_write(sh, fd, x->name, room), value, size, x->flags);
}

static int shift_and_write(const struct shifter *sh, int fd, const struct ops_xattr *x)
{
    char cap[FCAP_MAX_SIZE];
    char *copy;
    int r;

    /* An empty value has no id and means nothing; the kernel lets it pass, and so does this. */
    if (strcmp(x->name, FCAP_NAME) == 0 && x->size > 0) {
        if (x->size > sizeof(cap))
            return -EINVAL;
        memcpy(cap, x->value, x->size);
        r = fcap_shift_in(&sh->shift, cap, x->size);
        return r < 0 ? r : write_value(sh, fd, x, cap, (size_t)r);
    }
    /* An empty ACL removes the one that is there. */
    if (acl_is_name(x->name) && x->size > 0) {
        copy = worker_scratch(x->size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, x->value, x->size);
        r = acl_shift_in(&sh->shift, copy, x->size);
        return r < 0 ? r : write_value(sh, fd, x, copy, x->size);
    }
    return write_value(sh, fd, x, x->value, x->size);
}

int ops_apply_setxattr(struct shifter *sh, const struct ops_caller *who, uint64_t ino,
                       const struct ops_xattr *x)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    cleanup_owner struct ops_owner owner = OPS_OWNER_NONE;
    int r = check_name(sh, x->name);

    if (r == 0)
        r = inode_path_fd_to_change(sh->inodes, ino, &f);
    if (r == 0 && acl_is_name(x->name))
        r = ops_owner_begin(sh, who, ino, f.fd, &owner);
    if (r == 0 && x->keep_sgid)
        creds_raise_fsetid(&owner.scope);
    return r < 0 ? r : shift_and_write(sh, f.fd, x);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags)
{
    /* The short form of the request, of kernels before 5.13, does not say whether the set-group-id
     * bit stays when an ACL is written: it goes, as for a caller who is not in the group. */
    struct ops_xattr x = {name, value, size, flags, false};
    struct ops_caller who = ops_caller_of(req);

    fuse_reply_err(req, -ops_apply_setxattr(ops_shifter(req), &who, ino, &x));
}

/* trusted.*, which listxattr(2) shows to the host's root only, and what cannot be had here. */
static bool is_hidden(const struct shifter *sh, const char *name, bool from_host_root)
{
    return check_name(sh, name) < 0 || (!from_host_root && strncmp(name, "trusted.", 8) == 0);
}

static bool is_in(const char *list, size_t size, const char *name)
{
    for (size_t at = 0; at < size; at += strlen(list + at) + 1)
        if (strcmp(list + at, name) == 0)
            return true;
    return false;
}

/* Each name once, as it is shown. Names only become shorter. */
static size_t leave_out_hidden(const struct shifter *sh, char *list, size_t size,
                               bool from_host_root)
{
    size_t kept = 0;

    for (size_t at = 0; at < size;) {
        size_t len = strnlen(list + at, size - at - 1) + 1;

        const char *name = override_shown_name(&sh->override, list + at);
        size_t shown_len = len - (size_t)(name - (list + at));

        if (!is_hidden(sh, name, from_host_root) &&
            !(override_may_be_twice(&sh->override, name) && is_in(list, kept, name))) {
            memmove(list + kept, name, shown_len);
            kept += shown_len;
        }
        at += len;
    }
    return kept;
}

#define XATTR_LIST_ROOM 65536

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    char *list = worker_scratch(XATTR_LIST_ROOM);
    ssize_t n = list ? 0 : -ENOMEM;

    if (sh->no_xattrs)
        n = -ENOSYS;
    if (n == 0)
        n = inode_path_fd(sh->inodes, ino, &f);
    if (n == 0)
        n = sys_listxattr(f.fd, list, XATTR_LIST_ROOM);
    if (n > 0)
        n = (ssize_t)leave_out_hidden(sh, list, (size_t)n, fuse_req_ctx(req)->uid == 0);
    if (n > 0 && size > 0 && (size_t)n > size)
        n = -ERANGE;
    if (n < 0)
        fuse_reply_err(req, (int)-n);
    else if (size == 0)
        fuse_reply_xattr(req, (size_t)n);
    else
        fuse_reply_buf(req, list, (size_t)n);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    cleanup_owner struct ops_owner owner = OPS_OWNER_NONE;
    struct ops_caller who = ops_caller_of(req);
    struct shifter *sh = ops_shifter(req);
    int r = check_name(sh, name);

    if (r == 0)
        r = inode_path_fd_to_change(sh->inodes, ino, &f);
    if (r == 0 && acl_is_name(name))
        r = ops_owner_begin(sh, &who, ino, f.fd, &owner);
    /* The request does not say whether the set-group-id bit may stay. On ext4 it stays for
     * everybody; tmpfs goes by the caller, and would take it from root's files too. */
    if (r == 0 && acl_is_name(name))
        creds_raise_fsetid(&owner.scope);
    if (r == 0)
        r = remove_value(sh, f.fd, name);
    fuse_reply_err(req, -r);
}
