/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/fd_budget.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

/* The device, the root, mounts of the lower, log; and what one request holds at a time. */
#define FIXED_FDS 64
#define FDS_OF_A_REQUEST 8

void fd_budget_init(struct fd_budget *b, unsigned threads)
{
    long reserve = FIXED_FDS + (long)threads * FDS_OF_A_REQUEST;
    struct rlimit lim = {1024, 1024};
    long all;

    getrlimit(RLIMIT_NOFILE, &lim);
    all = lim.rlim_cur > LONG_MAX ? LONG_MAX : (long)lim.rlim_cur;
    atomic_store(&b->used, 0);
    b->max = all - (reserve < all / 2 ? reserve : all / 2);
}

static int take_below(struct fd_budget *b, long max)
{
    if (atomic_fetch_add(&b->used, 1) < max)
        return 0;
    fd_budget_give(b);
    return -ENFILE;
}

int fd_budget_take(struct fd_budget *b)
{
    return take_below(b, b->max);
}

int fd_budget_take_for_inode(struct fd_budget *b)
{
    return take_below(b, b->max - b->max / 4);
}

void fd_budget_give(struct fd_budget *b)
{
    atomic_fetch_sub(&b->used, 1);
}

void fd_budget_close(struct fd_budget *b, int fd)
{
    close(fd);
    fd_budget_give(b);
}
