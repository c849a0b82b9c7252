/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman's precreate stage: config.json comes on stdin, and goes, changed, to stdout
 * (oci-hooks(5)). The container has no state yet, so podman tells neither its id nor its bundle.
 */
#ifndef HOOK_PRECREATE_H
#define HOOK_PRECREATE_H

#include "base/err.h"
#include "hook/admin.h"

/*
 * Mounts the shifted root below the state directory and writes a config.json in which root.path is
 * that, and which has a poststop hook that releases it: this program, with --config config_file
 * where that is not NULL. Where there is nothing to do what came is written as it came.
 */
int precreate(int in, int out, const struct admin *admin, const char *config_file, struct err *e);

#endif
