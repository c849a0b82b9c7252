/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/worker.h"

#include <stdlib.h>

static __thread struct {
    bool keeps_privs;
    void *scratch;
    size_t scratch_size;
} worker;

bool worker_keeps_privs(void)
{
    return worker.keeps_privs;
}

void worker_set_keeps_privs(bool keeps)
{
    worker.keeps_privs = keeps;
}

void *worker_scratch(size_t size)
{
    if (size > worker.scratch_size) {
        free(worker.scratch);
        worker.scratch = malloc(size);
        worker.scratch_size = worker.scratch ? size : 0;
    }
    return worker.scratch;
}

void worker_release(void)
{
    free(worker.scratch);
    worker.scratch = NULL;
    worker.scratch_size = 0;
}
