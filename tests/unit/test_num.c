/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/num.h"
#include "tests/unit/suites.h"

#include <errno.h>

START_TEST(reads_both_ends)
{
    uint64_t v = 1;
    uint32_t w = 1;

    ck_assert_int_eq(num_parse_u64("0", UINT64_MAX, &v), 0);
    ck_assert_uint_eq(v, 0);
    ck_assert_int_eq(num_parse_u64("18446744073709551615", UINT64_MAX, &v), 0);
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(num_parse_u32("4294967295", &w), 0);
    ck_assert_uint_eq(w, UINT32_MAX);
    ck_assert_int_eq(num_parse_u64("10", 10, &v), 0);
    ck_assert_uint_eq(v, 10);
    ck_assert_int_eq(num_parse_u32("00000000000000000000000000000000012", &w), 0);
    ck_assert_uint_eq(w, 12);
}
END_TEST

START_TEST(refuses_what_is_too_large)
{
    static const char *const texts[] = {"4294967296", "4294967300", "42949672950",
                                        "18446744073709551616", "99999999999999999999999999"};
    uint64_t v = 7;
    uint32_t w = 7;

    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_int_eq(num_parse_u32(texts[i], &w), -ERANGE);
        ck_assert_uint_eq(w, 0);
    }
    ck_assert_int_eq(num_parse_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
    ck_assert_uint_eq(v, 0);
    ck_assert_int_eq(num_parse_u64("11", 10, &v), -ERANGE);
    ck_assert_int_eq(num_parse_u64("100", 10, &v), -ERANGE);
}
END_TEST

START_TEST(refuses_what_is_no_number)
{
    static const char *const texts[] = {"",      " ",   "-1",  "+1",  "-0",  " 1",
                                        "1 ",    "1.0", "1e3", "0x1", "1\n", "one",
                                        "1,000", ":1",  "/",   "1:",  "1/",  "\xd9\xa1"};
    uint64_t v = 7;

    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(num_parse_u64(texts[i], UINT64_MAX, &v) == -EINVAL, "'%s'", texts[i]);
        ck_assert_uint_eq(v, 0);
    }
}
END_TEST

START_TEST(takes_digits_and_stops)
{
    const char *text = "12:34", *at = text;
    uint32_t v = 0;

    ck_assert_int_eq(num_take_u32(&at, &v), 0);
    ck_assert_uint_eq(v, 12);
    ck_assert_ptr_eq(at, text + 2);
    ck_assert_int_eq(num_take_u32(&at, &v), -EINVAL);
    ck_assert_ptr_eq(at, text + 2);
    at = text = "4294967296x";
    ck_assert_int_eq(num_take_u32(&at, &v), -ERANGE);
    ck_assert_ptr_eq(at, text);
}
END_TEST

Suite *suite_num(void)
{
    Suite *s = suite_create("num");
    TCase *t = tcase_create("decimal");

    tcase_add_test(t, reads_both_ends);
    tcase_add_test(t, refuses_what_is_too_large);
    tcase_add_test(t, refuses_what_is_no_number);
    tcase_add_test(t, takes_digits_and_stops);
    suite_add_tcase(s, t);
    return s;
}
