/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shifted root of one container: from its config.json to a FUSE mount that answers and hangs
 * nowhere yet. All ways in share this: the hook hangs the mount in the container's mount namespace
 * (prestart.c), the others on the host, before the container is there (prepare.h).
 */
#ifndef HOOK_SHIFT_H
#define HOOK_SHIFT_H

#include "base/fusemount.h"
#include "hook/admin.h"
#include "hook/config.h"
#include "hook/decide.h"
#include "hook/record.h"
#include "hook/spawn.h"
#include "hook/upper.h"

#include <limits.h>
#include <sys/stat.h>

struct shift {
    /* Set before shift_decide(). */
    const char *id, *bundle; /* the caller's; bundle is absolute */
    const struct admin *admin;
    struct oci_config config; /* config_read(); released with the shift */
    bool paths_are_trusted;   /* config.image and upperdir are root's own words, no annotations */
    bool runtime_comes;       /* the runtime has yet to make its mounts on it */
    bool becomes_runtime;     /* this process does: nothing that was started may be its child */

    /* Set by shift_decide(). */
    char *root_path; /* absolute */
    struct stat root_st;
    int lower_path_fd; /* O_PATH fd of the image's directory */
    struct stat lower_st;
    char lower_path[PATH_MAX]; /* the same, symlinks resolved */
    enum upper_mode upper_mode;
    bool read_only; /* the shifted root cannot be written to, by the runtime either */

    /* Set by shift_start() and shift_wait(). */
    struct upper upper;
    struct stat shown_st; /* root of what is shifted: of the image, or of it and an upper merged */
    struct fusemount mount;
    bool entry; /* the mount is to be entered */
    struct spawned spawned;
    struct stat mounted; /* root of the shifted root */

    struct record_lock lock; /* the caller's to take; released with the shift */
    int wait_ms;             /* for an earlier container of this id to let its upper go */
};

#define SHIFT_INIT                                                                                 \
    ((struct shift){.lower_path_fd = -1,                                                           \
                    .upper = UPPER_INIT,                                                           \
                    .mount = {-1, -1},                                                             \
                    .spawned = {.ready_fd = -1, .hold_fd = -1},                                    \
                    .lock = RECORD_LOCK_NONE})

/* root.path, absolute; the caller's to free. NULL without memory. */
char *shift_root_path(const struct shift *s);

/* Opens root.path and the image. *out is DECISION_NOTHING, with *why, where nothing is to be done.
 */
int shift_decide(struct shift *s, enum decision *out, const char **why, struct err *e);

/* Makes upper and mount and starts the shifter, with the record's lock held. */
int shift_start(struct shift *s, struct err *e);

/* Until the shifter answers, and shows what it should. */
int shift_wait(struct shift *s, struct err *e);

/* What is known by now; container, way and mount_point are the caller's to fill in. */
int shift_write_record(struct shift *s, const struct record *rest, struct err *e);

/* The shifter stays, whatever becomes of this process. */
int shift_keep(struct shift *s, struct err *e);

/*
 * What an earlier container of this id has left: its shifter ends, its mount on the host and its
 * ephemeral upper go. The record itself is then replaced.
 */
int shift_clear_old(struct shift *s, const struct record *old, struct err *e);

/* After a failure: what was started ends, what was written goes. */
void shift_undo(struct shift *s);
void shift_release(struct shift *s);

#endif
