/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/shift.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <sys/sysmacros.h>

static struct shift s;

static void setup(void)
{
    struct err e;

    ck_assert_int_eq(idmap_parse(&s.uid, "0:100000:65536", "uid", &e), 0);
    ck_assert_int_eq(idmap_parse(&s.gid, "0:200000:1000:1000:5:1", "gid", &e), 0);
}

START_TEST(shows_owners_shifted)
{
    struct stat st = {.st_uid = 65535, .st_gid = 1000, .st_size = 7};

    shift_stat_out(&s, &st);
    ck_assert_uint_eq(st.st_uid, 165535);
    ck_assert_uint_eq(st.st_gid, 5);
    ck_assert_int_eq(st.st_size, 7);
}
END_TEST

START_TEST(squash_comes_before_the_mapping)
{
    struct stat st = {.st_uid = 65536, .st_gid = 1000};

    s.squash_uid = (struct squash){true, {0}};
    shift_stat_out(&s, &st);
    s.squash_uid.on = false;
    ck_assert_uint_eq(st.st_uid, 0);
    ck_assert_uint_eq(st.st_gid, 5);
}
END_TEST

START_TEST(shows_unmapped_owners_as_nobody)
{
    struct stat st = {.st_uid = 65536, .st_gid = 1001};

    shift_stat_out(&s, &st);
    ck_assert_uint_eq(st.st_uid, IDMAP_NO_ID);
    ck_assert_uint_eq(st.st_gid, IDMAP_NO_ID);
    /* What is a mount id already is no disk id. */
    st = (struct stat){.st_uid = 100000, .st_gid = IDMAP_NO_ID};
    shift_stat_out(&s, &st);
    ck_assert_uint_eq(st.st_uid, IDMAP_NO_ID);
    ck_assert_uint_eq(st.st_gid, IDMAP_NO_ID);
}
END_TEST

START_TEST(shows_devices_without_a_driver)
{
    struct stat null = {.st_mode = S_IFCHR | 0666, .st_rdev = makedev(1, 3)};
    struct stat disk = {.st_mode = S_IFBLK | 0660, .st_rdev = makedev(511, 1048575)};
    struct stat whiteout = {.st_mode = S_IFCHR, .st_rdev = makedev(0, 0)};
    struct stat file = {.st_mode = S_IFREG, .st_rdev = makedev(1, 3)};
    struct stat as_it_is = null;

    shift_stat_out(&s, &as_it_is);
    ck_assert_uint_eq(as_it_is.st_rdev, makedev(1, 3));
    s.no_devices = true;
    shift_stat_out(&s, &null);
    ck_assert_uint_eq(null.st_rdev, makedev(1 + SHIFT_NO_DRIVER, 3));
    shift_stat_out(&s, &disk);
    ck_assert_uint_eq(disk.st_rdev, makedev(511 + SHIFT_NO_DRIVER, 1048575));
    shift_stat_out(&s, &whiteout);
    ck_assert_uint_eq(whiteout.st_rdev, 0);
    shift_stat_out(&s, &file);
    ck_assert_uint_eq(file.st_rdev, makedev(1, 3));
}
END_TEST

START_TEST(takes_ids_in)
{
    struct disk_id d = {4711};

    ck_assert_int_eq(shift_uid_in(&s, (struct mount_id){100000}, &d), 0);
    ck_assert_uint_eq(d.v, 0);
    ck_assert_int_eq(shift_uid_in(&s, (struct mount_id){165535}, &d), 0);
    ck_assert_uint_eq(d.v, 65535);
    ck_assert_int_eq(shift_gid_in(&s, (struct mount_id){5}, &d), 0);
    ck_assert_uint_eq(d.v, 1000);
}
END_TEST

START_TEST(never_writes_an_unmapped_id)
{
    static const uint32_t uids[] = {0, 65534, 99999, 165536, 4294967294u};
    static const uint32_t gids[] = {0, 4, 6, 65534, 199999, 201000, 4294967294u};
    struct disk_id d = {4711};

    for (size_t i = 0; i < COUNT(uids); i++)
        ck_assert_int_eq(shift_uid_in(&s, (struct mount_id){uids[i]}, &d), -EOVERFLOW);
    for (size_t i = 0; i < COUNT(gids); i++)
        ck_assert_int_eq(shift_gid_in(&s, (struct mount_id){gids[i]}, &d), -EOVERFLOW);
    ck_assert_uint_eq(d.v, 4711);
}
END_TEST

START_TEST(no_change_stays_no_change)
{
    struct disk_id d = {4711};

    ck_assert_int_eq(shift_uid_in(&s, (struct mount_id){IDMAP_NO_ID}, &d), 0);
    ck_assert_uint_eq(d.v, IDMAP_NO_ID);
    d.v = 4711;
    ck_assert_int_eq(shift_gid_in(&s, (struct mount_id){IDMAP_NO_ID}, &d), 0);
    ck_assert_uint_eq(d.v, IDMAP_NO_ID);
}
END_TEST

Suite *suite_shift(void)
{
    Suite *suite = suite_create("shift");
    TCase *t = tcase_create("owners");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, shows_owners_shifted);
    tcase_add_test(t, squash_comes_before_the_mapping);
    tcase_add_test(t, shows_unmapped_owners_as_nobody);
    tcase_add_test(t, shows_devices_without_a_driver);
    tcase_add_test(t, takes_ids_in);
    tcase_add_test(t, never_writes_an_unmapped_id);
    tcase_add_test(t, no_change_stays_no_change);
    suite_add_tcase(suite, t);
    return suite;
}
