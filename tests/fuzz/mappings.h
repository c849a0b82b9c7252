/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mappings under which the attributes of files are shifted, and what holds of any mapping. */
#ifndef TESTS_FUZZ_MAPPINGS_H
#define TESTS_FUZZ_MAPPINGS_H

#include "shifter/shift.h"
#include "tests/fuzz/fuzz.h"

/* One after the other; NULL behind the last. */
static inline const struct shift *mapping(size_t i)
{
    static const char *const texts[][2] = {
        {"0:100000:65536", "0:200000:65536"},       /* an engine's */
        {"0:1000:1:1:100000:65535", "0:0:1:5:6:1"}, /* of a person; with the host's root */
        {"5:0:1:0:100000:1", "1:65534:2:7:1:1"}, /* the host's root is another, 65534 is somebody */
        {"0:0:4294967295", "0:65534:4294901761:4294901761:0:65534"}, /* every id */
    };
    static struct shift made[sizeof(texts) / sizeof(texts[0])];
    struct err e;

    if (i == sizeof(texts) / sizeof(texts[0]))
        return NULL;
    if (made[i].uid.n == 0) {
        must(idmap_parse(&made[i].uid, texts[i][0], "uid", &e) == 0);
        must(idmap_parse(&made[i].gid, texts[i][1], "gid", &e) == 0);
    }
    return &made[i];
}

/* The two directions undo each other, and neither knows the id that is none. */
static inline void must_be_inverse(const struct idmap *map, uint32_t id)
{
    struct mount_id m = {IDMAP_NO_ID};
    struct disk_id d = {IDMAP_NO_ID};

    if (idmap_to_mount(map, (struct disk_id){id}, &m)) {
        must(id != IDMAP_NO_ID && m.v != IDMAP_NO_ID);
        must(idmap_to_disk(map, m, &d) && d.v == id);
    }
    m.v = d.v = IDMAP_NO_ID;
    if (idmap_to_disk(map, (struct mount_id){id}, &d)) {
        must(id != IDMAP_NO_ID && d.v != IDMAP_NO_ID);
        must(idmap_to_mount(map, d, &m) && m.v == id);
    }
}

/* At the ends of each range, and one beyond: the places where mistakes are. */
static inline void must_be_a_mapping(const struct idmap *map)
{
    must(map->n > 0 && map->n <= IDMAP_MAX_RANGES);
    for (unsigned i = 0; i < map->n; i++) {
        const struct idmap_range *r = &map->by_disk[i];

        for (int step = -1; step <= 1; step++) {
            must_be_inverse(map, r->disk.v + (uint32_t)step);
            must_be_inverse(map, r->mount.v + (uint32_t)step);
            must_be_inverse(map, r->disk.v + r->size + (uint32_t)step);
            must_be_inverse(map, r->mount.v + r->size + (uint32_t)step);
        }
    }
    must_be_inverse(map, 0);
    must_be_inverse(map, IDMAP_OVERFLOW_ID);
    must_be_inverse(map, IDMAP_NO_ID);
}

/* The text form says all of it: read again, it is the same mapping. */
static inline void must_survive_as_text(const struct idmap *map)
{
    static struct idmap again;
    char *text = idmap_format(map);
    struct err e;

    must(text != NULL);
    must(idmap_parse(&again, text, "again", &e) == 0);
    must(again.n == map->n);
    must(memcmp(again.by_disk, map->by_disk, map->n * sizeof(map->by_disk[0])) == 0);
    must(memcmp(again.by_mount, map->by_mount, map->n * sizeof(map->by_mount[0])) == 0);
    free(text);
}

#endif
