/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decimal numbers, against a comparison of digits that computes nothing. */
#include "base/num.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

/* Whether n digits say more than max: the longer is the larger, else the first that differs says.
 */
static bool exceeds(const char *digits, size_t n, uint64_t max)
{
    char limit[24];
    size_t len = (size_t)snprintf(limit, sizeof(limit), "%" PRIu64, max);

    for (; n > 1 && *digits == '0'; n--)
        digits++;
    return n != len ? n > len : memcmp(digits, limit, n) > 0;
}

/* The digits of the text without the zeros in front are those of the number. */
static void says(const char *digits, size_t n, uint64_t v)
{
    char text[24];

    for (; n > 1 && *digits == '0'; n--)
        digits++;
    must((size_t)snprintf(text, sizeof(text), "%" PRIu64, v) == n);
    must(memcmp(text, digits, n) == 0);
}

static void check_whole(const char *text, uint64_t max)
{
    size_t n = strspn(text, "0123456789");
    uint64_t v = 1;
    int r = num_parse_u64(text, max, &v);

    if (n > 0 && exceeds(text, n, max))
        must(r == -ERANGE && v == 0);
    else if (n == 0 || text[n] != '\0')
        must(r == -EINVAL && v == 0);
    else {
        must(r == 0 && v <= max);
        says(text, n, v);
    }
}

static void check_u32(const char *text)
{
    uint64_t wide;
    uint32_t v = 1;
    int r = num_parse_u64(text, UINT32_MAX, &wide);

    must(num_parse_u32(text, &v) == r && v == wide);
}

static void check_take(const char *text)
{
    size_t n = strspn(text, "0123456789");
    const char *at = text;
    uint32_t v = 1;
    int r = num_take_u32(&at, &v);

    if (n == 0 || exceeds(text, n, UINT32_MAX)) {
        must(r == (n == 0 ? -EINVAL : -ERANGE));
        must(at == text && v == 1);
        return;
    }
    must(r == 0 && at == text + n);
    says(text, n, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t limits[] = {10, 1024, 1u << 20, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    char *text = copy_text(data, size);

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        check_whole(text, limits[i]);
    check_u32(text);
    check_take(text);
    free(text);
    return 0;
}
