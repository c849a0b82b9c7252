/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mounts of a mount namespace, as /proc/PID/mountinfo lists them (proc_pid_mountinfo(5)). */
#ifndef HOOK_MOUNTTREE_H
#define HOOK_MOUNTTREE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mount_entry {
    uint64_t id, parent;
    uint32_t major, minor; /* st_dev of its files */
    const char *root;      /* which directory of its file system it shows */
    const char *point;     /* where it hangs, seen from the root of the process */
    const char *type;      /* "ext4"; "" where the line is cut */
};

struct mounttree {
    struct mount_entry *mounts; /* in the order of the file, which is no order of the tree */
    size_t n;
    char *text; /* owns the strings */
};

/* The mounts of the namespace of this process. mounttree_release() is due on success. */
int mounttree_read(pid_t pid, struct mounttree *out, struct err *e);
/* text is taken over, and freed on failure too. */
int mounttree_parse(char *text, struct mounttree *out, struct err *e);
void mounttree_release(struct mounttree *t);

/* The path of point below base, without a leading "/": "" for base itself, NULL if not below. */
const char *mounttree_below(const char *point, const char *base);

#endif
