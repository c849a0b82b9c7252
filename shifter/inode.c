/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/inode.h"

#include "base/cleanup.h"
#include "shifter/lower.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_SLOT 1u
#define NO_SLOT 0u
/* Slots come in chunks that never move, so a slot is read without the lock. */
#define CHUNK_SHIFT 12u
#define CHUNK_SLOTS (1u << CHUNK_SHIFT)
#define MAX_CHUNKS (1u << 16)
#define MIN_BUCKETS 1024u

struct inode {
    uint64_t ino;
    uint64_t nlookup;     /* lock */
    uint32_t next;        /* lock: the hash chain, or the list of free slots */
    uint32_t generation;  /* of the slot: grows each time it is given to another inode */
    uint16_t mount;       /* index of its mount in the lower */
    uint16_t type;        /* S_IFMT bits */
    uint8_t handle_bytes; /* 0: `fd` is the way back */
    uint8_t handle_type;
    union {
        unsigned char handle[SYS_HANDLE_MAX];
        int fd;
    };
};

struct inode_table {
    struct lower *lower;
    pthread_mutex_t lock;
    struct inode **chunks; /* MAX_CHUNKS pointers */
    uint32_t *buckets;     /* lock: heads of the hash chains */
    uint32_t bucket_mask;  /* lock */
    uint32_t used;         /* lock: slots in chains, the root among them */
    uint32_t top;          /* lock: the first slot never used */
    uint32_t free_list;    /* lock */
};

/* What a slot would hold, gathered before the lock is taken. */
struct candidate {
    uint64_t ino;
    uint16_t mount;
    uint16_t type;
    bool has_handle;
    struct sys_handle handle;
};

void inode_fd_release(const struct inode_fd *f)
{
    if (f->owned)
        close_and_reset(&(int){f->fd});
}

static struct inode *slot_of(const struct inode_table *t, uint64_t id)
{
    return &t->chunks[id >> CHUNK_SHIFT][id & (CHUNK_SLOTS - 1)];
}

static uint32_t hash(uint64_t ino, uint16_t mount)
{
    uint64_t x = (ino ^ ((uint64_t)mount << 48)) * 0x9e3779b97f4a7c15ULL;

    return (uint32_t)(x >> 32);
}

static bool same_inode(const struct inode *i, const struct candidate *c)
{
    if (i->ino != c->ino || i->mount != c->mount || i->type != c->type)
        return false;
    if (!c->has_handle)
        /* The slot's fd pins its inode, so the number was not given to another since. */
        return i->handle_bytes == 0;
    return i->handle_bytes == c->handle.bytes && i->handle_type == c->handle.type &&
           memcmp(i->handle, c->handle.data, c->handle.bytes) == 0;
}

static uint32_t find_locked(const struct inode_table *t, const struct candidate *c)
{
    uint32_t s = t->buckets[hash(c->ino, c->mount) & t->bucket_mask];

    while (s != NO_SLOT && !same_inode(slot_of(t, s), c))
        s = slot_of(t, s)->next;
    return s;
}

static void insert_locked(struct inode_table *t, uint32_t s)
{
    struct inode *i = slot_of(t, s);
    uint32_t *head = &t->buckets[hash(i->ino, i->mount) & t->bucket_mask];

    i->next = *head;
    *head = s;
}

static void remove_locked(struct inode_table *t, uint32_t s)
{
    struct inode *i = slot_of(t, s);
    uint32_t *link = &t->buckets[hash(i->ino, i->mount) & t->bucket_mask];

    while (*link != s)
        link = &slot_of(t, *link)->next;
    *link = i->next;
}

/* Doubles or halves the buckets. Where there is no memory the chains just stay as they are. */
static void resize_locked(struct inode_table *t, uint32_t buckets)
{
    uint32_t *old = t->buckets;
    uint32_t *fresh = calloc(buckets, sizeof(*fresh));
    uint32_t old_mask = t->bucket_mask;

    if (!fresh)
        return;
    t->buckets = fresh;
    t->bucket_mask = buckets - 1;
    for (uint32_t b = 0; b <= old_mask; b++) {
        uint32_t s = old[b];

        while (s != NO_SLOT) {
            uint32_t next = slot_of(t, s)->next;

            insert_locked(t, s);
            s = next;
        }
    }
    free(old);
}

static int new_slot_locked(struct inode_table *t, uint32_t *out)
{
    uint32_t chunk;

    if (t->free_list != NO_SLOT) {
        *out = t->free_list;
        t->free_list = slot_of(t, *out)->next;
        return 0;
    }
    chunk = t->top >> CHUNK_SHIFT;
    if (chunk >= MAX_CHUNKS)
        return -ENFILE;
    if (!t->chunks[chunk]) {
        t->chunks[chunk] = calloc(CHUNK_SLOTS, sizeof(struct inode));
        if (!t->chunks[chunk])
            return -ENOMEM;
    }
    *out = t->top++;
    return 0;
}

static int add_locked(struct inode_table *t, const struct candidate *c, int *fd, uint32_t *out)
{
    struct inode *i;
    uint32_t s;
    int r = new_slot_locked(t, &s);

    if (r < 0)
        return r;
    i = slot_of(t, s);
    i->ino = c->ino;
    i->mount = c->mount;
    i->type = c->type;
    i->nlookup = 0;
    i->generation++;
    if (c->has_handle) {
        i->handle_bytes = (uint8_t)c->handle.bytes;
        i->handle_type = (uint8_t)c->handle.type;
        memcpy(i->handle, c->handle.data, sizeof(i->handle));
    } else {
        i->handle_bytes = 0;
        i->fd = steal_fd(fd);
    }
    insert_locked(t, s);
    if (++t->used > t->bucket_mask && t->bucket_mask < UINT32_MAX / 2)
        resize_locked(t, (t->bucket_mask + 1) * 2);
    *out = s;
    return 0;
}

/*
 * Counts a lookup of the candidate, which gets *fd (stolen) if it is new and has no handle.
 * With no fd at hand, -EAGAIN asks for one.
 */
static int count_lookup(struct inode_table *t, const struct candidate *c, int *fd, uint64_t *id,
                        uint64_t *generation)
{
    uint32_t s;
    int r = 0;

    pthread_mutex_lock(&t->lock);
    s = find_locked(t, c);
    if (s == NO_SLOT)
        r = c->has_handle || *fd >= 0 ? add_locked(t, c, fd, &s) : -EAGAIN;
    if (r == 0) {
        slot_of(t, s)->nlookup++;
        *id = s;
        *generation = slot_of(t, s)->generation;
    }
    pthread_mutex_unlock(&t->lock);
    return r;
}

int inode_get(struct inode_table *t, int fd, uint64_t *id, uint64_t *generation,
              struct sys_stat *st)
{
    struct candidate c;
    cleanup_close int own = -1;
    int mount, r;

    r = sys_stat(fd, st);
    if (r < 0)
        return r;
    mount = lower_mount_of(t->lower, fd, st);
    if (mount < 0)
        return mount;
    c.ino = st->st.st_ino;
    c.mount = (uint16_t)mount;
    c.type = (uint16_t)(st->st.st_mode & S_IFMT);
    c.has_handle = lower_handle_fd(t->lower, c.mount) >= 0 && sys_handle_of(fd, &c.handle) == 0 &&
                   c.handle.type >= 0 && c.handle.type <= UINT8_MAX && c.handle.bytes > 0;
    r = count_lookup(t, &c, &own, id, generation);
    if (r != -EAGAIN)
        return r;
    own = sys_reopen(fd, O_PATH);
    if (own < 0)
        return own == -EMFILE ? -ENFILE : own;
    return count_lookup(t, &c, &own, id, generation);
}

void inode_forget(struct inode_table *t, uint64_t id, uint64_t n)
{
    struct inode *i = slot_of(t, id);
    cleanup_close int fd = -1;

    if (id == ROOT_SLOT)
        return;
    pthread_mutex_lock(&t->lock);
    i->nlookup -= n < i->nlookup ? n : i->nlookup;
    if (i->nlookup == 0) {
        remove_locked(t, (uint32_t)id);
        if (i->handle_bytes == 0)
            fd = i->fd;
        i->next = t->free_list;
        t->free_list = (uint32_t)id;
        if (--t->used < t->bucket_mask / 4 && t->bucket_mask >= MIN_BUCKETS)
            resize_locked(t, (t->bucket_mask + 1) / 2);
    }
    pthread_mutex_unlock(&t->lock);
}

static void handle_of_slot(const struct inode *i, struct sys_handle *h)
{
    h->type = i->handle_type;
    h->bytes = i->handle_bytes;
    memcpy(h->data, i->handle, sizeof(h->data));
}

int inode_path_fd(struct inode_table *t, uint64_t id, struct inode_fd *out)
{
    const struct inode *i = slot_of(t, id);
    struct sys_handle h;
    int fd;

    if (i->handle_bytes == 0) {
        *out = (struct inode_fd){i->fd, false};
        return 0;
    }
    handle_of_slot(i, &h);
    fd = sys_open_handle(lower_handle_fd(t->lower, i->mount), &h, O_PATH);
    if (fd < 0)
        return fd;
    *out = (struct inode_fd){fd, true};
    return 0;
}

int inode_open(struct inode_table *t, uint64_t id, int flags)
{
    const struct inode *i = slot_of(t, id);
    struct sys_handle h;

    if (i->type == S_IFLNK)
        return -ELOOP;
    if (i->type != S_IFREG && i->type != S_IFDIR)
        return -ENXIO;
    if (i->handle_bytes == 0)
        return sys_reopen(i->fd, flags);
    handle_of_slot(i, &h);
    return sys_open_handle(lower_handle_fd(t->lower, i->mount), &h, flags);
}

bool inode_table_has_handles(const struct inode_table *t)
{
    return lower_handle_fd(t->lower, 0) >= 0;
}

void inode_table_count(struct inode_table *t, uint64_t *slots, uint64_t *lookups)
{
    *slots = *lookups = 0;
    pthread_mutex_lock(&t->lock);
    for (uint32_t b = 0; b <= t->bucket_mask; b++)
        for (uint32_t s = t->buckets[b]; s != NO_SLOT; s = slot_of(t, s)->next)
            if (s != ROOT_SLOT) {
                (*slots)++;
                *lookups += slot_of(t, s)->nlookup;
            }
    pthread_mutex_unlock(&t->lock);
}

/* The root has its slot from the start, by an fd whatever the file system offers. */
static int add_root(struct inode_table *t, int root_fd)
{
    struct candidate c = {.has_handle = false};
    struct sys_stat st;
    cleanup_close int fd = sys_reopen(root_fd, O_PATH);
    uint32_t s;
    int r;

    if (fd < 0)
        return fd;
    r = sys_stat(fd, &st);
    if (r < 0)
        return r;
    c.ino = st.st.st_ino;
    c.type = S_IFDIR;
    r = add_locked(t, &c, &fd, &s);
    if (r == 0)
        slot_of(t, s)->nlookup = 1;
    return r;
}

int inode_table_new(int root_fd, bool use_handles, struct inode_table **out, struct err *e)
{
    struct inode_table *t = calloc(1, sizeof(*t));
    int r = -ENOMEM;

    if (!t)
        return err_set(e, -ENOMEM, "inode table");
    pthread_mutex_init(&t->lock, NULL);
    t->top = ROOT_SLOT;
    t->bucket_mask = MIN_BUCKETS - 1;
    t->chunks = calloc(MAX_CHUNKS, sizeof(struct inode *));
    t->buckets = calloc(MIN_BUCKETS, sizeof(*t->buckets));
    if (t->chunks && t->buckets)
        r = lower_new(root_fd, use_handles, &t->lower);
    if (r == 0)
        r = add_root(t, root_fd);
    if (r < 0) {
        inode_table_free(t);
        return err_set(e, r, "inode table over the lower");
    }
    *out = t;
    return 0;
}

void inode_table_free(struct inode_table *t)
{
    for (uint32_t b = 0; t->buckets && b <= t->bucket_mask; b++)
        for (uint32_t s = t->buckets[b]; s != NO_SLOT; s = slot_of(t, s)->next)
            if (slot_of(t, s)->handle_bytes == 0)
                close(slot_of(t, s)->fd);
    for (uint32_t c = 0; t->chunks && c < MAX_CHUNKS; c++)
        free(t->chunks[c]);
    free(t->chunks);
    free(t->buckets);
    if (t->lower)
        lower_free(t->lower);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
