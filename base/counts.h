/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many requests a shifter has answered, by opcode (fuse(4), linux/fuse.h): one page of memory
 * that the shifter writes and anybody with an fd of it reads, at any time. Its keeper holds that fd
 * at COUNTS_KEEPER_FD, so that root finds it in /proc/KEEPER/fd.
 */
#ifndef BASE_COUNTS_H
#define BASE_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTS_KEEPER_FD 6
#define COUNTS_OPCODES 64u

struct counts {
    atomic_ulong requests[COUNTS_OPCODES]; /* the last one: of all opcodes above */
};

/* A new one: a memfd (memfd_create(2)) that cannot shrink, close-on-exec. Or -errno. */
int counts_create(void);

/* Maps it for as long as the process lives. NULL where that fails. */
struct counts *counts_map(int fd);

static inline void counts_add(struct counts *c, uint32_t opcode)
{
    unsigned i = opcode < COUNTS_OPCODES ? opcode : COUNTS_OPCODES - 1;

    if (c)
        atomic_fetch_add_explicit(&c->requests[i], 1, memory_order_relaxed);
}

/* A copy of what fd has now. 0, or -errno; -EINVAL where it is something else. */
int counts_read(int fd, struct counts *out);

#endif
