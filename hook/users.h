/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs on a shifted root, whether or not anybody has told the record. */
#ifndef HOOK_USERS_H
#define HOOK_USERS_H

#include "hook/record.h"

/*
 * The container's process, or the lowest pid whose root directory is the record's shifted root; 0
 * where nobody's is. Asks the shifter nothing, which may hang.
 */
pid_t users_find(const struct record *r);

/*
 * Whether nobody needs what the record names any more. What root has prepared is needed until its
 * bundle or its shifter is gone.
 */
bool users_none(const struct record *r);

#endif
