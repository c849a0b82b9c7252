/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/backing.h"
#include "tests/unit/suites.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct fd_budget budget;
static struct backing_table *t;
static uint32_t link_a, link_b;

static void setup(void)
{
    fd_budget_init(&budget, 1);
    t = backing_new(&budget, 8);
    link_a = link_b = 0;
}

static void teardown(void)
{
    backing_free(t);
}

static int open_fd(void)
{
    ck_assert_int_eq(fd_budget_take(&budget), 0);
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Without passthrough: it needs a kernel and a mount. */
static struct backing_open add(uint32_t *link, enum backing_use use)
{
    struct backing_open o;

    ck_assert_int_eq(backing_add(t, link, open_fd(), use, false, &o), 0);
    ck_assert_int_eq(o.backing_id, 0);
    return o;
}

START_TEST(readers_share_one_fd)
{
    struct backing_open first = add(&link_a, BACKING_READ), second;
    int fd = backing_fd(first.fh);

    ck_assert(backing_reopen(t, &link_a, &second));
    ck_assert_int_eq(backing_fd(second.fh), fd);
    ck_assert_int_eq((int)budget.used, 1);
    backing_release(t, first.fh);
    ck_assert(is_open(fd));
    backing_release(t, second.fh);
    ck_assert(!is_open(fd));
    ck_assert_int_eq((int)budget.used, 0);
    ck_assert_uint_eq(link_a, 0);
    ck_assert(!backing_reopen(t, &link_a, &second));
}
END_TEST

START_TEST(writers_have_their_own)
{
    struct backing_open writer = add(&link_a, BACKING_WRITE), o;

    ck_assert(!backing_reopen(t, &link_a, &o));
    o = add(&link_a, BACKING_READ);
    ck_assert_int_ne(backing_fd(o.fh), backing_fd(writer.fh));
    backing_release(t, writer.fh);
    ck_assert(!is_open(backing_fd(writer.fh)));
    ck_assert(is_open(backing_fd(o.fh)));
    backing_release(t, o.fh);
    ck_assert_int_eq((int)budget.used, 0);
}
END_TEST

/* FORGET may come before RELEASE, and the slot may have another inode by then. */
START_TEST(a_forgotten_node_leaves_its_opens)
{
    struct backing_open old = add(&link_a, BACKING_READ), o;

    backing_forget(t, &link_a);
    ck_assert_uint_eq(link_a, 0);
    ck_assert(!backing_reopen(t, &link_a, &o));
    o = add(&link_a, BACKING_READ);
    backing_release(t, old.fh);
    ck_assert(!is_open(backing_fd(old.fh)));
    ck_assert(is_open(backing_fd(o.fh)));
    ck_assert_uint_ne(link_a, 0);
    backing_release(t, o.fh);
    ck_assert_int_eq((int)budget.used, 0);
}
END_TEST

START_TEST(many_nodes)
{
    enum { N = 300 };
    static uint32_t links[N];
    struct backing_open o[N];

    for (int i = 0; i < N; i++)
        o[i] = add(&links[i], i % 3 ? BACKING_READ : BACKING_WRITE);
    for (int i = 0; i < N; i += 2)
        backing_release(t, o[i].fh);
    for (int i = 0; i < N; i += 2)
        o[i] = add(&links[i], BACKING_READ);
    for (int i = 0; i < N; i++)
        ck_assert(is_open(backing_fd(o[i].fh)));
    for (int i = 0; i < N; i++)
        backing_release(t, o[i].fh);
    ck_assert_int_eq((int)budget.used, 0);
    ck_assert(!backing_trim(t));
}
END_TEST

START_TEST(the_budget_keeps_a_reserve)
{
    struct fd_budget b;
    long n = 0;

    fd_budget_init(&b, 10);
    ck_assert_int_gt(b.max, 0);
    while (fd_budget_take(&b) == 0)
        n++;
    ck_assert_int_eq(n, b.max);
    fd_budget_give(&b);
    ck_assert_int_eq(fd_budget_take(&b), 0);
    ck_assert_int_lt(fd_budget_take(&b), 0);
}
END_TEST

Suite *suite_backing(void)
{
    Suite *s = suite_create("backing");
    TCase *c = tcase_create("open files");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, readers_share_one_fd);
    tcase_add_test(c, writers_have_their_own);
    tcase_add_test(c, a_forgotten_node_leaves_its_opens);
    tcase_add_test(c, many_nodes);
    tcase_add_test(c, the_budget_keeps_a_reserve);
    suite_add_tcase(s, c);
    return s;
}
