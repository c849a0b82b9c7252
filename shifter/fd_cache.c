/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/fd_cache.h"

#include "shifter/fd_budget.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define PLACES 256u

struct place {
    uint64_t id, generation;
    int fd; /* -1: free */
    unsigned users;
};

struct fd_cache {
    pthread_mutex_t lock;
    struct fd_budget *fds;
    struct place places[PLACES];
};

struct fd_cache *fd_cache_new(struct fd_budget *fds)
{
    struct fd_cache *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->fds = fds;
    for (unsigned i = 0; i < PLACES; i++)
        c->places[i].fd = -1;
    return c;
}

void fd_cache_free(struct fd_cache *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        if (c->places[i].fd >= 0)
            close(c->places[i].fd);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool is_of(const struct place *p, uint64_t id, uint64_t generation)
{
    return p->fd >= 0 && p->id == id && p->generation == generation;
}

int fd_cache_get(struct fd_cache *c, uint64_t id, uint64_t generation, uint32_t *place)
{
    struct place *p = &c->places[id % PLACES];
    int fd = -1;

    pthread_mutex_lock(&c->lock);
    if (is_of(p, id, generation)) {
        p->users++;
        fd = p->fd;
        *place = (uint32_t)(id % PLACES);
    }
    pthread_mutex_unlock(&c->lock);
    return fd;
}

bool fd_cache_put(struct fd_cache *c, uint64_t id, uint64_t generation, int fd, uint32_t *place)
{
    struct place *p = &c->places[id % PLACES];
    bool taken = false;
    int old = -1;

    if (fd_budget_take_for_inode(c->fds) < 0)
        return false;
    pthread_mutex_lock(&c->lock);
    if (p->users == 0) {
        old = p->fd;
        *p = (struct place){id, generation, fd, 1};
        *place = (uint32_t)(id % PLACES);
        taken = true;
    }
    pthread_mutex_unlock(&c->lock);
    if (old >= 0)
        fd_budget_close(c->fds, old);
    if (!taken)
        fd_budget_give(c->fds);
    return taken;
}

void fd_cache_release(struct fd_cache *c, uint32_t place)
{
    pthread_mutex_lock(&c->lock);
    c->places[place].users--;
    pthread_mutex_unlock(&c->lock);
}

void fd_cache_forget(struct fd_cache *c, uint64_t id, uint64_t generation)
{
    struct place *p = &c->places[id % PLACES];
    int fd = -1;

    pthread_mutex_lock(&c->lock);
    if (is_of(p, id, generation) && p->users == 0) {
        fd = p->fd;
        p->fd = -1;
    }
    pthread_mutex_unlock(&c->lock);
    if (fd >= 0)
        fd_budget_close(c->fds, fd);
}
