/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ops.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

unsigned base;

void report(const char *call, long r)
{
    if (r == -1)
        printf("  %s: %s\n", call, strerrorname_np(errno));
    else
        printf("  %s = %ld\n", call, r);
}

void report_refused(const char *call, long r)
{
    printf("  %s %s\n", call, r == -1 ? "refused" : "done");
}

static void show_stat(const char *what, int r, const struct stat *st)
{
    if (r < 0) {
        report(what, r);
        return;
    }
    printf("  %s: %06o links %lu owner %u:%u", what, st->st_mode, (unsigned long)st->st_nlink,
           st->st_uid, st->st_gid);
    if (S_ISDIR(st->st_mode))
        printf("\n");
    else
        printf(" size %ld dev %u:%u\n", (long)st->st_size, major(st->st_rdev), minor(st->st_rdev));
}

void show(const char *path)
{
    struct stat st = {0};
    int r = lstat(path, &st);

    show_stat(path, r, &st);
}

void show_fd(int fd)
{
    struct stat st = {0};
    int r = fstat(fd, &st);

    show_stat("fd", r, &st);
}

void show_mode(const char *path)
{
    struct statx x;

    if (statx(AT_FDCWD, path, 0, STATX_MODE, &x) < 0)
        report(path, -1);
    else
        printf("  %s: mode %06o\n", path, x.stx_mode);
}

void show_data(int fd)
{
    char buf[64];
    ssize_t n = pread(fd, buf, sizeof(buf), 0);

    printf("  data: %zd '%.*s'\n", n, n > 0 ? (int)n : 0, buf);
}

void show_xattr(const char *path, const char *name)
{
    unsigned char buf[512];
    ssize_t n = lgetxattr(path, name, buf, sizeof(buf));

    printf("  %s %s:", path, name);
    if (n < 0)
        printf(" %s", strerrorname_np(errno));
    for (ssize_t i = 0; i < n; i++)
        printf(" %02x", buf[i]);
    printf("\n");
}

int file(const char *name, mode_t mode, const char *text)
{
    int fd = open(name, O_CREAT | O_EXCL | O_RDWR, mode);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        report(name, -1);
    return fd;
}

int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    if (!d)
        return -1;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"files", case_files},       {"directories", case_directories},
    {"rename", case_rename},     {"links", case_links},
    {"nodes", case_nodes},       {"mode and owner", case_mode_and_owner},
    {"times", case_times},       {"xattrs", case_xattrs},
    {"data", case_data},         {"data moved", case_data_moved},
    {"sharing", case_sharing},   {"tmpfile", case_tmpfile},
    {"unlinked", case_unlinked}, {"removed directory", case_removed_directory},
    {"set-id", case_set_id},
};

/* Each case in a process of its own: what it opens and where it goes ends with it. */
int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: ops DIR BASE");
    base = (unsigned)strtoul(argv[2], NULL, 10);
    if (chdir(argv[1]) < 0)
        err(1, "%s", argv[1]);
    umask(022);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char cmd[64];
        int status;

        printf("%s\n", cases[i].name);
        fflush(stdout);
        if (fork() == 0) {
            snprintf(cmd, sizeof(cmd), "%zu", i);
            if (chdir(cmd) < 0)
                err(1, "%s", cmd);
            cases[i].run();
            fflush(stdout);
            _exit(0);
        }
        wait(&status);
        printf("  ended with %d\n", status);
    }
    return 0;
}
