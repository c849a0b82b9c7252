/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err e;
static struct json *doc;

static int parse(const char *text)
{
    return json_parse(text, strlen(text), &doc, &e);
}

static void parsed(const char *text)
{
    ck_assert_msg(parse(text) == 0, "%s: %s", text, e.msg);
}

static void refused(const char *text, const char *word)
{
    ck_assert_msg(parse(text) == -EINVAL, "%s was taken", text);
    ck_assert_msg(strstr(e.msg, word) != NULL, "%s: %s", text, e.msg);
}

START_TEST(keeps_order_and_places)
{
    const struct json *v;

    parsed(" {\"a\":[10,true,null,\"x\",{}],\"b\":false}\n");
    ck_assert_int_eq(doc->type, JSON_OBJECT);
    ck_assert_uint_eq(doc->n, 2);
    v = json_member(doc, "a");
    ck_assert_uint_eq(v->n, 5);
    ck_assert_ptr_eq(v->parent, doc);
    v = v->first;
    ck_assert_str_eq(v->text, "10");
    v = v->next;
    ck_assert(v->type == JSON_BOOL && v->boolean);
    v = v->next;
    ck_assert_int_eq(v->type, JSON_NULL);
    v = v->next;
    ck_assert_str_eq(v->text, "x");
    ck_assert_uint_eq(v->index, 3);
    v = v->next;
    ck_assert(v->type == JSON_OBJECT && v->n == 0 && !v->first && !v->next);
    ck_assert_str_eq(doc->first->next->key, "b");
    json_free(doc);
}
END_TEST

START_TEST(takes_any_single_value)
{
    static const char *const texts[] = {"null", "true", "0", "-1.5e3", "\"\"", "[]", "{}", " 1 "};

    for (size_t i = 0; i < COUNT(texts); i++) {
        parsed(texts[i]);
        json_free(doc);
    }
    json_free(NULL);
}
END_TEST

START_TEST(decodes_strings)
{
    const char *s = NULL;

    parsed("\"a\\/\\n\\u00e4\\ud83d\\ude00\xe2\x82\xac\\\\\"");
    ck_assert_int_eq(json_string(doc, &s, &e), 0);
    ck_assert_str_eq(s, "a/\n\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xac\\");
    json_free(doc);
}
END_TEST

START_TEST(refuses_what_is_no_json)
{
    static const char *const texts[] = {
        "",
        " \n",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "'a'",
        "{} {}",
        "1 2",
        "[] x",
        "// c\n{}",
        "/* c */ {}",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "0x10",
        "NaN",
        "Infinity",
        "True",
        "nul",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a",
        "\"\t\"",
        "\xef\xbb\xbf{}",
        "{\"a\":1 \"b\":2}",
        "[1 2]",
        "{1:2}",
        "\"a\nb\"",
        "-",
        "--1",
        "[\"a\":1]",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(parse(texts[i]) == -EINVAL, "'%s' was taken", texts[i]);
}
END_TEST

/* Every cut of a good document is a bad one, and none is read beyond its end. */
START_TEST(refuses_every_cut)
{
    static const char text[] =
        "{\"a\":[1,true,null,\"\\u00e4\\ud83d\\ude00\"],\"b\":{\"c\":-1.5e3}}";

    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *cut = malloc(n ? n : 1);

        memcpy(cut, text, n);
        ck_assert_msg(json_parse(cut, n, &doc, &e) == -EINVAL, "%zu bytes", n);
        free(cut);
    }
    parsed(text);
    json_free(doc);
}
END_TEST

START_TEST(refuses_nul)
{
    refused("\"a\\u0000b\"", "NUL");
    refused("{\"a\\u0000\":1}", "NUL");
    ck_assert_int_eq(json_parse("{}\0", 3, &doc, &e), -EINVAL);
    ck_assert_int_eq(json_parse("\"a\0b\"", 5, &doc, &e), -EINVAL);
}
END_TEST

START_TEST(refuses_bad_characters)
{
    refused("\"\xff\"", "UTF-8");
    refused("\"\xc0\xaf\"", "UTF-8");
    refused("\"\xed\xa0\x80\"", "UTF-8");
    refused("{\"\xe2\x82\":1}", "UTF-8");
    refused("\"\\ud800\"", "surrogate");
    refused("{\"\\udc00\":1}", "surrogate");
}
END_TEST

START_TEST(refuses_a_key_twice)
{
    refused("{\"a\":1,\"b\":2,\"a\":3}", "a: the key is there twice");
    refused("{\"o\":[{\"x\":1,\"x\":null}]}", "o[0].x");
    refused("{\"a\":1,\"\\u0061\":2}", "twice");
    refused("{\"\":1,\"\":2}", "twice");
    parsed("{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]},\"A\":1}");
    json_free(doc);
}
END_TEST

static char *nested(unsigned depth, char open, char close)
{
    char *text = malloc(2 * depth + 1);

    memset(text, open, depth);
    memset(text + depth, close, depth);
    text[2 * depth] = '\0';
    return text;
}

START_TEST(ends_at_64_levels)
{
    char *text = nested(64, '[', ']');

    parsed(text);
    json_free(doc);
    free(text);
    text = nested(65, '[', ']');
    refused(text, "64 levels");
    free(text);
    text = nested(500000, '[', ']');
    refused(text, "64 levels");
    free(text);
}
END_TEST

START_TEST(counts_objects_as_levels)
{
    char text[65 * 5 + 65 + 8] = "", *end = text;

    for (int i = 0; i < 64; i++)
        end += sprintf(end, "{\"a\":");
    sprintf(end, "1%.*s", 64, "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}");
    parsed(text);
    json_free(doc);
    memmove(text + 1, text, strlen(text) + 1);
    text[0] = '[';
    strcat(text, "]");
    refused(text, "64 levels");
}
END_TEST

START_TEST(has_bounds)
{
    size_t n = JSON_MAX_BYTES;
    char *text = malloc(n + 1);

    memset(text, ' ', n + 1);
    memcpy(text, "[]", 2);
    ck_assert_int_eq(json_parse(text, n, &doc, &e), 0);
    json_free(doc);
    ck_assert_int_eq(json_parse(text, n + 1, &doc, &e), -EFBIG);
    /* The array is a value too. */
    n = 1;
    for (size_t i = 0; i < JSON_MAX_VALUES - 1; i++) {
        text[n++] = '1';
        text[n++] = ',';
    }
    text[n - 1] = ']';
    ck_assert_int_eq(json_parse(text, n, &doc, &e), 0);
    ck_assert_uint_eq(doc->n, JSON_MAX_VALUES - 1);
    json_free(doc);
    memcpy(text + n - 1, ",1]", 3);
    ck_assert_int_eq(json_parse(text, n + 2, &doc, &e), -EFBIG);
    free(text);
}
END_TEST

START_TEST(holds_long_strings)
{
    size_t n = 100000;
    char *text = malloc(n + 3);
    const char *s = NULL;

    memset(text, 'x', n + 2);
    text[0] = text[n + 1] = '"';
    text[n + 2] = '\0';
    parsed(text);
    ck_assert_int_eq(json_string(doc, &s, &e), 0);
    ck_assert_uint_eq(strlen(s), n);
    json_free(doc);
    free(text);
}
END_TEST

Suite *suite_json(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("parsing");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, keeps_order_and_places);
    tcase_add_test(t, takes_any_single_value);
    tcase_add_test(t, decodes_strings);
    tcase_add_test(t, refuses_what_is_no_json);
    tcase_add_test(t, refuses_every_cut);
    tcase_add_test(t, refuses_nul);
    tcase_add_test(t, refuses_bad_characters);
    tcase_add_test(t, refuses_a_key_twice);
    tcase_add_test(t, ends_at_64_levels);
    tcase_add_test(t, counts_objects_as_levels);
    tcase_add_test(t, has_bounds);
    tcase_add_test(t, holds_long_strings);
    suite_add_tcase(s, t);
    return s;
}
