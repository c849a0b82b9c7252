/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime behind the wrapper. */
#ifndef HOOK_RUNTIME_REAL_H
#define HOOK_RUNTIME_REAL_H

#include "base/err.h"
#include "hook/admin.h"

/*
 * Its path, the caller's to free: what the administrator says; else the one that the wrapper's own
 * name ends in ("oci-shift-crun"); else runc, or crun. NULL, with *e, where there is none.
 */
char *real_runtime(const struct admin *admin, const char *own_name, struct err *e);

/* Becomes it. Returns only on failure. */
int real_exec(char *path, char **argv, struct err *e);

/*
 * Runs it as a child that gets all signals which come here, and waits for it. Returns its wait
 * status, or -errno.
 */
int real_run(char *path, char **argv, struct err *e);

/* Ends as the child has ended: with its exit status, or by the same signal. */
_Noreturn void real_end_like(int status);

#endif
