/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AUFS markers. Where an engine has a mount program (containers/storage), its layers say what they
 * delete in the words of AUFS, which overlayfs does not know:
 *
 *   .wh.NAME       layers below do not show NAME here
 *   .wh..wh..opq   layers below show nothing in this directory
 *   .wh..wh.*      housekeeping, without a meaning
 *
 * of whatever type the marker is. For such a layer there is a side layer: the same directories, as
 * far as they have markers, with overlayfs' own whiteouts and opaque marks in them. It lies
 * directly below its layer. There it hides what is below both and nothing of the layer itself (a
 * whiteout is about other layers, image-spec/layer.md), and no attribute of its directories ever
 * shows, since those of the layer are on top.
 *
 * A side layer is made once for each layer and kept (side_cache.h); where it cannot be kept, it is
 * in a tmpfs that goes with the mount. One for an upper always is. The lowest layer needs none.
 */
#ifndef SHIFTER_MARKERS_H
#define SHIFTER_MARKERS_H

#include "base/err.h"
#include "base/overlay.h"

#include <stdbool.h>
#include <stddef.h>

#define MARKERS_DIRECTORY "/var/lib/oci-shift/side"

/* Layers with their side layers, for struct overlay. */
struct markers_stack {
    int fds[OVERLAY_MAX_LOWERS]; /* the topmost first */
    size_t n;
    /*
     * What the topmost is now is made anew for each mount. Overlayfs must do without an index,
     * which would remember it as what the upper belongs to, and refuse the next one (ESTALE).
     */
    bool upper_has_side;

    int sides[OVERLAY_MAX_LOWERS]; /* those of fds that are to be closed */
    size_t n_sides;
    int temporary; /* a detached tmpfs, or -1 */
};

/*
 * layers: fds of n directories, the topmost first, O_PATH will do; the caller's, who keeps them
 * open for as long as the stack. upper: the same, or -1. kept: the directory where side layers are
 * kept; it is made where it is not there. 0 or -errno; markers_release() is due either way.
 *
 * Below a layer whose root is opaque nothing can show: the stack ends there.
 */
int markers_expand(const int *layers, size_t n, int upper, const char *kept,
                   struct markers_stack *out, struct err *e);
void markers_release(struct markers_stack *s);

/* True for a name that is no file's, but a marker's: not to be shown, and not to be made. */
bool markers_is_name(const char *name);

#endif
