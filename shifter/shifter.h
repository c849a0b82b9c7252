/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mount's server: what its operations share. Constant once the first thread runs. */
#ifndef SHIFTER_SHIFTER_H
#define SHIFTER_SHIFTER_H

#include "shifter/fd_budget.h"
#include "shifter/inode.h"
#include "shifter/override.h"
#include "shifter/shift.h"

#include <stdbool.h>

enum cache_mode {
    CACHE_AUTO,   /* the lower may change behind the mount: seen after at most `timeout` */
    CACHE_ALWAYS, /* nobody else changes it: names, attributes and data are kept for good */
    CACHE_NEVER,  /* every look asks the lower */
};

struct backing_table;
struct counts;
struct dir_ends;
struct session;

struct shifter {
    struct session *session;
    struct shift shift;
    struct override override;
    struct inode_table *inodes;
    struct fd_budget *fds;
    struct backing_table *files;
    struct dir_ends *dir_ends;
    struct counts *counts; /* of requests, or NULL */
    bool passthrough;      /* wanted, where the kernel has it */
    bool read_only;
    bool static_nlink; /* directories have one link: st_nlink does not count them */
    bool no_acl, no_xattrs;
    bool no_fsync;
    bool split_links;       /* names of one file are nodes of their own: inode.h */
    int root_fd;            /* the lower, opened for reading */
    bool host_root_is_root; /* for an engine; see is_engine() in ops.c */
    bool hide_markers;      /* what layers say is no file: ops_marker.c */
    int outside_fd; /* the directory that the lower is in, where that is the mount's root, or -1 */
    enum cache_mode cache;
    double timeout; /* seconds that the kernel may keep a name or attributes */
};

#endif
