/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a record names comes to its end: mount, shifter, ephemeral upper, and the record itself. */
#ifndef HOOK_TEARDOWN_H
#define HOOK_TEARDOWN_H

#include "hook/admin.h"
#include "hook/record.h"

/*
 * Takes the shifted root off the place on the host that the record names, also where that has
 * another name by now. Nothing where there is none.
 */
void teardown_mount(const struct record *r);

/*
 * All of it, with the record's lock held. The container must have ended, or have lost its root.
 * Idempotent.
 */
int teardown_all(const struct record_lock *lock, const struct record *r, const struct admin *admin,
                 struct err *e);

/* The keeper wants the lock that was just released, to see that there is nothing left. */
void teardown_wait_keeper(const struct process *keeper);

#endif
