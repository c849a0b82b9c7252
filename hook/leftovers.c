/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/leftovers.h"

#include "base/cleanup.h"
#include "hook/place.h"
#include "hook/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Who removes names while it reads a directory may miss some: this one is read first. */
static int each_name(const char *path,
                     int (*fn)(int dir_fd, const char *path, const char *name, struct err *e),
                     struct err *e)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    cleanup_close int fd = n < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (n < 0)
        return errno == ENOENT ? 0 : err_set(e, -errno, "%s", path);
    for (int i = 0; i < n; i++) {
        if (r == 0 && names[i]->d_name[0] != '.')
            r = fn(fd, path, names[i]->d_name, e);
        free(names[i]);
    }
    free(names);
    return r;
}

static int say(const char *path, const char *name)
{
    printf("removed %s/%s\n", path, name);
    return 0;
}

static int remove_empty_place(int dir_fd, const char *path, const char *name, struct err *e)
{
    cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    (void)e;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
        faccessat(fd, RECORD_FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    unlinkat(fd, RECORD_FILE_NAME ".new", 0);
    return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 ? say(path, name) : 0;
}

static int remove_upper(int dir_fd, const char *path, const char *name, struct err *e)
{
    struct place place;
    struct err ignored;
    int r;

    (void)dir_fd;
    if (place_open(path, name, 0, &place, &ignored) < 0)
        return 0;
    r = place_remove(&place, e);
    place_close(&place);
    return r < 0 ? r : say(path, name);
}

/* EBUSY: something hangs there. */
static int remove_mount_point(int dir_fd, const char *path, const char *name, struct err *e)
{
    cleanup_free char *at = NULL;

    (void)e;
    (void)dir_fd;
    if (asprintf(&at, "%s/%s/" RECORD_ROOT_NAME, path, name) < 0)
        return 0;
    return record_remove_root(at) == 0 ? say(path, name) : 0;
}

/* Whoever keeps both kinds of uppers in one directory has to look after it. */
static bool is_same(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int leftovers_remove(const struct admin *admin, struct err *e)
{
    cleanup_free char *roots = record_roots(admin->state_directory);
    int r = each_name(admin->state_directory, remove_empty_place, e);

    if (r == 0 && !is_same(admin->ephemeral_directory, admin->upper_directory))
        r = each_name(admin->ephemeral_directory, remove_upper, e);
    if (r == 0)
        r = roots ? each_name(roots, remove_mount_point, e) : err_set(e, -ENOMEM, "roots");
    return r;
}
