/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes the character has that starts with this one; 0 where none does. */
static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if ((first & 0xe0) == 0xc0)
        return 2;
    if ((first & 0xf0) == 0xe0)
        return 3;
    return (first & 0xf8) == 0xf0 ? 4 : 0;
}

/* The length of the character at p, of which n bytes are there; 0 where it is none. */
static size_t character(const unsigned char *p, size_t n)
{
    /* The least code point that needs so many bytes: below it, the form is overlong. */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = length_of(p[0]);
    uint32_t c;

    if (need <= 1 || need > n)
        return need == 1 ? 1 : 0;
    c = p[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    return need;
}

bool text_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0, n;

    while (at < len && (n = character(p + at, len - at)) > 0)
        at += n;
    return at == len;
}

/* Where \uXXXX at p names a UTF-16 unit, that unit; else 0. */
static unsigned utf16_unit(const char *p, const char *end)
{
    char hex[5] = "";

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    memcpy(hex, p + 2, 4);
    return strspn(hex, "0123456789abcdefABCDEF") == 4 ? (unsigned)strtoul(hex, NULL, 16) : 0;
}

bool text_has_half_pair(const char *buf, size_t len)
{
    const char *end = buf + len;

    for (const char *p = buf; (p = memchr(p, '\\', (size_t)(end - p))); p += end - p > 1 ? 2 : 1) {
        unsigned unit = utf16_unit(p, end);

        if (unit < 0xd800 || unit > 0xdfff)
            continue;
        if (unit > 0xdbff || (utf16_unit(p + 6, end) & ~0x3ffu) != 0xdc00)
            return true;
        p += 6;
    }
    return false;
}
