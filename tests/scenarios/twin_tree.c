/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each run finds: the same in both lowers, with disk ids. The directories above are of an id
 * that nobody has, so that no ".." of a symlink leads to a place where something could be made.
 */
#include "twin.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define UNMAPPED 70000

static const struct start {
    const char *path;
    mode_t mode;
    unsigned uid, gid;
    const char *is; /* a symlink's target, a file's content */
    int xattr, value;
} start[] = {
    {"a", S_IFDIR | 0777, 0, 0, NULL, -1, 0},
    {"a/c", S_IFDIR | 0755, 1000, 1000, NULL, -1, 0},
    {"sg", S_IFDIR | 02777, 0, 2000, NULL, -1, 0},
    {"st", S_IFDIR | 01777, 0, 0, NULL, -1, 0},
    {"ac", S_IFDIR | 0777, 0, 0, NULL, XATTR_ACL_DEFAULT, 3},
    {"um", S_IFDIR | 0777, UNMAPPED, UNMAPPED, NULL, -1, 0},
    {"pr", S_IFDIR | 0700, 1001, 1001, NULL, -1, 0},
    {"f", S_IFREG | 0666, 0, 0, "the file f at the top", -1, 0},
    {"g", S_IFREG | 06777, 0, 2000, "set-id", -1, 0},
    {"h", S_IFREG | 0664, 0, UNMAPPED, "of a strange group", -1, 0},
    {"l", S_IFLNK | 0777, 0, 0, "f", -1, 0},
    {"p", S_IFIFO | 0666, 0, 0, NULL, -1, 0},
    {"n", S_IFCHR | 0666, 0, 0, NULL, -1, 0},
    {"a/f", S_IFREG | 0640, 1000, 2000, "a/f", XATTR_ACL_ACCESS, 1},
    {"a/g", S_IFREG | 02674, 1000, 2000, "a/g", -1, 0},
    {"a/h", S_IFREG | 0666, 0, 0, "capable", XATTR_CAPABILITY, 0},
    {"a/l", S_IFLNK | 0777, 1000, 1000, "../a/f", -1, 0},
    {"a/c/f", S_IFREG | 0666, 1000, 1000, "capable of 1000", XATTR_CAPABILITY, 2},
    {"st/f", S_IFREG | 0666, 1001, 1001, "st/f", 0, 2},
    {"sg/g", S_IFREG | 06775, 1000, 2000, "sg/g", -1, 0},
    {"ac/f", S_IFREG | 0666, 1001, 0, "ac/f", XATTR_ACL_ACCESS, 4},
    {"um/f", S_IFREG | 0666, UNMAPPED, UNMAPPED, "um/f", 0, 1},
    {"um/g", S_IFREG | 04755, 1000, 1000, "um/g", -1, 0},
    {"pr/f", S_IFREG | 0644, 1001, 1001, "pr/f", XATTR_CAPABILITY, 4},
};
#define N_START (sizeof(start) / sizeof(start[0]))

static void make_one(const char *path, const struct start *s, long when)
{
    const struct timespec times[2] = {{when, 1}, {when, 2}};
    unsigned char value[XATTR_VALUE_ROOM];
    int fd, r = 0;

    if (S_ISDIR(s->mode)) {
        r = mkdir(path, 0700);
    } else if (S_ISLNK(s->mode)) {
        r = symlink(s->is, path);
    } else if (S_ISREG(s->mode)) {
        fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        r = fd < 0 || write(fd, s->is, strlen(s->is)) < 0 || close(fd) < 0 ? -1 : 0;
    } else {
        r = mknod(path, s->mode, S_ISCHR(s->mode) ? makedev(1, 3) : 0);
    }
    if (r < 0 || lchown(path, s->uid, s->gid) < 0 ||
        (!S_ISLNK(s->mode) && chmod(path, s->mode & 07777) < 0))
        err(1, "%s", path);
    if (s->xattr >= 0 &&
        setxattr(path, xattr_names[s->xattr], value,
                 xattr_value((unsigned)s->xattr, (unsigned)s->value, 0, value), 0) < 0)
        err(1, "%s: %s", path, xattr_names[s->xattr]);
    if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
        err(1, "%s: times", path);
}

void tree_make(const struct sides *s, const char *name)
{
    static const struct start above = {"", S_IFDIR | 0755, UNMAPPED, UNMAPPED, NULL, -1, 0};
    static const struct start top = {"w", S_IFDIR | 0777, 0, 0, NULL, -1, 0};
    char path[4096];

    umask(0);
    for (unsigned side = 0; side < N_SIDES; side++) {
        snprintf(path, sizeof(path), "%s/%s", s->lower[side], name);
        make_one(path, &above, 1);
        snprintf(path, sizeof(path), "%s/%s/w", s->lower[side], name);
        make_one(path, &top, 2);
        for (size_t i = 0; i < N_START; i++) {
            snprintf(path, sizeof(path), "%s/%s/w/%s", s->lower[side], name, start[i].path);
            make_one(path, &start[i], 100 + (long)i);
        }
        /* Their entries have moved the times of the directories. */
        for (size_t i = 0; i < N_START; i++) {
            const struct timespec times[2] = {{100 + (long)i, 1}, {100 + (long)i, 2}};

            snprintf(path, sizeof(path), "%s/%s/w/%s", s->lower[side], name, start[i].path);
            if (S_ISDIR(start[i].mode) && utimensat(AT_FDCWD, path, times, 0) < 0)
                err(1, "%s: times", path);
        }
        snprintf(path, sizeof(path), "%s/%s/w", s->lower[side], name);
        if (utimensat(AT_FDCWD, path, (struct timespec[]){{2, 1}, {2, 2}}, 0) < 0)
            err(1, "%s: times", path);
    }
}
