/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON documents as they come from outside: parsed strictly and with bounds into a tree, read
 * through accessors whose errors name the place ("linux.uidMappings[2].size").
 *
 * Strict: one value and nothing behind it; no comments; valid UTF-8; no NUL and no half of a
 * surrogate pair inside a string; no key twice in an object. A number keeps its text, and is a
 * whole number only if its text is one (no fraction, no exponent). Bounds: JSON_MAX_BYTES,
 * JSON_MAX_DEPTH, JSON_MAX_VALUES.
 *
 * This is the only part of the project that uses yajl.
 */
#ifndef HOOK_JSON_H
#define HOOK_JSON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_BYTES (16u << 20)
#define JSON_MAX_DEPTH 64u
#define JSON_MAX_VALUES (1u << 20)

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value and its place in the tree. Read-only; owned by the document. */
struct json {
    enum json_type type;
    const struct json *parent; /* NULL: the document itself */
    const char *key;           /* in an object; else NULL */
    size_t index;              /* in an array or object */
    bool boolean;
    const char *text;   /* JSON_STRING: the string; JSON_NUMBER: its digits */
    struct json *first; /* JSON_ARRAY, JSON_OBJECT: children in the order of the document */
    struct json *next;  /* next child of the same parent */
    size_t n;           /* number of children */
};

/* Parses len bytes. *out is freed with json_free(). Returns 0 or -EINVAL, -EFBIG, -ENOMEM. */
int json_parse(const char *buf, size_t len, struct json **out, struct err *e);
void json_free(struct json *doc);

/* The member of an object; NULL where there is none, or it is null, or obj is NULL. */
const struct json *json_member(const struct json *obj, const char *key);

/*
 * Typed reading. Each takes a value (never NULL), and fails with -EINVAL and its place where the
 * type is another. Strings stay owned by the document.
 */
int json_string(const struct json *v, const char **out, struct err *e);
int json_bool(const struct json *v, bool *out, struct err *e);
int json_u32(const struct json *v, uint32_t *out, struct err *e);
int json_expect(const struct json *v, enum json_type type, struct err *e);

/* The same for an optional member: absent (or null) leaves *out as it is. */
int json_member_string(const struct json *obj, const char *key, const char **out, struct err *e);
int json_member_bool(const struct json *obj, const char *key, bool *out, struct err *e);
int json_member_u32(const struct json *obj, const char *key, uint32_t *out, struct err *e);
/* An optional array or object member: *out is NULL where it is absent. */
int json_member_of(const struct json *obj, const char *key, enum json_type type,
                   const struct json **out, struct err *e);

/* Fails with -EINVAL, naming the value's place, as the readers above do. */
int json_fail(const struct json *v, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Writing: one object, or one array, pretty-printed. Nesting by begin/end. In an array the key is
 * NULL.
 */
struct json_writer;
struct json_writer *json_writer_new(enum json_type type);      /* JSON_OBJECT or JSON_ARRAY */
void json_write_begin(struct json_writer *w, const char *key); /* an object */
void json_write_end(struct json_writer *w);
void json_write_begin_array(struct json_writer *w, const char *key);
void json_write_end_array(struct json_writer *w);
/* A value of a document as it is there, with all below: numbers keep their text. */
void json_write_value(struct json_writer *w, const char *key, const struct json *v);
void json_write_string(struct json_writer *w, const char *key, const char *value);
void json_write_number(struct json_writer *w, const char *key, uint64_t value);
void json_write_bool(struct json_writer *w, const char *key, bool value);
/* Ends the document and frees the writer. *text is the caller's to free. 0 or -ENOMEM, -EINVAL. */
int json_writer_finish(struct json_writer *w, char **text, size_t *len);

#endif
