/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes that survive EINTR and short counts, with a bound; and a look at a
 * directory. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads fd to its end into a new buffer, NUL-terminated behind the last byte. *buf is the
 * caller's to free. Returns 0 or -errno; -EFBIG where there are more than max bytes.
 */
int io_read_all(int fd, size_t max, char **buf, size_t *len);

/* Opens path below dirfd (or AT_FDCWD) for reading and reads it as above. */
int io_read_file_at(int dirfd, const char *path, size_t max, char **buf, size_t *len);

/* Writes all of it. Returns 0 or -errno. */
int io_write_all(int fd, const void *buf, size_t len);

/*
 * Calls each(), with an fd of the directory, for what is in dir_fd/name (name may be "."), except
 * "." and "..", until it returns less than 0; that is returned then. No symlink is followed.
 */
struct dirent64;
int io_each_name(int dir_fd, const char *name,
                 int (*each)(int dir_fd, const struct dirent64 *d, void *arg), void *arg);

/* True where fd, of a directory (O_PATH will do), has nothing in it; false where that cannot be
 * read. */
bool io_dir_is_empty(int fd);

#endif
