/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json_merge.h"
#include "tests/unit/suites.h"

#include <stdlib.h>
#include <string.h>

static char *text_of(const struct json *doc)
{
    struct json_writer *w = json_writer_new(JSON_ARRAY);
    char *text = NULL, *to;
    size_t len;

    ck_assert_ptr_nonnull(w);
    json_write_value(w, NULL, doc);
    ck_assert_int_eq(json_writer_finish(w, &text, &len), 0);
    to = text;
    for (const char *p = text; *p; p++)
        if (*p != ' ' && *p != '\n')
            *to++ = *p;
    *to = '\0';
    return text;
}

START_TEST(writes_what_it_read)
{
    static const char *const documents[] = {
        "{}", "{\"z\":1e400,\"a\":-0.0,\"m\":[1.50,12345678901234567890123,null,true,false]}",
        "{\"\\u00e9\":\"\\n\\u0001\\\"\",\"deep\":[[[[{\"x\":[]}]]]]}"};
    static const char *const texts[] = {
        "[{}]", "[{\"z\":1e400,\"a\":-0.0,\"m\":[1.50,12345678901234567890123,null,true,false]}]",
        "[{\"\xc3\xa9\":\"\\n\\u0001\\\"\",\"deep\":[[[[{\"x\":[]}]]]]}]"};
    struct err e;

    for (size_t i = 0; i < COUNT(documents); i++) {
        struct json *doc;
        char *text;

        ck_assert_int_eq(json_parse(documents[i], strlen(documents[i]), &doc, &e), 0);
        text = text_of(doc);
        ck_assert_str_eq(text, texts[i]);
        free(text);
        json_free(doc);
    }
}
END_TEST

START_TEST(merges)
{
    static const struct {
        const char *doc, *more, *want;
    } cases[] = {
        {"{}", "{\"a\":{\"b\":[1]}}", "[{\"a\":{\"b\":[1]}}]"},
        {"{\"a\":{\"c\":2,\"b\":[0]},\"z\":3}", "{\"a\":{\"b\":[1,2]}}",
         "[{\"a\":{\"c\":2,\"b\":[0,1,2]},\"z\":3}]"},
        {"{\"a\":null,\"z\":3}", "{\"a\":{\"b\":[1]}}", "[{\"a\":{\"b\":[1]},\"z\":3}]"},
        {"{\"a\":{\"b\":null}}", "{\"a\":{\"b\":[1]}}", "[{\"a\":{\"b\":[1]}}]"},
        {"{\"a\":{\"b\":\"x\",\"c\":\"y\"}}", "{\"a\":{\"b\":\"new\"}}",
         "[{\"a\":{\"b\":\"new\",\"c\":\"y\"}}]"},
        {"{\"a\":[1],\"b\":2}", "{\"a\":{\"x\":1}}", "[{\"a\":{\"x\":1},\"b\":2}]"},
        {"{\"a\":1}", "{\"b\":1,\"c\":2}", "[{\"a\":1,\"b\":1,\"c\":2}]"},
    };
    struct err e;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json *doc, *more;
        char *text;

        ck_assert_int_eq(json_parse(cases[i].doc, strlen(cases[i].doc), &doc, &e), 0);
        ck_assert_int_eq(json_parse(cases[i].more, strlen(cases[i].more), &more, &e), 0);
        json_merge(doc, more);
        text = text_of(doc);
        ck_assert_str_eq(text, cases[i].want);
        free(text);
        json_free(doc);
        json_free(more);
    }
}
END_TEST

/* What is appended, and what it is appended to, tells its place in messages. */
START_TEST(places_are_those_of_the_document)
{
    static const char text[] = "{\"a\":{\"b\":[0]}}", added[] = "{\"a\":{\"b\":[1,{\"c\":2}]}}";
    struct json *doc, *more;
    const struct json *b;
    struct err e;

    ck_assert_int_eq(json_parse(text, strlen(text), &doc, &e), 0);
    ck_assert_int_eq(json_parse(added, strlen(added), &more, &e), 0);
    json_merge(doc, more);
    b = json_member(json_member(doc, "a"), "b");
    ck_assert_uint_eq(b->n, 3);
    json_fail(json_member(b->first->next->next, "c"), &e, "bad");
    ck_assert_str_eq(e.msg, "a.b[2].c: bad");
    json_free(doc);
    json_free(more);
}
END_TEST

Suite *suite_merge(void)
{
    Suite *s = suite_create("merge");
    TCase *t = tcase_create("documents");

    tcase_add_test(t, writes_what_it_read);
    tcase_add_test(t, merges);
    tcase_add_test(t, places_are_those_of_the_document);
    suite_add_tcase(s, t);
    return s;
}
