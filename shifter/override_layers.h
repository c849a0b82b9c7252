/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which attribute (override.h) files of a mount have: as fuse-overlayfs, by that of the root of
 * each layer (which must belong to the user who mounts), and by the option xattr_permissions.
 *
 * Set-up only: fds are of directories (O_PATH will do), on any mount.
 */
#ifndef SHIFTER_OVERRIDE_LAYERS_H
#define SHIFTER_OVERRIDE_LAYERS_H

#include "base/err.h"
#include "shifter/override.h"

/*
 * What the layers' files have, and what is written over them: option is 0 (what the topmost layer
 * that has any has), 1 or 2. Without such a layer and option there is none.
 */
void override_choose(unsigned option, const int *layers, size_t n, struct override *out);

/*
 * The same with an upper, which goes on as it was begun: marked is what its mark says (an
 * attribute's name, "" for none), or NULL where it has no mark. -EINVAL, with a message that names
 * both ways, where what it has is not what override_choose() came to.
 */
int override_choose_upper(unsigned option, int upper_fd, const char *upper, const char *marked,
                          struct override *o, struct err *e);

/*
 * Writes the attribute to the root, root_fd, where it has none: that of the first layer that has
 * one, or what its inode says.
 */
int override_begin(const struct override *o, int root_fd, const int *layers, size_t n,
                   struct err *e);

#endif
