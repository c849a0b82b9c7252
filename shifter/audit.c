/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/audit.h"

#ifndef NDEBUG

#include "base/log.h"
#include "shifter/protocol.h"
#include "shifter/slots.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* By node, for the process's one session. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *counts;
static uint64_t size_of_counts;

static __thread uint32_t opcode; /* of the request that this thread has at hand */

static void grow(uint64_t node)
{
    uint64_t size = size_of_counts ? size_of_counts : 1024;
    uint64_t *grown;

    while (size <= node)
        size *= 2;
    if (size == size_of_counts)
        return;
    grown = realloc(counts, size * sizeof(*counts));
    assert(grown);
    counts = grown;
    memset(counts + size_of_counts, 0, (size - size_of_counts) * sizeof(*counts));
    size_of_counts = size;
}

static void add(uint64_t node, int64_t n)
{
    if (node == FUSE_ROOT_ID || node == 0)
        return; /* known from the start; "there is none" */
    pthread_mutex_lock(&lock);
    grow(node);
    assert(n >= 0 || counts[node] >= (uint64_t)-n); /* none is given back twice */
    counts[node] += (uint64_t)n;
    pthread_mutex_unlock(&lock);
}

void audit_request(const void *buf, size_t size)
{
    const struct fuse_in_header *in = buf;
    const void *arg = in + 1;
    const struct fuse_batch_forget_in *batch = arg;
    const struct fuse_forget_one *one = (const void *)(batch + 1);

    assert(size >= sizeof(*in));
    opcode = in->opcode;
    if (opcode == FUSE_FORGET)
        add(in->nodeid, -(int64_t)((const struct fuse_forget_in *)arg)->nlookup);
    else if (opcode == FUSE_BATCH_FORGET)
        for (uint32_t i = 0; i < batch->count; i++)
            add(one[i].nodeid, -(int64_t)one[i].nlookup);
}

static void add_list(const char *buf, size_t size, int sign)
{
    const struct fuse_direntplus *d;

    for (size_t at = 0; at < size; at += FUSE_DIRENTPLUS_SIZE(d)) {
        d = (const void *)(buf + at);
        add(d->entry_out.nodeid, sign);
    }
}

void audit_reply(const struct iovec *iov, int count, int sign)
{
    const struct fuse_out_header *out = iov[0].iov_base;

    /* Without an answer to a request it is a notification, which has its code for an error. */
    if (count < 2 || out->error != 0 || out->unique == 0)
        return;
    switch (opcode) {
    case FUSE_LOOKUP:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_SYMLINK:
    case FUSE_LINK:
    case FUSE_CREATE:
    case FUSE_TMPFILE:
        add(((const struct fuse_entry_out *)iov[1].iov_base)->nodeid, sign);
        break;
    case FUSE_READDIRPLUS:
        add_list(iov[1].iov_base, iov[1].iov_len, sign);
        break;
    default:
        break;
    }
}

static void compare(uint32_t node, struct slot *s, void *arg)
{
    bool *same = arg;
    uint64_t counted;

    if (node == FIRST_SLOT)
        return;
    counted = node < size_of_counts ? counts[node] : 0;
    if (s->nlookup != counted) {
        log_error("node %u: the table has %llu lookups, the kernel %llu", node,
                  (unsigned long long)s->nlookup, (unsigned long long)counted);
        *same = false;
    }
    if (node < size_of_counts)
        counts[node] = 0;
}

void audit_check(struct inode_table *t)
{
    bool same = true;

    inode_table_each(t, compare, &same);
    for (uint64_t n = 0; n < size_of_counts; n++)
        if (counts[n] != 0) {
            log_error("node %llu: the table does not know it, the kernel has %llu lookups",
                      (unsigned long long)n, (unsigned long long)counts[n]);
            same = false;
        }
    free(counts);
    counts = NULL;
    size_of_counts = 0;
    assert(same); /* each node in the log above */
}

#endif
