/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runtimes that go to a root which they opened before the hooks: what a hook mounts over it they do
 * not see. runc does so since its commit 5b094ed1a of March 2026 (1.6 to be): its init has an
 * O_PATH fd of the rootfs while the hooks run, and pivots to that. crun's init has one too, and
 * goes by the path all the same, so the fd alone says nothing.
 */
#ifndef HOOK_PINNED_H
#define HOOK_PINNED_H

#include "base/err.h"

#include <sys/stat.h>
#include <sys/types.h>

/* 0 where nothing says that the process will go to an fd of the directory; else -ENOTSUP. */
int pinned_check(pid_t pid, const struct stat *root_st, struct err *e);

#endif
