/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/device.h"

#include "shifter/audit.h"
#include "shifter/sanitizers.h"

#include <errno.h>
#include <unistd.h>

ssize_t device_read(int fd, void *buf, size_t size)
{
    ssize_t n = read(fd, buf, size);

    sanitizers_after_request();
    if (n > 0)
        audit_request(buf, (size_t)n);
    return n;
}

ssize_t device_reply(int fd, const struct iovec *iov, int count)
{
    ssize_t n;
    int error;

    /* Before it is sent: what follows from it may be read by another thread before writev(2) is
     * back here. */
    audit_reply(iov, count, 1);
    sanitizers_before_reply();
    n = writev(fd, iov, count);
    if (n < 0) {
        error = errno;
        audit_reply(iov, count, -1);
        errno = error;
    }
    return n;
}
