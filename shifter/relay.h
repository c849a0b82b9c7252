/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layers that overlayfs does not take since they lie on too many file systems already: mounts of
 * this program over layers of their own, as an engine has them when it mounts one image into the
 * build of another. Data that passes a server by counts as a file system more
 * (FILESYSTEM_MAX_STACK_DEPTH is 2); through a server it counts for none. So such a layer is taken
 * through one more server, which shifts nothing and ends with the last mount that has it.
 *
 * Takes Linux 6.15: before, overlayfs takes no layer that is not mounted somewhere.
 */
#ifndef SHIFTER_RELAY_H
#define SHIFTER_RELAY_H

#include "base/err.h"

#include <stddef.h>

/*
 * In place of each of the n directories (O_PATH will do) that is on FUSE fds gets one that is the
 * same directory through a server. That is opened here, put behind the *n_opened ones in opened,
 * and the caller's to close. How many that were, or -errno.
 */
int relay_layers(int *fds, size_t n, int *opened, size_t *n_opened, struct err *e);

#endif
