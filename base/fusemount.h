/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE superblock and a detached mount of it, by the mount API of fsopen(2) (Linux 5.2).
 *
 * The superblock belongs to the user namespace of the caller, so the ids that cross its device are
 * that namespace's ids; the mount hangs nowhere until somebody calls move_mount(2) on it. From
 * the moment it exists, any access to it waits for a server to answer on the device.
 */
#ifndef BASE_FUSEMOUNT_H
#define BASE_FUSEMOUNT_H

#include "base/err.h"

#include <stdbool.h>

/* What mountinfo calls its type. */
#define FUSEMOUNT_SUBTYPE "oci-shifter"
#define FUSEMOUNT_TYPE "fuse." FUSEMOUNT_SUBTYPE

struct fusemount {
    int dev_fd; /* /dev/fuse, bound to the superblock: what the server reads and writes */
    int mnt_fd; /* the detached mount; closing it unattached ends the superblock */
};

struct fusemount_options {
    const char *source;  /* first field of /proc/mounts */
    const char *context; /* SELinux label of every inode, or NULL */
    bool read_only;      /* superblock and mount */
    bool nosuid, noexec, noatime;
};

/*
 * Makes one, with nodev, default_permissions and allow_other, and a directory as its root. Both
 * fds are close-on-exec and the caller's to close. On failure nothing is left behind.
 */
int fusemount_create(const struct fusemount_options *opt, struct fusemount *out, struct err *e);

/*
 * The kernel makes the root inode of a FUSE superblock before the server has said that it has POSIX
 * ACLs, and so never remembers whether the root has one (fuse_init_inode() in fs/fuse/inode.c,
 * ACL_DONT_CACHE): each path that a caller takes from such a root, who is not its owner, is a
 * request. An inode that is made later has no such trouble. So the server may show the lower as
 * this directory of the superblock's root, and the mount that is attached is one of that directory.
 */
#define FUSEMOUNT_ENTRY "lower"

/* Can the mount be entered? It takes Linux 6.15, where a detached mount can be cloned. */
bool fusemount_can_enter(const struct fusemount *m);

/*
 * Once the server is ready: *mnt_fd, the detached mount, becomes one of FUSEMOUNT_ENTRY alone. It
 * is the first request, and waits for the answer. 0 or -errno.
 */
int fusemount_enter(int *mnt_fd);

#endif
