/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of an override attribute, as layers have it that anybody made. */
#include "shifter/override.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdbool.h>

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_mode == b->st_mode &&
           a->st_rdev == b->st_rdev;
}

/* A refused text changes nothing; what a taken one says can be written, and is the same then. */
static void check(const char *text, mode_t type)
{
    const struct stat before = {.st_uid = 1, .st_gid = 2, .st_mode = type | 0640, .st_rdev = 3};
    struct stat st = before, again = before;
    char written[OVERRIDE_TEXT_MAX];
    int r = override_parse(text, &st);

    if (r < 0) {
        must(r == -EINVAL && same(&st, &before));
        return;
    }
    must(r == 0 && S_ISDIR(st.st_mode) == S_ISDIR(type) && st.st_ino == 0);
    override_format(&st, type, written);
    must(override_parse(written, &again) == 0);
    must(same(&st, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);

    check(text, S_IFREG);
    check(text, S_IFDIR);
    free(text);
    return 0;
}
