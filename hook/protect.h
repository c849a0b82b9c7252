/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a runtime does to the root after the hooks, for runtimes that would do it to the old one:
 * crun masks paths and makes them read-only through an fd that it opened before. runc does it by
 * path, after it has entered the new root, and needs nothing.
 *
 * To be called as the container's root, in its user and mount namespaces, with the container's
 * mounts on the shifted root: paths are resolved inside it as the container would see them, and
 * the mounts made belong to the container like those of the runtime.
 */
#ifndef HOOK_PROTECT_H
#define HOOK_PROTECT_H

#include "base/err.h"
#include "hook/config.h"

/* proc_fds: an fd of the calling process's own /proc/self/fd; root_fd: the shifted root. */
int protect_root(int root_fd, int proc_fds, const struct oci_config *c, struct err *e);

#endif
