/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of prestart that happens in the container's namespaces, in a child process, so that the
 * hook itself never leaves the host's.
 */
#ifndef HOOK_INSIDE_H
#define HOOK_INSIDE_H

#include "base/err.h"
#include "hook/config.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct inside {
    pid_t pid;           /* the container's init */
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
