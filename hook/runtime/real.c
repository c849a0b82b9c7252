/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/runtime/real.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const directories[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                          "/usr/bin",        "/sbin",          "/bin"};

/* The wrapper may go by the runtime's name, in a directory that comes first. */
static bool is_self(const char *path)
{
    struct stat self, other;

    return stat("/proc/self/exe", &self) == 0 && stat(path, &other) == 0 &&
           self.st_dev == other.st_dev && self.st_ino == other.st_ino;
}

static char *find(const char *name)
{
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        char *path = NULL;

        if (asprintf(&path, "%s/%s", directories[i], name) < 0)
            return NULL;
        if (access(path, X_OK) == 0 && !is_self(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

char *real_runtime(const struct admin *admin, const char *own_name, struct err *e)
{
    static const char *const names[] = {"runc", "crun"};
    char *path = NULL;

    if (admin->runtime) {
        path = strdup(admin->runtime);
        if (!path)
            err_set(e, -ENOMEM, "runtime");
        return path;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !path; i++)
        if (ends_in(own_name, names[i]))
            path = find(names[i]);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !path; i++)
        path = find(names[i]);
    if (!path)
        err_setx(e, -ENOENT, "neither runc nor crun is here: \"runtime\" of %s names another",
                 ADMIN_CONFIG_PATH);
    return path;
}

int real_exec(char *path, char **argv, struct err *e)
{
    argv[0] = path;
    execv(path, argv);
    return err_set(e, -errno, "run %s", path);
}

static _Noreturn void become(const char *path, char *const *argv, const sigset_t *mask,
                             pid_t parent)
{
    /* Whoever kills the wrapper means the runtime. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(path, argv);
    dprintf(STDERR_FILENO, "oci-shift-runtime: run %s: %s\n", path, strerror(errno));
    _exit(127);
}

int real_run(char *path, char **argv, struct err *e)
{
    sigset_t all, before;
    pid_t child, parent = getpid();
    int status;

    argv[0] = path;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child < 0) {
        err_set(e, -errno, "fork");
        sigprocmask(SIG_SETMASK, &before, NULL);
        return e->code;
    }
    if (child == 0)
        become(path, argv, &before, parent);
    for (;;) {
        siginfo_t info;

        if (sigwaitinfo(&all, &info) < 0)
            continue;
        if (info.si_signo != SIGCHLD)
            kill(child, info.si_signo);
        else if (waitpid(child, &status, WNOHANG) == child)
            break;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

void real_end_like(int status)
{
    if (WIFSIGNALED(status)) {
        const struct rlimit none = {0, 0};
        sigset_t mask;

        /* One core file is enough. */
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(status), SIG_DFL);
        sigemptyset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
