/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the trees look to the host's root, who may see all of it. It asks by path and keeps nothing
 * open, so that it does not keep alive what the file systems under test would have let go.
 *
 * Not compared, since it differs by nature or on purpose (docs/design.md): device numbers, the
 * birth time, blocks, and the access time but where it was just set.
 */
#include "twin_look.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LONG_AGO 1000000000 /* times before were set by an operation, those after are now's */

struct looks *looks_new(const struct sides *s, const char *name)
{
    struct looks *l = calloc(1, sizeof(*l));

    if (!l)
        err(1, "looks");
    l->s = s;
    snprintf(l->name, sizeof(l->name), "%s", name);
    return l;
}

void looks_free(struct looks *l)
{
    free(l);
}

static struct kept *kept_of(struct looks *l, const char *path)
{
    for (unsigned i = 0; i < l->n_kept; i++)
        if (strcmp(l->kept[i].path, path) == 0)
            return &l->kept[i];
    if (l->n_kept == MAX_KEPT)
        return NULL;
    memset(&l->kept[l->n_kept], 0, sizeof(l->kept[0])); /* looks_note() may have let one go */
    snprintf(l->kept[l->n_kept].path, sizeof(l->kept[0].path), "%s", path);
    return &l->kept[l->n_kept++];
}

static int name_order(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void say_xattrs(struct text *t, const char *path, bool through)
{
    static unsigned char value[65536];
    static char list[65536];
    const char *names[64];
    ssize_t n = llistxattr(path, list, sizeof(list));
    size_t count = 0;

    if (n < 0) {
        say(t, " xattrs: ");
        say_result(t, n);
    }
    for (ssize_t at = 0; at < n && count < 64; at += (ssize_t)strlen(list + at) + 1)
        names[count++] = list + at;
    qsort(names, count, sizeof(names[0]), name_order);
    for (size_t i = 0; i < count; i++) {
        n = lgetxattr(path, names[i], value, sizeof(value));
        if (through)
            xattr_alike(names[i], value, n);
        say(t, " %s=", names[i]);
        if (n < 0)
            say_result(t, n);
        else
            say_bytes(t, value, (size_t)n);
    }
}

void say_content(struct text *t, const char *path, const struct statx *x)
{
    static unsigned char data[1 << 20];
    ssize_t n;
    int fd;

    if (S_ISLNK(x->stx_mode)) {
        n = readlink(path, (char *)data, sizeof(data));
        say(t, " '%.*s'", n < 0 ? 0 : (int)n, (char *)data);
    } else if (S_ISREG(x->stx_mode)) {
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, data, sizeof(data));
        say(t, " content: ");
        if (n < 0)
            say_result(t, n);
        else
            say_bytes(t, data, (size_t)n);
        if (fd >= 0)
            close(fd);
    }
}

void say_stat(struct text *t, const struct statx *x)
{
    say(t, "%06o links %u owner %u:%u", x->stx_mode, x->stx_nlink, x->stx_uid, x->stx_gid);
    /* The size of a directory is the file system's, and the same all the same. */
    say(t, " size %llu dev %u:%u", (unsigned long long)x->stx_size, x->stx_rdev_major,
        x->stx_rdev_minor);
}

static bool same_time(const struct statx_timestamp *x, const struct statx_timestamp *y)
{
    return x->tv_sec == y->tv_sec && x->tv_nsec == y->tv_nsec;
}

void say_time(struct text *t, const char *what, const struct statx_timestamp *now,
              const struct statx_timestamp *before, bool known)
{
    if (now->tv_sec < LONG_AGO)
        say(t, " %s %lld.%09u", what, (long long)now->tv_sec, now->tv_nsec);
    else if (known)
        say(t, " %s %s", what, same_time(now, before) ? "kept" : "moved");
    else
        say(t, " %s now", what);
}

/* The mounts show the inode numbers of their lowers. */
static void say_number(struct text *t, const struct looks *l, unsigned side, const char *path,
                       uint64_t ino)
{
    char lower[4096];
    struct stat st;

    snprintf(lower, sizeof(lower), "%s/%s/%s", l->s->lower[side], l->name, path);
    if (lstat(lower, &st) < 0)
        say(t, " but not in the lower: %s", strerrorname_np(errno));
    else if (st.st_ino != ino)
        say(t, " another inode number than the lower's");
}

void look_at(struct looks *l, const char *path, enum depth depth, bool atime,
             struct text out[N_SIDES])
{
    struct statx x[N_SIDES];
    struct kept *k = kept_of(l, path);
    bool known = k != NULL;
    char full[4096];
    int r[N_SIDES];

    for (unsigned i = 0; i < N_SIDES; i++) {
        snprintf(full, sizeof(full), "%s/%s/%s", l->s->mount[i], l->name, path);
        r[i] = statx(AT_FDCWD, full, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x[i]) < 0 ? errno : 0;
        known = known && r[i] == 0 && k->ino[i] == x[i].stx_ino;
    }
    for (unsigned i = 0; i < N_SIDES; i++) {
        struct text *t = &out[i];

        say(t, "%s: ", path);
        if (r[i] != 0) {
            say(t, "%s\n", strerrorname_np(r[i]));
            continue;
        }
        say_stat(t, &x[i]);
        say_number(t, l, i, path, x[i].stx_ino);
        /* What goes through a FIFO moves its times, but a FUSE server is not told of it. tmpfs
         * gives a directory the coarse time of the name that went (simple_unlink()): it may be the
         * same. */
        if (!S_ISFIFO(x[i].stx_mode) &&
            !(S_ISDIR(x[i].stx_mode) && (l->failed_whiteout || l->s->type == TMPFS_MAGIC))) {
            say_time(t, "mtime", &x[i].stx_mtime, k ? &k->mtime[i] : NULL, known);
            say_time(t, "ctime", &x[i].stx_ctime, k ? &k->ctime[i] : NULL, known);
        }
        if (atime && !S_ISLNK(x[i].stx_mode))
            say(t, " atime %lld.%09u", (long long)x[i].stx_atime.tv_sec, x[i].stx_atime.tv_nsec);
        snprintf(full, sizeof(full), "%s/%s/%s", l->s->mount[i], l->name, path);
        say_xattrs(t, full, true);
        if (depth == FULL)
            say_content(t, full, &x[i]);
        say(t, "\n");
        if (k) {
            k->ino[i] = x[i].stx_ino;
            k->mtime[i] = x[i].stx_mtime;
            k->ctime[i] = x[i].stx_ctime;
        }
    }
}

bool report_difference(const char *what, char *a, char *b, struct text *report)
{
    char *save_a = NULL, *save_b = NULL;
    char *x, *y;

    if (strcmp(a, b) == 0)
        return false;
    x = strtok_r(a, "\n", &save_a);
    y = strtok_r(b, "\n", &save_b);
    while (x || y) {
        if (!x || !y || strcmp(x, y) != 0)
            say(report, "  %s\n    kernel  %s\n    shifter %s\n", what, x ? x : "-", y ? y : "-");
        x = x ? strtok_r(NULL, "\n", &save_a) : NULL;
        y = y ? strtok_r(NULL, "\n", &save_b) : NULL;
    }
    return true;
}

static void parent_of(const char *path, char out[128])
{
    const char *slash;

    snprintf(out, 128, "%s", path);
    slash = strrchr(out, '/');
    if (slash)
        out[slash - out] = '\0';
}

static void look_at_named(struct looks *l, const char *name, const struct op *op, bool done,
                          struct text out[N_SIDES])
{
    bool atime = done && op->kind == K_UTIMENS && (op->a == 3 || op->a == 5 || op->a == 7);
    char path[128], parent[128];

    if (!name[0])
        return;
    snprintf(path, sizeof(path), "w/%s", name);
    look_at(l, path, BRIEF, atime, out);
    parent_of(path, parent);
    look_at(l, parent, BRIEF, false, out);
}

void start_texts(struct text t[N_SIDES])
{
    static char rooms[N_SIDES][1 << 18];

    for (unsigned i = 0; i < N_SIDES; i++) {
        rooms[i][0] = '\0';
        t[i] = (struct text){rooms[i], sizeof(rooms[i]), 0};
    }
}

void looks_note(struct looks *l, const struct op *op, const struct answer *answer)
{
    bool sets = op->kind == K_SETXATTR || op->kind == K_FSETXATTR;

    if (op->kind == K_RENAME && (op->a & RENAME_WHITEOUT) &&
        strcmp(answer->text[0], "ENOTEMPTY") == 0)
        l->failed_whiteout = true;
    /* A value that is there already moves no time. On disk the kernel has the container root's
     * capability with its id, 0, and the shifter without: what is the same to one is not to the
     * other. Which file it is cannot be told from an open file, so all times are as if new. */
    if (sets && op->a % n_xattr_names == XATTR_CAPABILITY)
        l->n_kept = 0;
}

bool looks_differ_at(struct looks *l, const struct op *op, bool done, struct text *report)
{
    struct text t[N_SIDES];

    start_texts(t);
    look_at_named(l, op->p, op, done, t);
    if (op->kind != K_SYMLINK) /* there q is what the link says */
        look_at_named(l, op->q, op, done, t);
    return report_difference("looks like", t[0].buf, t[1].buf, report);
}
