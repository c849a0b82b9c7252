/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

int io_read_all(int fd, size_t max, char **buf, size_t *len)
{
    cleanup_free char *data = NULL;
    size_t used = 0, room = 0;

    for (;;) {
        ssize_t n;

        if (room - used < 2) {
            size_t want = room ? room * 2 : 8192;
            char *grown;

            if (want > max + 2)
                want = max + 2;
            grown = realloc(data, want);
            if (!grown)
                return -ENOMEM;
            data = grown;
            room = want;
        }
        n = read(fd, data + used, room - used - 1);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (n == 0)
            break;
        used += (size_t)n;
        if (used > max)
            return -EFBIG;
    }
    data[used] = '\0';
    *buf = steal_ptr(&data);
    *len = used;
    return 0;
}

int io_read_file_at(int dirfd, const char *path, size_t max, char **buf, size_t *len)
{
    cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return io_read_all(fd, max, buf, len);
}

int io_write_all(int fd, const void *buf, size_t len)
{
    const char *p = buf;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

bool io_dir_is_empty(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    bool empty = d;

    while (empty && (entry = readdir(d)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (d)
        closedir(d);
    else
        close_and_reset(&own);
    return empty;
}
