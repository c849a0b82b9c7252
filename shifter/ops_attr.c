/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "shifter/backing.h"
#include "shifter/ops.h"
#include "shifter/session.h"
#include "shifter/worker.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * The fd to work on: the open file where the kernel names one, since it also stands for a file
 * whose last name is gone; else the inode's.
 */
static int attr_fd(struct shifter *sh, fuse_ino_t ino, const struct fuse_file_info *fi,
                   bool to_change, struct inode_fd *out)
{
    if (fi && fi->fh != 0) {
        *out = INODE_FD_BORROWED(backing_fd(fi->fh));
        return 0;
    }
    return to_change ? inode_path_fd_to_change(sh->inodes, ino, out)
                     : inode_path_fd(sh->inodes, ino, out);
}

static void reply_attr(fuse_req_t req, fuse_ino_t ino, int fd)
{
    struct shifter *sh = ops_shifter(req);
    struct sys_stat st;
    int r = inode_stat(sh->inodes, ino, fd, &st);

    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    ops_shift_stat(sh, &st.st);
    fuse_reply_attr(req, &st.st, ops_attr_timeout(sh, ino, &st.st));
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    int r = attr_fd(ops_shifter(req), ino, fi, false, &f);

    if (r < 0)
        fuse_reply_err(req, -r);
    else
        reply_attr(req, ino, f.fd);
}

/*
 * chown(2) takes the set-id bits of a file; of a directory it takes nothing.
 * (It leaves the set-group-id bit without group-execute to members of the group; who asks is not
 * known here to be one.) What of all that is in the inode goes with an empty chown(2) there.
 */
static int set_owner_in_attribute(const struct shifter *sh, int fd, mode_t type, struct disk_id uid,
                                  struct disk_id gid, const struct ops_owner *owner)
{
    struct override_change c = {
        .uid_set = uid.v != IDMAP_NO_ID,
        .gid_set = gid.v != IDMAP_NO_ID,
        .uid = uid.v,
        .gid = gid.v,
        .mode_clear = S_ISDIR(type) ? 0 : S_ISUID | S_ISGID,
        .only_owner = owner->is_owner,
        .owner = owner->uid.v,
    };
    int r;

    sys_chown(fd, IDMAP_NO_ID, IDMAP_NO_ID);
    r = override_remove_capability(&sh->override, fd);
    return r < 0 ? r : override_change(&sh->override, fd, &c);
}

/*
 * What has no attribute has its owner in its inode, where the file system lets it have one; as
 * fuse-overlayfs does, with xattr_permissions=2 the rest goes without.
 */
static int set_owner_of_others(const struct shifter *sh, int fd, struct disk_id uid,
                               struct disk_id gid)
{
    int r = sys_chown(fd, uid.v, gid.v);
    bool no_matter = override_writes(&sh->override) && sh->override.write != OVERRIDE_SECURITY;

    return r == -EPERM && no_matter ? 0 : r;
}

static int set_owner(struct shifter *sh, fuse_ino_t ino, int fd, const struct stat *attr,
                     int to_set, const struct ops_owner *owner)
{
    struct disk_id uid = {IDMAP_NO_ID}, gid = {IDMAP_NO_ID};
    int r = 0;

    /* Both are shifted before anything is written. */
    if (to_set & FUSE_SET_ATTR_UID)
        r = shift_uid_in(&sh->shift, (struct mount_id){attr->st_uid}, &uid);
    if (r == 0 && (to_set & FUSE_SET_ATTR_GID))
        r = shift_gid_in(&sh->shift, (struct mount_id){attr->st_gid}, &gid);
    if (r < 0)
        return r;
    r = override_is_for(&sh->override, fd);
    if (r > 0)
        r = set_owner_in_attribute(sh, fd, inode_type(sh->inodes, ino), uid, gid, owner);
    else if (r == 0)
        r = set_owner_of_others(sh, fd, uid, gid);
    if (r == 0 && uid.v != IDMAP_NO_ID)
        shown_owner_change(inode_shown_owner(sh->inodes, ino), uid.v);
    return r;
}

static int set_mode(const struct shifter *sh, int fd, mode_t mode, struct ops_owner *owner)
{
    struct override_change c = {
        .mode_set = true, .mode = mode, .only_owner = owner->is_owner, .owner = owner->uid.v};

    int r = override_is_for(&sh->override, fd);

    if (r != 0)
        return r < 0 ? r : override_change(&sh->override, fd, &c);
    /* The kernel took the bit out already where the caller may not set it. */
    if (mode & S_ISGID)
        creds_raise_fsetid(&owner->scope);
    return sys_chmod(fd, mode & 07777);
}

/*
 * truncate(2) and ftruncate(2) are passed on as what they are: one that changes nothing moves the
 * times with the latter, and with the former where the file system has it so.
 */
static int set_size(struct shifter *sh, fuse_ino_t ino, int fd, const struct fuse_file_info *fi,
                    off_t size)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    int r = ops_content_changes(sh, fd);

    if (r < 0)
        return r;
    if (worker_keeps_privs())
        creds_raise_fsetid(&scope);
    if (fi)
        r = ftruncate(fd, size) < 0 ? -errno : 0;
    else
        r = sys_truncate(fd, size);
    if (r == 0 && override_writes(&sh->override))
        ops_content_changed(sh, ino);
    return r;
}

static int set_times(int fd, const struct stat *attr, int to_set)
{
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

    if (to_set & FUSE_SET_ATTR_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    else if (to_set & FUSE_SET_ATTR_ATIME)
        times[0] = attr->st_atim;
    if (to_set & FUSE_SET_ATTR_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    else if (to_set & FUSE_SET_ATTR_MTIME)
        times[1] = attr->st_mtim;
    return sys_utimens(fd, times);
}

/* The owner, or root, whose capabilities are not known here and are taken to be all. */
static bool is_owner(fuse_req_t req, fuse_ino_t ino, int fd)
{
    struct shifter *sh = ops_shifter(req);
    struct ops_caller who = ops_caller_of(req);
    struct disk_id uid, gid;
    struct sys_stat st;

    return ops_caller_on_disk(sh, &who, &uid, &gid) == 0 &&
           (uid.v == 0 || (inode_stat(sh->inodes, ino, fd, &st) == 0 && st.st.st_uid == uid.v));
}

/*
 * A request to set nothing is a chown(2) that leaves both owners as they are: it sets the time of
 * change, and takes set-id bits and file capabilities. Who may take the bits the kernel has not
 * checked, since it leaves them to us; so the lower is asked as the caller is. Not being allowed is
 * no error: the same request comes before a write to a file with such bits, which the write itself
 * then takes.
 */
static void set_nothing(fuse_req_t req, fuse_ino_t ino, int fd)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    struct shifter *sh = ops_shifter(req);

    if (override_is_for(&sh->override, fd) != 0) {
        if (!inode_shown_set_id(sh->inodes, ino) || is_owner(req, ino, fd))
            set_owner_in_attribute(sh, fd, inode_type(sh->inodes, ino),
                                   (struct disk_id){IDMAP_NO_ID}, (struct disk_id){IDMAP_NO_ID},
                                   &OPS_OWNER_NONE);
        return;
    }
    if (ops_become_caller(req, &scope) < 0)
        return;
    creds_lower_fowner(&scope);
    sys_chown(fd, IDMAP_NO_ID, IDMAP_NO_ID);
}

#define NEEDS_OWNER                                                                                \
    (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_ATIME |            \
     FUSE_SET_ATTR_MTIME)

/* Setting the times to now is for all who may write. */
static bool needs_owner(int to_set)
{
    if (to_set & FUSE_SET_ATTR_ATIME_NOW)
        to_set &= ~FUSE_SET_ATTR_ATIME;
    if (to_set & FUSE_SET_ATTR_MTIME_NOW)
        to_set &= ~FUSE_SET_ATTR_MTIME;
    return to_set & NEEDS_OWNER;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    cleanup_owner struct ops_owner owner = OPS_OWNER_NONE;
    struct ops_caller who = ops_caller_of(req);
    int r = attr_fd(sh, ino, fi, true, &f);

    if (r == 0 && needs_owner(to_set))
        r = ops_owner_begin(sh, &who, ino, f.fd, &owner);
    if (r == 0 && to_set == 0)
        set_nothing(req, ino, f.fd);
    /* Owner before mode: a change of owner strips the set-id bits that the mode may set. */
    if (r == 0 && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        r = set_owner(sh, ino, f.fd, attr, to_set, &owner);
    if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
        r = set_mode(sh, f.fd, attr->st_mode, &owner);
    if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
        r = set_size(sh, ino, f.fd, fi, attr->st_size);
    if (r == 0 && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
                             FUSE_SET_ATTR_MTIME_NOW)))
        r = set_times(f.fd, attr, to_set);
    ops_owner_end(&owner);
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        reply_attr(req, ino, f.fd);
}

union attr_flags {
    unsigned flags; /* declared as long in FS_IOC_GETFLAGS, and an int in every kernel */
    struct fsxattr x;
};

/*
 * lsattr(1) and chattr(1). The kernel has checked who may change what before it asks, including
 * what only the host's root may set (vfs_fileattr_set() in fs/file_attr.c); it passes four commands
 * on in this form, with an open file of its own. Immutable and append-only stay refused: the server
 * has no CAP_LINUX_IMMUTABLE.
 */
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi,
              unsigned flags, const void *in, size_t in_size, size_t out_size)
{
    union attr_flags data = {0};
    cleanup_close int own = -1;
    cleanup_owner struct ops_owner owner = OPS_OWNER_NONE;
    struct ops_caller who = ops_caller_of(req);
    int fd, r;

    (void)arg;
    (void)flags;
    if (!session_kernel_checks_file_flags(ops_shifter(req)->session) ||
        (cmd != FS_IOC_GETFLAGS && cmd != FS_IOC_SETFLAGS && cmd != FS_IOC_FSGETXATTR &&
         cmd != FS_IOC_FSSETXATTR)) {
        fuse_reply_err(req, ENOTTY);
        return;
    }
    if (in_size > sizeof(data) || out_size > sizeof(data)) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    if (in_size > 0)
        memcpy(&data, in, in_size);
    fd = ops_open_fd(ops_shifter(req), ino, fi->fh, O_RDONLY, &own);
    r = fd < 0 ? fd : 0;
    if (r == 0 && (cmd == FS_IOC_SETFLAGS || cmd == FS_IOC_FSSETXATTR))
        r = ops_owner_begin(ops_shifter(req), &who, ino, fd, &owner);
    if (r == 0 && ioctl(fd, cmd, &data) < 0)
        r = -errno;
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        fuse_reply_ioctl(req, 0, &data, out_size);
}
