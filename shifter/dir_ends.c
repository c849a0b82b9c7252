/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/dir_ends.h"

#include <pthread.h>
#include <stdlib.h>

#define PLACES 64u

struct place {
    uint64_t id; /* whoever began last */
    off_t off;   /* where it ends, if that is known */
    uint32_t begun;
    bool known;
};

struct dir_ends {
    pthread_mutex_t lock;
    struct place places[PLACES];
};

struct dir_ends *dir_ends_new(void)
{
    struct dir_ends *d = calloc(1, sizeof(*d));

    if (d)
        pthread_mutex_init(&d->lock, NULL);
    return d;
}

void dir_ends_free(struct dir_ends *d)
{
    if (!d)
        return;
    pthread_mutex_destroy(&d->lock);
    free(d);
}

uint32_t dir_ends_begin(struct dir_ends *d, uint64_t id)
{
    struct place *p = &d->places[id % PLACES];
    uint32_t begun;

    pthread_mutex_lock(&d->lock);
    p->id = id;
    p->known = false;
    begun = ++p->begun;
    pthread_mutex_unlock(&d->lock);
    return begun;
}

void dir_ends_note(struct dir_ends *d, uint64_t id, uint32_t begun, off_t off)
{
    struct place *p = &d->places[id % PLACES];

    pthread_mutex_lock(&d->lock);
    if (p->id == id && p->begun == begun) {
        p->off = off;
        p->known = true;
    }
    pthread_mutex_unlock(&d->lock);
}

bool dir_ends_take(struct dir_ends *d, uint64_t id, off_t off)
{
    struct place *p = &d->places[id % PLACES];
    bool known;

    pthread_mutex_lock(&d->lock);
    known = p->id == id && p->known && p->off == off;
    if (known)
        p->known = false;
    pthread_mutex_unlock(&d->lock);
    return known;
}
