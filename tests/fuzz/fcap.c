/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of security.capability, as the lower has it or a container sets it. */
#include "shifter/fcap.h"
#include "tests/fuzz/mappings.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>

static uint32_t word(const void *cap, size_t i)
{
    uint32_t v;

    memcpy(&v, (const char *)cap + 4 * i, sizeof(v));
    return le32toh(v);
}

static uint32_t revision(const void *cap)
{
    return word(cap, 0) & VFS_CAP_REVISION_MASK;
}

/* A version 2 is the one with the root id 0. */
static uint32_t rootid(const void *cap, size_t size)
{
    return size == XATTR_CAPS_SZ_3 ? word(cap, 5) : 0;
}

static bool well_formed(const void *cap, size_t size)
{
    return (size == XATTR_CAPS_SZ_2 && revision(cap) == VFS_CAP_REVISION_2) ||
           (size == XATTR_CAPS_SZ_3 && revision(cap) == VFS_CAP_REVISION_3);
}

/* What was converted is well formed, says the root id where it is not 0, and is the same else. */
static void is_same_but_for(const void *was, const void *is, int size, uint32_t root)
{
    must(size == (int)(root == 0 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3));
    must(well_formed(is, (size_t)size));
    must(rootid(is, (size_t)size) == root);
    must((word(was, 0) & ~VFS_CAP_REVISION_MASK) == (word(is, 0) & ~VFS_CAP_REVISION_MASK));
    for (size_t i = 1; i <= 4; i++)
        must(word(was, i) == word(is, i));
}

static void out_and_back(const struct shift *s, const uint8_t *data, size_t size, uint8_t *cap)
{
    struct mount_id m;
    int r = fcap_shift_out(s, cap, size);

    if (!idmap_to_mount(&s->uid, (struct disk_id){rootid(data, size)}, &m)) {
        must(r == -ENODATA && memcmp(cap, data, size) == 0);
        return;
    }
    is_same_but_for(data, cap, r, m.v);
    r = fcap_shift_in(s, cap, (size_t)r);
    is_same_but_for(data, cap, r, rootid(data, size));
}

static void in_and_back(const struct shift *s, const uint8_t *data, size_t size, uint8_t *cap)
{
    struct disk_id d;
    int r = fcap_shift_in(s, cap, size);

    if (!idmap_to_disk(&s->uid, (struct mount_id){rootid(data, size)}, &d)) {
        must(r == -EOVERFLOW && memcmp(cap, data, size) == 0);
        return;
    }
    is_same_but_for(data, cap, r, d.v);
    r = fcap_shift_out(s, cap, (size_t)r);
    is_same_but_for(data, cap, r, rootid(data, size));
}

static void refused(const struct shift *s, const uint8_t *data, size_t size, uint8_t *cap)
{
    must(fcap_shift_out(s, cap, size) == -EINVAL);
    must(fcap_shift_in(s, cap, size) == -EINVAL);
    must(size == 0 || memcmp(cap, data, size) == 0);
}

/* One direction, in a block of its own with the room that the callers give. */
static void each(void (*check)(const struct shift *, const uint8_t *, size_t, uint8_t *),
                 const struct shift *s, const uint8_t *data, size_t size)
{
    uint8_t *cap = malloc(size > FCAP_MAX_SIZE ? size : FCAP_MAX_SIZE);

    must(cap != NULL);
    if (size)
        memcpy(cap, data, size);
    check(s, data, size, cap);
    free(cap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct shift *s;

    for (size_t i = 0; (s = mapping(i)); i++) {
        if (!well_formed(data, size)) {
            each(refused, s, data, size);
            continue;
        }
        each(out_and_back, s, data, size);
        each(in_and_back, s, data, size);
    }
    return 0;
}
