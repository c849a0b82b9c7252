/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/num.h"

#include <errno.h>
#include <stddef.h>

static int take(const char **s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    const char *p = *s;

    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (v > (max - digit) / 10)
            return -ERANGE;
        v = v * 10 + digit;
    }
    *s = p;
    *out = v;
    return 0;
}

int num_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t v;
    int r;

    *out = 0;
    if (max < 10)
        return -EINVAL;
    r = take(&s, max, &v);
    if (r < 0)
        return r;
    if (*s != '\0')
        return -EINVAL;
    *out = v;
    return 0;
}

int num_take_u32(const char **s, uint32_t *out)
{
    uint64_t v;
    int r = take(s, UINT32_MAX, &v);

    if (r == 0)
        *out = (uint32_t)v;
    return r;
}

int num_parse_u32(const char *s, uint32_t *out)
{
    uint64_t v;
    int r = num_parse_u64(s, UINT32_MAX, &v);

    *out = (uint32_t)v;
    return r;
}
