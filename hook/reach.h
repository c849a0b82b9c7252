/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a container's root gets at its root: every directory on the way has to let it pass. */
#ifndef HOOK_REACH_H
#define HOOK_REACH_H

#include "base/err.h"
#include "base/idmap.h"

#include <sys/types.h>

/* For the ids that the process has now. The error names the directory that is in the way. */
int reach_check(const char *root, struct err *e);

/* For a process with these ids and no more, in a child. */
int reach_check_ids(uid_t uid, gid_t gid, const char *root, struct err *e);

/* For the container's root (disk id 0 of the mappings), in a child. 0 where it has none. */
int reach_check_as(const struct idmap *uid, const struct idmap *gid, const char *root,
                   struct err *e);

#endif
