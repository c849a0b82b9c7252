/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 against the grammar of RFC 3629, section 4, row by row; and escapes of surrogates. */
#include "hook/text.h"
#include "tests/fuzz/fuzz.h"

struct row {
    uint8_t first_low, first_high, second_low, second_high;
    size_t length;
};

static const struct row rows[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t character(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];

        if (p[0] < r->first_low || p[0] > r->first_high)
            continue;
        if (n < r->length || (r->length > 1 && (p[1] < r->second_low || p[1] > r->second_high)))
            return 0;
        for (size_t at = 2; at < r->length; at++)
            if (p[at] < 0x80 || p[at] > 0xbf)
                return 0;
        return r->length;
    }
    return 0;
}

static bool by_grammar(const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t length = character(p, n);

        if (length == 0)
            return false;
        p += length;
        n -= length;
    }
    return true;
}

/* The bytes, two and two, as escapes: a half is what has no other half next to it. */
static void check_escapes(const uint8_t *data, size_t size)
{
    size_t n = size / 2;
    char *text = malloc(6 * n + 1);
    bool half = false, high = false;

    must(text != NULL);
    for (size_t i = 0; i < n; i++) {
        unsigned unit = data[2 * i] * 256u + data[2 * i + 1];
        bool low = unit >= 0xdc00 && unit <= 0xdfff;

        sprintf(text + 6 * i, i % 2 ? "\\u%04x" : "\\u%04X", unit);
        half = half || low != high;
        high = unit >= 0xd800 && unit <= 0xdbff;
    }
    must(text_has_half_pair(text, 6 * n) == (half || high));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_bytes(data, size);

    must(text_is_utf8(text, size) == by_grammar(data, size));
    text_has_half_pair(text, size);
    free(text);
    check_escapes(data, size);
    return 0;
}
