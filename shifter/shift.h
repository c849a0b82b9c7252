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

#include <sys/stat.h>

struct shift {
    struct idmap uid;
    struct idmap gid;
};

/* Owner and group of st, read from the lower, become what the mount shows. */
void shift_stat_out(const struct shift *s, struct stat *st);

/*
 * The disk id for a mount id of a request. -EOVERFLOW where the mapping has none. IDMAP_NO_ID,
 * "no change" in a request, stays itself.
 */
int shift_uid_in(const struct shift *s, struct mount_id id, struct disk_id *out);
int shift_gid_in(const struct shift *s, struct mount_id id, struct disk_id *out);

#endif
