/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device nodes that a server keeps open. Whoever takes it over can open file handles, and an open
 * file names the mount that they are looked for on: the host's /dev, where all nodes of the host
 * are, each known by its number and 32 random bits. So such a node is opened by a mount of its own,
 * on which nothing can be opened afterwards.
 */
#ifndef BASE_DEVICE_H
#define BASE_DEVICE_H

#include "base/err.h"

/* For reading and writing, close-on-exec; the caller's. -errno. */
int device_open(const char *path, struct err *e);

#endif
