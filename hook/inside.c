/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/inside.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/io.h"
#include "hook/protect.h"
#include "hook/sys.h"
#include "hook/transplant.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Everything of the host's /proc that is needed once the mount namespace is another. */
struct handles {
    int mnt_ns, user_ns, proc_fds;
    struct mounttree host, mounts;
};

static int open_ns(pid_t pid, const char *name, int *out, struct err *e)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
    *out = open(path, O_RDONLY | O_CLOEXEC);
    return *out < 0 ? err_set(e, -errno, "%s", path) : 0;
}

/* A state that names a process of the host's own mount namespace must not change the host. */
static int check_other_ns(int mnt_ns, pid_t pid, struct err *e)
{
    struct stat mine, theirs;

    if (stat("/proc/self/ns/mnt", &mine) < 0 || fstat(mnt_ns, &theirs) < 0)
        return err_set(e, -errno, "compare mount namespaces");
    if (mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev)
        return err_setx(e, -EINVAL, "process %d is in the hook's own mount namespace", (int)pid);
    return 0;
}

static int open_handles(const struct inside *in, struct handles *h, struct err *e)
{
    int r = open_ns(in->pid, "mnt", &h->mnt_ns, e);

    if (r == 0)
        r = check_other_ns(h->mnt_ns, in->pid, e);
    if (r == 0)
        r = open_ns(in->pid, "user", &h->user_ns, e);
    if (r == 0) {
        h->proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (h->proc_fds < 0)
            r = err_set(e, -errno, "open /proc/self/fd");
    }
    if (r == 0)
        r = mounttree_read(getpid(), &h->host, e);
    if (r == 0)
        r = mounttree_read(in->pid, &h->mounts, e);
    return r;
}

/* The old root, and its path without symlinks as the joined namespace has it. */
static int open_old_root(const struct inside *in, const struct handles *h, char path[PATH_MAX],
                         struct err *e)
{
    cleanup_close int fd = open(in->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char name[16];
    struct stat st;
    ssize_t n;

    if (fd < 0)
        return err_set(e, -errno, "%s in the container's mount namespace", in->root);
    if (fstat(fd, &st) < 0)
        return err_set(e, -errno, "%s", in->root);
    if (st.st_dev != in->root_st.st_dev || st.st_ino != in->root_st.st_ino)
        return err_setx(e, -EINVAL,
                        "%s in the container's mount namespace is not the directory that the "
                        "host has there",
                        in->root);
    snprintf(name, sizeof(name), "%d", fd);
    n = readlinkat(h->proc_fds, name, path, PATH_MAX - 1);
    if (n < 0)
        return err_set(e, -errno, "path of %s", in->root);
    path[n] = '\0';
    return steal_fd(&fd);
}

static int become_container_root(const struct handles *h, struct err *e)
{
    if (setns(h->user_ns, CLONE_NEWUSER) < 0)
        return err_set(e, -errno, "join the container's user namespace");
    /* A mapping without 0 has no root; the capabilities that came with setns() are enough. */
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return 0;
    return 0;
}

/* What the runtime will do next: go to the root by its path, as the container's root. */
static int check_reachable(const struct inside *in, struct err *e)
{
    cleanup_free char *path = strdup(in->root);
    cleanup_close int fd = open(in->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        return 0;
    if (errno != EACCES || !path)
        return err_set(e, -errno, "%s as the container's root", in->root);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
            return err_setx(e, -EACCES,
                            "the container's root cannot reach %s: %s lacks the x permission for "
                            "it",
                            in->root, path);
        *slash = '/';
    }
    return err_set(e, -EACCES, "%s as the container's root", in->root);
}

static int join_and_transplant(const struct inside *in, const struct handles *h, struct err *e)
{
    char path[PATH_MAX];
    cleanup_close int old_root = -1;
    struct transplant t = {.new_root = in->mnt_fd,
                           .path = path,
                           .mounts = &h->mounts,
                           .host = &h->host,
                           .host_lower = in->host_lower};

    if (setns(h->mnt_ns, CLONE_NEWNS) < 0)
        return err_set(e, -errno, "join the container's mount namespace");
    old_root = open_old_root(in, h, path, e);
    if (old_root < 0)
        return old_root;
    t.old_root = old_root;
    return transplant_root(&t, e);
}

/*
 * This process ends with the hook. To be said again after a change of credentials, which makes the
 * kernel forget it (PR_SET_PDEATHSIG(2const)). False where the hook has ended already.
 */
static bool die_with(pid_t hook)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == hook;
}

static int work(const struct inside *in, pid_t hook, struct err *e)
{
    struct handles h = {-1, -1, -1, {0}, {0}};
    int r = open_handles(in, &h, e);

    if (r == 0)
        r = join_and_transplant(in, &h, e);
    if (r == 0)
        r = become_container_root(&h, e);
    if (r == 0 && !die_with(hook))
        r = err_setx(e, -EIO, "the hook has ended");
    if (r == 0 && in->protect)
        r = protect_root(in->mnt_fd, h.proc_fds, in->config, e);
    if (r == 0)
        r = check_reachable(in, e);
    mounttree_release(&h.host);
    mounttree_release(&h.mounts);
    close_and_reset(&h.mnt_ns);
    close_and_reset(&h.user_ns);
    close_and_reset(&h.proc_fds);
    return r;
}

/* The child's error crosses a pipe as it is: both ends are this program. */
static int wait_for(pid_t child, int fd, struct err *e)
{
    int status;
    ssize_t n;

    do
        n = read(fd, e, sizeof(*e));
    while (n < 0 && errno == EINTR);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (n == (ssize_t)sizeof(*e))
        return e->code;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return err_setx(e, -EIO, "the helper in the container's namespaces ended with status %d",
                    status);
}

int inside_container(const struct inside *in, struct err *e)
{
    cleanup_close int from = -1;
    pid_t hook = getpid();
    int p[2];
    pid_t child;

    if (pipe2(p, O_CLOEXEC) < 0)
        return err_set(e, -errno, "pipe");
    from = p[0];
    child = fork();
    if (child < 0) {
        int code = -errno;

        close(p[1]);
        return err_set(e, code, "fork");
    }
    if (child == 0) {
        struct err mine = {0};
        int r;

        /* The record's lock, and the fd whose end tells the keeper, end with the hook alone. */
        int keep[] = {in->mnt_fd, p[1]};

        fds_close_others(keep, 2);
        r = die_with(hook) ? work(in, hook, &mine) : err_setx(&mine, -EIO, "the hook has ended");
        if (r < 0)
            io_write_all(p[1], &mine, sizeof(mine));
        _exit(r < 0 ? 1 : 0);
    }
    close(p[1]);
    return wait_for(child, from, e);
}
