/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ids inside system.posix_acl_access and system.posix_acl_default: a header and entries of
 * tag, permissions and id, little-endian (include/uapi/linux/posix_acl_xattr.h, version 2).
 * Bytes that do not parse are refused whole; nothing beyond the ids is changed.
 */
#ifndef SHIFTER_ACL_H
#define SHIFTER_ACL_H

#include "shifter/shift.h"

#include <stdbool.h>
#include <stddef.h>

bool acl_is_name(const char *xattr_name);

/*
 * In place. Out: an unmapped disk id becomes an id that the mapping does not show (65534 if that
 * is free), so it grants nobody in the container anything. In: -EOVERFLOW for an unmapped mount
 * id. -EINVAL for bytes that are no ACL.
 */
int acl_shift_out(const struct shift *s, void *acl, size_t size);
int acl_shift_in(const struct shift *s, void *acl, size_t size);

#endif
