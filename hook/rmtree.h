/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing a tree that a container wrote: nested as deep as it liked, with symlinks, directories
 * without any permission, and files that the host made immutable.
 *
 * Nothing outside is touched: names are looked up one at a time from an fd of their directory,
 * without following symlinks and without entering a mount. What is deeper than one level is first
 * moved up to the top of the tree, so neither stack nor open files grow with its depth.
 */
#ifndef HOOK_RMTREE_H
#define HOOK_RMTREE_H

#include "base/err.h"

/*
 * Removes the entry `name` of the directory and all that is below. 0 also where there is none. On
 * failure as much as could be is gone, and the message names the first thing that could not.
 */
int rmtree_at(int dir_fd, const char *name, struct err *e);

#endif
