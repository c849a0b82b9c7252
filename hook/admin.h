/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's configuration, /etc/oci-shift/config.json (schemas/admin.schema.json). */
#ifndef HOOK_ADMIN_H
#define HOOK_ADMIN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ADMIN_CONFIG_PATH "/etc/oci-shift/config.json"

struct json;

struct admin {
    const char *shifter;               /* path of oci-shifter */
    const char *runtime;               /* of oci-shift-runtime, or NULL: it looks for one */
    const char *state_directory;       /* where records live */
    const char *upper_directory;       /* where kept uppers are */
    const char *ephemeral_directory;   /* where those are that go with their container */
    unsigned ready_seconds;            /* how long a new shifter may take */
    unsigned stop_seconds;             /* how long what is told to end may take */
    const char *upper;                 /* where an annotation does not say, or NULL: none */
    const struct json *allowed_uppers; /* array of what annotations may say, or NULL: anything */
    const char *cache;                 /* option of the shifter, or NULL: what fits the root */
    bool passthrough;
    unsigned threads;                    /* option of the shifter, or 0: as many as it likes */
    const struct json *annotation_paths; /* array of absolute directories, or NULL: none */
    const char *log_level;

    struct json *doc; /* owns the strings, unless they are the defaults */
};

/*
 * Reads path, or ADMIN_CONFIG_PATH where path is NULL; the latter may be absent. Unknown keys are
 * errors. admin_release() is due on success.
 */
int admin_read(const char *path, struct admin *out, struct err *e);
int admin_parse(const char *buf, size_t len, struct admin *out, struct err *e);

/* stop_seconds in milliseconds. */
int admin_stop_ms(const struct admin *a);
void admin_release(struct admin *a);

/* The value of io.oci-shift.upper: may an annotation say so? -EACCES where not. */
int admin_check_upper(const struct admin *a, const char *upper, struct err *e);

/*
 * Whether a path that an annotation names may be used: it lies in one of annotationPaths, and on
 * the way from there to it is no symlink, and no ".." that leads out. Returns an O_PATH fd of the
 * directory (the caller's), so that what was checked is what is used; or -errno, -EACCES where it
 * is not allowed.
 */
int admin_open_annotation_path(const struct admin *a, const char *annotation, const char *path,
                               struct err *e);

#endif
