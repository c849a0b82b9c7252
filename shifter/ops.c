/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/ops.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "shifter/backing.h"
#include "shifter/session.h"
#include "shifter/worker.h"

#include <string.h>

int ops_open_fd(struct shifter *sh, fuse_ino_t ino, uint64_t fh, int flags, int *own)
{
    if (fh != 0)
        return backing_fd(fh);
    *own = inode_open(sh->inodes, ino, flags);
    return *own;
}

void ops_shift_stat(const struct shifter *sh, struct stat *st)
{
    shift_stat_out(&sh->shift, st);
    if (sh->static_nlink && S_ISDIR(st->st_mode))
        st->st_nlink = 1;
}

double ops_attr_timeout(const struct shifter *sh, uint64_t id, const struct stat *st)
{
    bool set_id = st->st_mode & (S_ISUID | S_ISGID);

    /* What happens to the file by another of its names the kernel does not see happen to this. */
    if (sh->split_links && S_ISREG(st->st_mode) && st->st_nlink > 1)
        return 0;
    /* A write may take set-id bits, and one through a mapping moves times: nobody tells us. */
    if (S_ISREG(st->st_mode) &&
        backing_written_past_us(sh->files, inode_backing(sh->inodes, id), !set_id))
        return 0;
    return sh->timeout;
}

static void fill_entry(const struct shifter *sh, uint64_t id, uint64_t generation,
                       struct sys_stat *st, struct fuse_entry_param *out)
{
    ops_shift_stat(sh, &st->st);
    *out = (struct fuse_entry_param){
        .ino = id,
        .generation = generation,
        .attr = st->st,
        .attr_timeout = ops_attr_timeout(sh, id, &st->st),
        .entry_timeout = inode_keeps_names(sh->inodes, &st->st) ? 0 : sh->timeout,
    };
}

int ops_make_entry(struct shifter *sh, int fd, struct fuse_entry_param *out)
{
    struct sys_stat st;
    uint64_t id, generation;
    int r = inode_get(sh->inodes, fd, &id, &generation, &st);

    if (r == 0)
        fill_entry(sh, id, generation, &st, out);
    return r;
}

int ops_make_entry_at(struct shifter *sh, int dir_fd, const char *name,
                      struct fuse_entry_param *out)
{
    struct sys_stat st;
    uint64_t id, generation;
    int r = inode_get_at(sh->inodes, dir_fd, name, &id, &generation, &st);

    if (r == 0 && ops_is_whiteout(sh, &st.st)) {
        inode_forget(sh->inodes, id, 1);
        r = -ENOENT;
    }
    if (r == 0)
        fill_entry(sh, id, generation, &st, out);
    return r;
}

void ops_reply_entry_at(fuse_req_t req, int r, int dir_fd, const char *name, mode_t type)
{
    struct shifter *sh = ops_shifter(req);
    struct fuse_entry_param entry;

    if (r == 0)
        r = ops_make_entry_at(sh, dir_fd, name, &entry);
    if (r == 0 && ((entry.attr.st_mode ^ type) & S_IFMT)) {
        /* Replaced past this mount meanwhile. The kernel would refuse the reply and not count the
         * lookup (create_new_entry() in fs/fuse/dir.c); -ESTALE has it look again. */
        inode_forget(sh->inodes, entry.ino, 1);
        r = -ESTALE;
    }
    if (r < 0)
        fuse_reply_err(req, -r);
    else if (fuse_reply_entry(req, &entry) == -ENOENT)
        /* The caller was interrupted meanwhile: the kernel never counted this lookup. */
        inode_forget(sh->inodes, entry.ino, 1);
}

int ops_parent(struct shifter *sh, fuse_ino_t parent, const char *name, struct inode_fd *dir)
{
    if (!sys_name_ok(name) || ops_is_hidden(sh, name))
        return -EINVAL;
    return inode_path_fd(sh->inodes, parent, dir);
}

/*
 * The host's root, whom the mapping lacks, at work for an engine in a container's root: what podman
 * makes there before a start and copies into it is the container's root's. No process of a
 * container has that uid without its mapping having it.
 */
static bool is_engine(const struct shifter *sh, uint32_t uid)
{
    struct disk_id any;

    return sh->host_root_is_root && uid == 0 &&
           !idmap_to_disk(&sh->shift.uid, (struct mount_id){0}, &any);
}

int ops_caller_on_disk(const struct shifter *sh, const struct ops_caller *who, struct disk_id *uid,
                       struct disk_id *gid)
{
    if (is_engine(sh, who->uid)) {
        uid->v = gid->v = 0;
        return 0;
    }
    if (!idmap_to_disk(&sh->shift.uid, (struct mount_id){who->uid}, uid) ||
        !idmap_to_disk(&sh->shift.gid, (struct mount_id){who->gid}, gid))
        return -EOVERFLOW;
    return 0;
}

int ops_check_caller(fuse_req_t req)
{
    struct ops_caller who = ops_caller_of(req);
    struct disk_id uid, gid;

    return ops_caller_on_disk(ops_shifter(req), &who, &uid, &gid);
}

int ops_become_caller(fuse_req_t req, struct creds_scope *scope)
{
    struct ops_caller who = ops_caller_of(req);
    struct disk_id uid, gid;
    int r = ops_caller_on_disk(ops_shifter(req), &who, &uid, &gid);

    return r < 0 ? r : creds_enter(scope, uid, gid, who.umask);
}

int ops_content_changes(struct shifter *sh, int fd)
{
    if (!override_writes(&sh->override))
        return 0;
    return override_content_changes(&sh->override, fd, worker_keeps_privs());
}

void ops_content_changed(struct shifter *sh, fuse_ino_t ino)
{
    if (inode_take_shown_set_id(sh->inodes, ino))
        session_forget_attr(sh->session, ino);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    const struct shifter *sh = userdata;
    const unsigned wanted = FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_ATOMIC_O_TRUNC |
                            FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                            FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO |
                            FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_IOCTL_DIR;

    /* FUSE_CAP_EXPORT_SUPPORT would have the kernel ask for nodes that it does not know, by numbers
     * that whoever opens file handles has made up. Locks stay the kernel's; data never goes through
     * a pipe (SPLICE_MOVE corrupts, splice of small requests only costs); set-id bits are handled
     * per request (session.h). */
    conn->want = wanted & conn->capable;
    if (sh->no_acl)
        conn->want &= ~(unsigned)FUSE_CAP_POSIX_ACL;
    /* What a symlink says cannot change: another one is another inode. */
    if (sh->cache != CACHE_NEVER)
        conn->want |= FUSE_CAP_CACHE_SYMLINKS & conn->capable;
    if (sh->cache == CACHE_ALWAYS)
        conn->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
}

const struct fuse_lowlevel_ops ops_table = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .ioctl = op_ioctl,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .open = op_open,
    .create = op_create,
    .read = op_read,
    .write_buf = op_write_buf,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsync,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .fallocate = op_fallocate,
    .copy_file_range = op_copy_file_range,
    .lseek = op_lseek,
};
