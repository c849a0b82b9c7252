/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container whose root was shifted before the runtime came: by prepare, precreate, or the
 * wrapper. */
#ifndef HOOK_ADOPT_H
#define HOOK_ADOPT_H

#include "base/err.h"
#include "hook/admin.h"
#include "hook/config.h"
#include "hook/proc.h"

#include <stdbool.h>
#include <sys/stat.h>

/* The id of the record whose shifted root path is, of which st is; the caller's to free. Or NULL.
 */
char *adopt_find(const struct admin *admin, const char *path, const struct stat *st);

/*
 * Gives the record of that id the container's process. *out is false where it is not there any
 * more. -EINVAL where it was made for another mapping than the container's, -EBUSY where another
 * container runs on it.
 */
int adopt_root(const struct admin *admin, const char *id, const char *path, const struct stat *st,
               const struct oci_config *c, const struct process *container, bool *out,
               struct err *e);

#endif
