/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at whole trees: through the mounts, and as they are on disk. */
#include "twin_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The names of a directory in the first tree, and whether the second has the same. */
static int list(const char *root, const char *name, const char *path, struct dirent ***out)
{
    char full[4096];

    snprintf(full, sizeof(full), "%s/%s/%s", root, name, path);
    return scandir(full, out, NULL, alphasort);
}

static void say_list(struct text *t, const char *path, struct dirent **entries, int n)
{
    say(t, "%s has", path);
    if (n < 0)
        say(t, " %s", strerrorname_np(errno));
    for (int i = 0; i < n; i++)
        say(t, " %s", entries[i]->d_name);
    say(t, "\n");
}

static void free_list(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n >= 0)
        free(entries);
}

typedef void visit(struct looks *l, const char *path, struct text out[N_SIDES]);

static bool is_dir(const struct looks *l, const char *path)
{
    char full[4096];
    struct stat st;

    snprintf(full, sizeof(full), "%s/%s/%s", l->s->lower[0], l->name, path);
    return lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

static void walk(struct looks *l, const char *const roots[N_SIDES], const char *path, visit *fn,
                 struct text out[N_SIDES])
{
    struct dirent **entries[N_SIDES];
    int n[N_SIDES];
    char below[128];

    fn(l, path, out);
    if (!is_dir(l, path))
        return;
    for (unsigned i = 0; i < N_SIDES; i++) {
        n[i] = list(roots[i], l->name, path, &entries[i]);
        say_list(&out[i], path, entries[i], n[i]);
    }
    for (int i = 0; i < n[0]; i++) {
        const char *name = entries[0][i]->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            snprintf(below, sizeof(below), "%s/%s", path, name) >= (int)sizeof(below))
            continue;
        walk(l, roots, below, fn, out);
    }
    for (unsigned i = 0; i < N_SIDES; i++)
        free_list(entries[i], n[i]);
}

/* Which of the inodes seen in this walk it is: links of one inode have one number. */
static void say_identity(struct looks *l, unsigned side, uint64_t ino, struct text *t)
{
    unsigned n = 0;

    while (n < l->n_seen[side] && l->seen[side][n] != ino)
        n++;
    if (n == l->n_seen[side] && n < MAX_KEPT)
        l->seen[side][l->n_seen[side]++] = ino;
    say(t, "inode %u ", n);
}

static void visit_mount(struct looks *l, const char *path, struct text out[N_SIDES])
{
    char full[4096];
    struct stat st;

    for (unsigned i = 0; i < N_SIDES; i++) {
        snprintf(full, sizeof(full), "%s/%s/%s", l->s->mount[i], l->name, path);
        if (lstat(full, &st) == 0)
            say_identity(l, i, st.st_ino, &out[i]);
    }
    look_at(l, path, FULL, false, out);
}

static void visit_lower(struct looks *l, const char *path, struct text out[N_SIDES])
{
    char full[4096];
    struct statx x;

    for (unsigned i = 0; i < N_SIDES; i++) {
        snprintf(full, sizeof(full), "%s/%s/%s", l->s->lower[i], l->name, path);
        say(&out[i], "%s: ", path);
        if (statx(AT_FDCWD, full, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x) < 0) {
            say(&out[i], "%s\n", strerrorname_np(errno));
            continue;
        }
        say_identity(l, i, x.stx_ino, &out[i]);
        say_stat(&out[i], &x);
        if (!S_ISFIFO(x.stx_mode) && !(l->failed_whiteout && S_ISDIR(x.stx_mode)))
            say_time(&out[i], "mtime", &x.stx_mtime, NULL, false);
        say_xattrs(&out[i], full, false);
        say_content(&out[i], full, &x);
        say(&out[i], "\n");
    }
}

bool looks_differ_anywhere(struct looks *l, struct text *report)
{
    struct text t[N_SIDES];

    start_texts(t);
    l->n_seen[0] = l->n_seen[1] = 0;
    walk(l, l->s->mount, "w", visit_mount, t);
    return report_difference("looks like", t[0].buf, t[1].buf, report);
}

bool lowers_differ(struct looks *l, struct text *report)
{
    struct text t[N_SIDES];

    start_texts(t);
    l->n_seen[0] = l->n_seen[1] = 0;
    walk(l, l->s->lower, "w", visit_lower, t);
    return report_difference("on disk", t[0].buf, t[1].buf, report);
}
