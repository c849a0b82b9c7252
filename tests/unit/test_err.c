/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <string.h>

START_TEST(names_the_cause)
{
    struct err e;

    ck_assert_int_eq(err_set(&e, -ENOENT, "open %s", "/x"), -ENOENT);
    ck_assert_int_eq(e.code, -ENOENT);
    ck_assert_str_eq(e.msg, "open /x: No such file or directory");
}
END_TEST

START_TEST(says_only_its_own_words)
{
    struct err e;

    ck_assert_int_eq(err_setx(&e, -EINVAL, "no %d", 7), -EINVAL);
    ck_assert_int_eq(e.code, -EINVAL);
    ck_assert_str_eq(e.msg, "no 7");
}
END_TEST

START_TEST(prefixes_pile_up)
{
    struct err e;

    err_setx(&e, -EACCES, "third");
    ck_assert_int_eq(err_prefix(&e, "%s", "second"), -EACCES);
    ck_assert_int_eq(err_prefix(&e, "first"), -EACCES);
    ck_assert_str_eq(e.msg, "first: second: third");
}
END_TEST

START_TEST(stays_one_line)
{
    struct err e;

    err_setx(&e, -EINVAL,
             "a\nb\rc\x1b[31md\x7f"
             "e\tf");
    ck_assert_str_eq(e.msg, "a?b?c?[31md?e?f");
    err_prefix(&e, "container %s", "x\ny");
    ck_assert_str_eq(e.msg, "container x?y: a?b?c?[31md?e?f");
    err_set(&e, -EINVAL, "%s", "\n");
    ck_assert_str_eq(e.msg, "?: Invalid argument");
}
END_TEST

START_TEST(leaves_other_alphabets_alone)
{
    struct err e;

    err_setx(&e, -EINVAL, "%s", "/srv/\xc3\xa4\xe2\x82\xac");
    ck_assert_str_eq(e.msg, "/srv/\xc3\xa4\xe2\x82\xac");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
    struct err e;
    char lots[5000];

    memset(lots, 'x', sizeof(lots) - 1);
    lots[sizeof(lots) - 1] = '\0';
    err_setx(&e, -EINVAL, "%s", lots);
    ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
    err_prefix(&e, "%s", lots);
    ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
    ck_assert_int_eq(e.code, -EINVAL);
}
END_TEST

/* A path may be 4095 bytes long, and a user has to learn why all the same. */
START_TEST(keeps_the_cause_of_a_long_path)
{
    struct err e;
    char path[4096];

    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    err_set(&e, -ENAMETOOLONG, "%s", path);
    err_prefix(&e, "container %s", "c");
    ck_assert_ptr_nonnull(strstr(e.msg, ": File name too long"));
}
END_TEST

Suite *suite_err(void)
{
    Suite *s = suite_create("err");
    TCase *t = tcase_create("messages");

    tcase_add_test(t, names_the_cause);
    tcase_add_test(t, says_only_its_own_words);
    tcase_add_test(t, prefixes_pile_up);
    tcase_add_test(t, stays_one_line);
    tcase_add_test(t, leaves_other_alphabets_alone);
    tcase_add_test(t, cuts_what_is_too_long);
    tcase_add_test(t, keeps_the_cause_of_a_long_path);
    suite_add_tcase(s, t);
    return s;
}
