/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The upper of one container: its place, what has to hold before it may be used, and the overlay
 * that merges it with the image below the shifter. In the place are the directories `upper`, which
 * holds disk ids, and `work`, and the mark that tells others so (upper_mark.h).
 */
#ifndef HOOK_UPPER_H
#define HOOK_UPPER_H

#include "base/err.h"
#include "base/idmap.h"
#include "hook/admin.h"
#include "hook/place.h"
#include "hook/upper_mode.h"

#include <stdbool.h>
#include <sys/stat.h>

struct upper_want {
    enum upper_mode mode; /* not UPPER_NONE */
    const struct admin *admin;
    const char *directory;     /* where an annotation says that it is, or NULL */
    bool directory_is_trusted; /* it is root's own word */
    const char *name;          /* of its place: the escaped id */
    int lower_fd;              /* O_PATH fd of the image */
    const char *lower;
    const char *id;
    const struct idmap *uid; /* to tell an upper that was written shifted */
    bool read_only;
    int wait_ms; /* for who has the place now */
};

struct upper {
    struct place place;
    bool ephemeral;
    bool made; /* what is in the place was made by this call */
};

#define UPPER_INIT ((struct upper){.place = PLACE_NONE})

/*
 * Opens and locks it, or makes it, and mounts it over the image. One that was written over another
 * lower, or shifted, is refused, and nothing is changed then. *mnt_fd, the caller's, is a detached
 * mount of the merged tree, in no mount namespace, so that nobody else comes to it; *st is of its
 * root. upper_release() is due either way, and upper_undo() before it on failure.
 */
int upper_merge(const struct upper_want *w, struct upper *out, int *mnt_fd, struct stat *st,
                struct err *e);

/* After a failure, when the shifter has ended: what upper_merge() made goes. */
void upper_undo(const struct upper *u);

void upper_release(struct upper *u);

#endif
