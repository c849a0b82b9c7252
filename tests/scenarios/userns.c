/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User namespaces for scenarios, with any mapping, without setuid helpers. Must be run as root.
 *
 *   userns run MAP COMMAND...     the command as root of a new user namespace
 *   userns idmap SRC DST MAP      the kernel's own idmapped mount of SRC on DST
 *
 * MAP is INSIDE:OUTSIDE:SIZE[,...], for uids and gids alike.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_of(pid_t pid, const char *name, int flags)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        err(1, "%s", path);
    return fd;
}

static void write_map(pid_t pid, const char *name, const char *map)
{
    int fd = open_of(pid, name, O_WRONLY);
    char text[4096];
    char *p;

    snprintf(text, sizeof(text), "%s\n", map);
    for (p = text; *p; p++)
        *p = *p == ':' ? ' ' : *p == ',' ? '\n' : *p;
    if (write(fd, text, strlen(text)) < 0)
        err(1, "%s: %s", name, map);
    close(fd);
}

/* A child in a new user namespace. It goes on when a byte comes down the pipe. */
static pid_t new_namespace(const char *map, int *go)
{
    int ready[2], start[2];
    char c = 0;
    pid_t pid;

    if (pipe(ready) < 0 || pipe(start) < 0)
        err(1, "pipe");
    pid = fork();
    if (pid < 0)
        err(1, "fork");
    if (pid == 0) {
        if (unshare(CLONE_NEWUSER) < 0)
            err(1, "unshare");
        close(start[1]);
        if (write(ready[1], &c, 1) != 1 || read(start[0], &c, 1) != 1)
            _exit(1);
        close(ready[0]);
        close(ready[1]);
        close(start[0]);
        return 0;
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        errx(1, "the child ended");
    write_map(pid, "uid_map", map);
    write_map(pid, "gid_map", map);
    close(ready[0]);
    close(start[0]);
    *go = start[1];
    return pid;
}

static int run(const char *map, char **command)
{
    int go, status;
    pid_t pid = new_namespace(map, &go);

    if (pid == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
            err(1, "root of the namespace");
        execvp(command[0], command);
        err(127, "%s", command[0]);
    }
    if (write(go, "", 1) != 1 || waitpid(pid, &status, 0) < 0)
        err(1, "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int idmap(const char *src, const char *dst, const char *map)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV};
    int go, mnt;
    pid_t pid = new_namespace(map, &go);

    if (pid == 0) {
        pause();
        _exit(0);
    }
    attr.userns_fd = (unsigned)open_of(pid, "ns/user", O_RDONLY);
    mnt = open_tree(AT_FDCWD, src, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (mnt < 0)
        err(1, "%s", src);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        err(1, "idmapped mount of %s", src);
    if (move_mount(mnt, "", AT_FDCWD, dst, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        err(1, "%s", dst);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "run") == 0)
        return run(argv[2], argv + 3);
    if (argc == 5 && strcmp(argv[1], "idmap") == 0)
        return idmap(argv[2], argv[3], argv[4]);
    fprintf(stderr, "usage: userns run MAP COMMAND... | userns idmap SRC DST MAP\n");
    return 2;
}
