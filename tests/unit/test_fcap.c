/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/fcap.h"
#include "tests/unit/suites.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

static struct shift s;
static struct vfs_ns_cap_data cap;

static void map(const char *uid)
{
    struct err e;

    ck_assert_int_eq(idmap_parse(&s.uid, uid, "uid", &e), 0);
    ck_assert_int_eq(idmap_parse(&s.gid, "0:7:1", "gid", &e), 0);
}

static void setup(void)
{
    map("0:100000:65536");
}

/* cap_net_bind_service and cap_checkpoint_restore, one in each half, and effective. */
static void make(uint32_t revision, uint32_t rootid)
{
    memset(&cap, 0, sizeof(cap));
    cap.magic_etc = htole32(revision | VFS_CAP_FLAGS_EFFECTIVE);
    cap.data[0].permitted = htole32(1u << 10);
    cap.data[1].permitted = htole32(1u << 8);
    cap.data[1].inheritable = htole32(1u << 3);
    cap.rootid = htole32(rootid);
}

static void is(uint32_t revision, uint32_t rootid)
{
    ck_assert_uint_eq(le32toh(cap.magic_etc), revision | VFS_CAP_FLAGS_EFFECTIVE);
    ck_assert_uint_eq(le32toh(cap.data[0].permitted), 1u << 10);
    ck_assert_uint_eq(le32toh(cap.data[0].inheritable), 0);
    ck_assert_uint_eq(le32toh(cap.data[1].permitted), 1u << 8);
    ck_assert_uint_eq(le32toh(cap.data[1].inheritable), 1u << 3);
    if (revision == VFS_CAP_REVISION_3)
        ck_assert_uint_eq(le32toh(cap.rootid), rootid);
}

START_TEST(gives_the_image_to_the_containers_root)
{
    make(VFS_CAP_REVISION_2, 0);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_2), XATTR_CAPS_SZ_3);
    is(VFS_CAP_REVISION_3, 100000);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_3), XATTR_CAPS_SZ_2);
    is(VFS_CAP_REVISION_2, 0);
}
END_TEST

START_TEST(shifts_the_root_of_a_nested_namespace)
{
    make(VFS_CAP_REVISION_3, 1000);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_3), XATTR_CAPS_SZ_3);
    is(VFS_CAP_REVISION_3, 101000);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_3), XATTR_CAPS_SZ_3);
    is(VFS_CAP_REVISION_3, 1000);
}
END_TEST

/* On disk a root id of 0 and none are the same. */
START_TEST(takes_root_id_0_for_none)
{
    make(VFS_CAP_REVISION_3, 0);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_3), XATTR_CAPS_SZ_3);
    is(VFS_CAP_REVISION_3, 100000);
}
END_TEST

START_TEST(says_plain_version_2_to_the_hosts_root)
{
    map("0:0:1:1000:1000:1");
    make(VFS_CAP_REVISION_2, 0);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_2), XATTR_CAPS_SZ_2);
    is(VFS_CAP_REVISION_2, 0);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_2), XATTR_CAPS_SZ_2);
    is(VFS_CAP_REVISION_2, 0);
    /* The host's root is some other disk id: there and back again. */
    map("5:0:1:0:100000:1");
    make(VFS_CAP_REVISION_3, 5);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_3), XATTR_CAPS_SZ_2);
    is(VFS_CAP_REVISION_2, 0);
    cap.rootid = 0;
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_2), XATTR_CAPS_SZ_3);
    is(VFS_CAP_REVISION_3, 5);
}
END_TEST

START_TEST(hides_those_of_others)
{
    make(VFS_CAP_REVISION_3, 65536);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_3), -ENODATA);
    map("1:100000:10");
    make(VFS_CAP_REVISION_2, 0);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_2), -ENODATA);
}
END_TEST

START_TEST(takes_none_of_others)
{
    /* The host's root at work: its version 2 would mean the container's root on disk. */
    make(VFS_CAP_REVISION_2, 0);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_2), -EOVERFLOW);
    make(VFS_CAP_REVISION_3, 99999);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_3), -EOVERFLOW);
    make(VFS_CAP_REVISION_3, 165536);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_3), -EOVERFLOW);
    make(VFS_CAP_REVISION_3, IDMAP_NO_ID);
    ck_assert_int_eq(fcap_shift_in(&s, &cap, XATTR_CAPS_SZ_3), -EOVERFLOW);
    ck_assert_int_eq(fcap_shift_out(&s, &cap, XATTR_CAPS_SZ_3), -ENODATA);
}
END_TEST

START_TEST(refuses_sizes_that_do_not_fit)
{
    static const uint32_t revisions[] = {VFS_CAP_REVISION_1, VFS_CAP_REVISION_2, VFS_CAP_REVISION_3,
                                         0x04000000, 0};

    for (size_t i = 0; i < COUNT(revisions); i++)
        for (size_t n = 0; n <= FCAP_MAX_SIZE + 1; n++) {
            bool fits = (revisions[i] == VFS_CAP_REVISION_2 && n == XATTR_CAPS_SZ_2) ||
                        (revisions[i] == VFS_CAP_REVISION_3 && n == XATTR_CAPS_SZ_3);

            make(revisions[i], 0);
            if (fits)
                continue;
            ck_assert_msg(fcap_shift_out(&s, &cap, n) == -EINVAL, "%#x, %zu", revisions[i], n);
            ck_assert_msg(fcap_shift_in(&s, &cap, n) == -EINVAL, "%#x, %zu", revisions[i], n);
        }
}
END_TEST

Suite *suite_fcap(void)
{
    Suite *suite = suite_create("fcap");
    TCase *t = tcase_create("attributes");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, gives_the_image_to_the_containers_root);
    tcase_add_test(t, shifts_the_root_of_a_nested_namespace);
    tcase_add_test(t, takes_root_id_0_for_none);
    tcase_add_test(t, says_plain_version_2_to_the_hosts_root);
    tcase_add_test(t, hides_those_of_others);
    tcase_add_test(t, takes_none_of_others);
    tcase_add_test(t, refuses_sizes_that_do_not_fit);
    suite_add_tcase(suite, t);
    return suite;
}
