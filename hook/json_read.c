/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a parsed document. */
#include "hook/json.h"

#include "base/num.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    const struct json *chain[JSON_MAX_DEPTH + 1] = {NULL};
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
