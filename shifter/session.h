/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conversation with the kernel over /dev/fuse: libfuse's low-level session, driven by threads
 * of our own through its custom I/O, so that what libfuse does not pass on is still seen here.
 *
 *  - FUSE_HANDLE_KILLPRIV_V2 and FUSE_SETXATTR_EXT are asked for in the INIT reply (Linux 5.13),
 *    and the per-request flags that go with them are read from the request.
 *  - Requests that this libfuse has no operation for are answered in raw.c.
 *
 * Threads come with the load, up to a maximum, and end when they have nothing to do.
 */
#ifndef SHIFTER_SESSION_H
#define SHIFTER_SESSION_H

#include "base/err.h"
#include "shifter/shifter.h"

#include <stdbool.h>
#include <stdint.h>

struct session;

struct session_options {
    unsigned max_threads;
    bool debug;               /* libfuse's request log */
    void (*ready)(void *arg); /* called once, when the kernel has had its INIT answered */
    void *ready_arg;
};

/* dev_fd: /dev/fuse, bound to a superblock; the session owns it from here on. */
int session_new(struct shifter *sh, int dev_fd, const struct session_options *opt,
                struct session **out, struct err *e);

/* The kernel is to ask for the attributes of the node again before it uses them. */
void session_forget_attr(struct session *s, uint64_t node);

/*
 * Serves until the file system is unmounted or the connection aborted: 0. After -errno other
 * threads may still run, and nothing may be freed: the process has to end.
 */
int session_run(struct session *s);
/*
 * True where the kernel checks who may change the flags of chattr(1) before it asks. Before Linux
 * 5.13 it passed these commands on like any other ioctl(2), for whoever had the file open.
 */
bool session_kernel_checks_file_flags(const struct session *s);

void session_free(struct session *s);

#endif
