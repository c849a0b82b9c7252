/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of prestart that happens in the container's namespaces, in a child process, so that the
 * hook itself never leaves the host's.
 */
#ifndef HOOK_INSIDE_H
#define HOOK_INSIDE_H

#include "base/err.h"
#include "hook/config.h"
#include "hook/mounttree.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * What the host's /proc tells of the container's namespaces. It asks nothing of the shifted root,
 * so it is read while the shifter starts.
 */
struct inside_view {
    int mnt_ns, user_ns;
    struct mounttree host, mounts;
};

#define INSIDE_VIEW_NONE ((struct inside_view){.mnt_ns = -1, .user_ns = -1})

/* pid: the container's init. inside_view_release() is due either way. */
int inside_look(pid_t pid, struct inside_view *out, struct err *e);
void inside_view_release(struct inside_view *v);

struct inside {
    const struct inside_view *view;
    int mnt_fd;          /* the detached shifted root */
    const char *root;    /* the rootfs path */
    struct stat root_st; /* what is there on the host: device and inode must be the same inside */
    const char *host_lower; /* as in struct transplant */
    bool protect;           /* put back what the runtime would do to the old root (protect.h) */
    const struct oci_config *config;
};

/* Joins, transplants, protects, checks that the container's root can get at its root. */
int inside_container(const struct inside *in, struct err *e);

#endif
