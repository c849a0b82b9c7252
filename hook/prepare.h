/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shifted root that is there before the runtime comes. The runtime needs nothing special then: it
 * makes the mount points that the image lacks, and goes to its root as to any other.
 */
#ifndef HOOK_PREPARE_H
#define HOOK_PREPARE_H

#include "hook/shift.h"

struct prepare {
    enum way way;           /* not WAY_HOOK */
    struct process creator; /* as in struct record; pid 0: none */
    /*
     * Where to hang it, a directory. WAY_PRECREATE: made for it. WAY_RUNTIME: in a mount namespace
     * of its own, into which the calling process goes; else in that of the caller.
     */
    const char *at;
};

/*
 * With shift_decide() done. On success the shifted root hangs and its record is written; on failure
 * everything is as it was, but that the caller may be in a mount namespace of its own. The caller
 * has one thread. shift_release() is due either way.
 */
int prepare_root(struct shift *s, const struct prepare *p, struct err *e);

#endif
