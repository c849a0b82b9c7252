/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err e;
static struct json *doc;

static void parsed(const char *text)
{
    ck_assert_msg(json_parse(text, strlen(text), &doc, &e) == 0, "%s: %s", text, e.msg);
}

START_TEST(reads_whole_numbers_only)
{
    static const char *const bad[] = {"1.5",
                                      "1.0",
                                      "1e3",
                                      "1E0",
                                      "-1",
                                      "-0",
                                      "0.0",
                                      "0e0",
                                      "4294967296",
                                      "1e99",
                                      "18446744073709551616",
                                      "\"1\"",
                                      "true",
                                      "[]"};
    uint32_t v = 7;

    for (size_t i = 0; i < COUNT(bad); i++) {
        parsed(bad[i]);
        ck_assert_msg(json_u32(doc, &v, &e) == -EINVAL, "%s was taken", bad[i]);
        json_free(doc);
    }
    parsed("4294967295");
    ck_assert_int_eq(json_u32(doc, &v, &e), 0);
    ck_assert_uint_eq(v, UINT32_MAX);
    json_free(doc);
    parsed("0");
    ck_assert_int_eq(json_u32(doc, &v, &e), 0);
    ck_assert_uint_eq(v, 0);
    json_free(doc);
}
END_TEST

START_TEST(absent_and_null_are_the_same)
{
    const struct json *v = doc;
    const char *s = "default";
    bool b = true;
    uint32_t n = 9;

    parsed("{\"s\":null,\"b\":null,\"n\":null,\"a\":null}");
    ck_assert_ptr_null(json_member(doc, "s"));
    ck_assert_ptr_null(json_member(doc, "S"));
    ck_assert_ptr_null(json_member(NULL, "s"));
    ck_assert_ptr_null(json_member(doc->first, "s"));
    ck_assert_int_eq(json_member_string(doc, "s", &s, &e), 0);
    ck_assert_int_eq(json_member_bool(doc, "b", &b, &e), 0);
    ck_assert_int_eq(json_member_u32(doc, "n", &n, &e), 0);
    ck_assert_int_eq(json_member_of(doc, "a", JSON_ARRAY, &v, &e), 0);
    ck_assert_str_eq(s, "default");
    ck_assert(b && n == 9 && v == NULL);
    json_free(doc);
}
END_TEST

START_TEST(names_the_place)
{
    const struct json *v;
    const char *s;
    bool b;

    parsed("{\"linux\":{\"maps\":[{},{\"size\":\"x\"}]},\"io.x.y\":1}");
    ck_assert_int_eq(json_member_bool(doc, "io.x.y", &b, &e), -EINVAL);
    ck_assert_str_eq(e.msg, "\"io.x.y\": expected true or false, found a number");
    ck_assert_int_eq(json_member_string(doc, "linux", &s, &e), -EINVAL);
    ck_assert_str_eq(e.msg, "linux: expected a string, found an object");
    v = json_member(json_member(doc, "linux"), "maps")->first->next;
    ck_assert_int_eq(json_expect(json_member(v, "size"), JSON_NUMBER, &e), -EINVAL);
    ck_assert_str_eq(e.msg, "linux.maps[1].size: expected a number, found a string");
    ck_assert_int_eq(json_expect(doc, JSON_ARRAY, &e), -EINVAL);
    ck_assert_str_eq(e.msg, "expected an array, found an object");
    json_free(doc);
}
END_TEST

/* The place of the deepest value that can be is named, cut to what a message holds. */
START_TEST(names_the_deepest_place)
{
    char text[64 * 20 + 200] = "", *end = text;
    const struct json *v;
    const char *s;

    for (int i = 0; i < 64; i++)
        end += sprintf(end, "{\"long-key-%d\":", i);
    end += sprintf(end, "1");
    memset(end, '}', 64);
    parsed(text);
    for (v = doc; v->first; v = v->first)
        ;
    ck_assert_int_eq(json_string(v, &s, &e), -EINVAL);
    ck_assert_int_eq(strncmp(e.msg, "long-key-0.long-key-1.", 22), 0);
    ck_assert_ptr_nonnull(strstr(e.msg, "expected a string, found a number"));
    json_free(doc);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    struct json_writer *w = json_writer_new(JSON_OBJECT);
    const char *s = NULL;
    char *text = NULL;
    size_t len = 0;
    bool b = false;

    json_write_string(w, "s", "a\"b\\c\n\xc3\xa4");
    json_write_number(w, "n", UINT64_MAX);
    json_write_begin(w, "o");
    json_write_bool(w, "b", true);
    json_write_end(w);
    ck_assert_int_eq(json_writer_finish(w, &text, &len), 0);
    ck_assert_uint_eq(strlen(text), len);
    parsed(text);
    ck_assert_int_eq(json_member_string(doc, "s", &s, &e), 0);
    ck_assert_str_eq(s, "a\"b\\c\n\xc3\xa4");
    ck_assert_str_eq(json_member(doc, "n")->text, "18446744073709551615");
    ck_assert_int_eq(json_member_bool(json_member(doc, "o"), "b", &b, &e), 0);
    ck_assert(b);
    json_free(doc);
    free(text);
}
END_TEST

START_TEST(writes_only_what_it_would_read)
{
    static const char *const bad[] = {"\xff", "/srv/\xe9", "\xc0\xaf", "\xed\xa0\x80"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct json_writer *w = json_writer_new(JSON_OBJECT);
        char *text = NULL;
        size_t len;

        json_write_string(w, "s", bad[i]);
        ck_assert_msg(json_writer_finish(w, &text, &len) == -EINVAL, "case %zu", i);
        ck_assert_ptr_null(text);
    }
}
END_TEST

Suite *suite_json_values(void)
{
    Suite *s = suite_create("json values");
    TCase *t = tcase_create("reading");

    tcase_add_test(t, reads_whole_numbers_only);
    tcase_add_test(t, absent_and_null_are_the_same);
    tcase_add_test(t, names_the_place);
    tcase_add_test(t, names_the_deepest_place);
    suite_add_tcase(s, t);
    t = tcase_create("writing");
    tcase_add_test(t, writes_what_it_reads);
    tcase_add_test(t, writes_only_what_it_would_read);
    suite_add_tcase(s, t);
    return s;
}
