/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory in which side layers are kept (markers.h), one directory for each layer:
 *
 *   FILE SYSTEM-INODE-BIRTH-CHANGE        complete; empty where the layer has no markers
 *   FILE SYSTEM-INODE-BIRTH-CHANGE.new    being made, locked by who makes it, or broken off
 *
 * where the three last are of the layer's root directory. It may be removed when nothing is mounted
 * that lies on it. Layers do not change once they are there: a change that does not touch the
 * root's own attributes or names is not seen.
 */
#ifndef SHIFTER_SIDE_CACHE_H
#define SHIFTER_SIDE_CACHE_H

#include "base/err.h"

/*
 * Opens it, and makes it with the directory it is in where they are not there. -EPERM where
 * somebody else could put something into it.
 */
int side_cache_open(const char *path, struct err *e);

/*
 * The side layer of the directory `layer`, opened for reading; *side is the caller's to close. It
 * is made where it is not there; of any number who want it at a time, one makes it and the others
 * wait. -EOPNOTSUPP where the layer cannot be known again.
 */
int side_cache_get(int cache, int layer, int *side, struct err *e);

#endif
