/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/acl.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

bool acl_is_name(const char *xattr_name)
{
    return strcmp(xattr_name, "system.posix_acl_access") == 0 ||
           strcmp(xattr_name, "system.posix_acl_default") == 0;
}

/* An id that no process of the container has: 65534, or where that is mapped, a free one. */
static uint32_t stranger(const struct idmap *map)
{
    uint32_t id = IDMAP_OVERFLOW_ID;

    /* Each step leaves a range behind, the first of them perhaps twice. */
    for (unsigned step = 0; step <= map->n; step++) {
        const struct idmap_range *r = NULL;

        for (unsigned i = 0; i < map->n; i++)
            if (id - map->by_mount[i].mount.v < map->by_mount[i].size)
                r = &map->by_mount[i];
        if (!r)
            return id;
        id = r->mount.v + r->size; /* the next id behind this range: it may start another */
        if (id == IDMAP_NO_ID)
            id = 0;
    }
    return IDMAP_NO_ID; /* all 4294967295 are mapped */
}

/* One ACL on its way: the maps, and their strangers once they were looked for, which takes long. */
struct passage {
    const struct shift *shift;
    struct {
        bool known;
        uint32_t id;
    } uid_stranger, gid_stranger;
};

static uint32_t uid_out(struct passage *p, uint32_t disk)
{
    struct mount_id m;

    if (idmap_to_mount(&p->shift->uid, (struct disk_id){disk}, &m))
        return m.v;
    if (!p->uid_stranger.known)
        p->uid_stranger.id = stranger(&p->shift->uid);
    p->uid_stranger.known = true;
    return p->uid_stranger.id;
}

static uint32_t gid_out(struct passage *p, uint32_t disk)
{
    struct mount_id m;

    if (idmap_to_mount(&p->shift->gid, (struct disk_id){disk}, &m))
        return m.v;
    if (!p->gid_stranger.known)
        p->gid_stranger.id = stranger(&p->shift->gid);
    p->gid_stranger.known = true;
    return p->gid_stranger.id;
}

static int entry_out(struct passage *p, struct posix_acl_xattr_entry *entry)
{
    uint16_t tag = le16toh(entry->e_tag);

    if (tag == ACL_USER)
        entry->e_id = htole32(uid_out(p, le32toh(entry->e_id)));
    else if (tag == ACL_GROUP)
        entry->e_id = htole32(gid_out(p, le32toh(entry->e_id)));
    return 0;
}

static int entry_in(struct passage *p, struct posix_acl_xattr_entry *entry)
{
    const struct shift *s = p->shift;
    uint16_t tag = le16toh(entry->e_tag);
    struct mount_id m = {le32toh(entry->e_id)};
    struct disk_id d;

    if (tag != ACL_USER && tag != ACL_GROUP)
        return 0;
    if (!idmap_to_disk(tag == ACL_USER ? &s->uid : &s->gid, m, &d))
        return -EOVERFLOW;
    entry->e_id = htole32(d.v);
    return 0;
}

static int each_entry(const struct shift *s, void *acl, size_t size,
                      int (*fn)(struct passage *, struct posix_acl_xattr_entry *))
{
    struct passage passage = {.shift = s};
    struct posix_acl_xattr_header head;
    unsigned char *p = acl;

    if (size < sizeof(head) || (size - sizeof(head)) % sizeof(struct posix_acl_xattr_entry) != 0)
        return -EINVAL;
    memcpy(&head, p, sizeof(head));
    if (le32toh(head.a_version) != POSIX_ACL_XATTR_VERSION)
        return -EINVAL;
    for (size_t at = sizeof(head); at < size; at += sizeof(struct posix_acl_xattr_entry)) {
        struct posix_acl_xattr_entry entry;
        int r;

        memcpy(&entry, p + at, sizeof(entry));
        r = fn(&passage, &entry);
        if (r < 0)
            return r;
        memcpy(p + at, &entry, sizeof(entry));
    }
    return 0;
}

int acl_shift_out(const struct shift *s, void *acl, size_t size)
{
    return each_entry(s, acl, size, entry_out);
}

int acl_shift_in(const struct shift *s, void *acl, size_t size)
{
    return each_entry(s, acl, size, entry_in);
}
