/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/raw.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "shifter/device.h"
#include "shifter/ops.h"
#include "shifter/reply.h"

#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

/* Returns 0, or -ENOENT where the caller was interrupted and nobody waits for this reply. */
static int reply(int dev_fd, const struct fuse_in_header *in, int error, const void *body,
                 size_t size)
{
    struct fuse_out_header out = {
        .len = (uint32_t)(sizeof(out) + size),
        .error = error,
        .unique = in->unique,
    };
    struct iovec iov[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)body, size}};

    return device_reply(dev_fd, iov, size > 0 ? 2 : 1) < 0 ? -errno : 0;
}

static void do_tmpfile(struct shifter *sh, int dev_fd, const struct fuse_in_header *in,
                       const struct fuse_create_in *arg)
{
    struct ops_caller who = {in->uid, in->gid, arg->umask};
    struct fuse_entry_param entry;
    struct reply_create out;
    uint64_t fh;
    int r = ops_make_tmpfile(sh, &who, in->nodeid, (int)arg->flags, arg->mode, &entry, &out.open);

    if (r < 0) {
        reply(dev_fd, in, r, NULL, 0);
        return;
    }
    fh = out.open.fh;
    reply_make_entry(&entry, &out.entry);
    if (reply(dev_fd, in, 0, &out, sizeof(out)) < 0) {
        backing_release(sh->files, fh);
        inode_forget(sh->inodes, entry.ino, 1);
    }
}

static struct fuse_sx_time sx_time(struct timespec t)
{
    return (struct fuse_sx_time){.tv_sec = t.tv_sec, .tv_nsec = (uint32_t)t.tv_nsec};
}

static void statx_out(const struct sys_stat *s, struct fuse_statx *out)
{
    const struct stat *st = &s->st;

    *out = (struct fuse_statx){
        .mask = STATX_BASIC_STATS | (s->has_btime ? STATX_BTIME : 0),
        .blksize = (uint32_t)st->st_blksize,
        .nlink = (uint32_t)st->st_nlink,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .mode = (uint16_t)st->st_mode,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .blocks = (uint64_t)st->st_blocks,
        .atime = sx_time(st->st_atim),
        .btime = sx_time(s->btime),
        .ctime = sx_time(st->st_ctim),
        .mtime = sx_time(st->st_mtim),
        .rdev_major = major(st->st_rdev),
        .rdev_minor = minor(st->st_rdev),
    };
}

/* What GETATTR says, and the birth time: the kernel asks this way where a caller wants that. */
static void do_statx(struct shifter *sh, int dev_fd, const struct fuse_in_header *in,
                     const struct fuse_statx_in *arg)
{
    struct fuse_statx_out out = {0};
    cleanup_inode_fd struct inode_fd f = INODE_FD_BORROWED(backing_fd(arg->fh));
    struct sys_stat st;
    int r = 0;

    if (!(arg->getattr_flags & FUSE_GETATTR_FH) || arg->fh == 0)
        r = inode_path_fd(sh->inodes, in->nodeid, &f);
    if (r == 0)
        r = inode_stat(sh->inodes, in->nodeid, f.fd, &st);
    if (r < 0) {
        reply(dev_fd, in, r, NULL, 0);
        return;
    }
    ops_shift_stat(sh, &st.st);
    statx_out(&st, &out.stat);
    reply_make_valid(ops_attr_timeout(sh, in->nodeid, &st.st), &out.attr_valid,
                     &out.attr_valid_nsec);
    reply(dev_fd, in, 0, &out, sizeof(out));
}

/* The arguments are the header, the name with its NUL, and `size` bytes of value. */
static void do_setxattr(struct shifter *sh, int dev_fd, const struct fuse_in_header *in,
                        const struct fuse_setxattr_in *arg, size_t arg_size)
{
    const char *name = (const char *)(arg + 1);
    size_t room = arg_size - sizeof(*arg);
    size_t name_size = strnlen(name, room) + 1;
    int r;

    if (name_size > room || arg->size > room - name_size)
        r = -EINVAL;
    else
        r = ops_apply_setxattr(
            sh, &(struct ops_caller){.uid = in->uid, .gid = in->gid}, in->nodeid,
            &(struct ops_xattr){name, name + name_size, arg->size, (int)arg->flags,
                                !(arg->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID)});
    reply(dev_fd, in, r, NULL, 0);
}

/* Like libfuse's own line for those that it parses. */
static void log_request(const struct fuse_in_header *in, const char *name)
{
    log_debug("unique: %llu, opcode: %s (%u), nodeid: %llu, insize: %u, pid: %u",
              (unsigned long long)in->unique, name, in->opcode, (unsigned long long)in->nodeid,
              in->len, in->pid);
}

bool raw_handle(struct shifter *sh, int dev_fd, bool setxattr_ext, const void *buf, size_t size)
{
    const struct fuse_in_header *in = buf;
    size_t arg_size = size - sizeof(*in);

    switch (in->opcode) {
    case FUSE_TMPFILE:
        if (arg_size < sizeof(struct fuse_create_in))
            return false;
        log_request(in, "TMPFILE");
        do_tmpfile(sh, dev_fd, in, (const void *)(in + 1));
        return true;
    case FUSE_STATX:
        if (arg_size < sizeof(struct fuse_statx_in))
            return false;
        log_request(in, "STATX");
        do_statx(sh, dev_fd, in, (const void *)(in + 1));
        return true;
    case FUSE_SETXATTR:
        if (!setxattr_ext || arg_size < sizeof(struct fuse_setxattr_in))
            return false;
        log_request(in, "SETXATTR");
        do_setxattr(sh, dev_fd, in, (const void *)(in + 1), arg_size);
        return true;
    default:
        return false;
    }
}
