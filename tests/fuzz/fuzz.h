/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets have in common. A target is one file: LLVMFuzzerTestOneInput() gives a
 * parser the bytes, and aborts where what must hold of its answer does not. The sanitizers look
 * after memory; inputs are in blocks of just their size, so that a read behind them is seen.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the program that replays the corpus each target has a name of its own (fuzz.mk). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what) ((what) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #what))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* A refusal says why, in one line, and returns the code that it says. */
static inline void must_be_refused(int r, const struct err *e)
{
    size_t len = strnlen(e->msg, sizeof(e->msg));

    must(r < 0 && e->code == r);
    must(len > 0 && len < sizeof(e->msg));
    for (size_t i = 0; i < len; i++)
        must((unsigned char)e->msg[i] >= 0x20 && e->msg[i] != 0x7f);
}

/* Copies of the bytes; the caller's to free. As a text they have a NUL behind them. */
static inline void *copy_bytes(const void *data, size_t size)
{
    void *copy = calloc(1, size ? size : 1);

    must(copy != NULL);
    return size ? memcpy(copy, data, size) : copy;
}

static inline char *copy_text(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);

    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

#endif
