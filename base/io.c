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

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int io_each_name(int dir_fd, const char *name,
                 int (*each)(int dir_fd, const struct dirent64 *d, void *arg), void *arg)
{
    cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _Alignas(struct dirent64) char buf[8192];
    ssize_t n;
    int r = 0;

    if (fd < 0)
        return -errno;
    while ((n = getdents64(fd, buf, sizeof(buf))) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(buf + at);

            if (!is_dot(d->d_name))
                r = each(fd, d, arg);
            if (r < 0)
                return r;
            at += d->d_reclen;
        }
    return n < 0 ? -errno : 0;
}

static int is_something(int dir_fd, const struct dirent64 *d, void *arg)
{
    (void)dir_fd;
    (void)d;
    (void)arg;
    return -ENOTEMPTY;
}

bool io_dir_is_empty(int fd)
{
    return io_each_name(fd, ".", is_something, NULL) == 0;
}
