/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's overlayfs as a detached mount: a merged tree that is in no mount namespace, so that
 * nobody comes to it but who has the fd (fsopen(2), Linux 5.2; overlayfs.rst of the kernel).
 *
 * What is chosen, and why:
 *
 * index=on with an upper: names of one inode stay one when it is copied up, an upper that is in use
 * is refused (EBUSY), and one that was over another topmost lower (ESTALE). Where a layer's file
 * system has no handles, overlayfs goes on without.
 *
 * nfs_export as the caller says: with it files and directories have handles, and an index of all
 * that was ever copied up is kept, which each mount reads from end to end. Off without an upper,
 * where it does not follow redirects.
 *
 * xino=auto: inode numbers stay when a file is copied up, also where layers are of several file
 * systems.
 *
 * metacopy=off: a file of the upper has its data, wherever the upper is moved to.
 *
 * redirect_dir=on or follow, as the caller says.
 *
 * In a user namespace overlayfs keeps its marks as user.* (userxattr) and has no redirect_dir.
 */
#ifndef BASE_OVERLAY_H
#define BASE_OVERLAY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_MAX_LOWERS 500u /* OVL_MAX_STACK */

struct overlay {
    const int *lowers; /* directories, the topmost first; O_PATH will do */
    size_t n_lowers;
    int upper, work; /* both in one mount, or both -1: then there are two lowers at least */
    bool read_only;
    bool volatile_upper; /* nothing is ever synced */
    bool handles;        /* of file handles (name_to_handle_at(2)); only with an upper */
    bool redirect_dir;   /* a directory of a lower may be renamed */
    bool no_index;       /* the topmost lower will be another one in the next mount */
    unsigned busy_ms;    /* how long a mount that has the upper may take to end */
};

/*
 * False where overlayfs will do without an index: then names of one inode are one only until the
 * first of them is written to, and have to be told apart before.
 */
bool overlay_has_index(const struct overlay *o);

/* The fds stay the caller's, and may be closed afterwards. *mnt_fd is the caller's too. */
int overlay_mount(const struct overlay *o, int *mnt_fd, struct err *e);

#endif
