/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/place.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err e;
static struct place a, b;
static char dir[128];

static void setup(void)
{
    a = b = PLACE_NONE;
    /* With a parent that lacks too. */
    snprintf(dir, sizeof(dir), "%s/lib/uppers", scratch_directory());
}

static void teardown(void)
{
    place_close(&a);
    place_close(&b);
}

static void opened(struct place *p)
{
    ck_assert_msg(place_open(dir, "c", 0, p, &e) == 0, "%s", e.msg);
}

START_TEST(makes_it_once)
{
    struct stat st;

    opened(&a);
    ck_assert(a.made);
    ck_assert_int_eq(fstat(a.fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_ptr_nonnull(strstr(a.path, "/lib/uppers/c"));
    place_close(&a);
    opened(&a);
    ck_assert(!a.made);
}
END_TEST

START_TEST(has_one_user)
{
    int fd;

    opened(&a);
    ck_assert_int_eq(place_open(dir, "c", 0, &b, &e), -EBUSY);
    ck_assert_ptr_nonnull(strstr(e.msg, "/lib/uppers/c is in use by another container"));
    ck_assert_int_eq(b.fd, -1);
    ck_assert_int_eq(place_open_empty(dir, "c", 20, &b, &e), -EBUSY);
    fd = open(a.path, O_PATH | O_CLOEXEC);
    ck_assert_int_eq(place_adopt(fd, 0, &b, &e), -EBUSY);
    place_unlock(&a);
    ck_assert_int_eq(place_adopt(fd, 0, &b, &e), 0);
    ck_assert_str_eq(a.path, b.path);
    close(fd);
}
END_TEST

START_TEST(is_emptied)
{
    struct stat st;

    opened(&a);
    ck_assert_int_eq(mkdirat(a.fd, "upper", 0700), 0);
    place_close(&a);
    ck_assert_msg(place_open_empty(dir, "c", 0, &a, &e) == 0, "%s", e.msg);
    ck_assert(a.made);
    ck_assert_int_lt(fstatat(a.fd, "upper", &st, 0), 0);
}
END_TEST

START_TEST(goes_with_all_that_is_in_it)
{
    struct stat st;

    opened(&a);
    ck_assert_int_eq(mkdirat(a.fd, "upper", 0700), 0);
    ck_assert_int_eq(mkdirat(a.fd, "upper/d", 0700), 0);
    ck_assert_msg(place_remove(&a, &e) == 0, "%s", e.msg);
    ck_assert_int_lt(stat(a.path, &st), 0);
    ck_assert_int_eq(place_remove(&a, &e), 0);
    ck_assert_int_eq(place_remove_path(a.path, &e), 0);
    /* What is there by now is another's. */
    opened(&b);
    ck_assert_int_eq(place_remove(&a, &e), 0);
    ck_assert_int_eq(stat(b.path, &st), 0);
    ck_assert_int_eq(place_remove_path(b.path, &e), 0);
    ck_assert_int_lt(stat(b.path, &st), 0);
    ck_assert_int_eq(place_remove_path("/no/such/place", &e), 0);
}
END_TEST

START_TEST(follows_no_symlink)
{
    char path[160];

    opened(&a);
    snprintf(path, sizeof(path), "%s/link", dir);
    ck_assert_int_eq(symlink("c", path), 0);
    ck_assert_int_lt(place_open(dir, "link", 0, &b, &e), 0);
    ck_assert_int_lt(place_open_empty(dir, "link", 0, &b, &e), 0);
    ck_assert_int_eq(b.fd, -1);
}
END_TEST

Suite *suite_place(void)
{
    Suite *s = suite_create("place");
    TCase *t = tcase_create("directory");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, makes_it_once);
    tcase_add_test(t, has_one_user);
    tcase_add_test(t, is_emptied);
    tcase_add_test(t, goes_with_all_that_is_in_it);
    tcase_add_test(t, follows_no_symlink);
    suite_add_tcase(s, t);
    return s;
}
