/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of oci-shifter: man page oci-shifter(1). */
#ifndef SHIFTER_OPTIONS_H
#define SHIFTER_OPTIONS_H

#include "base/err.h"
#include "base/idmap.h"
#include "shifter/shifter.h"

#include <stdbool.h>

struct options {
    /* Two ways to say what is mounted where: paths, or what the hook has opened already. */
    char *lowerdir;                  /* ours to free, or NULL */
    char *mountpoint;                /* ours to free, or NULL */
    int fuse_fd, lower_fd, ready_fd; /* -1, or inherited */

    bool have_uidmap, have_gidmap;
    struct idmap uidmap, gidmap;
    struct squash squash_uid, squash_gid;
    bool read_only, nosuid, noexec, noatime, nodev, squash_to_root, passthrough;
    enum cache_mode cache;
    double timeout; /* seconds; < 0: what the cache mode says */
    unsigned threads;
    bool entry; /* the lower is a directory of the mount (base/fusemount.h) */
    bool foreground, debug, help, version;
};

/* Returns 0, or -EINVAL with the reason. options_release() is due either way. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_release(struct options *o);

#endif
