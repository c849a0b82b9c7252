/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In builds with assertions, lookups are counted a second time, by what goes over the device: each
 * entry in a reply that the kernel takes is one more of its node, each FORGET as many less as it
 * says. When the file system is gone, the inode table must say the same of every node.
 *
 * That is the check at unmount, and not that nothing is left: what the kernel still remembers then
 * it drops without a word (fuse_evict_inode() in fs/fuse/inode.c sends FORGET only while the
 * superblock is active).
 */
#ifndef SHIFTER_AUDIT_H
#define SHIFTER_AUDIT_H

#include "shifter/inode.h"

#include <sys/uio.h>

#ifndef NDEBUG

/* A request was read; the next reply of this thread is its answer. */
void audit_request(const void *buf, size_t size);

/* A reply goes out (sign 1), or could not after all (-1). */
void audit_reply(const struct iovec *iov, int count, int sign);

/* After the last thread has ended. Does not return where the books differ. */
void audit_check(struct inode_table *t);

#else

static inline void audit_request(const void *buf, size_t size)
{
    (void)buf;
    (void)size;
}

static inline void audit_reply(const struct iovec *iov, int count, int sign)
{
    (void)iov;
    (void)count;
    (void)sign;
}

static inline void audit_check(struct inode_table *t)
{
    (void)t;
}

#endif
#endif
