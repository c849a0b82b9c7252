/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/attach.h"

#include "base/cleanup.h"
#include "base/fusemount.h"
#include "base/io.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 where there is none, or the kernel, before 5.8, does not say. Asks no server. */
static uint64_t mount_id(int dir_fd, const char *path, int flags)
{
    struct statx sx;

    if (statx(dir_fd, path, flags | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx) < 0)
        return 0;
    return sx.stx_mask & STATX_MNT_ID ? sx.stx_mnt_id : 0;
}

int attach_wait(int ready_fd, struct err *e)
{
    cleanup_free char *word = NULL;
    size_t len;
    int r = io_read_all(ready_fd, sizeof(e->msg), &word, &len);

    if (r < 0)
        return err_set(e, r, "wait for the server");
    if (strcmp(word, "ready\n") != 0)
        return err_setx(e, -EIO, "%s", len ? word : "the server ended before it was ready");
    return 0;
}

int attach_when_ready(int ready_fd, int *mnt_fd, bool entry, const char *mountpoint,
                      uint64_t *mnt_id, struct err *e)
{
    int r = attach_wait(ready_fd, e);

    if (r < 0)
        return r;
    if (entry) {
        r = fusemount_enter(mnt_fd);
        if (r < 0)
            return err_set(e, r, "the server does not answer");
    }
    if (move_mount(*mnt_fd, "", AT_FDCWD, mountpoint,
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
        return err_set(e, -errno, "mount on %s", mountpoint);
    *mnt_id = mount_id(*mnt_fd, "", AT_EMPTY_PATH);
    return 0;
}

void attach_stay(int alive_fd, const char *mountpoint, uint64_t mnt_id)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    char byte;

    /* A signal from the terminal is for the server. */
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    while (read(alive_fd, &byte, 1) < 0 && errno == EINTR) {
    }
    if (mnt_id != 0 && mount_id(AT_FDCWD, mountpoint, 0) == mnt_id)
        umount2(mountpoint, MNT_DETACH);
}

bool attach_failed(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return status != 0;
}
