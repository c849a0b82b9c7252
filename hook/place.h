/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory in which the upper of one container is, with its work directory and its mark: in
 * the administrator's directory, under the container's escaped id, or where an annotation says.
 *
 * Whoever uses a place has it locked (flock(2)), the keeper for as long as the shifter lives. So no
 * two containers write to one upper, also where they are of different state directories.
 */
#ifndef HOOK_PLACE_H
#define HOOK_PLACE_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

struct place {
    char path[PATH_MAX]; /* absolute, without symlinks */
    int fd;              /* the caller's; -1: there is none */
    bool made;           /* by this call */
};

#define PLACE_NONE ((struct place){.fd = -1})

/*
 * Opens the place of that name in the directory, and locks it. Both are made where they lack. Where
 * another has the lock it is waited for, at most ms milliseconds: -EBUSY then.
 */
int place_open(const char *directory, const char *name, int ms, struct place *out, struct err *e);

/* The same, but what is there is removed first. */
int place_open_empty(const char *directory, const char *name, int ms, struct place *out,
                     struct err *e);

/* A directory that is open already is the place. dir_fd stays the caller's. */
int place_adopt(int dir_fd, int ms, struct place *out, struct err *e);

/* Lets others have it. */
void place_unlock(const struct place *p);

void place_close(struct place *p);

/* Removes it with all that is in it. 0 also where it is gone, or another is at its path by now. */
int place_remove(const struct place *p, struct err *e);

/* Removes what is at the path. 0 also where there is nothing. */
int place_remove_path(const char *path, struct err *e);

#endif
