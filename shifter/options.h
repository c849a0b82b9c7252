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
    char *source;                        /* one directory; all strings are ours to free, or NULL */
    char *lowerdir, *upperdir, *workdir; /* or layers: layers.h */
    char *mountpoint;
    int fuse_fd, lower_fd, ready_fd, count_fd; /* -1, or inherited */

    bool have_uidmap, have_gidmap;
    struct idmap uidmap, gidmap;
    struct squash squash_uid, squash_gid;
    char *side_layers; /* where they are kept (markers.h), or NULL */
    char *context;     /* SELinux label of all files */
    bool read_only, nosuid, noexec, noatime, nodev, squash_to_root, passthrough;
    bool static_nlink, short_inos, no_acl, no_xattrs;
    bool fsync, volatile_upper; /* the former: fsync(2) does what it says */
    bool redirect_dir;          /* directories of a lower may be renamed */
    unsigned xattr_permissions; /* 0, 1 or 2: override_layers.h */
    bool split_links;           /* names of one inode are not one to overlayfs (base/overlay.h) */
    struct override override;   /* what came of it */
    enum cache_mode cache;
    double timeout; /* seconds; < 0: what the cache mode says */
    unsigned threads;
    bool entry; /* the lower is a directory of the mount (base/fusemount.h) */
    bool foreground, debug, help, version;
    bool fake; /* mount(8): all but the mount */
};

/* Returns 0, or -EINVAL with the reason. options_release() is due either way. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_release(struct options *o);

#endif
