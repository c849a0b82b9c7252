/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/record.h"

#include "base/cleanup.h"
#include "base/io.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_NAME RECORD_FILE_NAME
#define TEMP_NAME RECORD_FILE_NAME ".new"
#define RECORD_MAX_BYTES (1u << 20)

void record_escape(const char *id, char *out, size_t size)
{
    size_t used = 0;

    for (const char *p = id; *p && used + 4 <= size; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = isascii(c) && (isalnum(c) || strchr("_+-.", c));

        /* A leading dot would hide the place, or be "." or "..". */
        if (plain && !(c == '.' && p == id))
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, size - used, "%%%02X", c);
    }
    out[used] = '\0';
}

char *record_roots(const char *state_directory)
{
    char *path = NULL;

    return asprintf(&path, "%s/.roots", state_directory) < 0 ? NULL : path;
}

int record_remove_root(const char *at)
{
    cleanup_free char *own = strdup(at);
    char *slash = own ? strrchr(own, '/') : NULL;

    if (!slash)
        return -ENOMEM;
    *slash = '\0';
    if (rmdir(at) < 0 && errno != ENOENT)
        return -errno;
    return rmdir(own) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_state_directory(const char *path, bool create, struct err *e)
{
    int fd;

    if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "state directory %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(e, -errno, "state directory %s", path) : fd;
}

/* True where the locked directory is still the one of that name: its owner may have removed it
 * while we waited. */
static bool still_there(const struct record_lock *l)
{
    struct stat have, named;

    return fstat(l->dir_fd, &have) == 0 &&
           fstatat(l->state_fd, l->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           have.st_ino == named.st_ino && have.st_dev == named.st_dev;
}

static int lock_place(struct record_lock *l, bool create)
{
    for (;;) {
        if (create && mkdirat(l->state_fd, l->name, 0700) < 0 && errno != EEXIST)
            return -errno;
        l->dir_fd = openat(l->state_fd, l->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (l->dir_fd < 0) {
            if (create && errno == ENOENT)
                continue;
            /* An id whose name is too long has no place, and there never was a record of it. */
            return !create && errno == ENAMETOOLONG ? -ENOENT : -errno;
        }
        while (flock(l->dir_fd, LOCK_EX) < 0)
            if (errno != EINTR)
                return -errno;
        if (still_there(l))
            return 0;
        close_and_reset(&l->dir_fd);
    }
}

int record_lock(const char *state_directory, const char *id, bool create, struct record_lock *out,
                struct err *e)
{
    int r;

    *out = RECORD_LOCK_NONE;
    record_escape(id, out->name, sizeof(out->name));
    out->state_fd = open_state_directory(state_directory, create, e);
    if (out->state_fd < 0)
        return out->state_fd;
    r = lock_place(out, create);
    if (r < 0) {
        record_unlock(out);
        return err_set(e, r, "record %s/%s", state_directory, out->name);
    }
    return 0;
}

void record_unlock(struct record_lock *l)
{
    close_and_reset(&l->dir_fd);
    close_and_reset(&l->state_fd);
}

int record_read(const struct record_lock *l, struct record *out, struct err *e)
{
    cleanup_free char *buf = NULL;
    size_t len;
    int r = io_read_file_at(l->dir_fd, FILE_NAME, RECORD_MAX_BYTES, &buf, &len);

    if (r < 0)
        return err_set(e, r, "record %s/" FILE_NAME, l->name);
    r = record_parse(buf, len, out, e);
    return r < 0 ? err_prefix(e, "record %s/" FILE_NAME, l->name) : 0;
}

static bool visit(int state_fd, const char *name, bool (*fn)(const struct record *, void *),
                  void *arg)
{
    cleanup_free char *buf = NULL, *path = NULL;
    struct record r;
    struct err ignored;
    size_t len;
    bool more;

    /* No id's place begins with a dot. */
    if (name[0] == '.' || asprintf(&path, "%s/" FILE_NAME, name) < 0 ||
        io_read_file_at(state_fd, path, RECORD_MAX_BYTES, &buf, &len) < 0 ||
        record_parse(buf, len, &r, &ignored) < 0)
        return true;
    more = fn(&r, arg);
    record_release(&r);
    return more;
}

void record_each(const char *state_directory, bool (*fn)(const struct record *, void *), void *arg)
{
    DIR *dir = opendir(state_directory);
    const struct dirent *d;
    bool more = true;

    if (!dir)
        return;
    while (more && (d = readdir(dir)))
        more = visit(dirfd(dir), d->d_name, fn, arg);
    closedir(dir);
}

int record_write(const struct record_lock *l, const struct record *r, struct err *e)
{
    cleanup_free char *text = NULL;
    cleanup_close int fd = -1;
    size_t len = 0;
    int code = record_format(r, &text, &len);

    if (code == 0) {
        fd = openat(l->dir_fd, TEMP_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        code = fd < 0 ? -errno : io_write_all(fd, text, len);
    }
    if (code == 0 && renameat(l->dir_fd, TEMP_NAME, l->dir_fd, FILE_NAME) < 0)
        code = -errno;
    return code < 0 ? err_set(e, code, "write record %s/" FILE_NAME, l->name) : 0;
}

int record_remove(const struct record_lock *l, struct err *e)
{
    const char *const files[] = {FILE_NAME, TEMP_NAME};

    for (size_t i = 0; i < 2; i++)
        if (unlinkat(l->dir_fd, files[i], 0) < 0 && errno != ENOENT)
            return err_set(e, -errno, "remove record %s/%s", l->name, files[i]);
    if (unlinkat(l->state_fd, l->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_set(e, -errno, "remove record %s", l->name);
    return 0;
}
