/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that libfuse before 3.17 does not know, or knows without their newer fields. */
#ifndef SHIFTER_RAW_H
#define SHIFTER_RAW_H

#include "shifter/shifter.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Answers the request of size bytes at buf, as read from dev_fd, if it is one of these. False:
 * it is libfuse's. setxattr_ext: the kernel sends the long form of SETXATTR.
 */
bool raw_handle(struct shifter *sh, int dev_fd, bool setxattr_ext, const void *buf, size_t size);

#endif
