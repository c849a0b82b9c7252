/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/dir_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* As many as are read at the same time, by the threads of a build say; each holds an fd. */
#define SLOTS 16

struct dir_cache {
    pthread_mutex_t lock;
    struct dir_reading slots[SLOTS];
    unsigned next; /* the one that was put longest ago */
};

struct dir_cache *dir_cache_new(void)
{
    struct dir_cache *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    for (unsigned i = 0; i < SLOTS; i++)
        c->slots[i].fd = -1;
    return c;
}

void dir_cache_free(struct dir_cache *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (c->slots[i].fd >= 0)
            close(c->slots[i].fd);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool dir_cache_take(struct dir_cache *c, uint64_t id, uint64_t generation, struct dir_reading *out)
{
    bool found = false;

    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < SLOTS && !found; i++) {
        struct dir_reading *r = &c->slots[i];

        if (r->fd < 0 || r->id != id || r->generation != generation)
            continue;
        *out = *r;
        r->fd = -1;
        found = true;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

void dir_cache_put(struct dir_cache *c, const struct dir_reading *r)
{
    int old;

    pthread_mutex_lock(&c->lock);
    old = c->slots[c->next].fd;
    c->slots[c->next] = *r;
    c->next = (c->next + 1) % SLOTS;
    pthread_mutex_unlock(&c->lock);
    if (old >= 0)
        close(old);
}
