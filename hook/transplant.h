/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shifted root takes the place of the unshifted one: it is attached over the rootfs path in
 * the container's mount namespace, and every mount that the runtime has made below the old root
 * is moved to the same place on the new one.
 *
 * Mounts are moved, not copied (move_mount(2)), so they stay the very mounts they were: an fd the
 * runtime holds on one still means it (crun makes its read-only mounts read-only through such fds
 * after the hooks), and propagation, flags and all that hangs below go along. Mounts that the
 * image itself brings on the host are left behind: the shifter shows those, shifted.
 */
#ifndef HOOK_TRANSPLANT_H
#define HOOK_TRANSPLANT_H

#include "base/err.h"
#include "hook/mounttree.h"

struct transplant {
    int old_root;     /* O_PATH fd of the rootfs path in the container's mount namespace */
    int new_root;     /* the detached mount that takes its place */
    const char *path; /* the rootfs path, symlinks resolved, as that namespace sees it */
    const struct mounttree *mounts; /* of that namespace, before */
    const struct mounttree *host;   /* of the host's */
    const char *host_lower; /* the image as the host sees it, symlinks resolved; NULL: elsewhere */
};

/*
 * The caller has joined the container's mount namespace. On failure everything is back where it
 * was, as far as the kernel lets us.
 */
int transplant_root(const struct transplant *t, struct err *e);

#endif
