/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hook needs of a bundle's config.json (runtime-spec, "Configuration"). */
#ifndef HOOK_CONFIG_H
#define HOOK_CONFIG_H

#include "base/err.h"
#include "base/idmap.h"

#include <stdbool.h>
#include <stddef.h>

struct json;

struct oci_config {
    const char *root_path; /* as written: absolute, or relative to the bundle */
    bool root_readonly;
    const char *cwd;           /* process.cwd, or NULL */
    const struct json *mounts; /* an array, or NULL; its elements are not checked */
    bool user_namespace;       /* linux.namespaces has one */
    bool mappings; /* uidMappings and gidMappings are there: `uid` and `gid` hold them */
    struct idmap uid, gid;
    const struct json *masked_paths, *readonly_paths; /* arrays of strings, or NULL */
    const char *mount_label;                          /* linux.mountLabel, or NULL */
    /* annotations, or NULL */
    const char *image;    /* io.oci-shift.image */
    const char *upper;    /* io.oci-shift.upper */
    const char *upperdir; /* io.oci-shift.upperdir */
    const char *backend;  /* io.oci-shift.backend */

    struct json *doc; /* owns every string above */
};

/* Reads BUNDLE/config.json. Messages name the file. config_release() is due on success. */
int config_read(const char *bundle, struct oci_config *out, struct err *e);
int config_read_file(const char *path, struct oci_config *out, struct err *e);
int config_parse(const char *buf, size_t len, struct oci_config *out, struct err *e);
void config_release(struct oci_config *c);

#endif
