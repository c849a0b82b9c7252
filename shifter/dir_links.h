/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many links a directory has that overlayfs merges of several. It says 1 of such a one, "not
 * known" (ovl_getattr() in fs/overlayfs/inode.c); fuse-overlayfs says what a directory of ext4 has,
 * 2 and one for each directory in it. That takes a look at all that is in the directory, and
 * a kernel that was told of a change in it asks for its state each time; so a count is kept and
 * goes on with each change. All changes come through the mount: nobody else may make any.
 *
 * Thread-safe. NULL in place of the count: there is none, and nothing is done.
 */
#ifndef SHIFTER_DIR_LINKS_H
#define SHIFTER_DIR_LINKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * The count (0: not known) in the lower half; above it how many changes are under way, and a number
 * that grows with each beginning and end of one. All zero: nothing is known.
 */
struct dir_links {
    _Atomic uint64_t state;
};

/* True where overlayfs does not know them. */
static inline bool dir_links_are_due(const struct stat *st)
{
    return S_ISDIR(st->st_mode) && st->st_nlink == 1;
}

/* st, of the directory that fd refers to, gets its links where overlayfs does not know them. */
void dir_links_show(struct dir_links *l, int fd, struct stat *st);

/* Around each change that may make or remove a directory in it. */
void dir_links_begin(struct dir_links *l);
void dir_links_end(struct dir_links *l, int more); /* directories that were made, or less */
#define DIR_LINKS_UNKNOWN INT32_MAX

#endif
