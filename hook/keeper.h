/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that waits for a shifter's end and clears its record away. */
#ifndef HOOK_KEEPER_H
#define HOOK_KEEPER_H

#include "hook/proc.h"

/* In the shifter's parent. Returns when the shifter has ended and its record is gone. */
void keeper_wait(pid_t child, const struct process *shifter, const char *id,
                 const char *state_directory);

#endif
