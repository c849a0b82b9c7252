/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <stdarg.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

/* Everything of a document lives in blocks that are freed together: no tree to walk, so no depth
 * that a hostile document could choose. The document itself is the first thing in the first. */
struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

struct document {
    struct json root; /* first: json_free() is given this */
    struct block *blocks;
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

static void *take(struct document *doc, size_t size)
{
    struct block *b = doc->blocks;
    void *p;

    size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (!b || b->size - b->used < size) {
        size_t room = size > 16384 ? size : 16384;

        b = malloc(sizeof(*b) + room);
        if (!b)
            return NULL;
        *b = (struct block){.next = doc->blocks, .size = room};
        doc->blocks = b;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

static int stop(struct parser *p, int code)
{
    p->code = code;
    return 0; /* yajl: cancel */
}

static char *take_text(struct parser *p, const void *text, size_t len)
{
    char *copy = take(p->doc, len + 1);

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
    struct json *v = p->values > 0 ? take(p->doc, sizeof(*v)) : &p->doc->root;

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

int json_parse(const char *buf, size_t len, struct json **out, struct err *e)
{
    struct document *doc = calloc(1, sizeof(*doc));
    struct parser p = {.doc = doc, .e = e};
    yajl_handle y;
    yajl_status status;

    if (!doc)
        return err_set(e, -ENOMEM, "JSON");
    if (len > JSON_MAX_BYTES) {
        free(doc);
        return err_setx(e, -EFBIG, "larger than %u MiB", JSON_MAX_BYTES >> 20);
    }
    y = yajl_alloc(&callbacks, NULL, &p);
    if (!y) {
        free(doc);
        return err_set(e, -ENOMEM, "JSON");
    }
    status = yajl_parse(y, (const unsigned char *)buf, len);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(y);
    if (status == yajl_status_ok && p.values == 0)
        p.code = err_setx(e, -EINVAL, "empty: there is no JSON value in it");
    else if (status != yajl_status_ok && p.code == 0)
        p.code = syntax_error(y, buf, len, e);
    yajl_free(y);
    if (p.code < 0) {
        json_free(&doc->root);
        return p.code;
    }
    *out = &doc->root;
    return 0;
}

void json_free(struct json *root)
{
    struct document *doc = (struct document *)root;

    if (!doc)
        return;
    while (doc->blocks) {
        struct block *next = doc->blocks->next;

        free(doc->blocks);
        doc->blocks = next;
    }
    free(doc);
}

const struct json *json_member(const struct json *obj, const char *key)
{
    if (!obj || obj->type != JSON_OBJECT)
        return NULL;
    for (const struct json *v = obj->first; v; v = v->next)
        if (strcmp(v->key, key) == 0)
            return v->type == JSON_NULL ? NULL : v;
    return NULL;
}

/* "linux.uidMappings[2].size"; keys that hold dots are quoted. */
static void place(const struct json *v, char *out, size_t size)
{
    const struct json *chain[JSON_MAX_DEPTH + 1];
    unsigned n = 0;
    size_t used = 0;

    out[0] = '\0';
    for (; v->parent; v = v->parent)
        chain[n++] = v;
    while (n-- > 0 && used < size - 1) {
        const struct json *c = chain[n];
        const char *dot = used > 0 ? "." : "";
        int wrote;

        if (!c->key)
            wrote = snprintf(out + used, size - used, "[%zu]", c->index);
        else if (strchr(c->key, '.'))
            wrote = snprintf(out + used, size - used, "%s\"%s\"", dot, c->key);
        else
            wrote = snprintf(out + used, size - used, "%s%s", dot, c->key);
        used += (size_t)wrote;
    }
}

int json_fail(const struct json *v, struct err *e, const char *fmt, ...)
{
    char where[256], text[512];
    va_list ap;

    place(v, where, sizeof(where));
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return err_setx(e, -EINVAL, "%s%s%s", where, where[0] ? ": " : "", text);
}

int json_expect(const struct json *v, enum json_type type, struct err *e)
{
    static const char *const name[] = {"null",     "true or false", "a number",
                                       "a string", "an array",      "an object"};

    if (v->type == type)
        return 0;
    return json_fail(v, e, "expected %s, found %s", name[type], name[v->type]);
}

int json_string(const struct json *v, const char **out, struct err *e)
{
    int r = json_expect(v, JSON_STRING, e);

    if (r == 0)
        *out = v->text;
    return r;
}

int json_bool(const struct json *v, bool *out, struct err *e)
{
    int r = json_expect(v, JSON_BOOL, e);

    if (r == 0)
        *out = v->boolean;
    return r;
}

int json_u32(const struct json *v, uint32_t *out, struct err *e)
{
    int r = json_expect(v, JSON_NUMBER, e);

    if (r == 0 && num_parse_u32(v->text, out) < 0)
        r = json_fail(v, e, "%.40s is not a whole number from 0 to 4294967295", v->text);
    return r;
}

int json_member_string(const struct json *obj, const char *key, const char **out, struct err *e)
{
    const struct json *v = json_member(obj, key);

    return v ? json_string(v, out, e) : 0;
}

int json_member_bool(const struct json *obj, const char *key, bool *out, struct err *e)
{
    const struct json *v = json_member(obj, key);

    return v ? json_bool(v, out, e) : 0;
}

int json_member_u32(const struct json *obj, const char *key, uint32_t *out, struct err *e)
{
    const struct json *v = json_member(obj, key);

    return v ? json_u32(v, out, e) : 0;
}

int json_member_of(const struct json *obj, const char *key, enum json_type type,
                   const struct json **out, struct err *e)
{
    *out = json_member(obj, key);
    return *out ? json_expect(*out, type, e) : 0;
}

struct json_writer {
    yajl_gen gen;
    bool failed;
};

static void check_gen(struct json_writer *w, yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        w->failed = true;
}

static void write_text(struct json_writer *w, const char *text)
{
    check_gen(w, yajl_gen_string(w->gen, (const unsigned char *)text, strlen(text)));
}

struct json_writer *json_writer_new(void)
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
    yajl_gen_config(w->gen, yajl_gen_validate_utf8, 1);
    json_write_begin(w, NULL);
    return w;
}

void json_write_begin(struct json_writer *w, const char *key)
{
    if (key)
        write_text(w, key);
    check_gen(w, yajl_gen_map_open(w->gen));
}

void json_write_end(struct json_writer *w)
{
    check_gen(w, yajl_gen_map_close(w->gen));
}

void json_write_string(struct json_writer *w, const char *key, const char *value)
{
    write_text(w, key);
    write_text(w, value);
}

void json_write_number(struct json_writer *w, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

    write_text(w, key);
    check_gen(w, yajl_gen_number(w->gen, text, (size_t)n));
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
    write_text(w, key);
    check_gen(w, yajl_gen_bool(w->gen, value));
}

int json_writer_finish(struct json_writer *w, char **text, size_t *len)
{
    const unsigned char *buf;
    int r = -EINVAL;

    json_write_end(w);
    if (!w->failed && yajl_gen_get_buf(w->gen, &buf, len) == yajl_gen_status_ok) {
        *text = strndup((const char *)buf, *len);
        r = *text ? 0 : -ENOMEM;
    }
    yajl_gen_free(w->gen);
    free(w);
    return r;
}
