/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/rmtree.h"

#include "base/cleanup.h"
#include "hook/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct tree {
    DIR *top;
    uint64_t moved;    /* number of the last directory that was moved to the top */
    uint64_t progress; /* things removed or moved */
    struct err *e;     /* the first failure of this pass; code 0: none */
};

static void failed(struct tree *t, int code, const char *what, const char *name)
{
    if (t->e->code == 0)
        err_set(t->e, code, "%s %s", what, name);
}

static void make_mutable(int fd)
{
    int flags;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL))) {
        flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
        ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

/* After EPERM: the directory, or the entry, may be immutable or append-only. */
static void free_entry(int dir_fd, const char *name)
{
    cleanup_close int fd = -1;
    struct stat st;

    make_mutable(dir_fd);
    /* Only these have flags; anything else must not even be opened. */
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return;
    fd = sys_open_entry(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        make_mutable(fd);
}

/* One file or empty directory. -ENOTEMPTY where there is something in it. */
static int remove_one(int dir_fd, const char *name)
{
    for (int tries = 0;; tries++) {
        int r = unlinkat(dir_fd, name, 0);

        if (r < 0 && errno == EISDIR)
            r = unlinkat(dir_fd, name, AT_REMOVEDIR);
        if (r == 0 || errno == ENOENT)
            return 0;
        if (errno == EEXIST)
            return -ENOTEMPTY;
        if (errno != EPERM || tries > 0)
            return -errno;
        free_entry(dir_fd, name);
    }
}

/* Under a name that is free there. Where that is an empty directory, this takes its place. */
static int move_up(struct tree *t, int dir_fd, const char *name)
{
    bool freed = false;
    char to[32];

    for (;;) {
        snprintf(to, sizeof(to), "%llu", (unsigned long long)++t->moved);
        if (renameat(dir_fd, name, dirfd(t->top), to) == 0)
            return 0;
        if (errno == EPERM && !freed) {
            free_entry(dir_fd, name);
            make_mutable(dirfd(t->top));
            freed = true;
        } else if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
            return -errno;
        }
    }
}

static struct dirent *next_entry(DIR *dir)
{
    struct dirent *d;

    do
        d = readdir(dir);
    while (d && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
    return d;
}

static DIR *open_directory(int dir_fd, const char *name)
{
    int fd = sys_open_entry(dir_fd, name, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && fd >= 0)
        close(fd);
    if (fd < 0)
        errno = -fd;
    return dir;
}

/* A directory at the top of the tree: what is in it goes, or up. */
static int empty_directory(struct tree *t, const char *name)
{
    DIR *dir = open_directory(dirfd(t->top), name);
    struct dirent *d;

    if (!dir)
        return -errno;
    while ((d = next_entry(dir))) {
        int r = remove_one(dirfd(dir), d->d_name);

        if (r == -ENOTEMPTY)
            r = move_up(t, dirfd(dir), d->d_name);
        if (r < 0)
            failed(t, r, "remove", d->d_name);
        else
            t->progress++;
    }
    closedir(dir);
    return remove_one(dirfd(t->top), name);
}

/* True where nothing was there any more. */
static bool pass(struct tree *t)
{
    bool empty = true;
    struct dirent *d;

    rewinddir(t->top);
    t->e->code = 0;
    while ((d = next_entry(t->top))) {
        int r = remove_one(dirfd(t->top), d->d_name);

        empty = false;
        if (r == -ENOTEMPTY)
            r = empty_directory(t, d->d_name);
        if (r == 0)
            t->progress++;
        else if (r != -ENOTEMPTY)
            failed(t, r, "remove", d->d_name);
    }
    return empty;
}

int rmtree_at(int dir_fd, const char *name, struct err *e)
{
    struct tree t = {.e = e};
    uint64_t before;
    int r = remove_one(dir_fd, name);

    if (r == 0)
        return 0;
    if (r != -ENOTEMPTY)
        return err_set(e, r, "remove %s", name);
    t.top = open_directory(dir_fd, name);
    if (!t.top)
        return err_set(e, -errno, "remove %s", name);
    do
        before = t.progress;
    while (!pass(&t) && t.progress != before);
    r = remove_one(dir_fd, name);
    closedir(t.top);
    if (r < 0 && e->code == 0)
        err_set(e, r, "remove %s", name);
    else if (r < 0)
        err_prefix(e, "%s", name);
    return r < 0 ? e->code : 0;
}
