/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where directories end. Whoever reads a directory asks once more behind its last entry, only to be
 * told that there is none. For a directory that is not open (ops_dir.c) that question costs as much
 * as the list did; so the one who made the list looks ahead, and says here where it ended.
 *
 * One answer for each time it was put down, since the directory may be another by the next. A few
 * directories are remembered; the rest are asked.
 *
 * Thread-safe.
 */
#ifndef SHIFTER_DIR_ENDS_H
#define SHIFTER_DIR_ENDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dir_ends;

struct dir_ends *dir_ends_new(void); /* NULL: no memory */
void dir_ends_free(struct dir_ends *d);

/*
 * Before a part of the directory is listed: what was known of it is void, and so is what others
 * find who began earlier. Returns what dir_ends_note() is to be called with.
 */
uint32_t dir_ends_begin(struct dir_ends *d, uint64_t id);

/* The list reached the end: its last entry had the offset off (d_off). */
void dir_ends_note(struct dir_ends *d, uint64_t id, uint32_t begun, off_t off);

/* True, and forgotten, where the directory is known to end at off. */
bool dir_ends_take(struct dir_ends *d, uint64_t id, off_t off);

#endif
