/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's configuration. */
#include "hook/admin.h"
#include "hook/json.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct admin *a)
{
    must(a->shifter[0] == '/' && a->state_directory[0] == '/');
    must(a->ready_seconds >= 1 && a->ready_seconds <= 3600);
    must(strcmp(a->log_level, "error") == 0 || strcmp(a->log_level, "warning") == 0 ||
         strcmp(a->log_level, "info") == 0 || strcmp(a->log_level, "debug") == 0);
    if (!a->annotation_paths)
        return;
    must(a->annotation_paths->type == JSON_ARRAY);
    for (const struct json *v = a->annotation_paths->first; v; v = v->next)
        must(v->type == JSON_STRING && v->text[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_bytes(data, size);
    struct admin a;
    struct err e = {0};
    int r = admin_parse(text, size, &a, &e);

    free(text);
    if (r < 0) {
        must_be_refused(r, &e);
        must(!a.doc);
        return 0;
    }
    check(&a);
    admin_release(&a);
    return 0;
}
