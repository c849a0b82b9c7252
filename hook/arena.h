/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is released together. What a document is made of lives here: there is no tree to walk
 * at its end, so no depth that a hostile document could choose.
 */
#ifndef HOOK_ARENA_H
#define HOOK_ARENA_H

#include <stddef.h>

struct arena_block;

/* All zero: an empty one. */
struct arena {
    struct arena_block *blocks;
};

/* Not cleared, aligned for any type; the arena's. NULL without memory. */
void *arena_take(struct arena *a, size_t size);
void arena_release(struct arena *a);

#endif
