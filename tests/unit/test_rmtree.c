/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/rmtree.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err e;
static int at;

static void setup(void)
{
    at = open(scratch_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(at, 0);
}

static void teardown(void)
{
    close(at);
}

static void make_file(const char *path)
{
    int fd = openat(at, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0000);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    close(fd);
}

static void make_directory(const char *path)
{
    ck_assert_msg(mkdirat(at, path, 0700) == 0, "%s: %s", path, strerror(errno));
}

static bool is_there(const char *path)
{
    struct stat st;

    return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void goes(void)
{
    ck_assert_msg(rmtree_at(at, "t", &e) == 0, "%s", e.msg);
    ck_assert(!is_there("t"));
}

START_TEST(removes_what_there_is)
{
    goes();
    make_file("t");
    goes();
    ck_assert_int_eq(symlinkat("/", at, "t"), 0);
    goes();
    make_directory("t");
    goes();
    make_directory("t");
    make_file("t/file");
    ck_assert_int_eq(mkfifoat(at, "t/fifo", 0), 0);
    ck_assert_int_eq(symlinkat("nowhere", at, "t/dangling"), 0);
    make_directory("t/empty");
    make_directory("t/full");
    make_directory("t/full/a");
    make_directory("t/full/a/b");
    make_file("t/full/a/b/c");
    goes();
}
END_TEST

/* Symlinks go, and what they lead to stays. */
START_TEST(stays_inside)
{
    make_directory("out");
    make_directory("out/dir");
    make_file("out/dir/file");
    make_directory("t");
    make_directory("t/d");
    ck_assert_int_eq(symlinkat("../../out/dir", at, "t/d/up"), 0);
    ck_assert_int_eq(symlinkat("../out", at, "t/1"), 0);
    ck_assert_int_eq(linkat(at, "out/dir/file", at, "t/d/hard", 0), 0);
    goes();
    ck_assert(is_there("out/dir/file"));
}
END_TEST

/* Names that it would give itself to what it moves up. */
START_TEST(finds_names_taken)
{
    char path[96];

    make_directory("t");
    for (int i = 1; i <= 40; i++) {
        snprintf(path, sizeof(path), "t/%d", i);
        if (i % 3 == 0)
            make_file(path);
        else
            make_directory(path);
        if (i % 3 != 1)
            continue;
        strcat(path, "/sub");
        make_directory(path);
        strcat(path, "/sub");
        make_directory(path);
    }
    goes();
}
END_TEST

/* Deeper than any path, stack or number of open files could follow. */
START_TEST(goes_down_deep)
{
    struct rlimit few = {16, 16};
    int dir, next;

    make_directory("t");
    dir = openat(at, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 20000; i++) {
        ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
        next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(dir);
        dir = next;
    }
    close(dir);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    goes();
}
END_TEST

START_TEST(goes_through_many)
{
    char path[96];

    make_directory("t");
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof(path), "t/d%d", i);
        make_directory(path);
        for (int k = 0; k < 100; k++) {
            snprintf(path, sizeof(path), "t/d%d/%0*d", i, 40, k);
            make_directory(path);
            if (k % 2)
                continue;
            snprintf(path, sizeof(path), "t/d%d/%0*d/%d", i, 40, k, k);
            make_file(path);
        }
    }
    goes();
}
END_TEST

/* One that cannot go does not keep others, and is named. */
START_TEST(says_what_stays)
{
    if (geteuid() == 0)
        return;
    make_directory("t");
    make_directory("t/locked");
    make_file("t/locked/in\nside");
    make_directory("t/other");
    make_file("t/other/file");
    ck_assert_int_eq(fchmodat(at, "t/locked", 0500, 0), 0);
    ck_assert_int_eq(rmtree_at(at, "t", &e), -EACCES);
    ck_assert_ptr_nonnull(strstr(e.msg, "t: remove in?side: Permission denied"));
    ck_assert(!is_there("t/other"));
    ck_assert_int_eq(fchmodat(at, "t/locked", 0700, 0), 0);
    goes();
}
END_TEST

Suite *suite_rmtree(void)
{
    Suite *s = suite_create("rmtree");
    TCase *t = tcase_create("trees");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, removes_what_there_is);
    tcase_add_test(t, stays_inside);
    tcase_add_test(t, finds_names_taken);
    tcase_add_test(t, goes_down_deep);
    tcase_add_test(t, goes_through_many);
    tcase_add_test(t, says_what_stays);
    suite_add_tcase(s, t);
    return s;
}
