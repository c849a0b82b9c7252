/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/mountpoints.h"

#include "hook/json.h"
#include "hook/mounttree.h"
#include "hook/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *destination_of(const struct json *mount)
{
    const struct json *v = mount->type == JSON_OBJECT ? json_member(mount, "destination") : NULL;

    return v && v->type == JSON_STRING ? v->text : NULL;
}

/* Lies on something that the runtime has mounted by then. */
static bool is_on_another(const struct json *mounts, const char *path)
{
    for (const struct json *v = mounts ? mounts->first : NULL; v; v = v->next) {
        const char *other = destination_of(v);
        const char *below = other && strcmp(other, "/") != 0 ? mounttree_below(path, other) : NULL;

        if (below && *below)
            return true;
    }
    return false;
}

static bool is_there(int root_fd, const char *path)
{
    int fd = sys_open_in_root(root_fd, path, O_PATH);

    if (fd >= 0)
        close(fd);
    /* Of what cannot be looked at, the runtime will say why. */
    return fd != -ENOENT;
}

bool mountpoints_are_there(int root_fd, const struct oci_config *c)
{
    for (const struct json *v = c->mounts ? c->mounts->first : NULL; v; v = v->next) {
        const char *path = destination_of(v);

        if (path && !is_on_another(c->mounts, path) && !is_there(root_fd, path))
            return false;
    }
    return !c->cwd || is_on_another(c->mounts, c->cwd) || is_there(root_fd, c->cwd);
}
