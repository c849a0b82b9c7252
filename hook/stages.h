/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hook does at each stage of a container's life. All return 0 or -errno. */
#ifndef HOOK_STAGES_H
#define HOOK_STAGES_H

#include "base/err.h"
#include "hook/admin.h"
#include "hook/record.h"
#include "hook/state.h"

/* prestart and createRuntime: puts the shifted root under the container's mounts. */
int stage_prestart(const struct oci_state *state, const struct admin *admin, struct err *e);

/* poststart: is the container's root really the shifted one? */
int stage_poststart(const struct oci_state *state, const struct admin *admin, struct err *e);

/*
 * The same for a record in hand. 0 also where the process has not gone to its root yet, or has
 * ended; -EXDEV where it runs on another root.
 */
int poststart_check_root(pid_t pid, const struct record *r, struct err *e);

/* poststop: ends the shifter, removes an ephemeral upper and the record. Idempotent. */
int stage_poststop(const struct oci_state *state, const struct admin *admin, struct err *e);

#endif
