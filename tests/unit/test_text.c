/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/text.h"
#include "tests/unit/suites.h"

#include <stdlib.h>
#include <string.h>

/* An allocation of just that size, so that the address sanitizer sees a read behind it. */
static bool is_utf8(const char *text)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    bool r;

    memcpy(copy, text, n);
    r = text_is_utf8(copy, n);
    free(copy);
    return r;
}

START_TEST(takes_every_length)
{
    static const char *const texts[] = {
        "",
        "a",
        "\x7f",
        "\xc2\x80",     /* the least of two bytes */
        "\xdf\xbf",     /* the greatest */
        "\xe0\xa0\x80", /* of three */
        "\xed\x9f\xbf", /* the last before the surrogates */
        "\xee\x80\x80", /* the first behind them */
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", /* of four */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF */
        "a\xc3\xa4z\xe2\x82\xacz\xf0\x9f\x98\x80z",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(is_utf8(texts[i]), "case %zu", i);
    ck_assert(text_is_utf8("a\0b", 3));
}
END_TEST

START_TEST(refuses_what_is_none)
{
    static const char *const texts[] = {
        "\x80", /* a continuation that continues nothing */
        "a\xbf",
        "\xc3", /* cut */
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3"
        "a",
        "\xe2\x82"
        "a",
        "\xc0\x80", /* overlong NUL */
        "\xc0\xaf", /* overlong "/" */
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80",     /* U+D800 */
        "\xed\xbf\xbf",     /* U+DFFF */
        "\xf4\x90\x80\x80", /* U+110000 */
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80", /* five bytes, as UTF-8 once had */
        "\xfe",
        "\xff",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(!is_utf8(texts[i]), "case %zu", i);
}
END_TEST

START_TEST(finds_half_pairs)
{
    static const char *const halves[] = {
        "\"\\ud800\"",    "\"\\udc00\"",           "\"\\uDBFF\"", "\"\\uDFFFx\"",
        "\"\\ud83dx\"",   "\"\\ud83d\\u0041\"",    "\\ud83d\\n",  "\"\\ude00\\ud83d\"",
        "\\ud83d\\ud83d", "\\ud83d\\ude00\\ude00", "\\ud800",     "\\\\\\ud800",
    };
    static const char *const whole[] = {
        "",
        "\\",
        "\\u",
        "\\ud80",
        "\\ud7ff",
        "\\ue000",
        "\\ud83d\\ude00",
        "\\uD83D\\uDE00\\ud83d\\ude00",
        "\\\\ud800",
        "\\\\\\\\ud800",
        "\\ud80g",
    };

    for (size_t i = 0; i < COUNT(halves); i++)
        ck_assert_msg(text_has_half_pair(halves[i], strlen(halves[i])), "%s", halves[i]);
    for (size_t i = 0; i < COUNT(whole); i++)
        ck_assert_msg(!text_has_half_pair(whole[i], strlen(whole[i])), "%s", whole[i]);
}
END_TEST

Suite *suite_text(void)
{
    Suite *s = suite_create("text");
    TCase *t = tcase_create("characters");

    tcase_add_test(t, takes_every_length);
    tcase_add_test(t, refuses_what_is_none);
    tcase_add_test(t, finds_half_pairs);
    suite_add_tcase(s, t);
    return s;
}
