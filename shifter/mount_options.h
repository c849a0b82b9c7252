/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows -o: the words of mount(8), of fuse-overlayfs, and ours (man page oci-shifter(1)). */
#ifndef SHIFTER_MOUNT_OPTIONS_H
#define SHIFTER_MOUNT_OPTIONS_H

#include "base/err.h"

struct options;

/*
 * One -o argument: words and key=value, joined by commas. In front of a comma that is part of a
 * value is a backslash, or the value is in double quotes. Unknown ones are warned of and ignored.
 * 0 or -errno with the reason.
 */
int mount_options_parse(struct options *o, const char *text, struct err *e);

/* Also for the command line's own options: value is a number from 0 to max. */
int mount_options_number(const char *what, const char *text, unsigned long max, unsigned *out,
                         struct err *e);

#endif
