/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hanging a detached mount on a directory that the caller's mount namespace has. */
#ifndef HOOK_ATTACH_H
#define HOOK_ATTACH_H

#include "base/err.h"

#include <limits.h>

/*
 * *target is an O_PATH fd (the caller's) of the directory, and path its name without symlinks, as
 * mountinfo will have it.
 */
int attach_open(const char *at, int *target, char path[PATH_MAX], struct err *e);

/*
 * This process goes into a mount namespace of its own, with all mounts that it sees and the
 * propagation that they have, but that of the mount which target lies on: what is attached there is
 * not seen outside. *target_out (the caller's, may be target's variable) is the directory there.
 */
int attach_go_private(int target, const char *path, int *target_out, struct err *e);

int attach_mount(int mnt_fd, int target, const char *path, struct err *e);

/* Takes it off again. */
void attach_undo(int mnt_fd, const char *path);

#endif
