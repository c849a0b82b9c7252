/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/device.h"

#include "shifter/sanitizers.h"

#include <unistd.h>

ssize_t device_read(int fd, void *buf, size_t size)
{
    ssize_t n = read(fd, buf, size);

    sanitizers_after_request();
    return n;
}

ssize_t device_reply(int fd, const struct iovec *iov, int count)
{
    sanitizers_before_reply();
    return writev(fd, iov, count);
}
