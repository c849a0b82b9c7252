/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/fcap.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

_Static_assert(sizeof(struct vfs_ns_cap_data) == FCAP_MAX_SIZE, "the kernel's layout");
_Static_assert(sizeof(struct vfs_cap_data) == XATTR_CAPS_SZ_2, "the kernel's layout");

/* Reads either version into the larger layout; version 2 has the root id 0. */
static int load(const void *buf, size_t size, struct vfs_ns_cap_data *cap)
{
    uint32_t magic;

    if (size != XATTR_CAPS_SZ_2 && size != XATTR_CAPS_SZ_3)
        return -EINVAL;
    memset(cap, 0, sizeof(*cap));
    memcpy(cap, buf, size);
    magic = le32toh(cap->magic_etc);
    if ((magic & VFS_CAP_REVISION_MASK) !=
        (size == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3))
        return -EINVAL;
    return 0;
}

static int store(void *buf, struct vfs_ns_cap_data *cap, uint32_t revision, uint32_t rootid)
{
    uint32_t flags = le32toh(cap->magic_etc) & ~VFS_CAP_REVISION_MASK;
    size_t size = revision == VFS_CAP_REVISION_2 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;

    cap->magic_etc = htole32(revision | flags);
    cap->rootid = htole32(rootid);
    memcpy(buf, cap, size);
    return (int)size;
}

int fcap_shift_out(const struct shift *s, void *buf, size_t size)
{
    struct vfs_ns_cap_data cap;
    struct mount_id m;
    int r = load(buf, size, &cap);

    if (r < 0)
        return r;
    if (!idmap_to_mount(&s->uid, (struct disk_id){le32toh(cap.rootid)}, &m))
        return -ENODATA;
    /* An identity mapping of root is the host's own view: nothing to say beyond version 2. */
    if (m.v == 0)
        return store(buf, &cap, VFS_CAP_REVISION_2, 0);
    return store(buf, &cap, VFS_CAP_REVISION_3, m.v);
}

int fcap_shift_in(const struct shift *s, void *buf, size_t size)
{
    struct vfs_ns_cap_data cap;
    struct disk_id d;
    int r = load(buf, size, &cap);

    if (r < 0)
        return r;
    if (!idmap_to_disk(&s->uid, (struct mount_id){le32toh(cap.rootid)}, &d))
        return -EOVERFLOW;
    if (d.v == 0)
        return store(buf, &cap, VFS_CAP_REVISION_2, 0);
    return store(buf, &cap, VFS_CAP_REVISION_3, d.v);
}
