/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * security.capability (capabilities(7), "File capability extended attribute versioning").
 *
 * On disk the image says "root of whoever runs me": a version 2 attribute without a root id. The
 * mount lives in the initial user namespace, where version 2 means the host's root, so it goes out
 * as version 3 with the mount id of disk id 0: effective in the container, in no other place. On
 * the way in that very root id becomes version 2 again, so the attribute holds under any mapping.
 * Another root id (of a namespace nested in the container) is shifted like an owner.
 */
#ifndef SHIFTER_FCAP_H
#define SHIFTER_FCAP_H

#include "shifter/shift.h"

#include <stddef.h>

#define FCAP_NAME "security.capability"
#define FCAP_MAX_SIZE 24u

/*
 * Converts `size` bytes of buf (room for FCAP_MAX_SIZE) in place. Returns the new size, -ENODATA
 * (out) where the mapping does not show the root id, -EOVERFLOW (in) where it has none for it,
 * -EINVAL for bytes that are no file capability.
 */
int fcap_shift_out(const struct shift *s, void *buf, size_t size);
int fcap_shift_in(const struct shift *s, void *buf, size_t size);

#endif
