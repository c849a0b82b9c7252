/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that hangs the mount where it was asked for, while another one serves it: a server
 * in its sandbox cannot reach the place any more.
 */
#ifndef SHIFTER_ATTACH_H
#define SHIFTER_ATTACH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Waits for the word of a server on the other end: 0 for "ready", or -errno with its reason. */
int attach_wait(int ready_fd, struct err *e);

/*
 * Waits for that, then attaches *mnt_fd (entry: what fusemount_enter() makes of
 * it) at the mountpoint, which may be a symbolic link to it. *mnt_id is what the mount is known by.
 */
int attach_when_ready(int ready_fd, int *mnt_fd, bool entry, const char *mountpoint,
                      uint64_t *mnt_id, struct err *e);

/*
 * In the foreground: until the server, which alone has the other end of alive_fd, is gone. Then
 * that very mount is unmounted if it is still there: who ends a server by a signal is not to be
 * left with a mount that nobody answers for.
 */
void attach_stay(int alive_fd, const char *mountpoint, uint64_t mnt_id);

/* How the process, which is the child of the server then, ended. */
bool attach_failed(pid_t child);

#endif
