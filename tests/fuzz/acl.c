/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of system.posix_acl_access or _default, as the lower has it or a container sets it. */
#include "shifter/acl.h"
#include "tests/fuzz/mappings.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#define HEADER sizeof(struct posix_acl_xattr_header)
#define ENTRY sizeof(struct posix_acl_xattr_entry)

static struct posix_acl_xattr_entry entry_at(const void *acl, size_t at)
{
    struct posix_acl_xattr_entry entry;

    memcpy(&entry, (const char *)acl + at, ENTRY);
    return entry;
}

/* The map for the id of an entry; NULL for an entry without one. */
static const struct idmap *map_for(const struct shift *s, const struct posix_acl_xattr_entry *entry)
{
    switch (le16toh(entry->e_tag)) {
    case ACL_USER:
        return &s->uid;
    case ACL_GROUP:
        return &s->gid;
    default:
        return NULL;
    }
}

static bool on_disk(const struct idmap *map, uint32_t id)
{
    struct mount_id m;

    return idmap_to_mount(map, (struct disk_id){id}, &m);
}

static bool in_mount(const struct idmap *map, uint32_t id)
{
    struct disk_id d;

    return idmap_to_disk(map, (struct mount_id){id}, &d);
}

static bool well_formed(const void *acl, size_t size)
{
    uint32_t version;

    if (size < HEADER || (size - HEADER) % ENTRY != 0)
        return false;
    memcpy(&version, acl, sizeof(version));
    return le32toh(version) == POSIX_ACL_XATTR_VERSION;
}

/* Whether the mapping knows every id that the value names. */
static bool all_known(const struct shift *s, const void *acl, size_t size,
                      bool (*knows)(const struct idmap *, uint32_t))
{
    for (size_t at = HEADER; at < size; at += ENTRY) {
        struct posix_acl_xattr_entry entry = entry_at(acl, at);
        const struct idmap *map = map_for(s, &entry);

        if (map && !knows(map, le32toh(entry.e_id)))
            return false;
    }
    return true;
}

/* Nothing but the ids of named users and groups is another. */
static void only_ids_differ(const struct shift *s, const void *before, const void *after,
                            size_t size)
{
    must(memcmp(before, after, HEADER) == 0);
    for (size_t at = HEADER; at < size; at += ENTRY) {
        struct posix_acl_xattr_entry was = entry_at(before, at), is = entry_at(after, at);

        if (map_for(s, &was))
            was.e_id = is.e_id;
        must(memcmp(&was, &is, ENTRY) == 0);
    }
}

static void out_and_back(const struct shift *s, const uint8_t *data, size_t size)
{
    void *acl = copy_bytes(data, size);

    must(acl_shift_out(s, acl, size) == 0);
    only_ids_differ(s, data, acl, size);
    for (size_t at = HEADER; at < size; at += ENTRY) {
        struct posix_acl_xattr_entry was = entry_at(data, at), is = entry_at(acl, at);
        const struct idmap *map = map_for(s, &was);

        /* A stranger's entry grants nobody in the container anything. */
        if (map && !on_disk(map, le32toh(was.e_id)))
            must(!in_mount(map, le32toh(is.e_id)));
    }
    if (all_known(s, data, size, on_disk)) {
        must(acl_shift_in(s, acl, size) == 0);
        must(memcmp(acl, data, size) == 0);
    } else {
        must(acl_shift_in(s, acl, size) == -EOVERFLOW);
    }
    free(acl);
}

static void in_and_back(const struct shift *s, const uint8_t *data, size_t size)
{
    void *acl = copy_bytes(data, size);
    int r = acl_shift_in(s, acl, size);

    only_ids_differ(s, data, acl, size);
    must(r == (all_known(s, data, size, in_mount) ? 0 : -EOVERFLOW));
    if (r == 0) {
        must(all_known(s, acl, size, on_disk));
        must(acl_shift_out(s, acl, size) == 0);
        must(memcmp(acl, data, size) == 0);
    }
    free(acl);
}

/* Bytes that are no ACL are refused as a whole, both ways, and left as they are. */
static void refused(const struct shift *s, const uint8_t *data, size_t size)
{
    void *acl = copy_bytes(data, size);

    must(acl_shift_out(s, acl, size) == -EINVAL);
    must(acl_shift_in(s, acl, size) == -EINVAL);
    must(size == 0 || memcmp(acl, data, size) == 0);
    free(acl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct shift *s;

    for (size_t i = 0; (s = mapping(i)); i++) {
        if (!well_formed(data, size)) {
            refused(s, data, size);
            continue;
        }
        out_and_back(s, data, size);
        in_and_back(s, data, size);
    }
    return 0;
}
