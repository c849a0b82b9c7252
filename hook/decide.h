/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be done for a container. Pure: looks at nothing but its arguments. */
#ifndef HOOK_DECIDE_H
#define HOOK_DECIDE_H

#include "hook/config.h"
#include "hook/upper_mode.h"

#include <stdbool.h>
#include <sys/types.h>

enum decision { DECISION_NOTHING, DECISION_SHIFT };

/*
 * First from config.json alone: has the container a mapping, and does it ask for something that
 * is there? Returns 0 with *out and, for DECISION_NOTHING, the reason in *why (a static string);
 * or -errno where the container has to be refused.
 */
int decide_config(const struct oci_config *c, enum decision *out, const char **why, struct err *e);

/*
 * Where the writes of a container go that decide_config() has let pass. A read-only root has no
 * ephemeral upper; a kept one is shown, read-only.
 */
enum upper_mode decide_upper(const struct oci_config *c);

/*
 * Then from the owner of the image's root directory. Owned by the mount id of the container's
 * root it is shifted already, by chown, an idmapped mount or another shifter: shifting twice is
 * the classic mistake. Owned by an id that the mapping does not have, it was written for another
 * mapping, and is refused.
 */
int decide_owner(const struct oci_config *c, const char *path, uid_t owner, enum decision *out,
                 const char **why, struct err *e);

#endif
