/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char *buf;
static size_t len;

static int read_back(const char *text, size_t n, size_t max)
{
    int p[2], r;

    ck_assert_int_eq(pipe(p), 0);
    ck_assert_int_eq(write(p[1], text, n), (ssize_t)n);
    close(p[1]);
    r = io_read_all(p[0], max, &buf, &len);
    close(p[0]);
    return r;
}

START_TEST(reads_to_the_end)
{
    ck_assert_int_eq(read_back("a\0b", 3, 100), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(buf, "a\0b", 4); /* and the NUL behind */
    free(buf);
}
END_TEST

START_TEST(reads_nothing)
{
    ck_assert_int_eq(read_back("", 0, 100), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(buf, "");
    free(buf);
    ck_assert_int_eq(read_back("", 0, 0), 0);
    free(buf);
}
END_TEST

START_TEST(has_a_bound)
{
    static const size_t bounds[] = {1, 2, 8189, 8190, 8191, 8192, 8193, 20000, 60000};
    static char text[60001];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(bounds); i++) {
        size_t n = bounds[i];

        ck_assert_int_eq(read_back(text, n, n), 0);
        ck_assert_uint_eq(len, n);
        ck_assert_uint_eq(strlen(buf), n);
        free(buf);
        buf = NULL;
        ck_assert_int_eq(read_back(text, n + 1, n), -EFBIG);
        ck_assert_ptr_null(buf);
    }
    ck_assert_int_eq(read_back("x", 1, 0), -EFBIG);
}
END_TEST

START_TEST(names_what_fails)
{
    ck_assert_int_eq(io_read_file_at(AT_FDCWD, "/nonexistent/file", 10, &buf, &len), -ENOENT);
    ck_assert_int_eq(io_read_file_at(AT_FDCWD, "/", 10, &buf, &len), -EISDIR);
    ck_assert_int_eq(io_read_all(-1, 10, &buf, &len), -EBADF);
    ck_assert_int_eq(io_write_all(-1, "x", 1), -EBADF);
    ck_assert_int_eq(io_write_all(-1, "", 0), 0);
}
END_TEST

START_TEST(opens_below_a_directory)
{
    const char *dir = scratch_directory();
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    scratch_file(dir, "f", "text");
    ck_assert_int_eq(io_read_file_at(fd, "f", 4, &buf, &len), 0);
    ck_assert_str_eq(buf, "text");
    free(buf);
    ck_assert_int_eq(io_read_file_at(fd, "f", 3, &buf, &len), -EFBIG);
    close(fd);
}
END_TEST

static void on_alarm(int sig)
{
    (void)sig;
}

/* A pipe that is slow on both ends, and a signal every millisecond. */
START_TEST(survives_signals_and_short_counts)
{
    enum { SIZE = 300000 };
    struct sigaction act = {.sa_handler = on_alarm};
    struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    char *data = malloc(SIZE);
    int p[2], status;
    pid_t child;

    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i % 251);
    ck_assert_int_eq(pipe(p), 0);
    sigaction(SIGALRM, &act, NULL);
    child = fork();
    if (child == 0) {
        setitimer(ITIMER_REAL, &every, NULL);
        close(p[0]);
        _exit(io_write_all(p[1], data, SIZE) == 0 ? 0 : 1);
    }
    close(p[1]);
    setitimer(ITIMER_REAL, &every, NULL);
    usleep(20000);
    ck_assert_int_eq(io_read_all(p[0], SIZE, &buf, &len), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(len, SIZE);
    ck_assert_int_eq(memcmp(buf, data, SIZE), 0);
    close(p[0]);
    free(buf);
    free(data);
}
END_TEST

START_TEST(tells_of_a_closed_pipe)
{
    int p[2];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(p), 0);
    close(p[0]);
    ck_assert_int_eq(io_write_all(p[1], "x", 1), -EPIPE);
    close(p[1]);
}
END_TEST

Suite *suite_io(void)
{
    Suite *s = suite_create("io");
    TCase *t = tcase_create("whole files");

    tcase_add_test(t, reads_to_the_end);
    tcase_add_test(t, reads_nothing);
    tcase_add_test(t, has_a_bound);
    tcase_add_test(t, names_what_fails);
    tcase_add_test(t, opens_below_a_directory);
    tcase_add_test(t, survives_signals_and_short_counts);
    tcase_add_test(t, tells_of_a_closed_pipe);
    suite_add_tcase(s, t);
    return s;
}
