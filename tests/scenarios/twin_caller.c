/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each caller is a process of its own, which gets operations through a socket and does each on A
 * and then on B. It keeps its open files and its umask from one operation to the next.
 */
#include "twin.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Long enough for a busy machine, short enough for a test. */
#define ANSWER_MS 20000

static const struct who {
    const char *name;
    bool inside; /* of a user namespace with the mapping */
    unsigned uid, gid, extra_group;
    unsigned base; /* what container ids are above, as the caller writes them */
} whos[] = {
    {"root", true, 0, 0, 0, 0},
    {"user", true, 1000, 1000, 2000, 0},
    {"other", false, 101001, 101001, 0, HOST_BASE},
    {"plainroot", false, 100000, 100000, 0, HOST_BASE}, /* mapped root without capabilities */
    {"host", false, 0, 0, 0, HOST_BASE},                /* mapped or not: as the mapping says */
};
const char *const who_names[] = {"root", "user", "other", "plainroot", "host"};
const unsigned n_who = sizeof(whos) / sizeof(whos[0]);

static int sockets[sizeof(whos) / sizeof(whos[0])];
static pid_t pids[sizeof(whos) / sizeof(whos[0])];

static void close_slots(struct actor *a)
{
    for (unsigned i = 0; i < N_SLOTS; i++) {
        if (a->slots[i] >= 0)
            close(a->slots[i]);
        a->slots[i] = -1;
    }
}

static void reset(const struct sides *s, struct actor actors[N_SIDES], const char *name)
{
    char path[4096];

    for (unsigned i = 0; i < N_SIDES; i++) {
        close_slots(&actors[i]);
        actors[i].umask = 022;
        if (actors[i].root >= 0)
            close(actors[i].root);
        snprintf(path, sizeof(path), "%s/%s/w", s->mount[i], name);
        actors[i].root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (actors[i].root < 0)
            err(1, "%s", path);
    }
}

static void do_on(struct actor *a, const struct op *op, struct text *out)
{
    out->used = 0;
    out->buf[0] = '\0';
    if (fchdir(a->root) < 0) {
        say(out, "fchdir ");
        say_result(out, -1);
        return;
    }
    umask(a->umask);
    act(a, op, out);
    a->umask = umask(0);
}

static __attribute__((noreturn)) void serve(const struct sides *s, unsigned who, int sock)
{
    static struct answer answer;
    struct actor actors[N_SIDES];
    struct op op;

    for (unsigned i = 0; i < N_SIDES; i++) {
        actors[i] = (struct actor){.who = who, .base = whos[who].base, .root = -1};
        actors[i].map = s->map;
        actors[i].type = s->type;
        actors[i].mapped = is_mapped(s->map, whos[who].inside, whos[who].uid);
        memset(actors[i].slots, 0xff, sizeof(actors[i].slots));
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    while (recv(sock, &op, sizeof(op), 0) == (ssize_t)sizeof(op)) {
        if (op.kind == K_RESET)
            reset(s, actors, op.p);
        for (unsigned i = 0; i < N_SIDES && op.kind != K_RESET; i++)
            do_on(&actors[i], &op,
                  &(struct text){.buf = answer.text[i], .room = sizeof(answer.text[i])});
        if (send(sock, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
            break;
    }
    _exit(0);
}

static void write_map(pid_t pid, const char *name, const char *map)
{
    char path[64], text[1024];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    snprintf(text, sizeof(text), "%s\n", map);
    for (char *p = text; *p; p++)
        *p = *p == ':' ? ' ' : *p == ',' ? '\n' : *p;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        err(1, "%s", path);
    close(fd);
}

/* In the caller: waits for its mapping, and becomes who it is. */
static void become(const struct who *w, int sock)
{
    gid_t extra = w->extra_group;
    char c;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (w->inside && unshare(CLONE_NEWUSER) < 0)
        err(1, "user namespace");
    if (send(sock, "", 1, 0) != 1 || recv(sock, &c, 1, 0) != 1)
        _exit(1);
    /* Root of the namespace first: only from there do the capabilities go with the uid. */
    if (w->inside && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
        err(1, "%s: root of the namespace", w->name);
    if (setgroups(extra != 0, &extra) < 0 || setresgid(w->gid, w->gid, w->gid) < 0 ||
        setresuid(w->uid, w->uid, w->uid) < 0)
        err(1, "%s: ids", w->name);
    /* A change of ids clears it, and with it /proc/self/fd. */
    prctl(PR_SET_DUMPABLE, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* What they have open would keep the mounts busy. */
static void stop(void)
{
    for (unsigned i = 0; i < n_who; i++)
        if (pids[i] > 0 && kill(pids[i], SIGKILL) == 0)
            waitpid(pids[i], NULL, 0);
}

bool caller_inside(unsigned who)
{
    return whos[who].inside;
}

void callers_start(const struct sides *s)
{
    int pair[2];
    char c;

    atexit(stop);
    for (unsigned i = 0; i < n_who; i++) {
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
            err(1, "socketpair");
        pid = fork();
        if (pid < 0)
            err(1, "fork");
        if (pid == 0) {
            close(pair[0]);
            become(&whos[i], pair[1]);
            serve(s, i, pair[1]);
        }
        close(pair[1]);
        sockets[i] = pair[0];
        pids[i] = pid;
        if (recv(pair[0], &c, 1, 0) != 1)
            errx(1, "the caller %s did not start", whos[i].name);
        if (whos[i].inside) {
            write_map(pid, "uid_map", s->map);
            write_map(pid, "gid_map", s->map);
        }
        if (send(pair[0], "", 1, 0) != 1)
            err(1, "%s", whos[i].name);
    }
}

bool caller_do(const struct op *op, struct answer *out)
{
    struct pollfd p = {.fd = sockets[op->who], .events = POLLIN};

    if (send(p.fd, op, sizeof(*op), 0) != (ssize_t)sizeof(*op) || poll(&p, 1, ANSWER_MS) != 1)
        return false;
    return recv(p.fd, out, sizeof(*out), 0) == (ssize_t)sizeof(*out);
}
