/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk DIR: stats everything below DIR once, as find(1) and du(1) do, and prints how much that was.
 * walk -r N DIR: also reads each regular file whole, N files at most, in the order of the walk.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    unsigned long entries, bytes, to_read;
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
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            err(1, "stat %s", e->d_name);
        w->entries++;
        if (S_ISDIR(st.st_mode))
            walk(fd, e->d_name, w);
        else if (S_ISREG(st.st_mode) && w->to_read > 0)
            read_whole(fd, e->d_name, w);
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    struct walk w = {0};

    if (argc == 4 && strcmp(argv[1], "-r") == 0)
        w.to_read = strtoul(argv[2], NULL, 10);
    else if (argc != 2)
        errx(2, "usage: walk [-r N] DIR");
    walk(AT_FDCWD, argv[argc - 1], &w);
    printf("%lu entries, %lu bytes read\n", w.entries, w.bytes);
    return 0;
}
