/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many fds may stay open from one request to the next: files that a container has open, and
 * inodes that are known by an fd. What the process's limit (RLIMIT_NOFILE) has beyond that is for
 * requests at work, each of which needs a few. So a container that opens files without end is told
 * ENFILE, and all that it has goes on working.
 *
 * Thread-safe.
 */
#ifndef SHIFTER_FD_BUDGET_H
#define SHIFTER_FD_BUDGET_H

#include <stdatomic.h>

struct fd_budget {
    atomic_long used;
    long max;
};

/* From the process's limit as it is now. threads: requests at work at a time. */
void fd_budget_init(struct fd_budget *b, unsigned threads);

/* For one more fd that stays: 0 or -ENFILE. */
int fd_budget_take(struct fd_budget *b);

/*
 * For an inode that is known by its fd: 0 or -ENFILE. The last quarter is not for these: the kernel
 * remembers inodes for as long as it has memory, and each that it knows can still be opened.
 */
int fd_budget_take_for_inode(struct fd_budget *b);

/* It was closed, or did not come to be. */
void fd_budget_give(struct fd_budget *b);

/* Closes an fd that was counted. */
void fd_budget_close(struct fd_budget *b, int fd);

#endif
