/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's state, as a runtime tells it; and the place on the host that its id names. */
#include "hook/state.h"
#include "hook/record.h"
#include "tests/fuzz/fuzz.h"

/* The name is one component of a path that is not hidden, and says the id and no other. */
static void check_name(const char *id)
{
    struct record_lock l;
    char back[256] = "", *to = back;
    unsigned byte;

    record_escape(id, l.name, sizeof(l.name));
    must(l.name[0] != '\0' && l.name[0] != '.');
    must(strspn(l.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.%") ==
         strlen(l.name));
    for (const char *p = l.name; *p; p++) {
        must(to < back + sizeof(back) - 1);
        if (*p == '%') {
            must(sscanf(p + 1, "%2X", &byte) == 1);
            *to++ = (char)byte;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    must(strcmp(back, id) == 0);
}

static void check(const struct oci_state *s)
{
    must(s->id && s->status && s->bundle);
    must(s->id[0] && strlen(s->id) <= 255 && !strchr(s->id, '/'));
    must(strcmp(s->id, ".") != 0 && strcmp(s->id, "..") != 0);
    for (const char *p = s->id; *p; p++)
        must((unsigned char)*p >= 0x20 && *p != 0x7f);
    must(s->bundle[0] == '\0' || s->bundle[0] == '/');
    must(s->pid >= 0);
    check_name(s->id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_bytes(data, size);
    struct oci_state s;
    struct err e = {0};
    int r = state_parse(text, size, &s, &e);

    free(text);
    if (r < 0) {
        must_be_refused(r, &e);
        must(!s.id && !s.status && !s.bundle);
        return 0;
    }
    check(&s);
    state_release(&s);
    return 0;
}
