/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/shift.h"

#include <errno.h>
#include <sys/sysmacros.h>

static uint32_t out_or_none(const struct idmap *map, uint32_t disk)
{
    struct mount_id m;

    return idmap_to_mount(map, (struct disk_id){disk}, &m) ? m.v : IDMAP_NO_ID;
}

void shift_stat_out(const struct shift *s, struct stat *st)
{
    st->st_uid = s->squash_uid.on ? s->squash_uid.id.v : out_or_none(&s->uid, st->st_uid);
    st->st_gid = s->squash_gid.on ? s->squash_gid.id.v : out_or_none(&s->gid, st->st_gid);
    if (s->no_devices && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) && st->st_rdev != 0)
        st->st_rdev = makedev(major(st->st_rdev) | SHIFT_NO_DRIVER, minor(st->st_rdev));
}

static int shift_in(const struct idmap *map, struct mount_id id, struct disk_id *out)
{
    if (id.v == IDMAP_NO_ID) {
        out->v = IDMAP_NO_ID;
        return 0;
    }
    return idmap_to_disk(map, id, out) ? 0 : -EOVERFLOW;
}

int shift_uid_in(const struct shift *s, struct mount_id id, struct disk_id *out)
{
    return shift_in(&s->uid, id, out);
}

int shift_gid_in(const struct shift *s, struct mount_id id, struct disk_id *out)
{
    return shift_in(&s->gid, id, out);
}
