/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "shifter/ops.h"
#include "shifter/worker.h"

/*
 * What of the caller's flags goes to the lower. O_APPEND stays out: pages of a shared mapping are
 * written back through any open file of the inode, and would land at the end. O_DIRECT stays out:
 * the alignment it asks for is the caller's buffer's, not ours.
 */
#define LOWER_FLAGS (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)

static void set_cache(const struct shifter *sh, struct fuse_file_info *fi)
{
    /* With CACHE_AUTO the kernel itself drops pages once it sees another size or mtime. */
    fi->keep_cache = sh->cache != CACHE_NEVER;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    int fd;

    fd = fd_budget_take(sh->fds);
    if (fd < 0) {
        fuse_reply_err(req, -fd);
        return;
    }
    if ((fi->flags & O_TRUNC) && worker_keeps_privs())
        creds_raise_fsetid(&scope);
    fd = inode_open(sh->inodes, ino, fi->flags & LOWER_FLAGS);
    if (fd < 0) {
        fd_budget_give(sh->fds);
        fuse_reply_err(req, -fd);
        return;
    }
    if (fi->flags & O_TRUNC)
        ops_content_changed(sh, ino);
    fi->fh = (uint64_t)fd;
    set_cache(sh, fi);
    if (fuse_reply_open(req, fi) == -ENOENT)
        fd_budget_close(sh->fds, fd);
}

static int create_file(fuse_req_t req, int dir_fd, const char *name, mode_t mode, int flags)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    int r = ops_become_caller(req, &scope);
    int fd;

    if (r < 0)
        return r;
    if (mode & S_ISGID)
        creds_raise_fsetid(&scope);
    fd = openat(dir_fd, name, (flags & LOWER_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                mode);
    if (fd >= 0)
        return fd;
    /*
     * Somebody else made the name since the kernel looked. It took our word that there was nothing,
     * so it has checked no permission on what is there now, and will check none after this reply:
     * only a file made here may be opened here. -ESTALE sends it back to look, and to ask for an
     * OPEN in the ordinary way.
     */
    return errno == EEXIST && !(flags & O_EXCL) ? -ESTALE : -errno;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    struct fuse_entry_param entry;
    cleanup_close int fd = -1;
    int r = ops_parent(sh, parent, name, &dir);

    if (r == 0)
        r = fd_budget_take(sh->fds);
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    fd = create_file(req, dir.fd, name, mode, fi->flags);
    r = fd < 0 ? fd : ops_make_entry(sh, fd, &entry);
    if (r < 0) {
        fd_budget_give(sh->fds);
        fuse_reply_err(req, -r);
        return;
    }
    fi->fh = (uint64_t)fd;
    set_cache(sh, fi);
    if (fuse_reply_create(req, &entry, fi) == -ENOENT) {
        inode_forget(sh->inodes, entry.ino, 1);
        fd_budget_give(sh->fds);
    } else {
        steal_fd(&fd);
    }
}

int ops_make_tmpfile(struct shifter *sh, const struct ops_caller *who, uint64_t dir, int flags,
                     mode_t mode)
{
    cleanup_inode_fd struct inode_fd d = INODE_FD_NONE;
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    int r = inode_path_fd(sh->inodes, dir, &d);
    int fd;

    if (r == 0)
        r = ops_become(sh, who, &scope);
    if (r < 0)
        return r;
    if (mode & S_ISGID)
        creds_raise_fsetid(&scope);
    /* O_EXCL is kept: it says that the file is never to be linked. */
    fd = openat(d.fd, ".", (flags & (LOWER_FLAGS | O_EXCL)) | O_TMPFILE | O_CLOEXEC, mode & 07777);
    return fd < 0 ? -errno : fd;
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fd_budget_close(ops_shifter(req)->fds, (int)fi->fh);
    fuse_reply_err(req, 0);
}
