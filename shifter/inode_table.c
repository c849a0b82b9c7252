/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the inode table is made, looked at as a whole, and ends. */
#include "shifter/inode_table.h"

#include "base/cleanup.h"
#include "shifter/inode.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>

bool inode_table_has_handles(const struct inode_table *t)
{
    return lower_handle_fd(t->lower, 0) >= 0;
}

unsigned inode_table_stack_depth(const struct inode_table *t)
{
    return lower_is_stacked(t->lower) ? 2 : 1;
}

void inode_table_count(const struct inode_table *t, uint64_t *slots, uint64_t *lookups)
{
    slots_count(&t->slots, slots, lookups);
}

void inode_table_each(const struct inode_table *t,
                      void (*fn)(uint32_t id, struct slot *s, void *arg), void *arg)
{
    slots_each(&t->slots, fn, arg);
}

/*
 * The root has its slot from the start, by an fd whatever the file system offers. The directory
 * around the lower is on no mount of it, and is found by no identity: number 0 is nobody's.
 */
static int add_root(struct inode_table *t, int root_fd, int outside_fd)
{
    struct identity who = {.type = S_IFDIR, .has_handle = false};
    struct sys_stat st;
    cleanup_close int fd = sys_reopen(outside_fd >= 0 ? outside_fd : root_fd, O_PATH);
    uint32_t s;
    int r;

    if (fd < 0)
        return fd;
    r = sys_stat(fd, &st);
    if (r < 0)
        return r;
    who.ino = outside_fd >= 0 ? 0 : st.st.st_ino;
    r = slots_add(&t->slots, &who, &fd, &s);
    if (r == 0)
        slot_of(t, s)->nlookup = 1;
    return r;
}

static bool is_overlay(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

int inode_table_new(const struct inode_table_setup *setup, struct inode_table **out, struct err *e)
{
    struct inode_table *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return err_set(e, -ENOMEM, "inode table");
    pthread_mutex_init(&t->lock, NULL);
    t->fds = setup->fds;
    t->files = setup->files;
    t->override = setup->override;
    t->count_links = setup->count_links;
    t->keep_names = setup->keep_names && is_overlay(setup->root_fd);
    t->recent = fd_cache_new(setup->fds);
    r = slots_init(&t->slots);
    if (!t->recent)
        r = -ENOMEM;
    if (r == 0)
        r = lower_new(setup->root_fd, setup->by_handle, setup->split_links, &t->lower);
    if (r == 0 && setup->short_inos)
        lower_show_short_inos(t->lower);
    if (r == 0)
        r = add_root(t, setup->root_fd, setup->outside_fd);
    if (r < 0) {
        inode_table_free(t);
        return err_set(e, r, "inode table over the lower");
    }
    *out = t;
    return 0;
}

static void close_slot(uint32_t n, struct slot *s, void *arg)
{
    int fd = fd_of_slot(s);

    (void)n;
    (void)arg;
    if (fd >= 0)
        close(fd);
}

void inode_table_free(struct inode_table *t)
{
    slots_each(&t->slots, close_slot, NULL);
    slots_release(&t->slots);
    fd_cache_free(t->recent);
    if (t->lower)
        lower_free(t->lower);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
