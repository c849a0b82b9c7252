/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * churn DIR COUNT: several processes make, look up, list, rename, link and remove a few names in
 * DIR, and open some of them, while a timer interrupts each system call that may be interrupted;
 * now and then one is killed in the middle of whatever it does. DIR is empty at the end. Fails
 * where nothing was done.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 6
#define NAMES 40
#define KEEP 8

static atomic_ulong *made; /* shared by all */

static void interrupted(int signal)
{
    (void)signal;
}

/* No SA_RESTART: the system call ends with EINTR where it may. */
static void start_timer(void)
{
    struct sigaction sa = {.sa_handler = interrupted};
    struct itimerval often = {{0, 1000}, {0, 1000}};

    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static const char *any(char *buf)
{
    snprintf(buf, 8, "n%ld", random() % NAMES);
    return buf;
}

static void list(void)
{
    DIR *d = opendir(".");
    struct dirent *e;
    struct stat st;

    while (d && (e = readdir(d)))
        if (random() % 4 == 0)
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
    if (d)
        closedir(d);
}

/* One random step; *keep is an fd of which the last holder lets go. */
static void step(int *keep)
{
    char a[8], b[8];
    struct stat st;
    int fd = -1;

    any(a);
    any(b);
    switch (random() % 14) {
    case 0:
    case 1:
        fd = open(a, O_CREAT | O_RDWR, 0600);
        break;
    case 2:
        fd = open(a, O_CREAT | O_EXCL | O_RDWR, 0600);
        break;
    case 3:
        fd = open(".", O_TMPFILE | O_RDWR, 0600);
        if (fd >= 0 && random() % 2)
            linkat(fd, "", AT_FDCWD, a, AT_EMPTY_PATH);
        break;
    case 4:
        fd = open(a, O_PATH | O_NOFOLLOW);
        break;
    case 5:
        *made += mkdir(a, 0700) == 0;
        break;
    case 6:
        symlink("nowhere", a);
        break;
    case 7:
        mkfifo(a, 0600);
        break;
    case 8:
        link(a, b);
        break;
    case 9:
        rename(a, b);
        break;
    case 10:
        remove(a);
        break;
    case 11:
        list();
        break;
    default:
        stat(a, &st);
    }
    if (fd >= 0) {
        ++*made;
        if (*keep >= 0)
            close(*keep);
        *keep = fd;
    }
}

static pid_t worker(unsigned seed)
{
    int keep[KEEP];
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    memset(keep, -1, sizeof(keep));
    srandom(seed);
    start_timer();
    for (;;)
        step(&keep[random() % KEEP]);
}

static void empty(void)
{
    char name[8];

    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        if (remove(name) < 0 && errno != ENOENT)
            err(1, "%s", name);
    }
}

int main(int argc, char **argv)
{
    pid_t pids[WORKERS];
    unsigned seed = 0;
    unsigned long wanted;

    if (argc != 3 || chdir(argv[1]) < 0)
        err(1, "usage: churn DIR COUNT");
    made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        err(1, "mmap");
    wanted = strtoul(argv[2], NULL, 10);
    for (int i = 0; i < WORKERS; i++)
        pids[i] = worker(seed++);
    while (*made < wanted) {
        pid_t *victim = &pids[random() % WORKERS];

        usleep(5000);
        kill(*victim, SIGKILL);
        waitpid(*victim, NULL, 0);
        *victim = worker(seed++);
    }
    for (int i = 0; i < WORKERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    empty();
    return 0;
}
