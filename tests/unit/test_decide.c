/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/decide.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <string.h>

static struct err e;
static struct oci_config c;
static enum decision what;
static const char *why;

static void setup(void)
{
    c = (struct oci_config){.root_path = "/r", .user_namespace = true, .mappings = true};
    ck_assert_int_eq(idmap_parse(&c.uid, "0:100000:65536", "uid", &e), 0);
    ck_assert_int_eq(idmap_parse(&c.gid, "0:100000:65536", "gid", &e), 0);
}

START_TEST(shifts_what_has_a_mapping)
{
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(what, DECISION_SHIFT);
}
END_TEST

START_TEST(leaves_alone_what_has_none)
{
    c.mappings = false;
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(what, DECISION_NOTHING);
    ck_assert_ptr_nonnull(strstr(why, "uidMappings"));
    c.mappings = true;
    c.user_namespace = false;
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(what, DECISION_NOTHING);
    ck_assert_ptr_nonnull(strstr(why, "user namespace"));
}
END_TEST

START_TEST(knows_the_annotations)
{
    c.upper = "none";
    c.backend = "fuse";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(what, DECISION_SHIFT);
    c.backend = "idmap";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "io.oci-shift.backend: 'idmap'"));
    c.backend = NULL;
    c.upper = "";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    c.upper = "None";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "io.oci-shift.upper: 'None'"));
    c.upper = "none";
    c.upperdir = "/u";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "io.oci-shift.upperdir"));
}
END_TEST

START_TEST(knows_where_writes_go)
{
    ck_assert_int_eq(decide_upper(&c), UPPER_NONE);
    c.upper = "none";
    ck_assert_int_eq(decide_upper(&c), UPPER_NONE);
    c.upper = "ephemeral";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(decide_upper(&c), UPPER_EPHEMERAL);
    c.upperdir = "/u";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    c.upper = "keep";
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), 0);
    ck_assert_int_eq(decide_upper(&c), UPPER_KEEP);
    c.upper = NULL;
    ck_assert_int_eq(decide_config(&c, &what, &why, &e), -EINVAL);
    /* Nobody can write to a read-only root; what was kept is shown. */
    c.root_readonly = true;
    c.upperdir = NULL;
    c.upper = "keep";
    ck_assert_int_eq(decide_upper(&c), UPPER_KEEP);
    c.upper = "ephemeral";
    ck_assert_int_eq(decide_upper(&c), UPPER_NONE);
}
END_TEST

static void owner_is(uid_t owner, int code, enum decision expected)
{
    ck_assert_msg(decide_owner(&c, "/r", owner, &what, &why, &e) == code, "owner %u", owner);
    if (code == 0)
        ck_assert_msg(what == expected, "owner %u", owner);
    else
        ck_assert_ptr_nonnull(strstr(e.msg, "/r is owned by uid"));
}

START_TEST(does_not_shift_twice)
{
    owner_is(0, 0, DECISION_SHIFT);
    owner_is(1000, 0, DECISION_SHIFT);
    owner_is(65535, 0, DECISION_SHIFT);
    owner_is(100000, 0, DECISION_NOTHING);
    owner_is(65536, -EINVAL, 0);
    owner_is(99999, -EINVAL, 0);
    owner_is(100001, -EINVAL, 0);
    owner_is(200000, -EINVAL, 0);
    owner_is(4294967294u, -EINVAL, 0);
}
END_TEST

START_TEST(knows_the_root_of_odd_mappings)
{
    /* An identity mapping: what is there needs no shift. */
    ck_assert_int_eq(idmap_parse(&c.uid, "0:0:4294967295", "uid", &e), 0);
    owner_is(0, 0, DECISION_NOTHING);
    owner_is(5, 0, DECISION_SHIFT);
    /* No root in the container: nobody to be the sign of a shift. */
    ck_assert_int_eq(idmap_parse(&c.uid, "1:100000:10", "uid", &e), 0);
    owner_is(0, -EINVAL, 0);
    owner_is(100000, -EINVAL, 0);
    owner_is(1, 0, DECISION_SHIFT);
    /* The overflow id is what an unmapped owner looks like, and no owner. */
    ck_assert_int_eq(idmap_parse(&c.uid, "0:100000:65534", "uid", &e), 0);
    owner_is(65534, -EINVAL, 0);
}
END_TEST

Suite *suite_decide(void)
{
    Suite *s = suite_create("decide");
    TCase *t = tcase_create("decisions");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, shifts_what_has_a_mapping);
    tcase_add_test(t, leaves_alone_what_has_none);
    tcase_add_test(t, knows_the_annotations);
    tcase_add_test(t, knows_where_writes_go);
    tcase_add_test(t, does_not_shift_twice);
    tcase_add_test(t, knows_the_root_of_odd_mappings);
    suite_add_tcase(s, t);
    return s;
}
