/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood DIR SECONDS WORKERS: so many processes do to DIR, as their root directory, all that they
 * can at once: directories change their places while others look for files in them, files are
 * replaced, linked, given attributes, listed, and ways out are looked for. Each file says in
 * its content and in an attribute what its name is, so whoever gets another file than was asked for
 * sees it. Prints what was wrong and how much was done.
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
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define DIRS 5
#define NAMES 30

static struct counts {
    atomic_ulong done, read, moved, wrong;
} * counts; /* shared by all */

static void wrong(const char *what, const char *path)
{
    atomic_fetch_add(&counts->wrong, 1);
    printf("wrong: %s of %s\n", what, path);
}

/* A path of a file: directories may lie in each other, or be elsewhere just now. */
static const char *any(char *path, int *name)
{
    *name = (int)(random() % NAMES);
    if (random() % 3 == 0)
        sprintf(path, "d%ld/d%ld/n%d", random() % DIRS, random() % DIRS, *name);
    else
        sprintf(path, "d%ld/n%d", random() % DIRS, *name);
    return path;
}

/* Complete before it has its name. */
static void replace(void)
{
    char path[64], mine[32], text[16];
    int name, fd;

    any(path, &name);
    sprintf(mine, "t%d", (int)getpid());
    sprintf(text, "%d", name);
    fd = open(mine, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) > 0 && fsetxattr(fd, "user.n", text, strlen(text), 0) == 0 &&
        (random() % 2 ? rename(mine, path) : link(mine, path)) == 0)
        atomic_fetch_add(&counts->done, 1);
    close(fd);
    unlink(mine);
}

static void check(void)
{
    char path[64], text[16], got[16] = "";
    int name, fd;

    fd = open(any(path, &name), random() % 2 ? O_RDONLY : O_RDWR);
    sprintf(text, "%d", name);
    if (fd < 0) {
        if (errno != ENOENT && errno != ESTALE)
            wrong(strerrorname_np(errno), path);
        return;
    }
    if (read(fd, got, sizeof(got) - 1) < 0 || strcmp(got, text) != 0)
        wrong("content", path);
    memset(got, 0, sizeof(got));
    if (fgetxattr(fd, "user.n", got, sizeof(got) - 1) < 0 || strcmp(got, text) != 0)
        wrong("attribute", path);
    atomic_fetch_add(&counts->read, 1);
    close(fd);
}

static void move_directory(void)
{
    char from[32], to[32];
    unsigned flags = random() % 2 ? RENAME_EXCHANGE : 0;

    sprintf(from, random() % 2 ? "d%ld" : "d%ld/d%ld", random() % DIRS, random() % DIRS);
    sprintf(to, random() % 2 ? "d%ld" : "d%ld/d%ld", random() % DIRS, random() % DIRS);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) == 0)
        atomic_fetch_add(&counts->moved, 1);
    mkdir(to, 0755);
}

static void look_around(void)
{
    char path[64], list[256];
    struct statvfs fs;
    struct stat st;
    int name;
    DIR *d;

    stat(any(path, &name), &st);
    listxattr(path, list, sizeof(list));
    chmod(path, random() % 2 ? 0644 : 0600);
    statvfs(path, &fs);
    if (random() % 4 == 0)
        unlink(path);
    sprintf(path, "d%ld", random() % DIRS);
    d = opendir(path);
    while (d && readdir(d))
        atomic_fetch_add(&counts->done, 1);
    if (d)
        closedir(d);
}

/* From a directory that may be elsewhere when it is left. */
static void look_for_a_way_out(void)
{
    static const char *const ways[] = {
        "../../../../../../secret", "/secret", "../secret", "/../secret", "out", "../out/secret"};
    char path[32];

    sprintf(path, "d%ld/d%ld", random() % DIRS, random() % DIRS);
    if (chdir(path) < 0 && chdir("d1") < 0)
        return;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (access(ways[i], F_OK) == 0)
            wrong("way out", ways[i]);
    if (chdir("/") < 0)
        wrong("root", path);
}

static void work(unsigned seed, time_t end)
{
    static void (*const deeds[])(void) = {replace, check,          check,       check,
                                          check,   move_directory, look_around, look_for_a_way_out};

    srandom(seed);
    while (time(NULL) < end)
        for (int i = 0; i < 50; i++)
            deeds[random() % (long)(sizeof(deeds) / sizeof(deeds[0]))]();
}

int main(int argc, char **argv)
{
    time_t end;

    if (argc != 4)
        errx(2, "usage: flood DIR SECONDS WORKERS");
    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED || chroot(argv[1]) < 0 || chdir("/") < 0)
        err(1, "%s", argv[1]);
    for (int i = 0; i < DIRS; i++) {
        char path[32];

        sprintf(path, "d%d", i);
        mkdir(path, 0755);
    }
    if (symlink("/secret", "out") < 0)
        err(1, "symlink");
    end = time(NULL) + atoi(argv[2]);
    setlinebuf(stdout);
    for (int i = 0; i < atoi(argv[3]); i++)
        if (fork() == 0) {
            work((unsigned)i, end);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    printf("%lu read, %lu moved, %lu done, %lu wrong\n", counts->read, counts->moved, counts->done,
           counts->wrong);
    return counts->wrong != 0;
}
