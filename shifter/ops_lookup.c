/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "shifter/ops.h"

#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    struct fuse_entry_param none = {.ino = 0, .entry_timeout = sh->timeout};
    struct fuse_entry_param entry;
    int r = ops_is_hidden(sh, name) ? -ENOENT : ops_parent(sh, parent, name, &dir);

    if (r == 0)
        r = ops_make_entry_at(sh, dir.fd, name, &entry);
    if (r == 0 && inode_keeps_names(sh->inodes, &entry.attr))
        inode_note_name(sh->inodes, entry.ino, parent, name);
    if (r == -ENOENT && sh->timeout > 0)
        /* Node id 0: "there is none", which the kernel may remember like any other entry. */
        fuse_reply_entry(req, &none);
    else if (r < 0)
        fuse_reply_err(req, -r);
    else if (fuse_reply_entry(req, &entry) == -ENOENT)
        inode_forget(sh->inodes, entry.ino, 1);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
    inode_forget(ops_shifter(req)->inodes, ino, nlookup);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        inode_forget(ops_shifter(req)->inodes, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    char target[PATH_MAX + 1];
    int r = inode_path_fd(ops_shifter(req)->inodes, ino, &f);
    ssize_t n;

    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    n = readlinkat(f.fd, "", target, sizeof(target) - 1);
    if (n < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    target[n] = '\0';
    fuse_reply_readlink(req, target);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    cleanup_inode_fd struct inode_fd f = INODE_FD_NONE;
    struct statvfs st;
    int r = inode_path_fd(ops_shifter(req)->inodes, ino, &f);

    if (r == 0 && fstatvfs(f.fd, &st) < 0)
        r = -errno;
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        fuse_reply_statfs(req, &st);
}
