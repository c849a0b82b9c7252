/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owners, both ways. What goes out to the kernel is a mount id, what goes down to the lower a disk
 * id. An id outside the mapping goes out as IDMAP_NO_ID: the kernel makes an invalid kuid of it,
 * shows it as the overflow id (65534) and refuses to write to such an inode, exactly as it does for
 * an unmapped id on an idmapped mount (fs/namei.c, HAS_UNMAPPED_ID). Down it never goes.
 */
#ifndef SHIFTER_SHIFT_H
#define SHIFTER_SHIFT_H

#include "base/idmap.h"

#include <stdbool.h>
#include <sys/stat.h>

#define SHIFT_NO_DRIVER 2048u

/* One id that everything is shown as owned by, in place of the mapping's. */
struct squash {
    bool on;
    struct mount_id id;
};

struct shift {
    struct idmap uid;
    struct idmap gid;
    bool no_devices;                      /* see shift_stat_out() */
    struct squash squash_uid, squash_gid; /* owners only: ACLs and requests go by the mapping */
};

/*
 * Owner and group of st, read from the lower, become what the mount shows. With no_devices a device
 * node is shown as one that no driver serves, so that it cannot be opened by anybody, however the
 * mount's own nodev comes to be lost: a runtime's or a container's remount drops it (runc 1.1 does
 * for a read-only root). Its major number goes up by SHIFT_NO_DRIVER: the kernel gives drivers none
 * beyond 511 (CHRDEV_MAJOR_MAX, BLKDEV_MAJOR_MAX). 0:0, a whiteout, has no driver anyway and stays.
 */
void shift_stat_out(const struct shift *s, struct stat *st);

/*
 * The disk id for a mount id of a request. -EOVERFLOW where the mapping has none. IDMAP_NO_ID,
 * "no change" in a request, stays itself.
 */
int shift_uid_in(const struct shift *s, struct mount_id id, struct disk_id *out);
int shift_gid_in(const struct shift *s, struct mount_id id, struct disk_id *out);

#endif
