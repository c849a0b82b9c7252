/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/place.h"

#include "base/cleanup.h"
#include "hook/rmtree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define NAP_MS 10

/* With its parents: a default below /var/lib has none on a new system. */
static int make_directory(const char *path, struct err *e)
{
    cleanup_free char *copy = strdup(path);

    if (!copy)
        return err_set(e, -ENOMEM, "%s", path);
    for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            return err_set(e, -errno, "make %s", copy);
        *slash = '/';
    }
    if (mkdir(copy, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make %s", path);
    return 0;
}

static int open_directory(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? err_set(e, -errno, "%s", path) : fd;
}

static int lock(int fd, int ms)
{
    const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return -errno;
        if (ms <= 0)
            return -EBUSY;
        nanosleep(&nap, NULL);
        ms -= NAP_MS;
    }
    return 0;
}

static int lock_failed(int code, const char *path, struct err *e)
{
    return code == -EBUSY ? err_setx(e, code, "upper %s is in use by another container", path)
                          : err_set(e, code, "lock %s", path);
}

static int set_path(struct place *p, struct err *e)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", p->fd);
    n = readlink(link, p->path, sizeof(p->path) - 1);
    if (n < 0)
        return err_set(e, -errno, "path of an upper");
    p->path[n] = '\0';
    return 0;
}

static bool is_at(int dir_fd, const char *name, int fd)
{
    struct stat have, named;

    return fstat(fd, &have) == 0 && fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           have.st_ino == named.st_ino && have.st_dev == named.st_dev;
}

/* Opens and locks what has the name, making it where it lacks. */
static int open_at(int dir_fd, const char *directory, const char *name, int ms, struct place *p,
                   struct err *e)
{
    for (;;) {
        int r;

        p->made = mkdirat(dir_fd, name, 0700) == 0;
        if (!p->made && errno != EEXIST)
            return err_set(e, -errno, "make %s/%s", directory, name);
        p->fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (p->fd < 0 && errno == ENOENT)
            continue;
        if (p->fd < 0)
            return err_set(e, -errno, "%s/%s", directory, name);
        r = set_path(p, e);
        if (r == 0 && (r = lock(p->fd, ms)) < 0)
            lock_failed(r, p->path, e);
        if (r < 0)
            return r;
        /* Who had the lock may have removed it meanwhile. */
        if (is_at(dir_fd, name, p->fd))
            return 0;
        place_close(p);
    }
}

static int open_place(const char *directory, const char *name, bool empty, int ms,
                      struct place *out, struct err *e)
{
    cleanup_close int dir = -1;
    int r = make_directory(directory, e);

    *out = PLACE_NONE;
    if (r < 0)
        return r;
    dir = open_directory(directory, e);
    if (dir < 0)
        return dir;
    r = open_at(dir, directory, name, ms, out, e);
    while (r == 0 && empty && !out->made) {
        r = rmtree_at(dir, name, e);
        if (r < 0) {
            err_prefix(e, "%s", directory);
            break;
        }
        place_close(out);
        r = open_at(dir, directory, name, ms, out, e);
    }
    if (r < 0)
        place_close(out);
    return r;
}

int place_open(const char *directory, const char *name, int ms, struct place *out, struct err *e)
{
    return open_place(directory, name, false, ms, out, e);
}

int place_open_empty(const char *directory, const char *name, int ms, struct place *out,
                     struct err *e)
{
    return open_place(directory, name, true, ms, out, e);
}

int place_adopt(int dir_fd, int ms, struct place *out, struct err *e)
{
    int r;

    *out = PLACE_NONE;
    out->fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->fd < 0)
        return err_set(e, -errno, "upper");
    r = set_path(out, e);
    if (r == 0 && (r = lock(out->fd, ms)) < 0)
        lock_failed(r, out->path, e);
    if (r < 0)
        place_close(out);
    return r;
}

void place_unlock(const struct place *p)
{
    if (p->fd >= 0)
        flock(p->fd, LOCK_UN);
}

void place_close(struct place *p)
{
    close_and_reset(&p->fd);
}

/* fd >= 0: only where that is what is at the path. */
static int remove_path(const char *path, int fd, struct err *e)
{
    cleanup_free char *copy = strdup(path);
    cleanup_close int dir = -1;
    char *slash = copy ? strrchr(copy, '/') : NULL;
    int r;

    if (!slash)
        return err_set(e, copy ? -EINVAL : -ENOMEM, "remove %s", path);
    *slash = '\0';
    dir = open_directory(slash == copy ? "/" : copy, e);
    if (dir < 0)
        return dir == -ENOENT ? 0 : dir;
    if (fd >= 0 && !is_at(dir, slash + 1, fd))
        return 0;
    r = rmtree_at(dir, slash + 1, e);
    return r < 0 ? err_prefix(e, "%s", copy) : 0;
}

int place_remove(const struct place *p, struct err *e)
{
    return p->fd < 0 ? 0 : remove_path(p->path, p->fd, e);
}

int place_remove_path(const char *path, struct err *e)
{
    return remove_path(path, -1, e);
}
