/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an upper was written, and over which lower: an attribute of it, by which it is known again
 * (base/uppermark.h), and mark.json in its place, which tells people and other programs
 * (schemas/mark.schema.json) and is never read.
 */
#ifndef HOOK_UPPER_MARK_H
#define HOOK_UPPER_MARK_H

#include "base/err.h"
#include "base/uppermark.h"

#include <stdbool.h>

#define UPPER_MARK_FILE "mark.json"

bool upper_mark_is_there(int upper_fd);

/* Both; id is the container's. durable: they, and the upper's root, are on the disk then. */
int upper_mark_set(const struct uppermark *m, int upper_fd, int place_fd, const char *id,
                   bool durable, struct err *e);

#endif
