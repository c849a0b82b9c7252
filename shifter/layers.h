/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shifter shows: one directory, or layers that the kernel's overlayfs merges for it
 * (base/overlay.h), with an upper for what is written or without.
 *
 * All of it happens before the sandbox, in the caller's mount namespace, and leaves nothing there.
 */
#ifndef SHIFTER_LAYERS_H
#define SHIFTER_LAYERS_H

#include "base/err.h"

struct options;

/*
 * A detached mount of the tree to be shown; the caller's to close. Where it has an upper, *upper_fd
 * is that, locked: for as long as this fd is open no other shifter takes it. Else -1. Sets
 * split_links and override.
 */
int layers_open(struct options *o, int *tree_fd, int *upper_fd, struct err *e);

/* Sets override for a tree that is not made of layers: root_fd is its root (O_PATH will do). */
int layers_override_one(struct options *o, int root_fd, struct err *e);

/*
 * Splits lowerdir= at each ":" that has no backslash in front of it, in place. Returns how many
 * layers there are, the topmost first in paths, or -EINVAL where there are more than max, or an
 * empty one.
 */
int layers_split(char *text, char **paths, unsigned max, struct err *e);

#endif
