/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/proc.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;

/* A child that waits to be killed, and goes with its parent. */
static pid_t start_child(const char *name)
{
    int p[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(p), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, name);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(p[0], &c, 1), 1);
    close(p[0]);
    close(p[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(tells_a_process_from_another)
{
    struct process me, child, wrong;
    pid_t pid = start_child("child");
    int fd;

    ck_assert_int_eq(process_identify(getpid(), &me), 0);
    ck_assert_int_eq(process_identify(pid, &child), 0);
    ck_assert_int_eq(child.pid, pid);
    ck_assert_uint_ge(child.start, me.start);
    ck_assert(process_alive(&me) && process_alive(&child));
    fd = process_open(&child);
    ck_assert_int_ge(fd, 0);
    close(fd);
    wrong = (struct process){pid, child.start + 1};
    ck_assert_int_eq(process_open(&wrong), -ESRCH);
    ck_assert(!process_alive(&wrong));
    end_child(pid);
    ck_assert(!process_alive(&child));
}
END_TEST

/* The name of a process is its own choice, and stands between the fields of its stat file. */
START_TEST(is_not_misled_by_a_name)
{
    static const char *const names[] = {") Z 1 1 1", "a b", "((", "x) R 0 (", ")"};
    struct process me;

    ck_assert_int_eq(process_identify(getpid(), &me), 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct process child;
        pid_t pid = start_child(names[i]);

        ck_assert_msg(process_identify(pid, &child) == 0, "%s", names[i]);
        ck_assert_uint_ge(child.start, me.start);
        ck_assert_uint_lt(child.start, me.start + 100000);
        end_child(pid);
    }
}
END_TEST

START_TEST(ends_just_that_one)
{
    struct process child, wrong;
    pid_t pid = start_child("child");
    int status;

    ck_assert_int_eq(process_identify(pid, &child), 0);
    wrong = (struct process){pid, child.start + 1};
    ck_assert_int_eq(process_end(&wrong, 1000), 0);
    ck_assert(process_alive(&child));
    ck_assert_int_eq(process_end(&child, 5000), 0);
    /* A zombie now: as good as gone. */
    ck_assert_int_eq(process_identify(pid, &wrong), -ESRCH);
    ck_assert(!process_alive(&child));
    ck_assert_int_eq(process_end(&child, 0), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(process_end(&child, 0), 0);
}
END_TEST

/* Records may name no process (0); kill(2) would take 0 and -1 for many. */
START_TEST(no_process_is_none)
{
    struct process none = {0, 0}, all = {-1, 0}, found;

    ck_assert_int_eq(process_open(&none), -ESRCH);
    ck_assert_int_eq(process_open(&all), -ESRCH);
    ck_assert_int_eq(process_end(&none, 0), 0);
    ck_assert_int_eq(process_end(&all, 0), 0);
    ck_assert_int_eq(process_identify(0, &found), -ESRCH);
    ck_assert_int_eq(process_identify(-1, &found), -ESRCH);
}
END_TEST

START_TEST(compares_mappings)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES];
    struct idmap map;
    FILE *f = fopen("/proc/self/uid_map", "re");
    size_t n = 0;

    while (n < IDMAP_MAX_RANGES &&
           fscanf(f, "%u %u %u", &ranges[n].disk.v, &ranges[n].mount.v, &ranges[n].size) == 3)
        n++;
    fclose(f);
    ck_assert_int_eq(idmap_init(&map, ranges, n, "uid_map", &e), 0);
    ck_assert_int_eq(process_check_map(getpid(), "uid_map", &map, &e), 0);
    ck_assert_int_eq(idmap_parse(&map, "0:123456:7", "x", &e), 0);
    ck_assert_int_eq(process_check_map(getpid(), "uid_map", &map, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "config.json says 0:123456:7"));
    ck_assert_int_lt(process_check_map(-1, "uid_map", &map, &e), 0);
}
END_TEST

START_TEST(knows_runc_by_its_name)
{
    pid_t runc = start_child("runc:[2:INIT]"), other = start_child("runc");

    ck_assert(process_is_runc_init(runc));
    ck_assert(!process_is_runc_init(other));
    ck_assert(!process_is_runc_init(-1));
    end_child(runc);
    end_child(other);
}
END_TEST

Suite *suite_proc(void)
{
    Suite *s = suite_create("proc");
    TCase *t = tcase_create("processes");

    tcase_add_test(t, tells_a_process_from_another);
    tcase_add_test(t, is_not_misled_by_a_name);
    tcase_add_test(t, ends_just_that_one);
    tcase_add_test(t, no_process_is_none);
    tcase_add_test(t, compares_mappings);
    tcase_add_test(t, knows_runc_by_its_name);
    suite_add_tcase(s, t);
    return s;
}
