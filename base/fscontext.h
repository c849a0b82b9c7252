/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The context of a file system to be (fsopen(2)). */
#ifndef BASE_FSCONTEXT_H
#define BASE_FSCONTEXT_H

#include <stddef.h>

/* The kernel's own words about what it just refused, one line, "" where it has none. Keeps errno.
 */
void fscontext_last_words(int fs_fd, char *text, size_t size);

#endif
