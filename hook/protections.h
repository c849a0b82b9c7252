/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a container that has started is as closed as its config.json wants it. */
#ifndef HOOK_PROTECTIONS_H
#define HOOK_PROTECTIONS_H

#include "base/err.h"
#include "hook/config.h"

/*
 * root_fd is the root directory of the container's process. A read-only root, the masked and the
 * read-only paths are looked at. 0, or -EPERM with the path that is open. What the image lacks
 * needs no protection. A container that may mount (CAP_SYS_ADMIN) can have changed it all by
 * itself, and is not looked at.
 */
int protections_check(int root_fd, const struct oci_config *c, struct err *e);

#endif
