/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapping as a list of ranges, twelve bytes each, against a search that looks at every range. The
 * bytes behind the last whole range are ids to look for.
 */
#include "tests/fuzz/mappings.h"

#define MOST (IDMAP_MAX_RANGES + 1)

static bool shares(uint32_t a, uint32_t b, uint32_t size_a, uint32_t size_b)
{
    return (uint64_t)a < (uint64_t)b + size_b && (uint64_t)b < (uint64_t)a + size_a;
}

static bool acceptable(const struct idmap_range *r, size_t n)
{
    if (n == 0 || n > IDMAP_MAX_RANGES)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (r[i].size == 0 || (uint64_t)r[i].disk.v + r[i].size > IDMAP_NO_ID ||
            (uint64_t)r[i].mount.v + r[i].size > IDMAP_NO_ID)
            return false;
        for (size_t j = 0; j < i; j++)
            if (shares(r[i].disk.v, r[j].disk.v, r[i].size, r[j].size) ||
                shares(r[i].mount.v, r[j].mount.v, r[i].size, r[j].size))
                return false;
    }
    return true;
}

static void look_for(const struct idmap *map, const struct idmap_range *r, size_t n, uint32_t id)
{
    struct mount_id m = {IDMAP_NO_ID}, want_m = m;
    struct disk_id d = {IDMAP_NO_ID}, want_d = d;

    for (size_t i = 0; i < n; i++) {
        if (id >= r[i].disk.v && id - r[i].disk.v < r[i].size)
            want_m.v = r[i].mount.v + (id - r[i].disk.v);
        if (id >= r[i].mount.v && id - r[i].mount.v < r[i].size)
            want_d.v = r[i].disk.v + (id - r[i].mount.v);
    }
    must(idmap_to_mount(map, (struct disk_id){id}, &m) == (want_m.v != IDMAP_NO_ID));
    must(idmap_to_disk(map, (struct mount_id){id}, &d) == (want_d.v != IDMAP_NO_ID));
    must(m.v == want_m.v && d.v == want_d.v);
}

/* Around each range, and where there are many, around some: each look goes through all of them. */
static void look_around(const struct idmap *map, const struct idmap_range *r, size_t n)
{
    for (size_t i = 0; i < n; i += 1 + n / 32) {
        const uint32_t ends[] = {r[i].disk.v, r[i].disk.v + r[i].size, r[i].mount.v,
                                 r[i].mount.v + r[i].size};

        for (size_t j = 0; j < 4; j++) {
            look_for(map, r, n, ends[j] - 1);
            look_for(map, r, n, ends[j]);
        }
    }
    look_for(map, r, n, IDMAP_NO_ID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct idmap map;
    struct idmap_range ranges[MOST] = {0};
    struct err e = {0};
    size_t n = size / sizeof(ranges[0]) < MOST ? size / sizeof(ranges[0]) : MOST;
    int r;

    if (n)
        memcpy(ranges, data, n * sizeof(ranges[0]));
    r = idmap_init(&map, ranges, n, "ranges", &e);
    must((r == 0) == acceptable(ranges, n));
    if (r < 0) {
        must_be_refused(r, &e);
        return 0;
    }
    look_around(&map, ranges, n);
    for (size_t at = n * sizeof(ranges[0]); at + 4 <= size; at += 4) {
        uint32_t id;

        memcpy(&id, data + at, sizeof(id));
        look_for(&map, ranges, n, id);
    }
    must_be_a_mapping(&map);
    must_survive_as_text(&map);
    return 0;
}
