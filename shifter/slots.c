/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/slots.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* 72 KiB, a whole number of pages where these have 4 or 8 KiB. */
#define CHUNK_SHIFT 10u
#define CHUNK_SLOTS (1u << CHUNK_SHIFT)
#define CHUNK_SIZE (CHUNK_SLOTS * sizeof(struct slot))
#define MAX_CHUNKS (1u << 18)
#define MIN_BUCKETS 1024u

struct chunk {
    struct slot *slots; /* NULL: never needed so far */
    uint32_t used, top; /* slots in use; the first one that was not yet */
    uint32_t free_list; /* of slots below top */
};

struct slot *slots_at(const struct slots *t, uint64_t number)
{
    return &t->chunks[number >> CHUNK_SHIFT].slots[number & (CHUNK_SLOTS - 1)];
}

static uint32_t hash(uint64_t ino, uint16_t mount)
{
    uint64_t x = (ino ^ ((uint64_t)mount << 48)) * 0x9e3779b97f4a7c15ULL;

    return (uint32_t)(x >> 32);
}

static const unsigned char *handle_bytes(const struct slot *s)
{
    return s->handle_bytes <= SLOT_HANDLE_INLINE ? s->handle : s->long_handle;
}

void slots_handle(const struct slot *s, struct sys_handle *out)
{
    out->type = s->handle_type;
    out->bytes = s->handle_bytes;
    memcpy(out->data, handle_bytes(s), out->bytes);
}

static int set_handle(struct slot *s, const struct sys_handle *h)
{
    unsigned char *room = s->handle;

    if (h->bytes > SLOT_HANDLE_INLINE) {
        room = s->long_handle = malloc(h->bytes);
        if (!room)
            return -ENOMEM;
    }
    memcpy(room, h->data, h->bytes);
    s->handle_bytes = (uint8_t)h->bytes;
    s->handle_type = (uint8_t)h->type;
    return 0;
}

static bool is_of(const struct slot *s, const struct identity *who)
{
    if (s->ino != who->ino || s->mount != who->mount || s->type != who->type)
        return false;
    if (!who->has_handle)
        /*
         * The slot's fd pins its inode, so the number was not given to another since. It does not
         * pin what another FUSE server has behind the inode: there a new file can have the number,
         * and hard links, which are one file each to some servers, have the same.
         */
        return s->handle_bytes == 0 && s->node == who->node;
    return s->handle_bytes == who->handle.bytes && s->handle_type == who->handle.type &&
           memcmp(handle_bytes(s), who->handle.data, who->handle.bytes) == 0;
}

uint32_t slots_find(const struct slots *t, const struct identity *who)
{
    uint32_t n = t->buckets[hash(who->ino, who->mount) & t->bucket_mask];

    while (n != NO_SLOT && !is_of(slots_at(t, n), who))
        n = slots_at(t, n)->next;
    return n;
}

static void link_into_chain(struct slots *t, uint32_t number)
{
    struct slot *s = slots_at(t, number);
    uint32_t *head = &t->buckets[hash(s->ino, s->mount) & t->bucket_mask];

    s->next = *head;
    *head = number;
}

/* Doubles or halves the buckets. Where there is no memory the chains just stay as they are. */
static void resize(struct slots *t, uint32_t buckets)
{
    uint32_t *old = t->buckets;
    uint32_t *fresh = calloc(buckets, sizeof(*fresh));
    uint32_t old_mask = t->bucket_mask;

    if (!fresh)
        return;
    t->buckets = fresh;
    t->bucket_mask = buckets - 1;
    for (uint32_t b = 0; b <= old_mask; b++) {
        uint32_t n = old[b];

        while (n != NO_SLOT) {
            uint32_t next = slots_at(t, n)->next;

            link_into_chain(t, n);
            n = next;
        }
    }
    free(old);
}

/* From the lowest chunk that has room, so that the upper ones may come to be empty. */
static int take_free(struct slots *t, uint32_t *out)
{
    struct chunk *c;

    while (t->roomy < MAX_CHUNKS && t->chunks[t->roomy].used == CHUNK_SLOTS)
        t->roomy++;
    if (t->roomy == MAX_CHUNKS)
        return -ENFILE;
    c = &t->chunks[t->roomy];
    if (!c->slots) {
        void *room =
            mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (room == MAP_FAILED)
            return -ENOMEM;
        c->slots = room;
        /* Number 0 stands for no slot. */
        if (t->roomy == 0)
            c->used = c->top = FIRST_SLOT;
    }
    if (c->free_list != NO_SLOT) {
        *out = c->free_list;
        c->free_list = slots_at(t, *out)->next;
    } else {
        *out = (t->roomy << CHUNK_SHIFT) + c->top++;
    }
    c->used++;
    return 0;
}

/*
 * An empty chunk gives its memory back and keeps its place: nobody reads slots that are not in use,
 * and when they are needed again they are zero, as they were at first.
 */
static void put_free(struct slots *t, uint32_t number)
{
    uint32_t n = number >> CHUNK_SHIFT;
    struct chunk *c = &t->chunks[n];

    if (n < t->roomy)
        t->roomy = n;
    if (--c->used == 0) {
        madvise(c->slots, CHUNK_SIZE, MADV_DONTNEED);
        c->top = 0;
        c->free_list = NO_SLOT;
        return;
    }
    slots_at(t, number)->next = c->free_list;
    c->free_list = number;
}

static void free_handle(struct slot *s)
{
    if (s->type == S_IFREG && slots_has_room(s))
        free(s->name);
    if (s->handle_bytes > SLOT_HANDLE_INLINE)
        free(s->long_handle);
}

int slots_add(struct slots *t, const struct identity *who, int *fd, uint32_t *out)
{
    struct slot *s;
    int r = take_free(t, out);

    if (r < 0)
        return r;
    s = slots_at(t, *out);
    /* No count and no name: one place, which a short handle overwrites. */
    atomic_store(&s->links.state, 0);
    if (who->has_handle) {
        r = set_handle(s, &who->handle);
        if (r < 0) {
            put_free(t, *out);
            return r;
        }
    } else {
        s->handle_bytes = 0;
        s->fd = steal_fd(fd);
        s->node = who->node;
    }
    s->ino = who->ino;
    s->mount = who->mount;
    s->type = who->type;
    s->nlookup = 0;
    s->backing = 0;
    s->generation = ++t->generation;
    atomic_store(&s->shown_set_id, false);
    atomic_store(&s->owner, 0);
    atomic_store(&s->kept_fd, -1);
    link_into_chain(t, *out);
    if (++t->used > t->bucket_mask && t->bucket_mask < UINT32_MAX / 2)
        resize(t, (t->bucket_mask + 1) * 2);
    return 0;
}

void slots_remove(struct slots *t, uint32_t number)
{
    struct slot *s = slots_at(t, number);
    uint32_t *link = &t->buckets[hash(s->ino, s->mount) & t->bucket_mask];

    while (*link != number)
        link = &slots_at(t, *link)->next;
    *link = s->next;
    free_handle(s);
    put_free(t, number);
    if (--t->used < t->bucket_mask / 4 && t->bucket_mask >= MIN_BUCKETS)
        resize(t, (t->bucket_mask + 1) / 2);
}

void slots_each(const struct slots *t, void (*fn)(uint32_t number, struct slot *s, void *arg),
                void *arg)
{
    for (uint32_t b = 0; t->buckets && b <= t->bucket_mask; b++)
        for (uint32_t n = t->buckets[b]; n != NO_SLOT; n = slots_at(t, n)->next)
            fn(n, slots_at(t, n), arg);
}

struct count {
    uint64_t slots, lookups;
};

static void count_slot(uint32_t n, struct slot *s, void *arg)
{
    struct count *c = arg;

    if (n == FIRST_SLOT)
        return;
    c->slots++;
    c->lookups += s->nlookup;
}

void slots_count(const struct slots *t, uint64_t *slots, uint64_t *lookups)
{
    struct count c = {0, 0};

    slots_each(t, count_slot, &c);
    *slots = c.slots;
    *lookups = c.lookups;
}

int slots_init(struct slots *t)
{
    *t = (struct slots){.bucket_mask = MIN_BUCKETS - 1};
    t->chunks = calloc(MAX_CHUNKS, sizeof(*t->chunks));
    t->buckets = calloc(MIN_BUCKETS, sizeof(*t->buckets));
    return t->chunks && t->buckets ? 0 : -ENOMEM;
}

static void release_slot(uint32_t number, struct slot *s, void *arg)
{
    (void)number;
    (void)arg;
    free_handle(s);
}

void slots_release(struct slots *t)
{
    slots_each(t, release_slot, NULL);
    for (uint32_t c = 0; t->chunks && c < MAX_CHUNKS; c++)
        if (t->chunks[c].slots)
            munmap(t->chunks[c].slots, CHUNK_SIZE);
    free(t->chunks);
    free(t->buckets);
    *t = (struct slots){0};
}
