/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind inode.h: for inode.c and inode_table.c only. */
#ifndef SHIFTER_INODE_TABLE_H
#define SHIFTER_INODE_TABLE_H

#include "shifter/backing.h"
#include "shifter/fd_budget.h"
#include "shifter/fd_cache.h"
#include "shifter/lower.h"
#include "shifter/slots.h"

#include <pthread.h>

#define ROOT_SLOT FIRST_SLOT

struct inode_table {
    struct lower *lower;
    struct fd_budget *fds; /* each slot's fd and kept fd counts */
    struct backing_table *files;
    const struct override *override;
    bool count_links, keep_names;
    struct fd_cache *recent; /* of inodes that are known by handles */
    pthread_mutex_t lock;
    struct slots slots; /* lock; see slots.h for what is read without */
};

static inline struct slot *slot_of(const struct inode_table *t, uint64_t id)
{
    return slots_at(&t->slots, id);
}

/* The fd that a slot has, or -1: then it is reached by its handle. */
static inline int fd_of_slot(const struct slot *s)
{
    return s->handle_bytes == 0 ? s->fd : atomic_load(&s->kept_fd);
}

#endif
