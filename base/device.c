/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/device.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

int device_open(const char *path, struct err *e)
{
    struct mount_attr closed = {
        .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID,
    };
    cleanup_close int mnt = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    cleanup_close int fd = -1;
    char name[32];

    if (mnt < 0)
        return err_set(e, -errno, "open %s", path);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", mnt);
    fd = open(name, O_RDWR | O_CLOEXEC);
    /* What is open stays so. */
    if (fd < 0 || mount_setattr(mnt, "", AT_EMPTY_PATH, &closed, sizeof(closed)) < 0)
        return err_set(e, -errno, "open %s", path);
    return steal_fd(&fd);
}
