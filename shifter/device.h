/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/fuse: requests in, replies out, from any thread. All that goes either way passes here, so
 * this is where a build with assertions keeps books (audit.h), and where sanitizers learn what
 * orders the threads (sanitizers.h).
 */
#ifndef SHIFTER_DEVICE_H
#define SHIFTER_DEVICE_H

#include <sys/uio.h>

/* As read(2) and writev(2). A request is answered by the thread that read it, before its next. */
ssize_t device_read(int fd, void *buf, size_t size);
ssize_t device_reply(int fd, const struct iovec *iov, int count);

#endif
