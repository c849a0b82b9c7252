/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/decide.h"

#include <errno.h>
#include <string.h>

static int nothing(enum decision *out, const char **why, const char *reason)
{
    *out = DECISION_NOTHING;
    *why = reason;
    return 0;
}

static int check_annotations(const struct oci_config *c, struct err *e)
{
    enum upper_mode mode = UPPER_NONE;

    if (c->backend && strcmp(c->backend, "fuse") != 0)
        return err_setx(e, -EINVAL, "annotation io.oci-shift.backend: '%s' is not fuse",
                        c->backend);
    if (c->upper && !upper_mode_parse(c->upper, &mode))
        return err_setx(e, -EINVAL,
                        "annotation io.oci-shift.upper: '%s' is not none, ephemeral or keep",
                        c->upper);
    if (c->upperdir && mode != UPPER_KEEP)
        return err_setx(e, -EINVAL,
                        "annotation io.oci-shift.upperdir is there, and no upper is kept");
    return 0;
}

enum upper_mode decide_upper(const struct oci_config *c)
{
    enum upper_mode mode = UPPER_NONE;

    if (c->upper)
        upper_mode_parse(c->upper, &mode);
    /* Nobody could write to it. */
    return mode == UPPER_EPHEMERAL && c->root_readonly ? UPPER_NONE : mode;
}

int decide_config(const struct oci_config *c, enum decision *out, const char **why, struct err *e)
{
    if (!c->user_namespace)
        return nothing(out, why, "config.json has no user namespace");
    if (!c->mappings)
        return nothing(out, why, "config.json has no uidMappings");
    *out = DECISION_SHIFT;
    return check_annotations(c, e);
}

int decide_owner(const struct oci_config *c, const char *path, uid_t owner, enum decision *out,
                 const char **why, struct err *e)
{
    struct mount_id root, any;

    if (idmap_to_mount(&c->uid, (struct disk_id){0}, &root) && root.v == owner)
        return nothing(out, why, "the root is owned by the container's root: shifted already");
    if (!idmap_to_mount(&c->uid, (struct disk_id){owner}, &any))
        return err_setx(e, -EINVAL,
                        "%s is owned by uid %u, which is no container id of the mapping%s", path,
                        owner, owner ? ": it was written shifted, for another mapping" : "");
    *out = DECISION_SHIFT;
    return 0;
}
