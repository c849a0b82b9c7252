/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An fd of an inode for the time of one request: the caller's own, or borrowed. */
#ifndef SHIFTER_INODE_FD_H
#define SHIFTER_INODE_FD_H

#include "base/cleanup.h"
#include "shifter/fd_cache.h"

#include <stdbool.h>
#include <stdint.h>

struct inode_fd {
    int fd;
    bool owned;
    struct fd_cache *cache; /* of whom, or NULL: of the slot */
    uint32_t place;
};

static inline void inode_fd_release(const struct inode_fd *f)
{
    if (f->owned)
        close_and_reset(&(int){f->fd});
    else if (f->cache)
        fd_cache_release(f->cache, f->place);
}

#define cleanup_inode_fd __attribute__((cleanup(inode_fd_release)))
#define INODE_FD_NONE ((struct inode_fd){.fd = -1})
#define INODE_FD_BORROWED(number) ((struct inode_fd){.fd = (number)})

#endif
