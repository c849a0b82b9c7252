/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are open, by inode; and passthrough (Linux 6.9): the kernel reads, writes and maps the
 * lower's file itself, so that all mounts over one image share its pages, and no request is sent.
 *
 * The kernel wants all opens of an inode at a time to be alike: through one backing id, or none
 * with one. That is decided by the first of them. A file that was opened for reading only stays
 * open for a moment after the last of its readers is gone: the next costs no system call.
 *
 * A node is known here by the place of a link in its slot of the inode table: 0, or the number of
 * its entry. What a caller gets for an open is the file handle of the protocol: the fd in the lower
 * half, the entry in the upper one.
 *
 * Thread-safe. Locks of the inode table may be held, and none is taken here.
 */
#ifndef SHIFTER_BACKING_H
#define SHIFTER_BACKING_H

#include "shifter/fd_budget.h"

#include <stdbool.h>
#include <stdint.h>

struct backing_table;

/* One open of a file. */
struct backing_open {
    uint64_t fh;
    int backing_id; /* 0: data goes through the server */
};

/* max_idle: files that stay open although nobody reads them. NULL: no memory. */
struct backing_table *backing_new(struct fd_budget *fds, unsigned max_idle);
void backing_free(struct backing_table *t);

/* From INIT on, where the kernel has passthrough. dev_fd is the session's and outlives the table.
 */
void backing_enable(struct backing_table *t, int dev_fd);

/* Does data pass the server by, as far as is known? */
bool backing_passes(const struct backing_table *t);

/* One more reader of a node that has a file open for reading. False where it has none. */
bool backing_reopen(struct backing_table *t, uint32_t *link, struct backing_open *out);

enum backing_use {
    BACKING_READ,  /* reads only: the fd may serve others too */
    BACKING_WRITE, /* writes only */
    BACKING_READ_WRITE,
};

/*
 * Another open of a node by an fd of its own, which becomes the table's, as its place in the budget
 * does. plain: no passthrough, if this is the first. -ENOMEM: nothing happened.
 */
int backing_add(struct backing_table *t, uint32_t *link, int fd, enum backing_use use, bool plain,
                struct backing_open *out);

/* Closes what nobody has open now; true where that made room in the budget. */
bool backing_trim(struct backing_table *t);

/* The open has ended. */
void backing_release(struct backing_table *t, uint64_t fh);

/*
 * Does somebody have the node open to write past the server? by_mapping: and may do so by a shared
 * mapping, which takes an open to read and write.
 */
bool backing_written_past_us(struct backing_table *t, const uint32_t *link, bool by_mapping);

/* The slot of the node goes away; opens that are left end by themselves. */
void backing_forget(struct backing_table *t, uint32_t *link);

/* What nobody has open now is closed: the next open is not to share the file of an earlier one. */
void backing_drop_idle(struct backing_table *t, uint32_t *link);

/* The fd of an open. */
static inline int backing_fd(uint64_t fh)
{
    return (int)(uint32_t)fh;
}

#endif
