/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/markers.h"
#include "shifter/markers_scan.h"
#include "shifter/side_cache.h"
#include "shifter/side_layer.h"
#include "tests/unit/suites.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err e;
static char top[64], text[4096];
static int layer, side;

static int open_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
    return fd;
}

static void make_dir(int at, const char *name)
{
    ck_assert_int_eq(mkdirat(at, name, 0755), 0);
}

static void make_file(int at, const char *name)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
    close(fd);
}

static void set_up(void)
{
    int at;

    snprintf(top, sizeof(top), "%s", scratch_directory());
    at = open_dir(AT_FDCWD, top);
    make_dir(at, "layer");
    make_dir(at, "side");
    layer = open_dir(at, "layer");
    side = open_dir(at, "side");
    close(at);
}

static void tear_down(void)
{
    close(layer);
    close(side);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds "PATH+TYPE " for what is in the directory: / a directory, - a whiteout, ! opaque. */
static void add_tree(int at, const char *prefix)
{
    struct dirent **names;
    int n = scandirat(at, ".", &names, NULL, by_name);

    ck_assert_int_ge(n, 0);
    if (side_layer_root_is_opaque(at))
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s! ", prefix);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        char path[600];
        struct stat st;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            ck_assert_int_eq(fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW), 0);
            snprintf(path, sizeof(path), "%s%s%s", prefix, name, S_ISDIR(st.st_mode) ? "/" : "");
            if (S_ISDIR(st.st_mode)) {
                int fd = open_dir(at, name);

                add_tree(fd, path);
                close(fd);
            } else {
                ck_assert(S_ISCHR(st.st_mode) && st.st_rdev == 0);
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s- ", path);
            }
        }
        free(names[i]);
    }
    free(names);
}

static void scanned(const char *wanted)
{
    bool any;

    ck_assert_msg(markers_scan(layer, side, &any, &e) == 0, "%s", e.msg);
    text[0] = '\0';
    add_tree(side, "");
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(any, wanted[0] != '\0');
}

START_TEST(names)
{
    ck_assert(markers_is_name(".wh.x") && markers_is_name(".wh.") &&
              markers_is_name(".wh..wh..opq"));
    ck_assert(!markers_is_name(".wh") && !markers_is_name("x.wh.x") && !markers_is_name(""));
}
END_TEST

START_TEST(no_markers)
{
    make_file(layer, "wh.x");
    make_file(layer, ".wh");
    make_dir(layer, "d");
    scanned("");
}
END_TEST

START_TEST(of_any_type)
{
    make_file(layer, ".wh.file");
    make_dir(layer, ".wh.dir");
    make_dir(layer, ".wh.dir/sub");
    make_file(layer, ".wh.dir/.wh.not-looked-at");
    ck_assert_int_eq(symlinkat("/", layer, ".wh.link"), 0);
    make_dir(layer, "a");
    make_dir(layer, "a/b");
    make_dir(layer, "c");
    make_file(layer, "a/b/.wh..wh..opq");
    make_file(layer, "a/b/.wh.x");
    scanned("a/b/! a/b/x- dir- file- link- ");
}
END_TEST

START_TEST(names_that_are_none)
{
    char longest[256] = ".wh.";

    memset(longest + 4, 'n', 251);
    make_file(layer, ".wh.");
    make_file(layer, ".wh..");
    make_file(layer, ".wh...");
    make_file(layer, ".wh..wh.plnk");
    make_file(layer, ".wh..wh.aufs");
    scanned("");
    make_file(layer, longest);
    ck_assert_int_eq(markers_scan(layer, side, &(bool){false}, &e), 0);
    ck_assert_int_eq(faccessat(side, longest + 4, F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

/* A symlink to a directory is none, wherever it leads. */
START_TEST(symlinks)
{
    make_dir(layer, "d");
    make_file(layer, "d/.wh.x");
    ck_assert_int_eq(symlinkat("d", layer, "link"), 0);
    ck_assert_int_eq(symlinkat("..", layer, "up"), 0);
    scanned("d/x- ");
}
END_TEST

/* More levels than stay open, with something to be made on the way back up. */
START_TEST(deep_and_back)
{
    char wanted[4096] = "", path[512] = "";

    for (int i = 0; i < 100; i++) {
        char marker[600];

        strcat(path, "d/");
        make_dir(layer, path);
        snprintf(marker, sizeof(marker), "%sz", path);
        if (i % 40 == 0) {
            make_dir(layer, marker);
            strcat(marker, "/.wh.m");
            make_file(layer, marker);
        }
    }
    strcat(path, ".wh.end");
    make_file(layer, path);
    path[strlen(path) - strlen(".wh.end")] = '\0';
    snprintf(wanted, sizeof(wanted), "%send- ", path);
    for (int i = 80; i >= 0; i -= 40)
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%.*sz/m- ", 2 * (i + 1),
                 path);
    scanned(wanted);
}
END_TEST

START_TEST(broken_off_and_again)
{
    make_dir(layer, "a");
    make_file(layer, "a/.wh.x");
    make_file(layer, "a/.wh..wh..opq");
    make_file(layer, ".wh.y");
    make_dir(side, "a");
    scanned("a/! a/x- y- ");
    scanned("a/! a/x- y- ");
    make_file(layer, ".wh..wh..opq");
    scanned("! a/! a/x- y- ");
}
END_TEST

START_TEST(kept)
{
    char path[128], in_open[128];
    int cache, first = -1, second = -1;
    struct stat a, b;

    make_file(layer, ".wh.x");
    snprintf(path, sizeof(path), "%s/new/cache", top);
    cache = side_cache_open(path, &e);
    ck_assert_msg(cache >= 0, "%s", e.msg);
    if (side_cache_get(cache, layer, &first, &e) == 0) { /* elsewhere there are no birth times */
        ck_assert_int_eq(side_cache_get(cache, layer, &second, &e), 0);
        ck_assert_int_eq(fstat(first, &a), 0);
        ck_assert_int_eq(fstat(second, &b), 0);
        ck_assert(a.st_ino == b.st_ino);
        close(first);
        close(second);
    }
    close(cache);
    ck_assert_int_eq(chmod(path, 0777), 0);
    ck_assert_int_eq(side_cache_open(path, &e), -EPERM);
    snprintf(in_open, sizeof(in_open), "%s/not/there/cache", top);
    ck_assert_int_eq(side_cache_open(in_open, &e), -ENOENT);
}
END_TEST

Suite *suite_markers(void)
{
    Suite *s = suite_create("markers");
    TCase *t = tcase_create("markers");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, names);
    tcase_add_test(t, no_markers);
    tcase_add_test(t, of_any_type);
    tcase_add_test(t, names_that_are_none);
    tcase_add_test(t, symlinks);
    tcase_add_test(t, deep_and_back);
    tcase_add_test(t, broken_off_and_again);
    tcase_add_test(t, kept);
    suite_add_tcase(s, t);
    return s;
}
