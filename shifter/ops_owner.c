/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the owner of a file may: ops.h. */
#include "shifter/ops.h"
#include "shifter/session.h"

int ops_owner_begin(struct shifter *sh, const struct ops_caller *who, fuse_ino_t ino, int fd,
                    struct ops_owner *o)
{
    struct disk_id uid, gid;
    struct sys_stat st;
    bool mapped = ops_caller_on_disk(sh, who, &uid, &gid) == 0;
    int r;

    /* Root, of the container or of the host; its capabilities are taken to be all. */
    if (who->uid == 0 || (mapped && uid.v == 0) || sh->shift.squash_uid.on)
        return 0;
    r = sys_stat(fd, &st);
    if (r == 0)
        r = override_apply(&sh->override, fd, &st.st);
    if (r < 0)
        return r;
    if (!mapped || st.st.st_uid != uid.v) {
        /* Let by the kernel although it knew whose the file is: one with CAP_FOWNER, of which a
         * request says nothing. */
        if (shown_owner_was_only(inode_shown_owner(sh->inodes, ino), st.st.st_uid))
            return 0;
        session_forget_attr(sh->session, ino);
        return -EPERM;
    }
    o->is_owner = true;
    o->uid = uid;
    r = override_is_for(&sh->override, fd);
    if (r != 0)
        return r < 0 ? r : 0;
    creds_lower_fowner(&o->scope);
    return creds_enter(&o->scope, uid, gid, 0);
}
