/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/counts.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int counts_create(void)
{
    cleanup_close int fd = memfd_create("oci-shifter-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, sizeof(struct counts)) < 0 ||
        /* A write through the map of a file that has shrunk would be SIGBUS. */
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return steal_fd(&fd);
}

struct counts *counts_map(int fd)
{
    void *p = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return p == MAP_FAILED ? NULL : p;
}

int counts_read(int fd, struct counts *out)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(*out))
        return -EINVAL;
    n = pread(fd, out, sizeof(*out), 0);
    return n == (ssize_t)sizeof(*out) ? 0 : n < 0 ? -errno : -EINVAL;
}
