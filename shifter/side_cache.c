/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/side_cache.h"

#include "base/cleanup.h"
#include "shifter/markers_scan.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define KEY_MAX 160
#define UNFINISHED ".new"

static int make_dir(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || !slash || slash == path || slash - path >= PATH_MAX)
        return -errno;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    if (mkdir(parent, 0700) < 0 && errno != EEXIST)
        return -errno;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int side_cache_open(const char *path, struct err *e)
{
    cleanup_close int fd = -1;
    struct stat st;
    int r = make_dir(path);

    if (r < 0)
        return err_set(e, r, "make %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, -errno, "open %s", path);
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return err_setx(e, -EPERM, "%s: it is not ours alone to write to", path);
    return steal_fd(&fd);
}

static int key_of(int layer, char key[KEY_MAX])
{
    struct statx sx;
    struct statfs fs;
    unsigned fsid[2];

    if (statx(layer, "", AT_EMPTY_PATH, STATX_INO | STATX_CTIME | STATX_BTIME, &sx) < 0 ||
        fstatfs(layer, &fs) < 0)
        return -errno;
    /* Without a time of birth another directory could have its number by now. */
    if (!(sx.stx_mask & STATX_BTIME))
        return -EOPNOTSUPP;
    memcpy(fsid, &fs.f_fsid, sizeof(fsid));
    snprintf(key, KEY_MAX, "%lx.%x.%x-%llx-%llx.%x-%llx.%x", (unsigned long)fs.f_type, fsid[0],
             fsid[1], (unsigned long long)sx.stx_ino, (unsigned long long)sx.stx_btime.tv_sec,
             sx.stx_btime.tv_nsec, (unsigned long long)sx.stx_ctime.tv_sec, sx.stx_ctime.tv_nsec);
    return 0;
}

static int open_dir(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static bool is_still_at(int fd, int dir_fd, const char *name)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(dir_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * What is unfinished, locked: ours to complete. -EAGAIN where it was completed meanwhile. What
 * somebody left is a part of what the layer, which is the same, will have again.
 */
static int take_unfinished(int cache, const char *name)
{
    cleanup_close int fd = -1;

    if (mkdirat(cache, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = open_dir(cache, name);
    if (fd == -ENOENT)
        return -EAGAIN;
    if (fd < 0)
        return fd;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    return is_still_at(fd, cache, name) ? steal_fd(&fd) : -EAGAIN;
}

static int make_side(int cache, int layer, const char *key, struct err *e)
{
    char name[KEY_MAX + sizeof(UNFINISHED)];
    cleanup_close int fd = -1;
    bool any;
    int r;

    snprintf(name, sizeof(name), "%s" UNFINISHED, key);
    fd = take_unfinished(cache, name);
    if (fd < 0)
        return fd == -EAGAIN ? 0 : err_set(e, fd, "side layer %s", key);
    r = markers_scan(layer, fd, &any, e);
    if (r < 0)
        return r;
    if (renameat(cache, name, cache, key) < 0)
        return err_set(e, -errno, "side layer %s", key);
    return 0;
}

int side_cache_get(int cache, int layer, int *side, struct err *e)
{
    char key[KEY_MAX];
    int r = key_of(layer, key);

    if (r < 0)
        return err_set(e, r, "side layer");
    /* The turns end: each finds it, makes it, or sees that somebody has made or removed it. */
    for (int turns = 0; turns < 100; turns++) {
        int fd = open_dir(cache, key);

        if (fd >= 0) {
            *side = fd;
            return 0;
        }
        if (fd != -ENOENT)
            return err_set(e, fd, "side layer %s", key);
        r = make_side(cache, layer, key, e);
        if (r < 0)
            return r;
    }
    return err_setx(e, -EAGAIN, "side layer %s: somebody removes it again and again", key);
}
