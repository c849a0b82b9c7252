/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * O_PATH fds of inodes that were used a moment ago. Where an inode is known by its handle, each
 * request would otherwise open and close it, and requests come in rows: many names of one
 * directory, or owner, mode and times of one new file. One place for each of a few hundred nodes,
 * by their number; who finds it taken does without.
 *
 * Thread-safe.
 */
#ifndef SHIFTER_FD_CACHE_H
#define SHIFTER_FD_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct fd_budget;
struct fd_cache;

#define FD_CACHE_NONE UINT32_MAX

/* Its fds are counted. NULL: no memory. */
struct fd_cache *fd_cache_new(struct fd_budget *fds);
void fd_cache_free(struct fd_cache *c);

/* An fd of the node, or -1. It stays open until fd_cache_release(*place). */
int fd_cache_get(struct fd_cache *c, uint64_t id, uint64_t generation, uint32_t *place);

/*
 * Offers an fd that was opened for the node: true if it is the cache's now, and held like one of
 * fd_cache_get(). False where its place or the budget is taken.
 */
bool fd_cache_put(struct fd_cache *c, uint64_t id, uint64_t generation, int fd, uint32_t *place);

void fd_cache_release(struct fd_cache *c, uint32_t place);

/* The node goes away, and nobody works on it. */
void fd_cache_forget(struct fd_cache *c, uint64_t id, uint64_t generation);

#endif
