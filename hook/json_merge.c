/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/json_merge.h"

#include <string.h>

static struct json *find(struct json *obj, const char *key)
{
    struct json *v = obj->first;

    while (v && strcmp(v->key, key) != 0)
        v = v->next;
    return v;
}

static void append(struct json *to, struct json *child)
{
    struct json **end = &to->first;

    while (*end)
        end = &(*end)->next;
    *end = child;
    child->next = NULL;
    child->parent = to;
    child->index = to->n++;
}

/* Keeps the place that `at` has in its parent. */
static void replace(struct json *at, const struct json *with)
{
    struct json old = *at;

    *at = *with;
    at->parent = old.parent;
    at->key = old.key;
    at->index = old.index;
    at->next = old.next;
    for (struct json *c = at->first; c; c = c->next)
        c->parent = at;
}

/* As deep as a document may be: JSON_MAX_DEPTH. */
static void merge(struct json *into, struct json *from)
{
    struct json *next;

    if (into->type != from->type || (from->type != JSON_OBJECT && from->type != JSON_ARRAY)) {
        replace(into, from);
        return;
    }
    for (struct json *v = from->first; v; v = next) {
        struct json *there = from->type == JSON_OBJECT ? find(into, v->key) : NULL;

        next = v->next;
        if (there)
            merge(there, v);
        else
            append(into, v);
    }
}

void json_merge(struct json *doc, struct json *more)
{
    merge(doc, more);
}
