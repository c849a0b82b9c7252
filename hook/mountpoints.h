/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places in the image that a runtime needs before it starts the container's process. */
#ifndef HOOK_MOUNTPOINTS_H
#define HOOK_MOUNTPOINTS_H

#include "hook/config.h"

#include <stdbool.h>

/*
 * Whether the image has a place for each of config.json's mounts, and process.cwd, so that a
 * runtime has nothing to make in it. One below another mount is made there, and does not count.
 * root_fd is the image's root; its symlinks stay inside it.
 */
bool mountpoints_are_there(int root_fd, const struct oci_config *c);

#endif
