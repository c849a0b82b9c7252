/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/spawn.h"

#include "base/cleanup.h"
#include "base/counts.h"
#include "base/io.h"
#include "hook/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* Where the shifter finds what it is given. */
enum { FD_DEV = 3, FD_LOWER, FD_READY, FD_COUNTS, FD_REPORT, FD_HOLD, FD_PLACE, FD_END };

_Static_assert(FD_COUNTS == COUNTS_KEEPER_FD, "where others look for it");

/* What the keeper tells the hook: which process the shifter is, or why there is none. */
struct report {
    struct process shifter, keeper;
    struct err e;
};

/* The ends that the keeper has. */
struct channels {
    int ready, counts, report, hold;
};

static char *mount_options(const struct spawn *s)
{
    cleanup_free char *uid = idmap_format(s->uid);
    cleanup_free char *gid = idmap_format(s->gid);
    char threads[32] = "", *text = NULL;

    if (s->threads > 0)
        snprintf(threads, sizeof(threads), ",threads=%u", s->threads);
    if (!uid || !gid ||
        asprintf(&text, "nodev,uidmapping=%s,gidmapping=%s%s,cache=%s%s%s", uid, gid,
                 s->read_only ? ",ro" : "", s->cache, s->passthrough ? "" : ",passthrough=off",
                 threads) < 0)
        return NULL;
    return text;
}

/* Puts the fds at their numbers, and nothing above; 0 to 2 become /dev/null. */
static int arrange_fds(const struct spawn *s, const struct channels *c)
{
    int from[FD_END - FD_DEV] = {s->dev_fd, s->lower_fd, c->ready,    c->counts,
                                 c->report, c->hold,     s->place->fd};
    int n = s->place->fd < 0 ? FD_PLACE - FD_DEV : FD_END - FD_DEV;
    int null;

    /* First out of the way of each other. */
    for (int i = 0; i < n; i++) {
        from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_END);
        if (from[i] < 0)
            return -errno;
    }
    for (int i = 0; i < n; i++)
        if (dup2(from[i], FD_DEV + i) < 0)
            return -errno;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0)
            return -errno;
    if (close_range((unsigned)(FD_DEV + n), ~0u, 0) < 0)
        return -errno;
    for (int fd = FD_REPORT; fd < FD_DEV + n; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return -errno;
    return 0;
}

/* In the shifter-to-be. Returns only on failure. */
static int exec_shifter(const struct spawn *s, char *options)
{
    char *argv[] = {
        (char *)(uintptr_t) "oci-shifter",
        (char *)(uintptr_t) "--fuse-fd=3",
        (char *)(uintptr_t) "--lower-fd=4",
        (char *)(uintptr_t) "--ready-fd=5",
        (char *)(uintptr_t) "--count-fd=6",
        (char *)(uintptr_t) "-o",
        options,
        s->entry ? (char *)(uintptr_t) "--entry" : NULL,
        NULL,
    };
    char *envp[] = {NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execve(s->shifter, argv, envp);
    return -errno;
}

static _Noreturn void report_and_exit(struct report *r)
{
    io_write_all(FD_REPORT, r, sizeof(*r));
    _exit(1);
}

/*
 * Until the hook says that all is well: whatever waits for an answer of the shifter, the hook too,
 * waits for as long as it lives. False where the hook has failed, was killed, or takes too long.
 */
static bool wait_for_word(unsigned seconds)
{
    struct pollfd p = {.fd = FD_HOLD, .events = POLLIN};
    char word;
    int r;

    do
        r = poll(&p, 1, (int)(seconds * 1000));
    while (r < 0 && errno == EINTR);
    return r > 0 && read(FD_HOLD, &word, 1) == 1;
}

/* The keeper: starts the shifter, says so, lets everything go, and waits. */
static _Noreturn void keep(const struct spawn *s, char *options, const struct channels *c)
{
    struct kept kept = {
        .id = s->id,
        .state_directory = s->state_directory,
        .place = *s->place,
        .ephemeral = s->ephemeral,
    };
    struct report r = {0};
    int code;
    pid_t child;

    setsid();
    if (process_identify(getpid(), &r.keeper) < 0)
        r.keeper = (struct process){0};
    code = arrange_fds(s, c);
    if (code < 0) {
        /* The fds are not where they should be: the hook sees the end of the pipe. */
        _exit(1);
    }
    child = fork();
    if (child < 0) {
        err_set(&r.e, -errno, "fork the shifter");
        report_and_exit(&r);
    }
    if (child == 0) {
        err_set(&r.e, exec_shifter(s, options), "start the shifter %s", s->shifter);
        report_and_exit(&r);
    }
    code = process_identify(child, &r.shifter);
    if (code == 0)
        io_write_all(FD_REPORT, &r, sizeof(r));
    close_range(FD_DEV, FD_READY, 0);
    close(FD_REPORT);
    if (!wait_for_word(s->seconds))
        kill(child, SIGKILL);
    close(FD_HOLD);
    kept.shifter = r.shifter;
    kept.place.fd = s->place->fd < 0 ? -1 : FD_PLACE;
    keeper_wait(child, &kept);
    _exit(0);
}

/* The first report is about the process, a second one, if any, about its exec. */
static int read_report(int fd, struct report *r)
{
    ssize_t n;

    do
        n = read(fd, r, sizeof(*r));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(*r) ? 0 : -EPIPE;
}

static int collect_reports(int fd, struct spawned *out, struct err *e)
{
    struct report r;
    bool have = false;

    /* The pipe ends when the keeper has let it go and the exec has closed the other copy. */
    while (read_report(fd, &r) == 0) {
        if (r.e.code < 0) {
            *e = r.e;
            return r.e.code;
        }
        out->shifter = r.shifter;
        out->keeper = r.keeper;
        have = true;
    }
    return have ? 0 : err_setx(e, -EIO, "the shifter ended before it was ready");
}

static int make_pipe(int *in, int *out)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return -errno;
    *in = p[0];
    *out = p[1];
    return 0;
}

static int start_keeper(const struct spawn *s, char *options, const struct channels *c,
                        struct err *e)
{
    pid_t child = fork();

    if (child < 0)
        return err_set(e, -errno, "fork");
    if (child == 0) {
        if (s->orphan && fork() != 0)
            _exit(0);
        keep(s, options, c);
    }
    while (s->orphan && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

int spawn_shifter(const struct spawn *s, struct spawned *out, struct err *e)
{
    cleanup_free char *options = mount_options(s);
    cleanup_close int ready_in = -1, ready_out = -1, report_in = -1, report_out = -1;
    cleanup_close int hold_in = -1, hold_out = -1, counts = counts_create();
    struct channels c;
    int r;

    if (!options)
        return err_set(e, -ENOMEM, "shifter options");
    if (counts < 0)
        return err_set(e, counts, "memfd_create");
    r = make_pipe(&ready_in, &ready_out);
    if (r == 0)
        r = make_pipe(&report_in, &report_out);
    if (r == 0)
        r = make_pipe(&hold_in, &hold_out);
    if (r < 0)
        return err_set(e, r, "pipe");
    c = (struct channels){ready_out, counts, report_out, hold_in};
    r = start_keeper(s, options, &c, e);
    close_and_reset(&ready_out);
    close_and_reset(&report_out);
    if (r == 0)
        r = collect_reports(report_in, out, e);
    if (r < 0)
        return r;
    out->ready_fd = steal_fd(&ready_in);
    out->hold_fd = steal_fd(&hold_out);
    return 0;
}

int spawn_keep(const struct spawned *s, struct err *e)
{
    int r = io_write_all(s->hold_fd, "k", 1);

    return r < 0 ? err_set(e, r, "the shifter's keeper") : 0;
}

int spawn_wait_ready(const struct spawned *s, unsigned seconds, struct err *e)
{
    struct pollfd p = {.fd = s->ready_fd, .events = POLLIN};
    char word[sizeof(e->msg)];
    ssize_t n;
    int r;

    do
        r = poll(&p, 1, (int)(seconds * 1000));
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return err_setx(e, -ETIMEDOUT, "the shifter was not ready after %u s", seconds);
    n = read(s->ready_fd, word, sizeof(word) - 1);
    if (n <= 0)
        return err_setx(e, -EIO, "the shifter ended before it was ready");
    word[n] = '\0';
    if (strcmp(word, "ready\n") == 0)
        return 0;
    word[strcspn(word, "\n")] = '\0';
    return err_setx(e, -EIO, "shifter: %s", word);
}
