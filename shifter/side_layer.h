/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A side layer being made (markers.h): directories, whiteouts and opaque marks of overlayfs.
 *
 * There is a current directory, by its depth, that follows the walk through the layer: down where
 * something is to be made, up when the walk leaves. To make what is there already is no error.
 */
#ifndef SHIFTER_SIDE_LAYER_H
#define SHIFTER_SIDE_LAYER_H

#include <stdbool.h>
#include <stddef.h>

struct side_layer {
    int fd;       /* the current directory, opened for reading */
    size_t depth; /* of it: 0 is the root */
    bool any;     /* something was made */
};

/* root: opened for reading; it stays the caller's. */
int side_layer_begin(struct side_layer *s, int root);

/* Down one directory, from depth to depth + 1; it is made where it is not there. */
int side_layer_down(struct side_layer *s, const char *name);

/* Up to that depth, where it is deeper. What is left is complete, and on the disk then. */
int side_layer_up(struct side_layer *s, size_t depth);

/* In the current directory. */
int side_layer_whiteout(struct side_layer *s, const char *name);
int side_layer_opaque(struct side_layer *s);

/* Up to the root and its end; r < 0, a failure, stays. */
int side_layer_end(struct side_layer *s, int r);

/* What a side layer says of its root, opened for reading: 1 is opaque, 0 not. */
int side_layer_root_is_opaque(int root);

#endif
