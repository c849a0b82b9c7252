/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts that make up the lower: the image's own and those that hang below it. Each is known
 * by its index, the image's own by 0, and each gives file handles or does not.
 *
 * Thread-safe; entries are added, never changed or removed.
 */
#ifndef SHIFTER_LOWER_H
#define SHIFTER_LOWER_H

#include "shifter/slots.h"
#include "shifter/sys.h"

#include <stdbool.h>

struct lower;

/*
 * root_fd: a directory opened for reading, the caller's, which must outlive this. split_links: it
 * is an overlay that copies up one name of an inode at a time.
 */
int lower_new(int root_fd, bool use_handles, bool split_links, struct lower **out);
void lower_free(struct lower *l);

/*
 * What the inode is known by that fd refers to, whose state is *st. A mount met for the first time
 * is added: -ENFILE where there are too many.
 */
int lower_identify(struct lower *l, int fd, const struct sys_stat *st, struct identity *out);

/* The index of the mount that *st is of, if it was met already, or -1. */
int lower_known_mount(const struct lower *l, const struct sys_stat *st);

/*
 * How the inode number is shown: as it is on the image's own file system, on others with what tells
 * their numbers from its. In short form they have 32 bits, and two files may have the same one.
 */
ino_t lower_shown_ino(const struct lower *l, unsigned index, ino_t ino);
void lower_show_short_inos(struct lower *l); /* before it is used by more than one thread */

/* True where the image's file system may lie upon others: overlayfs, FUSE, eCryptfs. */
bool lower_is_stacked(const struct lower *l);

/* The fd that handles of this mount are opened with, or -1 where it gives none. */
int lower_handle_fd(const struct lower *l, unsigned index);

#endif
