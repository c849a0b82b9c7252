/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a container's writes go, in the words of the annotation io.oci-shift.upper. */
#ifndef HOOK_UPPER_MODE_H
#define HOOK_UPPER_MODE_H

#include <stdbool.h>

enum upper_mode {
    UPPER_NONE,      /* to the image; nowhere where the root is read-only */
    UPPER_EPHEMERAL, /* to a directory that goes with the container */
    UPPER_KEEP,      /* to a directory that stays */
};

const char *upper_mode_name(enum upper_mode mode);

/* False where the word is none of the three. */
bool upper_mode_parse(const char *word, enum upper_mode *out);

#endif
