/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int compare_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return x < y ? -1 : x > y;
}

void fds_close_others(int *keep, size_t n)
{
    unsigned from = 3;

    qsort(keep, n, sizeof(keep[0]), compare_int);
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < (int)from)
            continue;
        if ((unsigned)keep[i] > from)
            close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    close_range(from, ~0u, 0);
}

void fds_open_standard(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}
