/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mktree DIR DIRECTORIES FILES: that many directories in DIR, with that many empty files in each.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_dir(int parent, const char *name)
{
    int fd;

    if (mkdirat(parent, name, 0755) < 0)
        err(1, "mkdir %s", name);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        err(1, "%s", name);
    return fd;
}

int main(int argc, char **argv)
{
    int top, dir, fd;
    char name[32];
    long dirs, files;

    if (argc != 4)
        errx(2, "usage: mktree DIR DIRECTORIES FILES");
    dirs = strtol(argv[2], NULL, 10);
    files = strtol(argv[3], NULL, 10);
    top = make_dir(AT_FDCWD, argv[1]);
    for (long d = 0; d < dirs; d++) {
        snprintf(name, sizeof(name), "d%05ld", d);
        dir = make_dir(top, name);
        for (long f = 0; f < files; f++) {
            snprintf(name, sizeof(name), "file-%07ld", f);
            fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
            if (fd < 0)
                err(1, "%s", name);
            close(fd);
        }
        close(dir);
    }
    return 0;
}
