/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process inherited. */
#ifndef BASE_FDS_H
#define BASE_FDS_H

#include <stddef.h>

/*
 * Closes every fd from 3 on but those in keep, which is put in order; entries below 3, as -1 for
 * "none", keep nothing.
 */
void fds_close_others(int *keep, size_t n);

/*
 * To be called first: what of 0 to 2 is closed becomes /dev/null. Else the next file that is opened
 * gets that number, and an error message goes there.
 */
void fds_open_standard(void);

#endif
