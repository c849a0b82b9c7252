/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/uppermark.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char dir[] = "/tmp/oci-shift-unit.XXXXXX";
static int upper, lower, other;
static struct idmap uid;
static struct uppermark mark;
static struct err e;

static int make(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void set_up(void)
{
    struct idmap_range all = {{0}, {0}, IDMAP_NO_ID};

    strcpy(strrchr(dir, '.') + 1, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    upper = make("upper");
    lower = make("lower");
    other = make("other");
    ck_assert_int_eq(idmap_init(&uid, &all, 1, "map", &e), 0);
    mark = (struct uppermark){
        .upper = "/upper", .lowers = &lower, .n_lowers = 1, .lower = "/lower", .uid = &uid};
}

static void tear_down(void)
{
    close(upper);
    close(lower);
    close(other);
    for (const char *const *n = (const char *const[]){"upper", "lower", "other", NULL}; *n; n++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", dir, *n);
        ck_assert_int_eq(rmdir(path), 0);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

static void refused(const char *words)
{
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), -EINVAL);
    ck_assert_msg(strstr(e.msg, words) != NULL, "'%s' is not in '%s'", words, e.msg);
}

static void set_text(const char *text)
{
    if (fsetxattr(upper, UPPERMARK_NAME, text, strlen(text), 0) < 0)
        ck_assert_int_eq(fsetxattr(upper, UPPERMARK_USER_NAME, text, strlen(text), 0), 0);
}

START_TEST(same_lower)
{
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
    ck_assert_int_eq(uppermark_set(&mark, upper, &e), 0);
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
    mark.lower = "/moved"; /* the same directory by another path */
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
}
END_TEST

START_TEST(another_lower)
{
    int two[] = {lower, other};

    ck_assert_int_eq(uppermark_set(&mark, upper, &e), 0);
    mark.lowers = &other;
    refused("over what was at /lower then");
    mark.lower = "/other";
    refused("over /lower, not over /other");
    mark.lowers = two;
    mark.n_lowers = 2;
    refused("over /lower");
    mark.lower = "/lower";
    mark.same_path_will_do = true;
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
}
END_TEST

START_TEST(written_otherwise)
{
    set_text("oci-shift upper 1\nwritten=shifted for 0:100000:65536\nlower=/l\nid=1-0\n");
    refused("shifted for 0:100000:65536 over /l");
    set_text("oci-shift upper 3\n");
    refused("later version");
    set_text("");
    refused("later version");
}
END_TEST

/* Without a mark the owner tells: ours is a mount id here, and no disk id. */
START_TEST(owner_that_was_shifted)
{
    struct idmap_range one = {{geteuid() + 1}, {geteuid()}, 1};

    ck_assert_int_eq(idmap_init(&uid, &one, 1, "map", &e), 0);
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0); /* it is empty */
    ck_assert_int_eq(mkdirat(upper, "entry", 0755), 0);
    refused("was written shifted");
    ck_assert_int_eq(unlinkat(upper, "entry", AT_REMOVEDIR), 0);
    one = (struct idmap_range){{geteuid()}, {geteuid() + 1}, 1};
    ck_assert_int_eq(idmap_init(&uid, &one, 1, "map", &e), 0);
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
}
END_TEST

START_TEST(owners_that_are_elsewhere)
{
    char owners[UPPERMARK_OWNERS_MAX];

    ck_assert_int_eq(uppermark_owners(upper, owners), -ENODATA);
    ck_assert_int_eq(uppermark_set(&mark, upper, &e), 0);
    ck_assert_int_eq(uppermark_owners(upper, owners), 0);
    ck_assert_str_eq(owners, "");
    mark.owners = "user.x";
    refused("the upper /upper has its owners and modes in its inodes, and would be used with those "
            "of user.x");
    ck_assert_int_eq(uppermark_set(&mark, upper, &e), 0);
    ck_assert_int_eq(uppermark_check(&mark, upper, &e), 0);
    ck_assert_int_eq(uppermark_owners(upper, owners), 0);
    ck_assert_str_eq(owners, "user.x");
    mark.owners = NULL;
    refused("has its owners and modes in user.x, and would be used with those of its inodes");
}
END_TEST

START_TEST(names)
{
    ck_assert(uppermark_is_name("trusted.oci-shift.upper"));
    ck_assert(uppermark_is_name("user.oci-shift.any"));
    ck_assert(!uppermark_is_name("user.oci-shift"));
    ck_assert(!uppermark_is_name("trusted.overlay.opaque"));
}
END_TEST

Suite *suite_uppermark(void)
{
    Suite *s = suite_create("uppermark");
    TCase *t = tcase_create("uppermark");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, same_lower);
    tcase_add_test(t, another_lower);
    tcase_add_test(t, written_otherwise);
    tcase_add_test(t, owner_that_was_shifted);
    tcase_add_test(t, owners_that_are_elsewhere);
    tcase_add_test(t, names);
    suite_add_tcase(s, t);
    return s;
}
