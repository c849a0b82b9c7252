/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories that were read a moment ago, where they are read without being opened (ops_dir.c):
 * each READDIR would otherwise open the directory anew, and the one that only finds the end is half
 * of all of them. An entry is of one thread while it is taken.
 *
 * Thread-safe.
 */
#ifndef SHIFTER_DIR_CACHE_H
#define SHIFTER_DIR_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dir_cache;

#define DIR_POSITION_UNKNOWN ((off_t)-1)

struct dir_reading {
    uint64_t id, generation; /* the node */
    int fd;                  /* -1: none */
    off_t position;          /* where the fd stands */
    bool at_end;             /* nothing is behind the position */
};

struct dir_cache *dir_cache_new(void); /* NULL: no memory */
void dir_cache_free(struct dir_cache *c);

/* True, and the caller's, where the directory is there. */
bool dir_cache_take(struct dir_cache *c, uint64_t id, uint64_t generation, struct dir_reading *out);

/* The cache's again; another may be closed for it. */
void dir_cache_put(struct dir_cache *c, const struct dir_reading *r);

#endif
