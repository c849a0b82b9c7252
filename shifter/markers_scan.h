/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the markers of a layer (markers.h) and makes its side layer of them.
 *
 * The layer is a stranger's. It is walked by fds: no symlink is followed, no mount entered, and
 * neither stack nor open files grow with its depth. It is read while nobody changes it; where
 * somebody does, -ESTALE may be the answer.
 */
#ifndef SHIFTER_MARKERS_SCAN_H
#define SHIFTER_MARKERS_SCAN_H

#include "base/err.h"

#include <stdbool.h>

/*
 * layer: a directory, opened for reading. side: one that is ours, where a scan of the same layer
 * may have been broken off. What is made is on the disk when this returns. *any: there were
 * markers.
 */
int markers_scan(int layer, int side, bool *any, struct err *e);

#endif
