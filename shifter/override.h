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
 * The attribute counts only on an inode of the server's own user, who makes all that has one. On
 * another's it was written by whoever could: user.* is for the owner of a file to write, in a
 * directory that an engine puts below a container or in an upper that was used without attributes.
 *
 * Functions return 0 or -errno, and may run on any thread.
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
    uint32_t owners[2];       /* of inodes on which it counts */
    /* A change reads, then writes, and the kernel does not keep all apart: not an O_TRUNC from a
     * chown(2), and nothing where a file has two nodes. */
    struct override_locks *locks;
};

/* For override_change() and override_content_changes(). -ENOMEM. */
int override_locks_new(struct override *o);
void override_locks_free(struct override *o);

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

/* 1 where owner and mode of what fd refers to are to be written to the attribute, 0 where not. */
int override_is_for(const struct override *o, int fd);

struct override_change {
    bool uid_set, gid_set, mode_set;
    uint32_t uid, gid; /* disk ids */
    mode_t mode;       /* without the type */
    mode_t mode_clear; /* bits to go, whatever else changes */
    bool only_owner;   /* -EPERM where the file is not owner's */
    uint32_t owner;
};
/* -EPERM, too, where the inode is another's and cannot be made the server's. */
int override_change(const struct override *o, int fd, const struct override_change *c);

/*
 * Before the content of a file changes: takes what the kernel takes of an inode then, file
 * capabilities and, unless keep_set_id, set-id bits. Where that fails the content must stay.
 */
int override_content_changes(const struct override *o, int fd, bool keep_set_id);

/* The whole attribute of a new file: -EEXIST where it has one, and so is another. */
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

/* Where it is kept as user.*: nobody else takes it, as a change of content or owner is to. */
int override_remove_capability(const struct override *o, int fd);

bool override_may_be_twice(const struct override *o, const char *shown); /* on one file's disk */

#endif
