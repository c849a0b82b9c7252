/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 16384u

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

void *arena_take(struct arena *a, size_t size)
{
    struct arena_block *b = a->blocks;
    void *p;

    size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

        b = malloc(sizeof(*b) + room);
        if (!b)
            return NULL;
        *b = (struct arena_block){.next = a->blocks, .size = room};
        a->blocks = b;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

void arena_release(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
}
