/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that make, move and remove names. */
#include "base/cleanup.h"
#include "shifter/dir_links.h"
#include "shifter/ops.h"

#include <stdio.h>

/* Both halves of a creation: where, and as whom. */
static int begin_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                        struct inode_fd *dir, struct ops_new *new)
{
    int r = ops_parent(ops_shifter(req), parent, name, dir);

    return r < 0 ? r : ops_new_begin_for(req, parent, mode, new);
}

/* A file that is to get an attribute is made by open(2), which holds on to it. */
static int make_file(const struct shifter *sh, struct ops_new *new, int dir_fd, const char *name)
{
    cleanup_close int fd = openat(
        dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, new->mode & 07777);
    int r = fd < 0 ? -errno : ops_new_end_fd(sh, new, fd);

    if (r < 0 && fd >= 0)
        unlinkat(dir_fd, name, 0);
    return r;
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    cleanup_new struct ops_new new = OPS_NEW_NONE;
    int r = begin_create(req, parent, name, mode, &dir, &new);

    if (r == 0 && new.by_attribute) {
        r = make_file(ops_shifter(req), &new, dir.fd, name);
    } else if (r == 0) {
        r = mknodat(dir.fd, name, new.mode, rdev) < 0 ? -errno : 0;
        r = ops_new_end(ops_shifter(req), &new, r, dir.fd, name);
    }
    ops_reply_entry_at(req, r, dir.fd, name, mode);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct shifter *sh = ops_shifter(req);
    struct dir_links *links = inode_dir_links(sh->inodes, parent);
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    cleanup_new struct ops_new new = OPS_NEW_NONE;
    int r = begin_create(req, parent, name, S_IFDIR | (mode & 07777), &dir, &new);

    if (r == 0) {
        dir_links_begin(links);
        r = mkdirat(dir.fd, name, new.mode & 07777) < 0 ? -errno : 0;
        r = ops_new_end(sh, &new, r, dir.fd, name);
        dir_links_end(links, r == 0);
    }
    ops_reply_entry_at(req, r, dir.fd, name, S_IFDIR);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    cleanup_new struct ops_new new = OPS_NEW_NONE;
    int r = begin_create(req, parent, name, S_IFLNK | 0777, &dir, &new);

    if (r == 0) {
        r = symlinkat(target, dir.fd, name) < 0 ? -errno : 0;
        r = ops_new_end(ops_shifter(req), &new, r, dir.fd, name);
    }
    ops_reply_entry_at(req, r, dir.fd, name, S_IFLNK);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE, f = INODE_FD_NONE;
    int r = ops_parent(sh, new_parent, new_name, &dir);

    if (r == 0)
        r = inode_path_fd_to_change(sh->inodes, ino, &f);
    /* A link is nobody's new file, yet only those who may make files may make one. */
    if (r == 0)
        r = ops_check_caller(req);
    if (r == 0)
        r = sys_link(f.fd, dir.fd, new_name);
    ops_reply_entry_at(req, r, dir.fd, new_name, inode_type(sh->inodes, ino));
}

/* What file systems say of a directory that cannot go for what is in it. */
static bool looks_not_empty(int r)
{
    return r == -ENOTEMPTY || r == -EEXIST;
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
    struct shifter *sh = ops_shifter(req);
    struct dir_links *links = flags & AT_REMOVEDIR ? inode_dir_links(sh->inodes, parent) : NULL;
    cleanup_inode_fd struct inode_fd dir = INODE_FD_NONE;
    cleanup_close int victim = -1;
    int r = ops_parent(sh, parent, name, &dir);

    if (r == 0) {
        victim = sys_open_path_at(dir.fd, name);
        dir_links_begin(links);
        r = unlinkat(dir.fd, name, flags) < 0 ? -errno : 0;
        if (looks_not_empty(r) && ops_empty_hidden(sh, dir.fd, name) == 0)
            r = unlinkat(dir.fd, name, flags) < 0 ? -errno : 0;
        dir_links_end(links, r == 0 ? -1 : 0);
    }
    if (r == 0 && victim >= 0)
        inode_keep(sh->inodes, &victim);
    fuse_reply_err(req, -r);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, AT_REMOVEDIR);
}

static bool is_directory(int dir_fd, const char *name)
{
    struct sys_stat st;

    return sys_stat_at(dir_fd, name, &st) == 0 && S_ISDIR(st.st.st_mode);
}

struct move {
    struct shifter *sh;
    fuse_ino_t from, to; /* directories */
    int from_fd, to_fd;
    const char *name, *new_name;
    unsigned flags;
};

/* A file that moves leaves the links of both directories as they are. */
static int move_name(const struct move *m)
{
    struct dir_links *from = inode_dir_links(m->sh->inodes, m->from);
    struct dir_links *to = inode_dir_links(m->sh->inodes, m->to);
    int r, more = 0;

    dir_links_begin(from);
    dir_links_begin(to);
    r = sys_rename(m->from_fd, m->name, m->to_fd, m->new_name, m->flags);
    if (r == 0 && (from || to) &&
        ((m->flags & RENAME_EXCHANGE) || is_directory(m->to_fd, m->new_name)))
        more = DIR_LINKS_UNKNOWN;
    dir_links_end(from, more);
    dir_links_end(to, more);
    return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct shifter *sh = ops_shifter(req);
    cleanup_inode_fd struct inode_fd from = INODE_FD_NONE, to = INODE_FD_NONE;
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    cleanup_close int victim = -1;
    struct move m;
    int r = ops_parent(sh, parent, name, &from);

    if (r == 0)
        r = ops_parent(sh, new_parent, new_name, &to);
    if (r == 0 && !(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
        victim = sys_open_path_at(to.fd, new_name);
    /* A name that was not there is made, and only those who may make files may make one. */
    if (r == 0 && victim < 0 && !(flags & RENAME_EXCHANGE))
        r = ops_check_caller(req);
    /* RENAME_WHITEOUT leaves a device node behind: a new file, so the caller's. */
    if (r == 0 && (flags & RENAME_WHITEOUT))
        r = ops_become_caller(req, &scope);
    m = (struct move){sh, parent, new_parent, from.fd, to.fd, name, new_name, flags};
    if (r == 0)
        r = move_name(&m);
    if (looks_not_empty(r) && victim >= 0 && ops_empty_hidden(sh, to.fd, new_name) == 0)
        r = move_name(&m);
    if (r == 0 && victim >= 0)
        inode_keep(sh->inodes, &victim);
    fuse_reply_err(req, -r);
}
