/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that waits for a shifter's end and clears away what it leaves. */
#ifndef HOOK_KEEPER_H
#define HOOK_KEEPER_H

#include "hook/place.h"
#include "hook/proc.h"

struct kept {
    struct process shifter;
    const char *id, *state_directory;
    struct place place; /* of the upper, locked; fd -1: none */
    bool ephemeral;
};

/*
 * In the shifter's parent. Returns when the shifter has ended, and its record and an ephemeral
 * upper are gone. The place is free for others as soon as it has ended.
 */
void keeper_wait(pid_t child, const struct kept *k);

#endif
