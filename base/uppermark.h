/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an upper was written, in an extended attribute of its root directory: by disk ids
 * (unshifted), by what, over which lowers. An upper that says nothing is new, or was written by
 * something else.
 *
 * The attribute is UPPERMARK_NAME where the process may set it, else user.* (in a user namespace).
 * It never shows through a shifted mount. getfattr -d -m - shows it to anybody on the host who may.
 */
#ifndef BASE_UPPERMARK_H
#define BASE_UPPERMARK_H

#include "base/err.h"
#include "base/idmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPPERMARK_PREFIX "oci-shift."
#define UPPERMARK_NAME "trusted." UPPERMARK_PREFIX "upper"
#define UPPERMARK_USER_NAME "user." UPPERMARK_PREFIX "upper"

struct uppermark {
    const char *upper; /* its path, for messages */
    /* What lies below, the topmost first: fds of directories (O_PATH will do), and the path of the
     * first. They are known again by inode number and time of birth, whatever their path is now. */
    const int *lowers;
    size_t n_lowers;
    const char *lower;
    /* Layers that an engine manages: the same paths will do too, as after a copy of its storage. */
    bool same_path_will_do;
    const struct idmap *uid, *gid; /* to tell what was written shifted */
    /* The extended attribute that has owners and modes (xattr_permissions), or NULL: the inodes. */
    const char *owners;
};

/*
 * May the upper be used? upper_fd is open for reading. Changes nothing. -EINVAL, with a message
 * that names both, where it is marked as written over other lowers or shifted; or where it says
 * nothing, is not empty, and its owner is a mount id that is no disk id.
 */
int uppermark_check(const struct uppermark *m, int upper_fd, struct err *e);

/*
 * containers/storage makes an upper that is still empty as the container's root on the host, and
 * the merged root would be owned by nobody. Such a one, after the check, is given to the disk ids
 * (needs gid). *before says what to give it back to where it is not used after all.
 */
struct upper_owner {
    uint32_t uid, gid;
    bool changed;
};
int uppermark_own(const struct uppermark *m, int upper_fd, struct upper_owner *before,
                  struct err *e);
void uppermark_disown(int upper_fd, const struct upper_owner *before);

/*
 * Where the owners and modes of a marked upper are: the name of an attribute, "" for the inodes.
 * -ENODATA where it has no mark.
 */
#define UPPERMARK_OWNERS_MAX 64
int uppermark_owners(int upper_fd, char out[UPPERMARK_OWNERS_MAX]);

/* Marks it. Called before anything is written. */
int uppermark_set(const struct uppermark *m, int upper_fd, struct err *e);

/* True for the name of any attribute that is ours. */
bool uppermark_is_name(const char *name);

#endif
