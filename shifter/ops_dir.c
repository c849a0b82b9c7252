/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories. The offset of an entry is the one that the lower's file system gave it (d_off), so
 * a directory that changes while it is read loses and doubles nothing that the lower would not.
 */
#include "base/cleanup.h"
#include "shifter/dir_ends.h"
#include "shifter/ops.h"
#include "shifter/protocol.h"
#include "shifter/worker.h"

#include <dirent.h>
#include <pthread.h>
#include <string.h>

/* lseek(2) and getdents64(2) of one directory fd must not mix with another thread's. */
#define N_LOCKS 64
static pthread_mutex_t position_locks[N_LOCKS] = {
    [0 ... N_LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER,
};

/*
 * True where directories are read without being opened: an image that nobody changes, on a file
 * system whose offsets mean the same in every open (they are what its file handles' world, NFS,
 * asks of it). ENOSYS tells the kernel so, and spares two requests for each directory walked.
 */
static bool stateless(const struct shifter *sh)
{
    return sh->cache == CACHE_ALWAYS && inode_table_has_handles(sh->inodes);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct shifter *sh = ops_shifter(req);
    int r = stateless(sh) ? -ENOSYS : fd_budget_take(sh->fds);
    int fd;

    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    fd = inode_open(sh->inodes, ino, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        fd_budget_give(sh->fds);
        fuse_reply_err(req, -fd);
        return;
    }
    fi->fh = (uint64_t)fd;
    fi->cache_readdir = fi->keep_cache = sh->cache == CACHE_ALWAYS;
    if (fuse_reply_open(req, fi) == -ENOENT)
        fd_budget_close(sh->fds, fd);
}

static int dir_fd(struct shifter *sh, fuse_ino_t ino, const struct fuse_file_info *fi, int *own)
{
    return ops_open_fd(sh, ino, fi->fh, O_RDONLY | O_DIRECTORY, own);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fd_budget_close(ops_shifter(req)->fds, (int)fi->fh);
    fuse_reply_err(req, 0);
}

static ssize_t read_at(int fd, off_t off, void *buf, size_t size)
{
    pthread_mutex_t *lock = &position_locks[(unsigned)fd % N_LOCKS];
    ssize_t n = -1;

    pthread_mutex_lock(lock);
    if (lseek(fd, off, SEEK_SET) >= 0)
        n = getdents64(fd, buf, size);
    n = n < 0 ? -errno : n;
    pthread_mutex_unlock(lock);
    return n;
}

struct filling {
    fuse_req_t req;
    fuse_ino_t dir;
    char *buf;
    size_t size, used;
};

static ino_t shown_ino(const struct filling *f, const struct dirent64 *d)
{
    return inode_shown_ino(ops_shifter(f->req)->inodes, f->dir, d->d_ino);
}

/* Adds one entry; false where it does not fit any more. */
/* Of what may be shown as something else than it is on disk, readdir(3) does not tell. */
static mode_t entry_type(const struct filling *f, const struct dirent64 *d)
{
    bool sure = d->d_type != DT_REG || !override_has_types(&ops_shifter(f->req)->override);

    return (mode_t)(sure ? d->d_type : DT_UNKNOWN) << 12;
}

static bool add_plain(struct filling *f, const struct dirent64 *d)
{
    struct stat st = {.st_ino = shown_ino(f, d), .st_mode = entry_type(f, d)};
    size_t n =
        fuse_add_direntry(f->req, f->buf + f->used, f->size - f->used, d->d_name, &st, d->d_off);

    if (n > f->size - f->used)
        return false;
    f->used += n;
    return true;
}

static bool add_plus(struct filling *f, int dir_fd, const struct dirent64 *d)
{
    struct shifter *sh = ops_shifter(f->req);
    struct fuse_entry_param entry;
    bool counted = false;
    size_t n;

    /* Does it fit at all? A lookup that is not sent would have to be taken back. */
    if (fuse_add_direntry_plus(f->req, NULL, 0, d->d_name, NULL, 0) > f->size - f->used)
        return false;
    if (sys_name_ok(d->d_name))
        counted = ops_make_entry_at(sh, dir_fd, d->d_name, &entry) == 0;
    if (!counted) {
        /* "." and "..", or gone meanwhile: a name only. The kernel looks up what it needs. */
        memset(&entry, 0, sizeof(entry));
        entry.attr.st_ino = shown_ino(f, d);
        entry.attr.st_mode = entry_type(f, d);
    }
    n = fuse_add_direntry_plus(f->req, f->buf + f->used, f->size - f->used, d->d_name, &entry,
                               d->d_off);
    f->used += n;
    return true;
}

/* Takes back the lookups of a reply that never reached the kernel. */
static void forget_all(struct filling *f)
{
    const struct fuse_direntplus *d;

    for (size_t at = 0; at < f->used; at += FUSE_DIRENTPLUS_SIZE(d)) {
        d = (const void *)(f->buf + at);
        if (d->entry_out.nodeid != 0)
            inode_forget(ops_shifter(f->req)->inodes, d->entry_out.nodeid, 1);
    }
}

/* Bytes of getdents64 that about fill `size` bytes of reply: names of an ordinary length. */
static size_t lower_size(size_t size, bool plus)
{
    size_t want = plus ? size / 5 : size;

    /* At least the longest name. */
    return want < 512 ? 512 : want;
}

/*
 * Turns n bytes of entries into as much of the reply as there is room for. Returns the offset of
 * the last one, or -1 where not all had room.
 */
static off_t convert(struct filling *f, int fd, const char *raw, ssize_t n, bool plus)
{
    off_t last = -1;

    for (ssize_t at = 0; at < n;) {
        const struct dirent64 *d = (const void *)(raw + at);

        if (!ops_is_hidden_at(ops_shifter(f->req), fd, d->d_name, d->d_type) &&
            !(plus ? add_plus(f, fd, d) : add_plain(f, d)))
            return -1;
        at += d->d_reclen;
        last = d->d_off;
    }
    return last;
}

/* Is there nothing behind what was just read through fd, which nobody else has? */
static bool ends_here(int fd, char *raw, size_t size, ssize_t n)
{
    /* With room for one more of any length the end is likely, and worth a look. */
    return size - (size_t)n >= sizeof(struct dirent64) && getdents64(fd, raw, size) == 0;
}

/* unopened: a directory without an OPENDIR (stateless()); fd is this request's own. */
static void fill(struct filling *f, int fd, off_t off, bool plus, bool unopened)
{
    struct dir_ends *ends = ops_shifter(f->req)->dir_ends;
    size_t size = lower_size(f->size, plus);
    char *raw = f->buf + f->size;
    uint32_t begun = unopened ? dir_ends_begin(ends, f->dir) : 0;
    off_t last = off;
    ssize_t n;

    /* Where all that was read is hidden, an empty reply would be the end. */
    do {
        n = read_at(fd, last, raw, size);
        if (n < 0) {
            fuse_reply_err(f->req, (int)-n);
            return;
        }
        last = convert(f, fd, raw, n, plus);
    } while (n > 0 && f->used == 0 && last >= 0);
    if (unopened && last >= 0 && ends_here(fd, raw, size, n))
        dir_ends_note(ends, f->dir, begun, last);
    if (fuse_reply_buf(f->req, f->buf, f->used) == -ENOENT && plus)
        forget_all(f);
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                       struct fuse_file_info *fi, bool plus)
{
    /* The reply, and behind it the lower's entries; both want to lie on 8 bytes. */
    struct filling f = {.req = req, .dir = ino, .size = size & ~(size_t)7};
    struct shifter *sh = ops_shifter(req);
    cleanup_close int own = -1;
    int fd;

    if (fi->fh == 0 && dir_ends_take(sh->dir_ends, ino, off)) {
        fuse_reply_buf(req, NULL, 0);
        return;
    }
    fd = dir_fd(sh, ino, fi, &own);
    f.buf = worker_scratch(f.size + lower_size(f.size, plus));
    if (fd < 0 || !f.buf)
        fuse_reply_err(req, fd < 0 ? -fd : ENOMEM);
    else
        fill(&f, fd, off, plus, own >= 0);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    do_readdir(req, ino, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    do_readdir(req, ino, size, off, fi, true);
}
