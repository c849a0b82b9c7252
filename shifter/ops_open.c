/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "shifter/ops.h"
#include "shifter/reply.h"
#include "shifter/session.h"
#include "shifter/worker.h"

/*
 * What of the caller's flags goes to the lower. O_APPEND stays out: pages of a shared mapping are
 * written back through any open file of the inode, and would land at the end. O_DIRECT stays out:
 * the alignment it asks for is the caller's buffer's, not ours.
 */
#define LOWER_FLAGS (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)

static enum backing_use use_of(int flags)
{
    int mode = flags & O_ACCMODE;

    return mode == O_RDONLY ? BACKING_READ : mode == O_WRONLY ? BACKING_WRITE : BACKING_READ_WRITE;
}

/* Room for one more open file. */
static int take_fd(struct shifter *sh)
{
    int r = fd_budget_take(sh->fds);

    return r < 0 && backing_trim(sh->files) ? fd_budget_take(sh->fds) : r;
}

/*
 * Hands an fd that was counted to the table of open files, and says what the kernel is to know of
 * it. Where the kernel writes by itself the server cannot tell it that set-id bits went with that
 * (ops_content_changed()): a file that has such bits goes through the server. Of one that gets them
 * while somebody writes, and of the times that a write through a mapping moves, the kernel asks
 * anew at each look (ops_attr_timeout()).
 */
static int add_open(struct shifter *sh, uint64_t id, int fd, int flags,
                    struct protocol_open_out *out)
{
    bool set_id = inode_shown_set_id(sh->inodes, id);
    struct backing_open o;
    int r = backing_add(sh->files, inode_backing(sh->inodes, id), fd, use_of(flags), set_id, &o);

    if (r < 0)
        return r;
    reply_make_open(sh, &o, out);
    /* The kernel would open the lower's file with O_APPEND too, and there it stays when fcntl(2)
     * takes it away: such a file is written by the server, and only mapped by the kernel. */
    if ((flags & O_APPEND) && o.backing_id > 0)
        out->open_flags |= FOPEN_DIRECT_IO;
    return 0;
}

/* What the kernel knows of the file from before the open that it is not to go by any more. */
static void forget_old(struct shifter *sh, uint64_t id, int flags,
                       const struct protocol_open_out *out)
{
    bool past_us = out->backing_id > 0;

    if (past_us && use_of(flags) == BACKING_READ_WRITE) {
        inode_take_shown_set_id(sh->inodes, id);
        session_forget_attr(sh->session, id);
    } else if ((past_us && use_of(flags) == BACKING_WRITE) || (flags & O_TRUNC)) {
        ops_content_changed(sh, id);
    }
}

static int before_truncation(struct shifter *sh, uint64_t id)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    int r = override_writes(&sh->override) ? inode_path_fd_to_change(sh->inodes, id, &f) : 0;

    return f.fd >= 0 ? ops_content_changes(sh, f.fd) : r;
}

static int open_file(struct shifter *sh, uint64_t id, int flags, struct protocol_open_out *out)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    struct backing_open o;
    int fd, r;

    if ((flags & LOWER_FLAGS) == O_RDONLY &&
        backing_reopen(sh->files, inode_backing(sh->inodes, id), &o)) {
        reply_make_open(sh, &o, out);
        return 0;
    }
    /* The kernel writes past the server by the file that it was given first, and its name. */
    if ((flags & O_ACCMODE) != O_RDONLY && inode_has_name(sh->inodes, id))
        backing_drop_idle(sh->files, inode_backing(sh->inodes, id));
    r = flags & O_TRUNC ? before_truncation(sh, id) : 0;
    if (r == 0)
        r = take_fd(sh);
    if (r < 0)
        return r;
    if ((flags & O_TRUNC) && worker_keeps_privs())
        creds_raise_fsetid(&scope);
    fd = inode_open(sh->inodes, id, flags & LOWER_FLAGS);
    r = fd < 0 ? fd : add_open(sh, id, fd, flags, out);
    if (r < 0 && fd >= 0)
        close(fd);
    if (r < 0)
        fd_budget_give(sh->fds);
    else
        forget_old(sh, id, flags, out);
    return r;
}

/*
 * True where files are read without being opened: an image that nobody changes, whose data is kept
 * in the cache of the mount. ENOSYS tells the kernel so, once and for all files; each open then
 * costs no request, and of one whose data is there already nothing is asked at all. Not where data
 * passes the server by: the kernel needs the file for that.
 */
static bool opens_are_needless(const struct shifter *sh)
{
    return sh->read_only && sh->cache == CACHE_ALWAYS && !backing_passes(sh->files);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    struct protocol_open_out out;
    int r = opens_are_needless(sh) ? -ENOSYS : open_file(sh, ino, fi->flags, &out);

    if (r < 0)
        fuse_reply_err(req, -r);
    else if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT)
        backing_release(sh->files, out.fh);
}

static int create_file(fuse_req_t req, fuse_ino_t dir, int dir_fd, const char *name, mode_t mode,
                       int flags)
{
    cleanup_new struct ops_new new = OPS_NEW_NONE;
    int r = ops_new_begin_for(req, dir, S_IFREG | (mode & 07777), &new);
    cleanup_close int fd = -1;

    if (r < 0)
        return r;
    fd = openat(dir_fd, name, (flags & LOWER_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                new.mode & 07777);
    if (fd >= 0) {
        r = ops_new_end_fd(ops_shifter(req), &new, fd);
        if (r < 0)
            unlinkat(dir_fd, name, 0);
        return r < 0 ? r : steal_fd(&fd);
    }
    /*
     * Somebody else made the name since the kernel looked. It took our word that there was nothing,
     * so it has checked no permission on what is there now, and will check none after this reply:
     * only a file made here may be opened here. -ESTALE sends it back to look, and to ask for an
     * OPEN in the ordinary way.
     */
    return errno == EEXIST && !(flags & O_EXCL) ? -ESTALE : -errno;
}

/* The entry and the open of a file that was just made, whose fd was counted and is taken. */
static int add_new(struct shifter *sh, int fd, int flags, struct fuse_entry_param *entry,
                   struct protocol_open_out *out)
{
    int r = ops_make_entry(sh, fd, entry);

    if (r == 0) {
        r = add_open(sh, entry->ino, fd, flags, out);
        if (r < 0)
            inode_forget(sh->inodes, entry->ino, 1);
        else
            entry->attr_timeout = ops_attr_timeout(sh, entry->ino, &entry->attr);
    }
    if (r < 0)
        fd_budget_close(sh->fds, fd);
    return r;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    struct fuse_entry_param entry;
    struct reply_create out;
    int fd = -1, r = ops_parent(sh, parent, name, &dir);

    if (r == 0)
        r = take_fd(sh);
    if (r == 0) {
        fd = create_file(req, parent, dir.fd, name, mode, fi->flags);
        if (fd < 0)
            fd_budget_give(sh->fds);
        r = fd < 0 ? fd : add_new(sh, fd, fi->flags, &entry, &out.open);
    }
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    reply_make_entry(&entry, &out.entry);
    if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT) {
        backing_release(sh->files, out.open.fh);
        inode_forget(sh->inodes, entry.ino, 1);
    }
}

static int make_tmpfile(struct shifter *sh, const struct ops_caller *who, uint64_t dir, int flags,
                        mode_t mode)
{
    cleanup_inode_fd struct inode_fd d = INODE_FD_NONE;
    cleanup_new struct ops_new new = OPS_NEW_NONE;
    int r = inode_path_fd(sh->inodes, dir, &d);
    cleanup_close int fd = -1;

    if (r == 0)
        r = ops_new_begin(sh, who, dir, S_IFREG | (mode & 07777), &new);
    if (r < 0)
        return r;
    /* O_EXCL is kept: it says that the file is never to be linked. */
    fd = openat(d.fd, ".", (flags & (LOWER_FLAGS | O_EXCL)) | O_TMPFILE | O_CLOEXEC,
                new.mode & 07777);
    r = fd < 0 ? -errno : ops_new_end_fd(sh, &new, fd);
    return r < 0 ? r : steal_fd(&fd);
}

int ops_make_tmpfile(struct shifter *sh, const struct ops_caller *who, uint64_t dir, int flags,
                     mode_t mode, struct fuse_entry_param *entry, struct protocol_open_out *out)
{
    cleanup_close int path = -1;
    int fd, r = take_fd(sh);

    if (r < 0)
        return r;
    fd = make_tmpfile(sh, who, dir, flags, mode);
    if (fd < 0) {
        fd_budget_give(sh->fds);
        return fd;
    }
    path = sys_reopen(fd, O_PATH);
    r = add_new(sh, fd, flags, entry, out);
    /* It never had a name: the node has to outlive this open (inode_keep). */
    if (r == 0 && path >= 0)
        inode_keep(sh->inodes, &path);
    return r;
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    backing_release(ops_shifter(req)->files, fi->fh);
    fuse_reply_err(req, 0);
}
