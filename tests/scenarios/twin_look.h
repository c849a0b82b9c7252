/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What looking at one name (twin_look.c) and at all of them (twin_walk.c) have in common. */
#ifndef TESTS_TWIN_LOOK_H
#define TESTS_TWIN_LOOK_H

#include "twin.h"

#include <sys/stat.h>

#define MAX_KEPT 256

/* What a name was when it was looked at last. */
struct kept {
    char path[128];
    uint64_t ino[N_SIDES];
    struct statx_timestamp ctime[N_SIDES], mtime[N_SIDES];
};

struct looks {
    const struct sides *s;
    char name[32];
    struct kept kept[MAX_KEPT];
    unsigned n_kept;
    /* ext4 makes the whiteout of a rename first and takes it back if the rename fails: that moves
     * the times of the directories, which nobody would think of after an error. */
    bool failed_whiteout;
    /* Inode numbers of one look at everything, to tell links of one inode. */
    uint64_t seen[N_SIDES][MAX_KEPT];
    unsigned n_seen[N_SIDES];
};

enum depth { BRIEF, FULL }; /* FULL: also what is in it */

/* One name on both sides, through the mounts, with what has happened to it since. */
void look_at(struct looks *l, const char *path, enum depth depth, bool atime,
             struct text out[N_SIDES]);
/* `through` a mount, and not on disk. */
void say_xattrs(struct text *t, const char *path, bool through);
void say_content(struct text *t, const char *path, const struct statx *x);
void say_stat(struct text *t, const struct statx *x);
/* A time of now is only "moved" or "kept", where it is `known` what it was before. */
void say_time(struct text *t, const char *what, const struct statx_timestamp *now,
              const struct statx_timestamp *before, bool known);
/* Empty, with room for a whole tree; there is one of each. */
void start_texts(struct text t[N_SIDES]);
/* Returns true and says how, where the two texts differ: the lines that do. */
bool report_difference(const char *what, char *a, char *b, struct text *report);

#endif
