/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/acl.h"
#include "tests/unit/suites.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#define HEADER sizeof(struct posix_acl_xattr_header)
#define ENTRY sizeof(struct posix_acl_xattr_entry)
#define UNDEFINED ((uint32_t)ACL_UNDEFINED_ID)

static struct shift s;
static unsigned char acl[HEADER + 8 * ENTRY];
static size_t size;

static void maps(const char *uid, const char *gid)
{
    struct err e;

    ck_assert_int_eq(idmap_parse(&s.uid, uid, "uid", &e), 0);
    ck_assert_int_eq(idmap_parse(&s.gid, gid, "gid", &e), 0);
}

static void begin(void)
{
    struct posix_acl_xattr_header head = {htole32(POSIX_ACL_XATTR_VERSION)};

    memcpy(acl, &head, HEADER);
    size = HEADER;
}

static void add(uint16_t tag, uint32_t id)
{
    struct posix_acl_xattr_entry entry = {htole16(tag), htole16(6), htole32(id)};

    memcpy(acl + size, &entry, ENTRY);
    size += ENTRY;
}

static uint32_t id_at(unsigned i)
{
    struct posix_acl_xattr_entry entry;

    memcpy(&entry, acl + HEADER + i * ENTRY, ENTRY);
    ck_assert_uint_eq(le16toh(entry.e_perm), 6);
    return le32toh(entry.e_id);
}

/* The usual one: owner, a user, group, a group, mask, others. */
static void usual(uint32_t user, uint32_t group)
{
    begin();
    add(ACL_USER_OBJ, UNDEFINED);
    add(ACL_USER, user);
    add(ACL_GROUP_OBJ, UNDEFINED);
    add(ACL_GROUP, group);
    add(ACL_MASK, UNDEFINED);
    add(ACL_OTHER, UNDEFINED);
}

static void setup(void)
{
    maps("0:100000:65536", "0:200000:65536");
}

START_TEST(shifts_users_and_groups)
{
    unsigned char before[sizeof(acl)];

    usual(65535, 1);
    memcpy(before, acl, size);
    ck_assert_int_eq(acl_shift_out(&s, acl, size), 0);
    ck_assert_uint_eq(id_at(1), 165535);
    ck_assert_uint_eq(id_at(3), 200001);
    ck_assert_uint_eq(id_at(0), UNDEFINED);
    ck_assert_uint_eq(id_at(5), UNDEFINED);
    ck_assert_int_eq(acl_shift_in(&s, acl, size), 0);
    ck_assert_mem_eq(acl, before, size);
}
END_TEST

START_TEST(shows_strangers_as_strangers)
{
    usual(65536, 70000);
    ck_assert_int_eq(acl_shift_out(&s, acl, size), 0);
    ck_assert_uint_eq(id_at(1), IDMAP_OVERFLOW_ID);
    ck_assert_uint_eq(id_at(3), IDMAP_OVERFLOW_ID);
}
END_TEST

/* Where the container has the overflow id, that would grant somebody something. */
START_TEST(finds_a_stranger_that_is_free)
{
    maps("0:0:65536", "0:65534:1:1:65535:10:11:65000:534");
    usual(65536, 70000);
    ck_assert_int_eq(acl_shift_out(&s, acl, size), 0);
    ck_assert_uint_eq(id_at(1), 65536);
    ck_assert_uint_eq(id_at(3), 65545);
    /* Up to the last id: the search goes on at 0. */
    maps("0:65534:4294901761", "10:65534:4294901761:0:0:3");
    usual(4294967294u, 5);
    ck_assert_int_eq(acl_shift_out(&s, acl, size), 0);
    ck_assert_uint_eq(id_at(1), 0);
    ck_assert_uint_eq(id_at(3), 3);
}
END_TEST

/* All 2^32-1 ids are mapped, and an image says the one that is none: there has to be an end. */
START_TEST(ends_where_no_stranger_is_free)
{
    maps("0:0:4294967295", "0:65534:4294901761:4294901761:0:65534");
    usual(IDMAP_NO_ID, IDMAP_NO_ID);
    ck_assert_int_eq(acl_shift_out(&s, acl, size), 0);
    ck_assert_uint_eq(id_at(1), IDMAP_NO_ID);
    ck_assert_uint_eq(id_at(3), IDMAP_NO_ID);
}
END_TEST

START_TEST(takes_no_stranger_in)
{
    static const uint32_t users[] = {0, 65534, 99999, 165536, IDMAP_NO_ID};

    for (size_t i = 0; i < COUNT(users); i++) {
        usual(users[i], 200000);
        ck_assert_int_eq(acl_shift_in(&s, acl, size), -EOVERFLOW);
        usual(100000, users[i]);
        ck_assert_int_eq(acl_shift_in(&s, acl, size), -EOVERFLOW);
    }
    /* A user's id is none of a group, and the other way round. */
    usual(200000, 200000);
    ck_assert_int_eq(acl_shift_in(&s, acl, size), -EOVERFLOW);
}
END_TEST

/* In a buffer of just that size, so that the address sanitizer sees what is read behind it. */
static int shift_copy(size_t n, int (*shift)(const struct shift *, void *, size_t))
{
    unsigned char *copy = malloc(n ? n : 1);
    int r;

    memcpy(copy, acl, n);
    r = shift(&s, copy, n);
    free(copy);
    return r;
}

START_TEST(refuses_odd_sizes)
{
    usual(0, 0);
    for (size_t n = 0; n <= size; n++) {
        int want = n >= HEADER && (n - HEADER) % ENTRY == 0 ? 0 : -EINVAL;

        ck_assert_msg(shift_copy(n, acl_shift_out) == want, "%zu bytes out", n);
    }
    usual(100000, 200000);
    for (size_t n = 0; n <= size; n++) {
        int want = n >= HEADER && (n - HEADER) % ENTRY == 0 ? 0 : -EINVAL;

        ck_assert_msg(shift_copy(n, acl_shift_in) == want, "%zu bytes in", n);
    }
}
END_TEST

START_TEST(refuses_other_versions)
{
    static const uint32_t versions[] = {0, 1, 3, 0x02000000, UINT32_MAX};

    for (size_t i = 0; i < COUNT(versions); i++) {
        uint32_t v = htole32(versions[i]);

        usual(0, 0);
        memcpy(acl, &v, sizeof(v));
        ck_assert_int_eq(acl_shift_out(&s, acl, size), -EINVAL);
        ck_assert_int_eq(acl_shift_in(&s, acl, size), -EINVAL);
    }
}
END_TEST

START_TEST(knows_the_two_names)
{
    ck_assert(acl_is_name("system.posix_acl_access"));
    ck_assert(acl_is_name("system.posix_acl_default"));
    ck_assert(!acl_is_name("system.posix_acl_accesS"));
    ck_assert(!acl_is_name("system.posix_acl_access2"));
    ck_assert(!acl_is_name("system.posix_acl"));
    ck_assert(!acl_is_name("user.posix_acl_access"));
    ck_assert(!acl_is_name(""));
}
END_TEST

Suite *suite_acl(void)
{
    Suite *suite = suite_create("acl");
    TCase *t = tcase_create("entries");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, shifts_users_and_groups);
    tcase_add_test(t, shows_strangers_as_strangers);
    tcase_add_test(t, finds_a_stranger_that_is_free);
    tcase_add_test(t, ends_where_no_stranger_is_free);
    tcase_add_test(t, takes_no_stranger_in);
    tcase_add_test(t, refuses_odd_sizes);
    tcase_add_test(t, refuses_other_versions);
    tcase_add_test(t, knows_the_two_names);
    suite_add_tcase(suite, t);
    return suite;
}
