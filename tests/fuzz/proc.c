/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes as /proc/PID/stat, as the name that a process gives itself, and as /proc/PID/uid_map.
 */
#include "hook/proc.h"
#include "tests/fuzz/mappings.h"

static void check_stat(const char *text)
{
    uint64_t start = 7;
    char state;
    int r = process_parse_stat(text, &state, &start);

    must(r == 0 || (r < 0 && start == 7));
}

/* Whatever the name: state and start time are those that the kernel writes behind it. */
static void check_name(const char *name)
{
    uint64_t start;
    char state, *text;

    must(asprintf(&text,
                  "42 (%s) S 1 42 42 34816 42 4194304 103 0 0 0 1 2 3 4 20 0 1 0 %s 2437120 137 "
                  "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0\n",
                  name, "18446744073709551614") >= 0);
    must(process_parse_stat(text, &state, &start) == 0);
    must(state == 'S' && start == UINT64_MAX - 1);
    free(text);
}

static void check_map(char *text)
{
    static struct idmap map;
    struct err e = {0};
    int r = process_parse_map(text, &map, "uid_map", &e);

    if (r < 0) {
        must_be_refused(r, &e);
        return;
    }
    must_be_a_mapping(&map);
    must_survive_as_text(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);

    check_stat(text);
    check_name(text);
    check_map(text);
    free(text);
    return 0;
}
