/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a shifter. Two processes come of it: the shifter, sandboxed and serving, and its keeper,
 * its parent, which waits for its end. A shifter ends by itself when its mount is gone, however the
 * container came to its end; the keeper then removes the record, and an ephemeral upper, also where
 * no poststop ever runs.
 */
#ifndef HOOK_SPAWN_H
#define HOOK_SPAWN_H

#include "base/err.h"
#include "base/idmap.h"
#include "hook/place.h"
#include "hook/proc.h"

#include <stdbool.h>

struct spawn {
    const char *shifter; /* path of the program */
    int dev_fd;          /* /dev/fuse, bound to the superblock */
    int lower_fd;        /* detached mount of the image */
    bool read_only;
    const char *cache; /* option of the shifter */
    bool passthrough;
    unsigned threads; /* 0: the shifter's default */
    bool entry;       /* the mount will be entered (base/fusemount.h) */
    const struct idmap *uid, *gid;
    const char *id, *state_directory; /* for the keeper */
    const struct place *place;        /* of the upper, locked; the keeper holds the lock on */
    bool ephemeral;                   /* the keeper removes the place */
    unsigned seconds;                 /* until spawn_keep() has to be called */
    bool orphan; /* the keeper is no child of this process, which may wait for its children */
};

struct spawned {
    struct process shifter, keeper;
    int ready_fd, hold_fd; /* the caller's to close; the latter ends the shifter, see below */
};

/*
 * The fds of the request stay the caller's. On failure nothing runs. The shifter is on trial: its
 * keeper ends it where hold_fd is closed, by the end of this process too, before spawn_keep(), or
 * when the seconds are over. So nobody waits for ever on a shifter that hangs.
 */
int spawn_shifter(const struct spawn *s, struct spawned *out, struct err *e);

/* Waits until the shifter answers requests, at most `seconds`. Its own words are the error. */
int spawn_wait_ready(const struct spawned *s, unsigned seconds, struct err *e);

/* All is well: the shifter stays. Needs SIGPIPE ignored. */
int spawn_keep(const struct spawned *s, struct err *e);

#endif
