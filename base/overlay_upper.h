/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What overlayfs keeps in a work directory from one mount to the next, and would refuse an upper
 * for, or fail with EIO, although nothing is wrong with it. All by fds, as root of the initial user
 * namespace or not; what cannot be done is left, and overlayfs says what it has to say.
 */
#ifndef BASE_OVERLAY_UPPER_H
#define BASE_OVERLAY_UPPER_H

#include "base/overlay.h"

/*
 * A volatile mount leaves WORK/work/incompat/volatile (overlayfs.rst, "Volatile mount"), and
 * overlayfs mounts no more until somebody takes it away who knows that the data is there. As
 * long as the system has not been started anew it is: what was not yet written to the disk is in
 * memory. So it is taken away where the last volatile mount was of this boot. A mount that is not
 * volatile is to keep what it has: before that the file system is synced.
 */
void overlay_upper_clear_volatile(const struct overlay *o);

/* After a volatile mount: it was of this boot. */
void overlay_upper_note_volatile(const struct overlay *o);

/*
 * The index (index=on, nfs_export=on) has an entry for each file and directory that was copied up
 * or removed. All but those that hold names of one inode together are for handles that somebody has
 * kept from an earlier mount (NFS), which nobody has here; and where an upper was changed
 * meanwhile (a whiteout or a copy taken away to have the layer's file back) they lead to EIO.
 * So they go, if the index is of this upper. While it is mounted, by the caller, who has not looked
 * at anything: then nobody else has it. True where any went: then it is to be mounted anew.
 */
bool overlay_upper_sweep_index(const struct overlay *o);

/*
 * After -ESTALE: an index of another upper, which is no more, goes as a whole: the upper was
 * made anew, or put back from a copy. True where it went.
 */
bool overlay_upper_drop_index(const struct overlay *o);

#endif
