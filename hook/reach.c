/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/reach.h"

#include "base/cleanup.h"
#include "base/io.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/wait.h>

/* What a runtime does: goes to the root by its path, as the container's root. */
int reach_check(const char *root, struct err *e)
{
    cleanup_free char *path = strdup(root);
    cleanup_close int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        return 0;
    if (errno != EACCES || !path)
        return err_set(e, -errno, "%s as the container's root", root);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
            return err_setx(e, -EACCES,
                            "the container's root cannot reach %s: %s lacks the x permission for "
                            "it",
                            root, path);
        *slash = '/';
    }
    return err_set(e, -EACCES, "%s as the container's root", root);
}

static _Noreturn void check_in_child(uid_t uid, gid_t gid, const char *root, int to)
{
    struct err e = {0};
    int r = 0;

    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        r = err_set(&e, -errno, "become uid %u", uid);
    if (r == 0)
        r = reach_check(root, &e);
    if (r < 0)
        io_write_all(to, &e, sizeof(e));
    _exit(0);
}

int reach_check_ids(uid_t uid, gid_t gid, const char *root, struct err *e)
{
    struct err told;
    cleanup_close int from = -1;
    int p[2];
    pid_t child;
    ssize_t n;

    if (pipe2(p, O_CLOEXEC) < 0)
        return err_set(e, -errno, "pipe");
    from = p[0];
    child = fork();
    if (child == 0)
        check_in_child(uid, gid, root, p[1]);
    close(p[1]);
    if (child < 0)
        return err_set(e, -EAGAIN, "fork");
    do
        n = read(from, &told, sizeof(told));
    while (n < 0 && errno == EINTR);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof(told))
        return 0;
    *e = told;
    return e->code;
}

int reach_check_as(const struct idmap *uid, const struct idmap *gid, const char *root,
                   struct err *e)
{
    struct mount_id u, g;

    if (!idmap_to_mount(uid, (struct disk_id){0}, &u) ||
        !idmap_to_mount(gid, (struct disk_id){0}, &g))
        return 0;
    return reach_check_ids(u.v, g.v, root, e);
}
