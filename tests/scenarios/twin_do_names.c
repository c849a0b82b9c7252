/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a caller's process: the operations on names and on what an inode has besides data. */
#include "twin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int slot_fd(const struct actor *a, unsigned slot)
{
    return a->slots[slot % N_SLOTS];
}

static unsigned id(const struct actor *a, unsigned n)
{
    return n == (unsigned)-1 ? n : a->base + n;
}

static int do_linkfd(const struct actor *a, const struct op *op)
{
    char name[64];
    int fd = slot_fd(a, op->slot);

    if (op->a == 0)
        return linkat(fd, "", AT_FDCWD, op->q, AT_EMPTY_PATH);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, name, AT_FDCWD, op->q, AT_SYMLINK_FOLLOW);
}

static int do_mknod(const struct op *op)
{
    static const struct {
        mode_t type;
        unsigned major, minor;
    } types[] = {
        {S_IFIFO, 0, 0}, {S_IFSOCK, 0, 0}, {S_IFCHR, 0, 0},
        {S_IFREG, 0, 0}, {S_IFCHR, 1, 3},  {S_IFBLK, 7, 0},
    };
    size_t n = op->a % (sizeof(types) / sizeof(types[0]));

    return mknod(op->p, types[n].type | (op->b & 07777), makedev(types[n].major, types[n].minor));
}

/* Times of long ago are compared to the nanosecond, times of now only as moved or not. */
static int do_utimens(int fd, const char *path, const struct op *op)
{
    static const struct timespec times[][2] = {
        {{0, UTIME_NOW}, {0, UTIME_NOW}},   {{0, UTIME_OMIT}, {0, UTIME_NOW}},
        {{0, UTIME_NOW}, {0, UTIME_OMIT}},  {{1000, 5}, {2000, 123456789}},
        {{0, UTIME_OMIT}, {3000, 999}},     {{4000, 1}, {0, UTIME_OMIT}},
        {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, {{-5, 7}, {-9, 999999999}},
        {{0, UTIME_NOW}, {5000, 0}},        {{0, 1000000000}, {0, 0}},
    };
    const struct timespec *t = times[op->a % (sizeof(times) / sizeof(times[0]))];

    return path ? utimensat(AT_FDCWD, path, t, op->off ? AT_SYMLINK_NOFOLLOW : 0) : futimens(fd, t);
}

static int entry_order(const struct dirent **x, const struct dirent **y)
{
    return strcmp((*x)->d_name, (*y)->d_name);
}

/*
 * "." and ".." too; the number of an entry is the number of what it names. But for "..": with
 * cache=always the kernel goes on with the list that it has of a directory that was moved.
 */
static void do_readdir(const struct op *op, struct text *out)
{
    struct dirent **list;
    int n = scandir(op->p, &list, NULL, entry_order);

    say_result(out, n);
    for (int i = 0; i < n; i++) {
        char path[PATH_ROOM + NAME_MAX + 2];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", op->p, list[i]->d_name);
        say(out, " %s:%u", list[i]->d_name, list[i]->d_type);
        if (lstat(path, &st) < 0)
            say(out, ":%s", strerrorname_np(errno));
        else
            say(out, "%s",
                st.st_ino != list[i]->d_ino && strcmp(list[i]->d_name, "..") != 0
                    ? ":another number"
                    : "");
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

static void do_stat(const struct op *op, struct text *out)
{
    struct statx x;
    int r = statx(AT_FDCWD, op->p, op->off ? AT_SYMLINK_NOFOLLOW : 0, STATX_BASIC_STATS, &x);

    say_result(out, r);
    if (r < 0)
        return;
    say(out, " %06o links %u owner %u:%u", x.stx_mode, x.stx_nlink, x.stx_uid, x.stx_gid);
    if (!S_ISDIR(x.stx_mode))
        say(out, " size %llu dev %u:%u", (unsigned long long)x.stx_size, x.stx_rdev_major,
            x.stx_rdev_minor);
}

static void do_readlink(const struct op *op, struct text *out)
{
    char target[PATH_MAX];
    ssize_t n = readlink(op->p, target, sizeof(target));

    say_result(out, n);
    if (n >= 0)
        say(out, " '%.*s'", (int)n, target);
}

static bool act_look(const struct op *op, struct text *out)
{
    switch (op->kind) {
    case K_READLINK:
        do_readlink(op, out);
        return true;
    case K_READDIR:
        do_readdir(op, out);
        return true;
    case K_STAT:
        do_stat(op, out);
        return true;
    case K_ACCESS:
        say_result(out, faccessat(AT_FDCWD, op->p, (int)op->a, (int)op->b));
        return true;
    default:
        return false;
    }
}

/* The result of operations that only have one. */
static long one_result(const struct actor *a, const struct op *op)
{
    int fd = slot_fd(a, op->slot), nofollow = op->off ? AT_SYMLINK_NOFOLLOW : 0;

    switch (op->kind) {
    case K_TRUNCATE:
        return truncate(op->p, op->off);
    case K_MKDIR:
        return mkdir(op->p, op->b & 07777);
    case K_RMDIR:
        return rmdir(op->p);
    case K_UNLINK:
        return unlink(op->p);
    case K_RENAME:
        return renameat2(AT_FDCWD, op->p, AT_FDCWD, op->q, op->a);
    case K_LINK:
        return linkat(AT_FDCWD, op->p, AT_FDCWD, op->q, op->a ? AT_SYMLINK_FOLLOW : 0);
    case K_LINKFD:
        return do_linkfd(a, op);
    case K_SYMLINK:
        return symlink(op->q, op->p);
    case K_MKNOD:
        return do_mknod(op);
    case K_CHMOD:
        return chmod(op->p, op->b & 07777);
    case K_FCHMOD:
        return fchmod(fd, op->b & 07777);
    case K_CHOWN:
        return fchownat(AT_FDCWD, op->p, id(a, op->a), id(a, op->b), nofollow);
    case K_FCHOWN:
        return fchown(fd, id(a, op->a), id(a, op->b));
    case K_UTIMENS:
    case K_FUTIMENS:
        return do_utimens(fd, op->kind == K_UTIMENS ? op->p : NULL, op);
    case K_UMASK:
        return umask(op->b & 0777);
    default:
        return -2;
    }
}

bool act_names(struct actor *a, const struct op *op, struct text *out)
{
    long r;

    if (act_look(op, out))
        return true;
    r = one_result(a, op);
    if (r == -2)
        return false;
    say_result(out, r);
    return true;
}

static void do_setxattr(const struct actor *a, const struct op *op, struct text *out)
{
    static unsigned char value[XATTR_VALUE_ROOM];
    unsigned n = op->a % n_xattr_names;
    size_t size = xattr_value(n, op->b, a->base, value);
    int fd = slot_fd(a, op->slot), r, flags = (int)op->len;

    if (op->kind == K_FSETXATTR)
        r = fsetxattr(fd, xattr_names[n], value, size, flags);
    else if (op->off)
        r = lsetxattr(op->p, xattr_names[n], value, size, flags);
    else
        r = setxattr(op->p, xattr_names[n], value, size, flags);
    say_result(out, r);
}

static void do_getxattr(const struct actor *a, const struct op *op, struct text *out)
{
    static unsigned char value[XATTR_VALUE_ROOM];
    const char *name = xattr_names[op->a % n_xattr_names];
    size_t room = op->len < sizeof(value) ? op->len : sizeof(value);
    ssize_t n;

    if (op->kind == K_FGETXATTR)
        n = fgetxattr(slot_fd(a, op->slot), name, value, room);
    else if (op->off)
        n = lgetxattr(op->p, name, value, room);
    else
        n = getxattr(op->p, name, value, room);
    xattr_alike(name, value, n < 0 || room > 0 ? n : 0);
    say_result(out, n);
    if (n > 0 && room > 0) {
        say(out, " ");
        say_bytes(out, value, (size_t)n);
    }
}

static int name_order(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* In the order of their names: a file system may give them in any. */
static void do_listxattr(const struct op *op, struct text *out)
{
    char list[4096];
    const char *names[64];
    size_t room = op->len < sizeof(list) ? op->len : sizeof(list), count = 0;
    ssize_t n = op->off ? llistxattr(op->p, list, room) : listxattr(op->p, list, room);

    say_result(out, n);
    for (ssize_t at = 0; room > 0 && at < n && count < 64; at += (ssize_t)strlen(list + at) + 1)
        names[count++] = list + at;
    qsort(names, count, sizeof(names[0]), name_order);
    for (size_t i = 0; i < count; i++)
        say(out, " %s", names[i]);
}

bool act_xattrs(struct actor *a, const struct op *op, struct text *out)
{
    const char *name = xattr_names[op->a % n_xattr_names];

    switch (op->kind) {
    case K_SETXATTR:
    case K_FSETXATTR:
        do_setxattr(a, op, out);
        return true;
    case K_GETXATTR:
    case K_FGETXATTR:
        do_getxattr(a, op, out);
        return true;
    case K_LISTXATTR:
        do_listxattr(op, out);
        return true;
    case K_REMOVEXATTR:
        say_result(out, op->off ? lremovexattr(op->p, name) : removexattr(op->p, name));
        return true;
    default:
        return false;
    }
}
