/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/attach.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hook/mounttree.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

int attach_open(const char *at, int *target, char path[PATH_MAX], struct err *e)
{
    cleanup_close int fd = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char link[64];
    ssize_t n;

    if (fd < 0)
        return err_set(e, -errno, "%s", at);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    if (n < 0)
        return err_set(e, -errno, "path of %s", at);
    path[n] = '\0';
    *target = steal_fd(&fd);
    return 0;
}

/* What is attached below a shared mount is attached to all its peers; below a slave, to none. */
static int make_slave(int fd, const char *path, struct err *e)
{
    struct mounttree tree;
    uint64_t id;
    int r = sys_mount_id(fd, &id);

    if (r < 0)
        return err_set(e, r, "mount id of %s", path);
    r = mounttree_read(getpid(), &tree, e);
    if (r < 0)
        return r;
    r = err_setx(e, -ENOENT, "no mount has %s", path);
    for (size_t i = 0; i < tree.n; i++) {
        if (tree.mounts[i].id != id)
            continue;
        r = mount(NULL, tree.mounts[i].point, NULL, MS_SLAVE, NULL) < 0
                ? err_set(e, -errno, "make %s a slave", tree.mounts[i].point)
                : 0;
    }
    mounttree_release(&tree);
    return r;
}

int attach_go_private(int target, const char *path, int *target_out, struct err *e)
{
    struct stat have, named;
    cleanup_close int fd = -1;
    int r;

    if (fstat(target, &have) < 0 || unshare(CLONE_NEWNS) < 0)
        return err_set(e, -errno, "mount namespace of the runtime");
    /* The fd is of the mount that was left behind. */
    fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &named) < 0)
        return err_set(e, -errno, "%s", path);
    if (have.st_dev != named.st_dev || have.st_ino != named.st_ino)
        return err_setx(e, -ESTALE, "%s is another directory by now", path);
    r = make_slave(fd, path, e);
    if (r < 0)
        return r;
    close_and_reset(target_out);
    *target_out = steal_fd(&fd);
    return 0;
}

int attach_mount(int mnt_fd, int target, const char *path, struct err *e)
{
    if (move_mount(mnt_fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "mount the shifted root on %s", path);
    return 0;
}

void attach_undo(int mnt_fd, const char *path)
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", mnt_fd);
    if (umount2(link, MNT_DETACH) < 0)
        log_warn("unmount %s: %s", path, strerror(errno));
}
