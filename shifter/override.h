/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owners and modes that are kept in an extended attribute of each file and directory, where those
 * of the inodes are not to be had: storage that all may read (containers/storage's force_mask), or
 * on which nobody may chown. The form is fuse-overlayfs' (override_mode() in its utils.c, 1.16):
 *
 *     UID:GID:MODE[:TYPE]     disk ids, decimal; mode, octal; file, dir, symlink, pipe, socket,
 *                             char-MAJOR-MINOR or block-MAJOR-MINOR
 *
 * A file or directory that lacks the attribute is shown as its inode says. What is neither a
 * regular file nor a directory never has one: the kernel lets symlinks and devices have no user.*.
 *
 * Functions return 0 or -errno, and may run on any thread. Two changes to one file are for the
 * caller to keep apart; the kernel does, which holds the inode's lock when it asks for one.
 */
#ifndef SHIFTER_OVERRIDE_H
#define SHIFTER_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum override_name {
    OVERRIDE_NONE,
    OVERRIDE_SECURITY,   /* security.fuseoverlayfs.override_stat: xattr_permissions=1 */
    OVERRIDE_CONTAINERS, /* user.containers.override_stat: xattr_permissions=2 */
    OVERRIDE_USER, /* user.fuseoverlayfs.override_stat: the same, before fuse-overlayfs 1.14 */
    OVERRIDE_NAMES,
};

/* All zero: there is none, and owners and modes are the inodes'. */
struct override {
    unsigned read;            /* a set: bit 1 << enum override_name where files may have it */
    enum override_name write; /* what changes and new files get; one of `read`, or OVERRIDE_NONE */
};

#define OVERRIDE_TEXT_MAX 64 /* bytes, with the NUL */

/* Of all files of a tree, what an inode has where the attribute is what counts. */
#define OVERRIDE_INODE_MODE 0755

const char *override_attribute(enum override_name name);

static inline bool override_writes(const struct override *o)
{
    return o->write != OVERRIDE_NONE;
}

/*
 * Owner, group, mode and, where text says it, type and device number of st become those of text.
 * -EINVAL, and st as it was, where text has another form, or would make something else of a
 * directory, or a directory of something else.
 */
int override_parse(const char *text, struct stat *st);

/* The text for what st says, of an inode whose type on disk is disk_type (S_IFMT bits). */
void override_format(const struct stat *st, mode_t disk_type, char text[OVERRIDE_TEXT_MAX]);

/* st, which sys_stat() gave for fd, becomes what is to be shown. */
int override_apply(const struct override *o, int fd, struct stat *st);

/* True where a file may be shown as of another type than its inode's. */
bool override_has_types(const struct override *o);

/* True where owner and mode of what fd refers to are to be written to the attribute. */
bool override_is_for(const struct override *o, int fd);

struct override_change {
    bool uid_set, gid_set, mode_set;
    uint32_t uid, gid; /* disk ids */
    mode_t mode;       /* without the type */
    mode_t mode_clear; /* bits to go, whatever else changes */
};
int override_change(const struct override *o, int fd, const struct override_change *c);

/* The whole attribute of a new file. */
int override_set(const struct override *o, int fd, uint32_t uid, uint32_t gid, mode_t mode);

/*
 * Extended attributes. Beside user.containers.override_stat, security.* is kept in user.* as well:
 * NAME as "user.containers.override_NAME".
 */
bool override_hides(const struct override *o, const char *name); /* not to be had by this name */

/*
 * The name on disk for a security.* name, in buf, or NULL where it has none but its own. Layers
 * that containers/storage wrote have it by its own name too: who reads asks for that next.
 */
#define OVERRIDE_NAME_MAX 256
const char *override_name_on_disk(const struct override *o, const char *name,
                                  char buf[OVERRIDE_NAME_MAX]);

/* The name that one on disk stands for: itself, or a part of it. */
const char *override_shown_name(const struct override *o, const char *on_disk);

bool override_may_be_twice(const struct override *o, const char *shown); /* on one file's disk */

#endif
