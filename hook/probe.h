/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine and a file system can do, by trying it. For root; leaves nothing behind. */
#ifndef HOOK_PROBE_H
#define HOOK_PROBE_H

#include "base/err.h"
#include "hook/admin.h"

#include <stdbool.h>

/* Files have handles (name_to_handle_at(2)) that can be opened again. */
bool probe_handles(int dir_fd);

/* The kernel can mount the directory idmapped (mount_setattr(2), MOUNT_ATTR_IDMAP). 0 or -errno. */
int probe_idmapped(int dir_fd);

/* An overlay with an upper in upper_directory can be mounted over the directory. */
int probe_upper(const struct admin *admin, int dir_fd, const char *path, struct err *e);

struct probe_shift {
    double ready_ms;   /* from nothing to a shifted root that answers */
    bool have_file;    /* a regular file was found in the directory, and read through the mount */
    bool reads_direct; /* without a request: passthrough, or it was small enough to be known */
};

/* Shows the directory through a shifter for a moment. */
int probe_shift(const struct admin *admin, int dir_fd, const char *path, struct probe_shift *out,
                struct err *e);

#endif
