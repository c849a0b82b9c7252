/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/markers_scan.h"

#include "base/cleanup.h"
#include "shifter/markers.h"
#include "shifter/side_layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PREFIX ".wh."
#define PREFIX_LEN 4
#define OPAQUE ".wh..wh..opq"

/* Levels above the current one whose fds stay open; further up ".." leads there. */
#define OPEN_LEVELS 32
#define BUFFER 65536

/* A directory from the root down to the current one. */
struct level {
    char *name;
    int fd; /* or -1 */
    dev_t dev;
    ino_t ino;
};

/* A directory to be looked into, seen in the one at `depth`. */
struct pending {
    char *name;
    size_t depth;
};

struct walk {
    struct side_layer side;
    struct level *levels;
    size_t depth, levels_size;
    struct pending *pending;
    size_t n_pending, pending_size;
    char *buf;
};

bool markers_is_name(const char *name)
{
    return strncmp(name, PREFIX, PREFIX_LEN) == 0;
}

/* The name that a marker deletes, or NULL. ".wh..." is no way up. */
static const char *deleted_name(const char *marker)
{
    const char *name = marker + PREFIX_LEN;

    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || markers_is_name(name))
        return NULL;
    return name;
}

/* The array with room for one more, or NULL: then it is as it was. */
static void *grown(void *array, size_t n, size_t *size, size_t each)
{
    size_t want = *size ? *size * 2 : 64;

    if (n < *size)
        return array;
    array = reallocarray(array, want, each);
    if (array)
        *size = want;
    return array;
}

static int open_beneath(int dir_fd, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

/* Enters a directory; fd is taken, name too. */
static int push(struct walk *w, int fd, char *name)
{
    struct level *bigger = grown(w->levels, w->depth + 1, &w->levels_size, sizeof(*bigger));
    struct stat st;
    int r = bigger ? 0 : -ENOMEM;

    if (bigger)
        w->levels = bigger;
    if (r == 0 && fstat(fd, &st) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        free(name);
        return r;
    }
    w->levels[++w->depth] = (struct level){name, fd, st.st_dev, st.st_ino};
    if (w->depth > OPEN_LEVELS)
        close_and_reset(&w->levels[w->depth - OPEN_LEVELS].fd);
    return 0;
}

/* Leaves the current directory for the one that it was found in. */
static int pop(struct walk *w)
{
    struct level *l = &w->levels[w->depth], *up = l - 1;
    struct stat st;
    int r = 0;

    if (up->fd < 0) {
        up->fd = open_beneath(l->fd, "..");
        if (up->fd < 0)
            r = up->fd;
        else if (fstat(up->fd, &st) < 0)
            r = -errno;
        else if (st.st_dev != up->dev || st.st_ino != up->ino)
            r = -ESTALE;
    }
    close_and_reset(&l->fd);
    free(l->name);
    w->depth--;
    return r < 0 ? r : side_layer_up(&w->side, w->depth - 1);
}

static int remember(struct walk *w, const char *name)
{
    struct pending *bigger = grown(w->pending, w->n_pending, &w->pending_size, sizeof(*bigger));
    char *copy = NULL;

    if (bigger) {
        w->pending = bigger;
        copy = strdup(name);
    }
    if (!copy)
        return -ENOMEM;
    w->pending[w->n_pending++] = (struct pending){copy, w->depth};
    return 0;
}

/* The directory of the side layer that is at the same place as the current one. */
static int side_here(struct walk *w)
{
    int r = 0;

    while (r == 0 && w->side.depth < w->depth - 1)
        r = side_layer_down(&w->side, w->levels[w->side.depth + 2].name);
    return r;
}

static int look_at(struct walk *w, const struct dirent64 *d)
{
    const char *name;
    struct stat st;
    bool opaque;
    int r;

    if (markers_is_name(d->d_name)) {
        name = deleted_name(d->d_name);
        opaque = strcmp(d->d_name, OPAQUE) == 0;
        if (!name && !opaque)
            return 0;
        r = side_here(w);
        if (r < 0)
            return r;
        return opaque ? side_layer_opaque(&w->side) : side_layer_whiteout(&w->side, name);
    }
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
        return 0;
    if (d->d_type == DT_DIR)
        return remember(w, d->d_name);
    if (d->d_type != DT_UNKNOWN)
        return 0;
    if (fstatat(w->levels[w->depth].fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    return S_ISDIR(st.st_mode) ? remember(w, d->d_name) : 0;
}

static int read_directory(struct walk *w)
{
    int r = 0;
    ssize_t n;

    while ((n = getdents64(w->levels[w->depth].fd, w->buf, BUFFER)) > 0) {
        for (ssize_t at = 0; at < n && r == 0;) {
            const struct dirent64 *d = (const void *)(w->buf + at);

            r = look_at(w, d);
            at += d->d_reclen;
        }
        if (r < 0)
            return r;
    }
    return n < 0 ? -errno : 0;
}

/* The last directory that is pending. It is left where it is no directory any more, or a mount. */
static int enter_next(struct walk *w)
{
    struct pending next = w->pending[--w->n_pending];
    int fd, r = 0;

    while (r == 0 && w->depth > next.depth)
        r = pop(w);
    if (r < 0) {
        free(next.name);
        return r;
    }
    fd = open_beneath(w->levels[w->depth].fd, next.name);
    if (fd < 0) {
        free(next.name);
        return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV ? 0 : fd;
    }
    r = push(w, fd, next.name);
    return r < 0 ? r : read_directory(w);
}

static void walk_release(struct walk *w)
{
    for (; w->depth > 0; w->depth--) {
        close_and_reset(&w->levels[w->depth].fd);
        free(w->levels[w->depth].name);
    }
    while (w->n_pending > 0)
        free(w->pending[--w->n_pending].name);
    free(w->levels);
    free(w->pending);
    free(w->buf);
}

int markers_scan(int layer, int side, bool *any, struct err *e)
{
    struct walk w = {.buf = malloc(BUFFER)};
    int r = w.buf ? side_layer_begin(&w.side, side) : -ENOMEM;
    bool begun = r == 0;
    int root;

    if (r == 0) {
        root = open_beneath(layer, ".");
        r = root < 0 ? root : push(&w, root, NULL);
    }
    if (r == 0)
        r = read_directory(&w);
    while (r == 0 && w.n_pending > 0)
        r = enter_next(&w);
    if (begun)
        r = side_layer_end(&w.side, r);
    *any = w.side.any;
    walk_release(&w);
    return r < 0 ? err_set(e, r, "look for the markers of a layer") : 0;
}
