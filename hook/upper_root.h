/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root of a merged tree has what the upper's own directory has, so a new one gets all that the
 * image's root directory has: owner, mode, ACLs and other extended attributes, times.
 */
#ifndef HOOK_UPPER_ROOT_H
#define HOOK_UPPER_ROOT_H

#include "base/err.h"

/* lower_fd may be an O_PATH fd; upper_fd is an empty directory, opened for reading. */
int upper_root_copy(int lower_fd, int upper_fd, struct err *e);

#endif
