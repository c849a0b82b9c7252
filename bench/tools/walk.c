/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk DIR...: stats everything below each DIR once, as find(1) and du(1) do, and prints how much
 * that was and how long it took. More than one DIR: at the same time, a process for each.
 * walk -r N DIR...: also reads each regular file of at most 64 KiB whole, N files at most for each
 * DIR, in the order of the walk, which then ends. -a N: files of any size.
 */
#include "bench/tools/clock.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct walk {
    unsigned long entries, bytes, to_read;
    int reads;
    off_t largest;
};

static void read_whole(int dir, const char *name, struct walk *w)
{
    static char buf[1 << 20];
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        err(1, "open %s", name);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        w->bytes += (unsigned long)n;
    if (n < 0)
        err(1, "read %s", name);
    close(fd);
    w->to_read--;
}

static void walk(int parent, const char *name, struct walk *w)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    struct stat st;

    if (!d)
        err(1, "%s", name);
    while ((!w->reads || w->to_read > 0) && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            err(1, "stat %s", e->d_name);
        w->entries++;
        if (S_ISDIR(st.st_mode))
            walk(fd, e->d_name, w);
        else if (S_ISREG(st.st_mode) && w->to_read > 0 && st.st_size <= w->largest)
            read_whole(fd, e->d_name, w);
    }
    closedir(d);
}

/* One process for each directory; what they found is in memory that all share. */
static void walk_together(char **dirs, int n, struct walk *all)
{
    int status;

    for (int i = 0; i < n; i++) {
        pid_t pid = fork();

        if (pid < 0)
            err(1, "fork");
        if (pid == 0) {
            walk(AT_FDCWD, dirs[i], &all[i]);
            _exit(0);
        }
    }
    for (int i = 0; i < n; i++)
        if (wait(&status) < 0 || status != 0)
            errx(1, "one of the walks failed");
}

int main(int argc, char **argv)
{
    struct walk what = {.largest = 65536}, sum = {0}, *all;
    uint64_t start;
    int opt, n;

    while ((opt = getopt(argc, argv, "r:a:")) != -1) {
        if (opt == '?')
            return 2;
        what.reads = 1;
        what.to_read = strtoul(optarg, NULL, 10);
        if (opt == 'a')
            what.largest = INT64_MAX;
    }
    n = argc - optind;
    if (n < 1)
        errx(2, "usage: walk [-r N | -a N] DIR...");
    all = mmap(NULL, (size_t)n * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
               -1, 0);
    if (all == MAP_FAILED)
        err(1, "mmap");
    for (int i = 0; i < n; i++)
        all[i] = what;
    start = now_ns();
    if (n == 1)
        walk(AT_FDCWD, argv[optind], all);
    else
        walk_together(argv + optind, n, all);
    start = now_ns() - start;
    for (int i = 0; i < n; i++) {
        sum.entries += all[i].entries;
        sum.bytes += all[i].bytes;
    }
    printf("%lu entries, %lu bytes read, %" PRIu64 " ns\n", sum.entries, sum.bytes, start);
    return 0;
}
