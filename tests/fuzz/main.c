/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz-replay @TARGET FILE... @TARGET FILE...: gives each target the empty input and the files that
 * follow. Needs no fuzzer, so that it can be part of "make check". FUZZ_TARGETS is X(name) for each
 * target.
 */
#include "base/cleanup.h"
#include "base/io.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>

#define X(name) int fuzz_##name(const uint8_t *data, size_t size);
FUZZ_TARGETS
#undef X

typedef int target(const uint8_t *data, size_t size);

static const struct {
    const char *name;
    target *run;
} targets[] = {
#define X(name) {#name, fuzz_##name},
    FUZZ_TARGETS
#undef X
};

static target *find(const char *name)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if (strcmp(name, targets[i].name) == 0)
            return targets[i].run;
    fprintf(stderr, "fuzz-replay: %s: there is no such target\n", name);
    exit(2);
}

static void run_file(target *run, const char *path)
{
    char *text;
    uint8_t *data;
    size_t size;
    int r = io_read_file_at(AT_FDCWD, path, 1u << 20, &text, &size);

    if (r < 0) {
        fprintf(stderr, "fuzz-replay: %s: %s\n", path, strerror(-r));
        exit(2);
    }
    data = copy_bytes(text, size);
    free(text);
    run(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    target *run = NULL;

    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '@') {
            run = find(argv[i] + 1);
            run(NULL, 0);
        } else if (run) {
            run_file(run, argv[i]);
        }
    if (run)
        return 0;
    fputs("usage: fuzz-replay @TARGET FILE... [@TARGET FILE...]\n", stderr);
    return 2;
}
