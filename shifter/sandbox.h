/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server gives up before it answers its first request. It runs as root and is driven by
 * whoever is inside the container, so after this it can reach the lower and its device, and
 * nothing else: own mount namespace with an empty root and the lower in it, own network and IPC
 * namespaces with nothing in them, own session, few
 * capabilities, no new ones by exec, an allow-list of system calls.
 *
 * Call the two steps in this order, from the only thread, in the process that will serve.
 */
#ifndef SHIFTER_SANDBOX_H
#define SHIFTER_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>

/*
 * Moves the process into a mount namespace of its own that holds only the detached mount
 * `lower_tree` (open_tree(2); the caller's, may be closed afterwards), hardened with nosuid, nodev,
 * noexec and nosymfollow, and read-only if asked. The working directory becomes /proc/self/fd,
 * which sys.h needs. *root_fd is the lower's root, opened for reading, *outside_fd
 * (O_PATH) the directory around it, in which it is FUSEMOUNT_ENTRY; both are the caller's.
 */
int sandbox_enter_mounts(int lower_tree, bool read_only, int *root_fd, int *outside_fd,
                         struct err *e);

/* Groups, capabilities, no_new_privs, and the system call filter (sandbox_seccomp.c). */
int sandbox_drop_privileges(bool in_initial_userns, struct err *e);

int sandbox_load_filter(struct err *e);

#endif
