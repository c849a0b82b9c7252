/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/override.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

static struct stat disk(mode_t mode)
{
    return (struct stat){.st_uid = 1, .st_gid = 2, .st_mode = mode, .st_rdev = 3, .st_size = 4};
}

/* The text is taken, and what it makes is written as `again`. */
static void taken(const char *text, mode_t on_disk, uint32_t uid, uint32_t gid, mode_t mode,
                  const char *again)
{
    struct stat st = disk(on_disk);
    char buf[OVERRIDE_TEXT_MAX];

    ck_assert_msg(override_parse(text, &st) == 0, "%s", text);
    ck_assert_uint_eq(st.st_uid, uid);
    ck_assert_uint_eq(st.st_gid, gid);
    ck_assert_uint_eq(st.st_mode, mode);
    ck_assert_int_eq(st.st_size, 4);
    override_format(&st, on_disk & S_IFMT, buf);
    ck_assert_str_eq(buf, again);
}

START_TEST(owner_and_mode)
{
    taken("0:0:0", S_IFREG | 0644, 0, 0, S_IFREG, "0:0:0");
    taken("5:6:4755", S_IFREG | 0600, 5, 6, S_IFREG | 04755, "5:6:4755");
    taken("5:6:040755", S_IFDIR, 5, 6, S_IFDIR | 0755, "5:6:755");
    taken("4294967295:4294967294:7777", S_IFDIR, 4294967295, 4294967294, S_IFDIR | 07777,
          "4294967295:4294967294:7777");
    taken("-1:-2147483648:0", S_IFREG, 4294967295, 2147483648, S_IFREG, "4294967295:2147483648:0");
}
END_TEST

START_TEST(types)
{
    taken("0:0:0755:dir", S_IFDIR, 0, 0, S_IFDIR | 0755, "0:0:755");
    taken("0:0:0644:file", S_IFREG, 0, 0, S_IFREG | 0644, "0:0:644");
    taken("0:0:1777:symlink", S_IFREG, 0, 0, S_IFLNK | 01777, "0:0:1777:symlink");
    taken("0:0:0:pipe", S_IFREG, 0, 0, S_IFIFO, "0:0:0:pipe");
    taken("0:0:0:socket", S_IFREG, 0, 0, S_IFSOCK, "0:0:0:socket");
    taken("0:0:0:char-0-1", S_IFREG, 0, 0, S_IFCHR, "0:0:0:char-0-1");
    taken("0:0:0:block-8-17", S_IFREG, 0, 0, S_IFBLK, "0:0:0:block-8-17");
    taken("0:0:0:block-8-17-more", S_IFREG, 0, 0, S_IFBLK, "0:0:0:block-8-17");
}
END_TEST

START_TEST(device_numbers)
{
    struct stat st = disk(S_IFREG);

    ck_assert_int_eq(override_parse("0:0:0:char-10-229", &st), 0);
    ck_assert_uint_eq(st.st_rdev, makedev(10, 229));
}
END_TEST

START_TEST(longest_text_fits)
{
    struct stat st = {.st_uid = UINT32_MAX,
                      .st_gid = UINT32_MAX,
                      .st_mode = S_IFBLK | 07777,
                      .st_rdev = makedev(UINT32_MAX, UINT32_MAX)};
    char buf[OVERRIDE_TEXT_MAX];

    override_format(&st, S_IFREG, buf);
    ck_assert_str_eq(buf, "4294967295:4294967295:7777:block-4294967295-4294967295");
}
END_TEST

static const char *const broken[] = {
    "",
    "0",
    ":",
    "0:0",
    "0:0:",
    "0:0:8",
    "0:0:0x1",
    "+0:0:0",
    " 0:0:0",
    "0:0:0 ",
    "--1:0:0",
    "-:0:0",
    "0:0:200000",
    "0:0:-1",
    "4294967296:0:0",
    "-2147483649:0:0",
    "0:0:0:",
    "0:0:0:dir",
    "0:0:0:files",
    "0:0:0:char",
    "0:0:0:char-1",
    "0:0:0:char-1-",
    "0:0:0:char-1-2x",
    "0:0:0:char-0-0",
    "0:0:0:char-4294967296-1",
    "0:0:0:file:file",
};

START_TEST(says_nothing)
{
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct stat st = disk(S_IFREG | 0640), before = st;

        ck_assert_msg(override_parse(broken[i], &st) == -EINVAL, "%s", broken[i]);
        ck_assert_mem_eq(&st, &before, sizeof(st));
    }
}
END_TEST

START_TEST(a_directory_stays_one)
{
    struct stat st = disk(S_IFDIR);

    ck_assert_int_eq(override_parse("0:0:0:file", &st), -EINVAL);
    ck_assert_int_eq(override_parse("0:0:0:symlink", &st), -EINVAL);
}
END_TEST

static const struct override user = {1u << OVERRIDE_CONTAINERS, OVERRIDE_CONTAINERS};
static const struct override security = {1u << OVERRIDE_SECURITY, OVERRIDE_NONE};

START_TEST(names_that_are_kept_under_others)
{
    char buf[OVERRIDE_NAME_MAX], name[300] = "security.";

    ck_assert_str_eq(override_name_on_disk(&user, "security.capability", buf),
                     "user.containers.override_security.capability");
    ck_assert_str_eq(override_shown_name(&user, buf), "security.capability");
    ck_assert_ptr_null(override_name_on_disk(&user, "user.x", buf));
    ck_assert_ptr_null(override_name_on_disk(&security, "security.capability", buf));
    ck_assert_str_eq(override_shown_name(&security, "user.containers.override_security.x"),
                     "user.containers.override_security.x");
    memset(name + 9, 'x', 240);
    ck_assert_ptr_null(override_name_on_disk(&user, name, buf));
}
END_TEST

START_TEST(names_that_are_hidden)
{
    static const struct override none = {0};

    for (int n = OVERRIDE_NONE + 1; n < OVERRIDE_NAMES; n++) {
        const char *name = override_attribute((enum override_name)n);

        ck_assert(override_hides(&user, name));
        ck_assert(override_hides(&security, name));
        ck_assert(!override_hides(&none, name));
    }
    ck_assert(override_hides(&user, "user.containers.override_security.x"));
    ck_assert(override_hides(&security, "user.containers.override_security.x"));
    ck_assert(!override_hides(&none, "user.containers.override_security.x"));
    ck_assert(!override_hides(&user, "user.containers.override_status"));
}
END_TEST

Suite *suite_override(void)
{
    Suite *s = suite_create("override");
    TCase *t = tcase_create("override");

    tcase_add_test(t, owner_and_mode);
    tcase_add_test(t, types);
    tcase_add_test(t, device_numbers);
    tcase_add_test(t, longest_text_fits);
    tcase_add_test(t, says_nothing);
    tcase_add_test(t, a_directory_stays_one);
    tcase_add_test(t, names_that_are_kept_under_others);
    tcase_add_test(t, names_that_are_hidden);
    suite_add_tcase(s, t);
    return s;
}
