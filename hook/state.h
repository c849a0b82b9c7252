/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a container as a runtime tells it to a hook on stdin (runtime-spec, "State"). */
#ifndef HOOK_STATE_H
#define HOOK_STATE_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

struct oci_state {
    char *id;     /* a name without "/", at most 255 bytes, no control characters */
    char *status; /* "" where the state has none */
    char *bundle; /* absolute; "" where the state has none */
    pid_t pid;    /* 0 where the state has none, as at poststop */
};

/* The state's size is bounded at 1 MiB. Returns 0 or -errno; state_release() is due on success. */
int state_read(int fd, struct oci_state *out, struct err *e);
int state_parse(const char *buf, size_t len, struct oci_state *out, struct err *e);
/* Goes by another id than the one that was told. */
int state_rename(struct oci_state *s, const char *id, struct err *e);

/* Whether a container may have that id. -EINVAL, with the reason. */
int state_check_id(const char *id, struct err *e);
void state_release(struct oci_state *s);

#endif
