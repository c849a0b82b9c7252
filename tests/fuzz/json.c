/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any JSON document: the tree that comes of it is what hook/json.h promises. */
#include "hook/json.h"
#include "base/num.h"
#include "hook/text.h"
#include "tests/fuzz/fuzz.h"

static unsigned values;
static bool question_mark; /* the document has one, as itself or as an escape */

static void check_text(const char *text)
{
    must(text_is_utf8(text, strlen(text)));
    /* yajl writes one for what it cannot decode. */
    must(question_mark || !strchr(text, '?'));
}

static void check_number(const struct json *v)
{
    uint32_t got = 7, want;
    struct err e = {0};
    int r = json_u32(v, &got, &e);

    must(v->text[0] == '-' || (v->text[0] >= '0' && v->text[0] <= '9'));
    if (num_parse_u32(v->text, &want) == 0)
        must(r == 0 && got == want);
    else
        must_be_refused(r, &e);
}

/* Each reader takes its own type and refuses the others. */
static void check_readers(const struct json *v)
{
    const char *text = NULL;
    struct err e = {0};
    bool yes;
    int r;

    r = json_string(v, &text, &e);
    if (v->type == JSON_STRING)
        must(r == 0 && text == v->text);
    else
        must_be_refused(r, &e);
    r = json_bool(v, &yes, &e);
    if (v->type == JSON_BOOL)
        must(r == 0 && yes == v->boolean);
    else
        must_be_refused(r, &e);
    if (v->type == JSON_NUMBER)
        check_number(v);
    if (v->type == JSON_STRING)
        check_text(v->text);
}

static void check_value(const struct json *v, unsigned depth);

static void check_children(const struct json *v, unsigned depth)
{
    size_t n = 0;

    must(depth < JSON_MAX_DEPTH);
    for (const struct json *c = v->first; c; c = c->next) {
        must(c->parent == v && c->index == n++);
        must((c->key != NULL) == (v->type == JSON_OBJECT));
        if (c->key) {
            check_text(c->key);
            /* The first of that key is this one, so there is no second. */
            must(json_member(v, c->key) == (c->type == JSON_NULL ? NULL : c));
        }
        check_value(c, depth + 1);
    }
    must(n == v->n);
}

static void check_value(const struct json *v, unsigned depth)
{
    must(++values <= JSON_MAX_VALUES);
    check_readers(v);
    if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        check_children(v, depth);
    else
        must(!v->first && v->n == 0);
}

static bool has(const uint8_t *data, size_t size, const char *word)
{
    return size > 0 && memmem(data, size, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_bytes(data, size);
    struct json *doc = NULL;
    struct err e = {0};
    int r = json_parse(text, size, &doc, &e);

    free(text); /* the tree keeps nothing of it */
    if (r < 0) {
        must_be_refused(r, &e);
        return 0;
    }
    values = 0;
    question_mark = has(data, size, "?") || has(data, size, "3f") || has(data, size, "3F");
    must(!doc->parent && !doc->key);
    check_value(doc, 0);
    json_free(doc);
    return 0;
}
