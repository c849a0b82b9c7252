/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/backing.h"

#include "base/log.h"
#include "shifter/protocol.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE 0u
/* In a file handle, of the fd that this open has for writing. */
#define WRITER (1ULL << 63)
#define MAPPER (1ULL << 62) /* it may read too, and so may have the file mapped to write to it */

struct entry {
    uint32_t *link;      /* in the node's slot; NULL once that is gone */
    int id;              /* backing id; 0: the server carries the data */
    int fd;              /* open for reading, for any number of readers; or -1 */
    unsigned opens;      /* through fd or others */
    unsigned writers;    /* of these, with an fd of their own for writing */
    unsigned mappers;    /* of these, that may read too */
    uint32_t prev, next; /* the idle ones, oldest first; next: or the list of free entries */
};

struct backing_table {
    pthread_mutex_t lock;
    struct fd_budget *fds;
    int dev_fd;
    atomic_bool passthrough;
    struct entry *entries;
    uint32_t size, free_list;
    uint32_t idle, max_idle; /* entries in the ring whose head is entry 0 */
};

struct backing_table *backing_new(struct fd_budget *fds, unsigned max_idle)
{
    struct backing_table *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->entries = calloc(1, sizeof(*t->entries));
    if (!t->entries) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->fds = fds;
    t->size = 1;
    t->max_idle = max_idle < fds->max / 8 ? max_idle : (unsigned)(fds->max / 8);
    return t;
}

void backing_enable(struct backing_table *t, int dev_fd)
{
    t->dev_fd = dev_fd;
    t->passthrough = true;
}

bool backing_passes(const struct backing_table *t)
{
    return atomic_load(&t->passthrough);
}

static void ring_add(struct backing_table *t, uint32_t n)
{
    struct entry *e = t->entries;
    uint32_t last = e[0].prev;

    e[n].prev = last;
    e[n].next = 0;
    e[last].next = n;
    e[0].prev = n;
    t->idle++;
}

static void ring_remove(struct backing_table *t, uint32_t n)
{
    struct entry *e = t->entries;

    e[e[n].prev].next = e[n].next;
    e[e[n].next].prev = e[n].prev;
    t->idle--;
}

/* What an entry leaves behind: to be let go without the lock, since that takes its time. */
struct leftover {
    int id, fd;
};
#define NOTHING_LEFT ((struct leftover){0, -1})

static void let_go(struct backing_table *t, struct leftover l)
{
    uint32_t id = (uint32_t)l.id;

    if (l.id > 0)
        ioctl(t->dev_fd, FUSE_DEV_IOC_BACKING_CLOSE, &id);
    if (l.fd >= 0)
        fd_budget_close(t->fds, l.fd);
}

/* An entry that nobody has open and that is not in the ring. */
static struct leftover drop(struct backing_table *t, uint32_t n)
{
    struct entry *e = &t->entries[n];
    struct leftover l = {e->id, e->fd};

    if (e->link)
        *e->link = NONE;
    *e = (struct entry){.next = t->free_list};
    t->free_list = n;
    return l;
}

static struct leftover drop_oldest(struct backing_table *t)
{
    uint32_t n = t->entries[0].next;

    ring_remove(t, n);
    return drop(t, n);
}

static int take_entry(struct backing_table *t, uint32_t *out)
{
    uint32_t n = t->free_list, more;
    struct entry *grown;

    if (n == NONE) {
        more = t->size < 64 ? 64 : t->size * 2;
        grown = realloc(t->entries, more * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        memset(grown + t->size, 0, (more - t->size) * sizeof(*grown));
        t->entries = grown;
        for (n = more - 1; n >= t->size; n--) {
            grown[n].next = t->free_list;
            t->free_list = n;
        }
        t->size = more;
        n = t->free_list;
    }
    t->free_list = t->entries[n].next;
    *out = n;
    return 0;
}

/* A backing id for the file, or 0: the kernel says once why not, and then is asked no more. */
static int open_id(struct backing_table *t, int fd)
{
    struct fuse_backing_map map = {.fd = fd};
    int id = t->passthrough ? ioctl(t->dev_fd, FUSE_DEV_IOC_BACKING_OPEN, &map) : 0;

    if (id >= 0)
        return id;
    /* ELOOP: too many file systems upon each other; EPERM: CAP_SYS_ADMIN. Others are this file's.
     */
    if (errno == ELOOP || errno == EPERM || errno == ENOTTY || errno == EOPNOTSUPP) {
        log_info("no passthrough, data is copied: %s", strerror(errno));
        t->passthrough = false;
    }
    return 0;
}

static struct backing_open handle(const struct backing_table *t, uint32_t n, int fd)
{
    return (struct backing_open){(uint64_t)n << 32 | (uint32_t)fd, t->entries[n].id};
}

static bool is_idle(const struct entry *e)
{
    return e->opens == 0;
}

bool backing_reopen(struct backing_table *t, uint32_t *link, struct backing_open *out)
{
    struct entry *e;
    uint32_t n;

    pthread_mutex_lock(&t->lock);
    n = *link;
    e = n == NONE ? NULL : &t->entries[n];
    if (e && e->fd >= 0) {
        if (is_idle(e))
            ring_remove(t, n);
        e->opens++;
        *out = handle(t, n, e->fd);
    } else {
        n = NONE;
    }
    pthread_mutex_unlock(&t->lock);
    return n != NONE;
}

/* The node's entry. A new one gets the backing id *id (stolen). */
static int entry_for(struct backing_table *t, uint32_t *link, int *id, uint32_t *out)
{
    int r = 0;

    if (*link != NONE) {
        *out = *link;
        if (is_idle(&t->entries[*out]))
            ring_remove(t, *out);
        return 0;
    }
    r = take_entry(t, out);
    if (r < 0)
        return r;
    t->entries[*out] = (struct entry){.link = link, .fd = -1, .id = *id};
    *id = 0;
    *link = *out;
    return 0;
}

int backing_add(struct backing_table *t, uint32_t *link, int fd, enum backing_use use, bool plain,
                struct backing_open *out)
{
    struct entry *e;
    uint32_t n;
    int r, id = 0;

    pthread_mutex_lock(&t->lock);
    if (*link == NONE && !plain) {
        /* The kernel takes its time for this, and other files do not wait for it. */
        pthread_mutex_unlock(&t->lock);
        id = open_id(t, fd);
        pthread_mutex_lock(&t->lock);
    }
    r = entry_for(t, link, &id, &n);
    if (r == 0) {
        e = &t->entries[n];
        e->opens++;
        e->writers += use != BACKING_READ;
        e->mappers += use == BACKING_READ_WRITE;
        if (use == BACKING_READ && e->fd < 0)
            e->fd = fd;
        *out = handle(t, n, fd);
        out->fh |= (use != BACKING_READ ? WRITER : 0) | (use == BACKING_READ_WRITE ? MAPPER : 0);
    }
    pthread_mutex_unlock(&t->lock);
    /* Another open of the node was faster, and all of its opens go by that one's. */
    let_go(t, (struct leftover){id, -1});
    return r;
}

void backing_release(struct backing_table *t, uint64_t fh)
{
    uint32_t n = (uint32_t)((fh & ~(WRITER | MAPPER)) >> 32);
    struct leftover dropped = NOTHING_LEFT;
    struct entry *e;
    int fd = backing_fd(fh);

    pthread_mutex_lock(&t->lock);
    e = &t->entries[n];
    if (fd == e->fd)
        fd = -1; /* the entry's, as long as that lasts */
    e->opens--;
    e->writers -= (fh & WRITER) != 0;
    e->mappers -= (fh & MAPPER) != 0;
    if (is_idle(e)) {
        /* Worth keeping only where an open saves something: a file that readers share. */
        if (e->link && e->fd >= 0 && e->id > 0)
            ring_add(t, n);
        else
            dropped = drop(t, n);
        if (t->idle > t->max_idle)
            dropped = drop_oldest(t);
    }
    pthread_mutex_unlock(&t->lock);
    let_go(t, dropped);
    let_go(t, (struct leftover){0, fd});
}

bool backing_trim(struct backing_table *t)
{
    bool any = false, more = true;

    while (more) {
        struct leftover dropped = NOTHING_LEFT;

        pthread_mutex_lock(&t->lock);
        more = t->idle > 0;
        if (more)
            dropped = drop_oldest(t);
        pthread_mutex_unlock(&t->lock);
        let_go(t, dropped);
        any |= more;
    }
    return any;
}

bool backing_written_past_us(struct backing_table *t, const uint32_t *link, bool by_mapping)
{
    const struct entry *e;
    bool written;

    pthread_mutex_lock(&t->lock);
    e = &t->entries[*link];
    written = *link != NONE && e->id > 0 && (by_mapping ? e->mappers : e->writers) > 0;
    pthread_mutex_unlock(&t->lock);
    return written;
}

static void unlink_from(struct backing_table *t, uint32_t *link, bool only_idle)
{
    struct leftover dropped = NOTHING_LEFT;
    uint32_t n;

    pthread_mutex_lock(&t->lock);
    n = *link;
    if (n != NONE && (!only_idle || is_idle(&t->entries[n]))) {
        *link = NONE;
        t->entries[n].link = NULL;
        if (is_idle(&t->entries[n])) {
            ring_remove(t, n);
            dropped = drop(t, n);
        }
    }
    pthread_mutex_unlock(&t->lock);
    let_go(t, dropped);
}

void backing_forget(struct backing_table *t, uint32_t *link)
{
    unlink_from(t, link, false);
}

void backing_drop_idle(struct backing_table *t, uint32_t *link)
{
    unlink_from(t, link, true);
}

void backing_free(struct backing_table *t)
{
    if (!t)
        return;
    for (uint32_t n = 1; n < t->size; n++)
        if (t->entries[n].id > 0 || t->entries[n].opens > 0)
            if (t->entries[n].fd >= 0)
                close(t->entries[n].fd);
    free(t->entries);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
