/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of the hook's side that the C library does not wrap, and the few questions about
 * fds that several parts ask. All return -errno on failure.
 */
#ifndef HOOK_SYS_H
#define HOOK_SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opens path as if root_fd were "/" : symlinks and ".." stay inside, magic links of /proc are
 * refused (openat2(2), Linux 5.6). A new close-on-exec fd.
 */
int sys_open_in_root(int root_fd, const char *path, int flags);

/* The same without any symlink on the way: -ELOOP where there is one. */
int sys_open_beneath(int root_fd, const char *path, int flags);

/*
 * An entry of the directory, by its name alone: -ELOOP where it is a symlink, -EXDEV where
 * something is mounted on it.
 */
int sys_open_entry(int dir_fd, const char *name, int flags);

/* The id of the mount that fd lies on, as in /proc/PID/mountinfo. */
int sys_mount_id(int fd, uint64_t *id);

/* Whether a directory, which may be an O_PATH fd, has no entries. False where it cannot be read. */
bool sys_is_empty(int dir_fd);

int sys_pidfd_open(pid_t pid);
int sys_pidfd_kill(int pidfd, int signal);

/* Waits until the process of pidfd has ended, at most ms milliseconds. 0, or -ETIMEDOUT. */
int sys_pidfd_wait(int pidfd, int ms);

#endif
