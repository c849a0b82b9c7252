/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/upper_mode.h"

#include <string.h>

static const char *const names[] = {
    [UPPER_NONE] = "none", [UPPER_EPHEMERAL] = "ephemeral", [UPPER_KEEP] = "keep"};

const char *upper_mode_name(enum upper_mode mode)
{
    return names[mode];
}

bool upper_mode_parse(const char *word, enum upper_mode *out)
{
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (enum upper_mode)i;
            return true;
        }
    }
    return false;
}
