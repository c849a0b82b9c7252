/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shift itself: ranges that pair ids as stored on disk with ids as the mount shows them.
 *
 * A disk id is what the image's author wrote: a container id in the words of config.json. A mount
 * id is what it means in the initial user namespace: a host id. The two are distinct C types, so
 * that a shift in the wrong direction does not compile. Uids and gids have one idmap each.
 *
 * An idmap is immutable once initialised and may then be read by any number of threads.
 * Limits are the kernel's: 340 ranges (UID_GID_MAP_MAX_EXTENTS, user_namespaces(7), Linux 4.15);
 * id 4294967295 is no id (it is (uid_t)-1, "no change" to chown(2)).
 */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDMAP_MAX_RANGES 340u
#define IDMAP_NO_ID UINT32_MAX
#define IDMAP_OVERFLOW_ID 65534u

struct disk_id {
    uint32_t v;
};

struct mount_id {
    uint32_t v;
};

struct idmap_range {
    struct disk_id disk;
    struct mount_id mount;
    uint32_t size; /* ids in the range */
};

struct idmap {
    unsigned n;
    struct idmap_range by_disk[IDMAP_MAX_RANGES];  /* sorted by disk id */
    struct idmap_range by_mount[IDMAP_MAX_RANGES]; /* the same ranges, sorted by mount id */
};

/*
 * Checks and sorts n ranges. `what` names them in messages ("uidMappings"). Refused with -EINVAL:
 * none at all, more than IDMAP_MAX_RANGES, a size of 0, a range that reaches IDMAP_NO_ID or wraps,
 * two ranges that share a disk id or a mount id.
 */
int idmap_init(struct idmap *map, const struct idmap_range *ranges, size_t n, const char *what,
               struct err *e);

/* Both return false, and leave *out alone, where the id is outside every range. */
bool idmap_to_mount(const struct idmap *map, struct disk_id id, struct mount_id *out);
bool idmap_to_disk(const struct idmap *map, struct mount_id id, struct disk_id *out);

/*
 * The text form of mount options and records: "disk:mount:size", ranges joined by ":", an
 * optional ":" in front, as fuse-overlayfs takes it in uidmapping= and gidmapping=.
 */
int idmap_parse(struct idmap *map, const char *text, const char *what, struct err *e);

/* Writes the text form in the order of disk ids. Returns a new string (free it) or NULL. */
char *idmap_format(const struct idmap *map);

#endif
