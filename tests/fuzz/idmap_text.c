/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapping as mount options and records write it. */
#include "tests/fuzz/mappings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct idmap map;
    char *text = copy_text(data, size);
    struct err e = {0};
    int r = idmap_parse(&map, text, text, &e);

    if (r < 0) {
        must_be_refused(r, &e);
    } else {
        must_be_a_mapping(&map);
        must_survive_as_text(&map);
    }
    free(text);
    return 0;
}
