/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/mounttree.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct err e;
static struct mounttree tree;

static int parse(const char *text)
{
    return mounttree_parse(strdup(text), &tree, &e);
}

START_TEST(reads_lines_of_the_kernel)
{
    ck_assert_int_eq(
        parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
              "4294967297 36 0:4294967295 / / ro shared:1 - tmpfs none rw\n"
              "38 36 0:5 net:[4026531840] /run/netns/x rw - nsfs nsfs rw"),
        0);
    ck_assert_uint_eq(tree.n, 3);
    ck_assert_uint_eq(tree.mounts[0].id, 36);
    ck_assert_uint_eq(tree.mounts[0].parent, 35);
    ck_assert_uint_eq(tree.mounts[0].major, 98);
    ck_assert_uint_eq(tree.mounts[0].minor, 0);
    ck_assert_str_eq(tree.mounts[0].root, "/mnt1");
    ck_assert_str_eq(tree.mounts[0].point, "/mnt2");
    ck_assert_str_eq(tree.mounts[0].type, "ext3");
    ck_assert_uint_eq(tree.mounts[1].id, 4294967297u);
    ck_assert_uint_eq(tree.mounts[1].minor, UINT32_MAX);
    ck_assert_str_eq(tree.mounts[2].root, "net:[4026531840]");
    mounttree_release(&tree);
    ck_assert(tree.n == 0 && !tree.mounts);
}
END_TEST

START_TEST(undoes_the_escapes)
{
    ck_assert_int_eq(parse("1 1 0:1 /a\\040b /c\\011d\\012e\\134f\\043 rw - x x rw\n"
                           "2 1 0:1 /\\134040 /\\303\\244 rw - x x rw\n"
                           "3 1 0:1 /\\04 /x\\0 rw - x x rw\n"
                           "4 1 0:1 /\\400 /\\089\\ rw - x x rw\n"),
                     0);
    ck_assert_str_eq(tree.mounts[0].root, "/a b");
    ck_assert_str_eq(tree.mounts[0].point, "/c\td\ne\\f#");
    ck_assert_str_eq(tree.mounts[1].root, "/\\040"); /* an escaped backslash, and no space */
    ck_assert_str_eq(tree.mounts[1].point, "/\xc3\xa4");
    ck_assert_str_eq(tree.mounts[2].root, "/\\04");
    ck_assert_str_eq(tree.mounts[2].point, "/x\\0");
    ck_assert_str_eq(tree.mounts[3].root, "/\\400");
    ck_assert_str_eq(tree.mounts[3].point, "/\\089\\");
    mounttree_release(&tree);
}
END_TEST

START_TEST(takes_no_mounts_at_all)
{
    ck_assert_int_eq(parse(""), 0);
    ck_assert_uint_eq(tree.n, 0);
    mounttree_release(&tree);
    ck_assert_int_eq(parse("\n\n"), 0);
    ck_assert_uint_eq(tree.n, 0);
    mounttree_release(&tree);
}
END_TEST

START_TEST(refuses_other_lines)
{
    static const char *const texts[] = {
        "x",           "1 2 3:4 /a",    "x 2 3:4 /a /b",         "1 x 3:4 /a /b",
        "1 2 3 /a /b", "1 2 3:x /a /b", "1 2 3:4 /a /b rw\ncut",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(parse(texts[i]) == -EINVAL, "%s", texts[i]);
        ck_assert_ptr_null(tree.mounts);
    }
}
END_TEST

/* Below "/" would be the whole of it but its first byte. */
START_TEST(refuses_a_relative_mount_point)
{
    static const char *const texts[] = {"1 1 0:1 / a rw", "1 1 0:1 / \\057a rw\n2 1 0:1 / . rw",
                                        "1 1 0:1 / \\000/a rw"};

    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(parse(texts[i]) == -EINVAL, "%s", texts[i]);
}
END_TEST

START_TEST(reads_its_own)
{
    ck_assert_int_eq(mounttree_read(getpid(), &tree, &e), 0);
    ck_assert_uint_gt(tree.n, 0);
    mounttree_release(&tree);
    ck_assert_int_lt(mounttree_read(-1, &tree, &e), 0);
}
END_TEST

START_TEST(knows_what_is_below)
{
    ck_assert_str_eq(mounttree_below("/a/b/c", "/a/b"), "c");
    ck_assert_str_eq(mounttree_below("/a/b/c/d", "/a"), "b/c/d");
    ck_assert_str_eq(mounttree_below("/a/b", "/a/b"), "");
    ck_assert_ptr_null(mounttree_below("/a/bc", "/a/b"));
    ck_assert_ptr_null(mounttree_below("/a", "/a/b"));
    ck_assert_ptr_null(mounttree_below("/", "/a"));
    ck_assert_ptr_null(mounttree_below("/x/a/b", "/a/b"));
    ck_assert_str_eq(mounttree_below("/a/b", "/"), "a/b");
    ck_assert_str_eq(mounttree_below("/", "/"), "");
}
END_TEST

Suite *suite_mounttree(void)
{
    Suite *s = suite_create("mounttree");
    TCase *t = tcase_create("mountinfo");

    tcase_add_test(t, reads_lines_of_the_kernel);
    tcase_add_test(t, undoes_the_escapes);
    tcase_add_test(t, takes_no_mounts_at_all);
    tcase_add_test(t, refuses_other_lines);
    tcase_add_test(t, refuses_a_relative_mount_point);
    tcase_add_test(t, reads_its_own);
    tcase_add_test(t, knows_what_is_below);
    suite_add_tcase(s, t);
    return s;
}
