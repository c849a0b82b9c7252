/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/inside.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/io.h"
#include "hook/protect.h"
#include "hook/reach.h"
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

int inside_look(pid_t pid, struct inside_view *out, struct err *e)
{
    int r;

    *out = INSIDE_VIEW_NONE;
    r = open_ns(pid, "mnt", &out->mnt_ns, e);
    if (r == 0)
        r = check_other_ns(out->mnt_ns, pid, e);
    if (r == 0)
        r = open_ns(pid, "user", &out->user_ns, e);
    if (r == 0)
        r = mounttree_read(getpid(), &out->host, e);
    if (r == 0)
        r = mounttree_read(pid, &out->mounts, e);
    return r;
}

void inside_view_release(struct inside_view *v)
{
    mounttree_release(&v->host);
    mounttree_release(&v->mounts);
    close_and_reset(&v->mnt_ns);
    close_and_reset(&v->user_ns);
}

/* The old root, and its path without symlinks as the joined namespace has it. */
static int open_old_root(const struct inside *in, int proc_fds, char path[PATH_MAX], struct err *e)
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
    n = readlinkat(proc_fds, name, path, PATH_MAX - 1);
    if (n < 0)
        return err_set(e, -errno, "path of %s", in->root);
    path[n] = '\0';
    return steal_fd(&fd);
}

static int become_container_root(const struct inside_view *v, struct err *e)
{
    if (setns(v->user_ns, CLONE_NEWUSER) < 0)
        return err_set(e, -errno, "join the container's user namespace");
    /* A mapping without 0 has no root; the capabilities that came with setns() are enough. */
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return 0;
    return 0;
}

static int join_and_transplant(const struct inside *in, int proc_fds, struct err *e)
{
    char path[PATH_MAX];
    cleanup_close int old_root = -1;
    struct transplant t = {.new_root = in->mnt_fd,
                           .path = path,
                           .mounts = &in->view->mounts,
                           .host = &in->view->host,
                           .host_lower = in->host_lower};

    if (setns(in->view->mnt_ns, CLONE_NEWNS) < 0)
        return err_set(e, -errno, "join the container's mount namespace");
    old_root = open_old_root(in, proc_fds, path, e);
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
    /* Of this process, and from the host's /proc: in the namespace to come there may be none. */
    cleanup_close int proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = proc_fds < 0 ? err_set(e, -errno, "open /proc/self/fd") : 0;

    if (r == 0)
        r = join_and_transplant(in, proc_fds, e);
    if (r == 0)
        r = become_container_root(in->view, e);
    if (r == 0 && !die_with(hook))
        r = err_setx(e, -EIO, "the hook has ended");
    if (r == 0 && in->protect)
        r = protect_root(in->mnt_fd, proc_fds, in->config, e);
    if (r == 0)
        r = reach_check(in->root, e);
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
        int keep[] = {in->mnt_fd, in->view->mnt_ns, in->view->user_ns, p[1]};

        fds_close_others(keep, 4);
        r = die_with(hook) ? work(in, hook, &mine) : err_setx(&mine, -EIO, "the hook has ended");
        if (r < 0)
            io_write_all(p[1], &mine, sizeof(mine));
        _exit(r < 0 ? 1 : 0);
    }
    close(p[1]);
    return wait_for(child, from, e);
}
