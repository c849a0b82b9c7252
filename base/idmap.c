/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/idmap.h"

#include "base/num.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_disk(const void *a, const void *b)
{
    return compare_u32(((const struct idmap_range *)a)->disk.v,
                       ((const struct idmap_range *)b)->disk.v);
}

static int compare_mount(const void *a, const void *b)
{
    return compare_u32(((const struct idmap_range *)a)->mount.v,
                       ((const struct idmap_range *)b)->mount.v);
}

/* True where first..first+size-1 stays below IDMAP_NO_ID. */
static bool range_fits(uint32_t first, uint32_t size)
{
    return size <= IDMAP_NO_ID - first;
}

static int check_range(const struct idmap_range *r, size_t i, const char *what, struct err *e)
{
    if (r->size == 0)
        return err_setx(e, -EINVAL, "%s[%zu]: the range is empty (size 0)", what, i);
    if (!range_fits(r->disk.v, r->size))
        return err_setx(e, -EINVAL, "%s[%zu]: container ids %u and %u more go beyond 4294967294",
                        what, i, r->disk.v, r->size);
    if (!range_fits(r->mount.v, r->size))
        return err_setx(e, -EINVAL, "%s[%zu]: host ids %u and %u more go beyond 4294967294", what,
                        i, r->mount.v, r->size);
    return 0;
}

int idmap_init(struct idmap *map, const struct idmap_range *ranges, size_t n, const char *what,
               struct err *e)
{
    if (n == 0)
        return err_setx(e, -EINVAL, "%s: there is no range", what);
    if (n > IDMAP_MAX_RANGES)
        return err_setx(e, -EINVAL, "%s: %zu ranges are more than the kernel's limit of %u", what,
                        n, IDMAP_MAX_RANGES);
    for (size_t i = 0; i < n; i++) {
        int r = check_range(&ranges[i], i, what, e);

        if (r < 0)
            return r;
    }
    map->n = (unsigned)n;
    memcpy(map->by_disk, ranges, n * sizeof(*ranges));
    memcpy(map->by_mount, ranges, n * sizeof(*ranges));
    qsort(map->by_disk, n, sizeof(*ranges), compare_disk);
    qsort(map->by_mount, n, sizeof(*ranges), compare_mount);
    for (size_t i = 1; i < n; i++) {
        const struct idmap_range *d = &map->by_disk[i - 1], *m = &map->by_mount[i - 1];

        if (map->by_disk[i].disk.v - d->disk.v < d->size)
            return err_setx(e, -EINVAL, "%s: container id %u is in two ranges", what,
                            map->by_disk[i].disk.v);
        if (map->by_mount[i].mount.v - m->mount.v < m->size)
            return err_setx(e, -EINVAL, "%s: host id %u is in two ranges", what,
                            map->by_mount[i].mount.v);
    }
    return 0;
}

bool idmap_to_mount(const struct idmap *map, struct disk_id id, struct mount_id *out)
{
    unsigned lo = 0, hi = map->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct idmap_range *r = &map->by_disk[mid];

        if (id.v < r->disk.v)
            hi = mid;
        else if (id.v - r->disk.v >= r->size)
            lo = mid + 1;
        else {
            out->v = r->mount.v + (id.v - r->disk.v);
            return true;
        }
    }
    return false;
}

bool idmap_to_disk(const struct idmap *map, struct mount_id id, struct disk_id *out)
{
    unsigned lo = 0, hi = map->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct idmap_range *r = &map->by_mount[mid];

        if (id.v < r->mount.v)
            hi = mid;
        else if (id.v - r->mount.v >= r->size)
            lo = mid + 1;
        else {
            out->v = r->disk.v + (id.v - r->mount.v);
            return true;
        }
    }
    return false;
}

static int take_number(const char **p, uint32_t *out, const char *what, struct err *e)
{
    const char *at = *p;
    int r = num_take_u32(p, out);

    if (r == -ERANGE)
        return err_setx(e, r, "%s: a number at '%.20s' is beyond 32 bits", what, at);
    if (r < 0)
        return err_setx(e, r, "%s: '%.20s' is not CONTAINER:HOST:SIZE", what, at);
    return 0;
}

static int take_range(const char **p, struct idmap_range *range, const char *what, struct err *e)
{
    uint32_t *field[] = {&range->disk.v, &range->mount.v, &range->size};

    for (int i = 0; i < 3; i++) {
        int r = take_number(p, field[i], what, e);

        if (r < 0)
            return r;
        if (i < 2) {
            if (**p != ':')
                return err_setx(e, -EINVAL, "%s: '%.20s' is not CONTAINER:HOST:SIZE", what, *p);
            (*p)++;
        }
    }
    return 0;
}

int idmap_parse(struct idmap *map, const char *text, const char *what, struct err *e)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES];
    size_t n = 0;
    const char *p = text;

    if (*p == ':')
        p++;
    while (*p) {
        int r;

        if (n == IDMAP_MAX_RANGES)
            return err_setx(e, -EINVAL, "%s: more ranges than the kernel's limit of %u", what,
                            IDMAP_MAX_RANGES);
        r = take_range(&p, &ranges[n++], what, e);
        if (r < 0)
            return r;
        if (*p == ':' && p[1] != '\0')
            p++;
        else if (*p)
            return err_setx(e, -EINVAL, "%s: unexpected '%.20s' behind a range", what, p);
    }
    return idmap_init(map, ranges, n, what, e);
}

char *idmap_format(const struct idmap *map)
{
    /* three numbers of at most ten digits, and their colons */
    size_t room = (size_t)map->n * 33 + 1, used = 0;
    char *text = malloc(room);

    if (!text)
        return NULL;
    text[0] = '\0';
    for (unsigned i = 0; i < map->n; i++) {
        const struct idmap_range *r = &map->by_disk[i];
        int n = snprintf(text + used, room - used, "%s%u:%u:%u", i ? ":" : "", r->disk.v,
                         r->mount.v, r->size);

        used += (size_t)n;
    }
    return text;
}
