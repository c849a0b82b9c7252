/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hook or a machine that ended in the middle has left, without a record that would name it.
 */
#ifndef HOOK_LEFTOVERS_H
#define HOOK_LEFTOVERS_H

#include "hook/admin.h"

/*
 * Removes places of records in which there is none, of ephemeral uppers that no container has, and
 * of mounts (precreate) on which nothing hangs; says so on stdout. What somebody has locked is
 * somebody's.
 */
int leftovers_remove(const struct admin *admin, struct err *e);

#endif
