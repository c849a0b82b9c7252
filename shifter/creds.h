/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who a thread of the server is while it works for a caller.
 *
 * New files are made with the caller's disk ids as the thread's file system ids (setfsuid(2),
 * setfsgid(2)) and the caller's umask, so the lower itself gives them owner, group, set-gid
 * inheritance, default ACLs and quota as it would for a local caller. The thread keeps its
 * capabilities meanwhile (SECBIT_NO_SETUID_FIXUP): whether the caller may was decided by the kernel
 * before the request was sent (default_permissions).
 *
 * The server's threads do not have CAP_FSETID. So the lower strips set-user-id, set-group-id and
 * file capabilities on a write or truncate by itself, atomically, as for any unprivileged writer;
 * creds_raise_fsetid() is for the requests where the kernel says they stay.
 *
 * All of this is state of the calling thread.
 */
#ifndef SHIFTER_CREDS_H
#define SHIFTER_CREDS_H

#include "base/err.h"
#include "base/idmap.h"

#include <stdbool.h>
#include <sys/types.h>

/* Once, before threads: keeps only the capabilities the server uses, and drops all groups. */
int creds_init_process(bool in_initial_userns, struct err *e);

/*
 * Once, before threads: who a thread is while it works for nobody. Its group is one that no file of
 * the mapping has, so that it is never a member of a file's group, whose members may leave the
 * set-group-id bit. With uids its user is such a one too, and so not the root for whom ext4 keeps
 * blocks back. Where neither can be had, as in a user namespace, they stay 0.
 */
void creds_init_ids(const struct idmap *uids, const struct idmap *gids);

struct creds_scope {
    bool ids;               /* file system ids were changed */
    bool fsetid, no_fowner; /* the effective capabilities were changed by one or the other */
    bool umask_set;
    mode_t umask; /* to go back to */
};

#define CREDS_SCOPE_NONE ((struct creds_scope){0})
#define cleanup_creds __attribute__((cleanup(creds_leave)))

/*
 * The thread works as these ids with this umask until the scope is left. -EOVERFLOW where the
 * server, itself in a user namespace, has no such id.
 */
int creds_enter(struct creds_scope *scope, struct disk_id uid, struct disk_id gid, mode_t umask);

/* Adds CAP_FSETID until the scope is left. */
void creds_raise_fsetid(struct creds_scope *scope);

/* Without CAP_FOWNER until the scope is left: the lower itself looks who may. */
void creds_lower_fowner(struct creds_scope *scope);

void creds_leave(struct creds_scope *scope);

#endif
