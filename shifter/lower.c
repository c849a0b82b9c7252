/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/lower.h"

#include "base/cleanup.h"

#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/vfs.h>

/* More mounts below one image than a person would make; a bound for the table. */
#define MAX_MOUNTS 4096

struct lower_mount {
    uint64_t mnt_id;
    dev_t dev;
    unsigned dev_index; /* of the first mount of this device: 0 for the image's own */
    int handle_fd;      /* -1: no handles */
    bool fuse;
};

struct lower {
    bool use_handles, split_links, stacked, short_inos;
    atomic_uint_fast64_t alone; /* the last number that node_of() has made */
    pthread_mutex_t lock;
    atomic_uint n; /* entries below it are complete */
    struct lower_mount mounts[MAX_MOUNTS];
};

static bool is_fuse(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) < 0 || fs.f_type == FUSE_SUPER_MAGIC;
}

/*
 * Handles must lead back to the inode for as long as the image lives. Those of another FUSE file
 * system do so only while its kernel side remembers the inode, so they are not used.
 */
static bool gives_handles(int fd)
{
    struct sys_handle h;
    cleanup_close int back = -1;

    if (is_fuse(fd) || sys_handle_of(fd, &h) < 0)
        return false;
    back = sys_open_handle(fd, &h, O_PATH);
    return back >= 0;
}

/* Only directories are opened here: a bind mount of anything else goes without handles. */
static int handle_fd_for(const struct lower *l, int fd, const struct sys_stat *st)
{
    cleanup_close int dir = -1;

    if (!l->use_handles || !S_ISDIR(st->st.st_mode))
        return -1;
    dir = sys_reopen(fd, O_RDONLY | O_DIRECTORY);
    if (dir < 0 || !gives_handles(dir))
        return -1;
    return steal_fd(&dir);
}

static int find(const struct lower *l, unsigned n, const struct sys_stat *st)
{
    for (unsigned i = 0; i < n; i++)
        if (l->mounts[i].dev == st->st.st_dev && l->mounts[i].mnt_id == st->mnt_id)
            return (int)i;
    return -1;
}

/* For a mount that is to be the n-th. */
static unsigned dev_index(const struct lower *l, unsigned n, dev_t dev)
{
    for (unsigned i = 0; i < n; i++)
        if (l->mounts[i].dev == dev)
            return l->mounts[i].dev_index;
    return n;
}

/* The index of the mount that fd lies on; one met for the first time is added. */
static int mount_of(struct lower *l, int fd, const struct sys_stat *st)
{
    unsigned n = atomic_load_explicit(&l->n, memory_order_acquire);
    int i = find(l, n, st);

    if (i >= 0)
        return i;
    pthread_mutex_lock(&l->lock);
    n = atomic_load_explicit(&l->n, memory_order_relaxed);
    i = find(l, n, st);
    if (i < 0 && n < MAX_MOUNTS) {
        l->mounts[n].mnt_id = st->mnt_id;
        l->mounts[n].dev = st->st.st_dev;
        l->mounts[n].dev_index = dev_index(l, n, st->st.st_dev);
        l->mounts[n].handle_fd = handle_fd_for(l, fd, st);
        l->mounts[n].fuse = is_fuse(fd);
        atomic_store_explicit(&l->n, n + 1, memory_order_release);
        i = (int)n;
    }
    pthread_mutex_unlock(&l->lock);
    return i < 0 ? -ENFILE : i;
}

int lower_known_mount(const struct lower *l, const struct sys_stat *st)
{
    return find(l, atomic_load_explicit(&l->n, memory_order_acquire), st);
}

ino_t lower_shown_ino(const struct lower *l, unsigned index, ino_t ino)
{
    ino_t shown = ino ^ ((ino_t)l->mounts[index].dev_index << 48);

    if (!l->short_inos)
        return shown;
    /* overlayfs has the layer in upper bits; a number of 0 is no file to readdir(3). */
    shown = (shown ^ (shown >> 32)) & UINT32_MAX;
    return shown ? shown : 1;
}

void lower_show_short_inos(struct lower *l)
{
    l->short_inos = true;
}

int lower_handle_fd(const struct lower *l, unsigned index)
{
    return l->mounts[index].handle_fd;
}

bool lower_is_stacked(const struct lower *l)
{
    return l->stacked;
}

static bool is_stacked(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 &&
           (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == FUSE_SUPER_MAGIC ||
            fs.f_type == ECRYPTFS_SUPER_MAGIC);
}

/*
 * What tells an inode without a handle apart from others of its number, or 0: on another FUSE file
 * system its node there; where names of one inode are not one (split_links), a number of its own.
 */
static uint64_t node_of(struct lower *l, unsigned index, int fd, const struct sys_stat *st)
{
    if (l->split_links && S_ISREG(st->st.st_mode) && st->st.st_nlink > 1)
        return atomic_fetch_add(&l->alone, 1) + 1;
    return l->mounts[index].fuse ? sys_fuse_node_of(fd) : 0;
}

int lower_identify(struct lower *l, int fd, const struct sys_stat *st, struct identity *out)
{
    int mount = mount_of(l, fd, st);

    if (mount < 0)
        return mount;
    out->ino = st->st.st_ino;
    out->mount = (uint16_t)mount;
    out->type = (uint16_t)(st->st.st_mode & S_IFMT);
    out->has_handle = lower_handle_fd(l, out->mount) >= 0 && sys_handle_of(fd, &out->handle) == 0 &&
                      out->handle.type >= 0 && out->handle.type <= UINT8_MAX &&
                      out->handle.bytes > 0 && out->handle.bytes <= SYS_HANDLE_MAX;
    out->node = out->has_handle ? 0 : node_of(l, out->mount, fd, st);
    return 0;
}

int lower_new(int root_fd, bool use_handles, bool split_links, struct lower **out)
{
    struct lower *l = calloc(1, sizeof(*l));
    struct sys_stat st;
    int r;

    if (!l)
        return -ENOMEM;
    l->use_handles = use_handles;
    l->split_links = split_links;
    l->stacked = is_stacked(root_fd);
    pthread_mutex_init(&l->lock, NULL);
    r = sys_stat(root_fd, &st);
    if (r == 0)
        r = mount_of(l, root_fd, &st);
    if (r < 0) {
        lower_free(l);
        return r;
    }
    *out = l;
    return 0;
}

void lower_free(struct lower *l)
{
    unsigned n = atomic_load(&l->n);

    for (unsigned i = 0; i < n; i++)
        if (l->mounts[i].handle_fd >= 0)
            close(l->mounts[i].handle_fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
