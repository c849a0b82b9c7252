/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/sys.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

static int open2(int dir_fd, const char *path, int flags, uint64_t resolve)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC), .resolve = resolve};
    long r;

    do {
        /* EAGAIN: something was renamed while ".." was walked (openat2(2)). */
        r = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
    } while (r < 0 && (errno == EAGAIN || errno == EINTR));
    return r < 0 ? -errno : (int)r;
}

int sys_open_in_root(int root_fd, const char *path, int flags)
{
    return open2(root_fd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int sys_open_beneath(int root_fd, const char *path, int flags)
{
    return open2(root_fd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int sys_open_entry(int dir_fd, const char *name, int flags)
{
    return open2(dir_fd, name, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

int sys_mount_id(int fd, uint64_t *id)
{
    struct statx x;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &x) < 0)
        return -errno;
    if (!(x.stx_mask & STATX_MNT_ID))
        return -ENOSYS;
    *id = x.stx_mnt_id;
    return 0;
}

bool sys_is_empty(int dir_fd)
{
    cleanup_close int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    unsigned n = 0;

    if (!dir)
        return false;
    own = -1;
    while (n < 3 && readdir(dir))
        n++;
    closedir(dir);
    return n < 3;
}

int sys_pidfd_open(pid_t pid)
{
    long r = syscall(SYS_pidfd_open, pid, 0);

    return r < 0 ? -errno : (int)r;
}

int sys_pidfd_kill(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int sys_pidfd_wait(int pidfd, int ms)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int64_t end = now_ms() + ms;

    for (;;) {
        int64_t left = end - now_ms();
        int r = poll(&p, 1, left > 0 ? (int)left : 0);

        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}
