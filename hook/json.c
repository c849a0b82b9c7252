/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json.h"

#include "base/cleanup.h"
#include "hook/arena.h"
#include "hook/text.h"

#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

struct document {
    struct json root; /* first: json_free() is given this */
    struct arena arena;
};

struct parser {
    struct document *doc;
    struct json *open;                     /* the array or object being filled, or NULL */
    struct json *last[JSON_MAX_DEPTH + 1]; /* its youngest child, for each depth */
    unsigned depth;
    const char *key; /* of the member to come */
    unsigned values;
    struct err *e;
    int code; /* what went wrong in a callback */
};

static int stop(struct parser *p, int code)
{
    p->code = code;
    return 0; /* yajl: cancel */
}

static char *take_text(struct parser *p, const void *text, size_t len)
{
    char *copy = arena_take(&p->doc->arena, len + 1);

    if (!copy) {
        stop(p, err_set(p->e, -ENOMEM, "JSON"));
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static struct json *add_value(struct parser *p, enum json_type type)
{
    struct json *v = p->values > 0 ? arena_take(&p->doc->arena, sizeof(*v)) : &p->doc->root;

    if (p->values++ == JSON_MAX_VALUES) {
        stop(p, err_setx(p->e, -EFBIG, "more than %u values", JSON_MAX_VALUES));
        return NULL;
    }
    if (!v) {
        stop(p, err_set(p->e, -ENOMEM, "JSON"));
        return NULL;
    }
    *v = (struct json){.type = type, .parent = p->open, .key = p->key};
    p->key = NULL;
    if (p->open) {
        struct json **tail = p->last[p->depth] ? &p->last[p->depth]->next : &p->open->first;

        *tail = v;
        v->index = p->open->n++;
        p->last[p->depth] = v;
    }
    return v;
}

static int on_null(void *ctx)
{
    return add_value(ctx, JSON_NULL) != NULL;
}

static int on_bool(void *ctx, int value)
{
    struct json *v = add_value(ctx, JSON_BOOL);

    if (v)
        v->boolean = value;
    return v != NULL;
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct json *v = add_value(ctx, JSON_NUMBER);

    return v && (v->text = take_text(ctx, text, len)) != NULL;
}

static int no_nul(struct parser *p, const unsigned char *text, size_t len)
{
    if (memchr(text, '\0', len))
        return stop(p, err_setx(p->e, -EINVAL, "a string holds a NUL character (\\u0000)"));
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    struct json *v;

    if (!no_nul(ctx, text, len))
        return 0;
    v = add_value(ctx, JSON_STRING);
    return v && (v->text = take_text(ctx, text, len)) != NULL;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
    struct parser *p = ctx;

    if (!no_nul(p, text, len))
        return 0;
    p->key = take_text(p, text, len);
    return p->key != NULL;
}

static int on_open(struct parser *p, enum json_type type)
{
    struct json *v;

    if (p->depth == JSON_MAX_DEPTH)
        return stop(p, err_setx(p->e, -EINVAL, "nested deeper than %u levels", JSON_MAX_DEPTH));
    v = add_value(p, type);
    if (!v)
        return 0;
    p->open = v;
    p->last[++p->depth] = NULL;
    return 1;
}

static int on_object(void *ctx)
{
    return on_open(ctx, JSON_OBJECT);
}

static int on_array(void *ctx)
{
    return on_open(ctx, JSON_ARRAY);
}

static int on_close(void *ctx)
{
    struct parser *p = ctx;

    p->open = (struct json *)(uintptr_t)p->open->parent;
    p->depth--;
    return 1;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const struct json *const *)a)->key, (*(const struct json *const *)b)->key);
}

static int on_object_end(void *ctx)
{
    struct parser *p = ctx;
    const struct json *obj = p->open;
    cleanup_free const struct json **sorted = calloc(obj->n ? obj->n : 1, sizeof(*sorted));
    size_t i = 0;

    if (!sorted)
        return stop(p, err_set(p->e, -ENOMEM, "JSON"));
    for (const struct json *v = obj->first; v; v = v->next)
        sorted[i++] = v;
    qsort(sorted, obj->n, sizeof(*sorted), compare_keys);
    for (i = 1; i < obj->n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            return stop(p, json_fail(sorted[i], p->e, "the key is there twice"));
    return on_close(ctx);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_close,
};

static bool is_blank(const char *buf, size_t len)
{
    while (len > 0 && memchr(" \t\r\n", buf[len - 1], 4))
        len--;
    return len == 0;
}

/* yajl's own message, whose first line says what; the rest is a picture of the place. */
static int syntax_error(yajl_handle y, const char *buf, size_t len, struct err *e)
{
    unsigned char *words = yajl_get_error(y, 0, (const unsigned char *)buf, len);
    size_t at = yajl_get_bytes_consumed(y);

    if (words)
        words[strcspn((char *)words, "\n")] = '\0';
    err_setx(e, -EINVAL, "not valid JSON: %s (at byte %zu)", words ? (char *)words : "parse error",
             at);
    if (words)
        yajl_free_error(y, words);
    return e->code;
}

static int parse(struct parser *p, const char *buf, size_t len)
{
    yajl_handle y;
    yajl_status status;

    if (len > JSON_MAX_BYTES)
        return err_setx(p->e, -EFBIG, "larger than %u MiB", JSON_MAX_BYTES >> 20);
    if (is_blank(buf, len))
        return err_setx(p->e, -EINVAL, "empty: there is no JSON value in it");
    if (!text_is_utf8(buf, len))
        return err_setx(p->e, -EINVAL, "not valid JSON: not UTF-8");
    if (text_has_half_pair(buf, len))
        return err_setx(p->e, -EINVAL, "a string holds half of a surrogate pair (\\ud800)");
    y = yajl_alloc(&callbacks, NULL, p);
    if (!y)
        return err_set(p->e, -ENOMEM, "JSON");
    status = yajl_parse(y, (const unsigned char *)buf, len);
    if (status != yajl_status_ok && p->code == 0)
        p->code = syntax_error(y, buf, len, p->e);
    else if (status == yajl_status_ok && yajl_complete_parse(y) != yajl_status_ok && p->code == 0)
        p->code = err_setx(p->e, -EINVAL, "not valid JSON: it is cut off after %zu bytes", len);
    yajl_free(y);
    return p->code;
}

int json_parse(const char *buf, size_t len, struct json **out, struct err *e)
{
    struct document *doc = calloc(1, sizeof(*doc));
    struct parser p = {.doc = doc, .e = e};
    int r;

    if (!doc)
        return err_set(e, -ENOMEM, "JSON");
    r = parse(&p, buf, len);
    if (r < 0)
        json_free(&doc->root);
    else
        *out = &doc->root;
    return r;
}

void json_free(struct json *root)
{
    struct document *doc = (struct document *)root;

    if (!doc)
        return;
    arena_release(&doc->arena);
    free(doc);
}

struct json_writer {
    yajl_gen gen;
    bool array, failed;
};

static void check_gen(struct json_writer *w, yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        w->failed = true;
}

static void write_text(struct json_writer *w, const char *text)
{
    if (!text_is_utf8(text, strlen(text)))
        w->failed = true;
    check_gen(w, yajl_gen_string(w->gen, (const unsigned char *)text, strlen(text)));
}

struct json_writer *json_writer_new(enum json_type type)
{
    struct json_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->gen = yajl_gen_alloc(NULL);
    if (!w->gen) {
        free(w);
        return NULL;
    }
    yajl_gen_config(w->gen, yajl_gen_beautify, 1);
    w->array = type == JSON_ARRAY;
    check_gen(w, w->array ? yajl_gen_array_open(w->gen) : yajl_gen_map_open(w->gen));
    return w;
}

static void write_key(struct json_writer *w, const char *key)
{
    if (key)
        write_text(w, key);
}

void json_write_begin(struct json_writer *w, const char *key)
{
    write_key(w, key);
    check_gen(w, yajl_gen_map_open(w->gen));
}

void json_write_end(struct json_writer *w)
{
    check_gen(w, yajl_gen_map_close(w->gen));
}

void json_write_begin_array(struct json_writer *w, const char *key)
{
    write_key(w, key);
    check_gen(w, yajl_gen_array_open(w->gen));
}

void json_write_end_array(struct json_writer *w)
{
    check_gen(w, yajl_gen_array_close(w->gen));
}

void json_write_string(struct json_writer *w, const char *key, const char *value)
{
    write_key(w, key);
    write_text(w, value);
}

static void write_digits(struct json_writer *w, const char *key, const char *digits)
{
    write_key(w, key);
    check_gen(w, yajl_gen_number(w->gen, digits, strlen(digits)));
}

void json_write_number(struct json_writer *w, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    write_digits(w, key, text);
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
    write_key(w, key);
    check_gen(w, yajl_gen_bool(w->gen, value));
}

/* As deep as a document may be: JSON_MAX_DEPTH. */
void json_write_value(struct json_writer *w, const char *key, const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        write_key(w, key);
        check_gen(w, yajl_gen_null(w->gen));
        return;
    case JSON_BOOL:
        json_write_bool(w, key, v->boolean);
        return;
    case JSON_NUMBER:
        write_digits(w, key, v->text);
        return;
    case JSON_STRING:
        json_write_string(w, key, v->text);
        return;
    case JSON_ARRAY:
        json_write_begin_array(w, key);
        for (const struct json *c = v->first; c; c = c->next)
            json_write_value(w, NULL, c);
        json_write_end_array(w);
        return;
    case JSON_OBJECT:
        json_write_begin(w, key);
        for (const struct json *c = v->first; c; c = c->next)
            json_write_value(w, c->key, c);
        json_write_end(w);
        return;
    }
}

int json_writer_finish(struct json_writer *w, char **text, size_t *len)
{
    const unsigned char *buf;
    int r = -EINVAL;

    check_gen(w, w->array ? yajl_gen_array_close(w->gen) : yajl_gen_map_close(w->gen));
    if (!w->failed && yajl_gen_get_buf(w->gen, &buf, len) == yajl_gen_status_ok) {
        *text = strndup((const char *)buf, *len);
        r = *text ? 0 : -ENOMEM;
    }
    yajl_gen_free(w->gen);
    free(w);
    return r;
}
