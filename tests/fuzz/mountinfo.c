/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes as a whole mountinfo, and as the name of a directory that something is mounted on. */
#include "hook/mounttree.h"
#include "tests/fuzz/fuzz.h"

#define MOST 8

/* below() says what is to be put behind base to get to point, or that there is nothing. */
static void check_below(const char *point, const char *base)
{
    const char *rest = mounttree_below(point, base), *top = strcmp(base, "/") == 0 ? "" : base;
    char *there;

    if (rest && *rest == '\0' && strcmp(point, base) == 0)
        return;
    must(asprintf(&there, "%s/%s", top, rest ? rest : "") >= 0);
    if (rest)
        must(strcmp(there, point) == 0);
    else
        must(strcmp(point, base) != 0 && strncmp(there, point, strlen(there)) != 0);
    free(there);
}

static void check_as_file(const uint8_t *data, size_t size)
{
    struct mounttree t;
    struct err e = {0};
    int r = mounttree_parse(copy_text(data, size), &t, &e);

    if (r < 0) {
        must_be_refused(r, &e);
        must(!t.mounts && !t.text);
        return;
    }
    for (size_t i = 0; i < t.n; i++)
        must(t.mounts[i].root && t.mounts[i].point && t.mounts[i].point[0] == '/');
    for (size_t i = 0; i < t.n && i < MOST; i++)
        for (size_t j = 0; j < t.n && j < MOST; j++)
            check_below(t.mounts[i].point, t.mounts[j].point);
    mounttree_release(&t);
}

/* Writes a path like the kernel (fs/seq_file.c, mangle_path). */
static void write_path(FILE *f, const char *path)
{
    for (const char *p = path; *p; p++)
        if (strchr(" \t\n\\#", *p))
            fprintf(f, "\\%03o", (unsigned char)*p);
        else
            fputc(*p, f);
}

static void check_as_name(const char *name)
{
    struct mounttree t;
    struct err e = {0};
    char *line = NULL;
    size_t len;
    FILE *f = open_memstream(&line, &len);

    must(f != NULL);
    fputs("36 35 98:4095 /", f);
    write_path(f, name);
    fputs(" /mnt/", f);
    write_path(f, name);
    fputs(" rw,noatime master:1 - ext3 /dev/root rw\n37 36 0:5 / / rw - proc proc rw\n", f);
    must(fclose(f) == 0);
    must(mounttree_parse(line, &t, &e) == 0);
    must(t.n == 2 && t.mounts[0].id == 36 && t.mounts[0].parent == 35);
    must(t.mounts[0].major == 98 && t.mounts[0].minor == 4095);
    must(strcmp(t.mounts[0].root + 1, name) == 0);
    must(strncmp(t.mounts[0].point, "/mnt/", 5) == 0);
    must(strcmp(t.mounts[0].point + 5, name) == 0);
    mounttree_release(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = copy_text(data, size);

    check_as_file(data, size);
    check_as_name(name);
    free(name);
    return 0;
}
