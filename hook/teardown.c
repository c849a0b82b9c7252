/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/teardown.h"

#include "base/fusemount.h"
#include "base/log.h"
#include "hook/mounttree.h"
#include "hook/place.h"
#include "hook/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* After the shifter has ended its keeper has little to do. */
#define KEEPER_MS 5000

/*
 * A device number is given out again when its file system is gone, so place or mount has to be the
 * same too: the place may have been renamed since.
 */
static bool is_of(const struct mount_entry *m, const struct record *r)
{
    return m->major == r->device_major && m->minor == r->device_minor &&
           strcmp(m->type, FUSEMOUNT_TYPE) == 0 &&
           (m->id == r->mount_id || strcmp(m->point, r->mount_point) == 0);
}

/* The kernel's list asks nothing of the file system, whose server may be dead. */
static void unmount(const struct record *r)
{
    struct mounttree tree;
    struct err e;

    if (mounttree_read(getpid(), &tree, &e) < 0) {
        log_warn("unmount %s: %s", r->mount_point, e.msg);
        return;
    }
    for (size_t i = 0; i < tree.n; i++)
        if (is_of(&tree.mounts[i], r) &&
            umount2(tree.mounts[i].point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
            log_warn("unmount %s: %s", tree.mounts[i].point, strerror(errno));
    mounttree_release(&tree);
}

void teardown_mount(const struct record *r)
{
    int code;

    if (!r->mount_point)
        return;
    unmount(r);
    /* It was made for this mount alone. */
    code = r->way == WAY_PRECREATE ? record_remove_root(r->mount_point) : 0;
    if (code < 0)
        log_warn("remove %s: %s", r->mount_point, strerror(-code));
}

int teardown_all(const struct record_lock *lock, const struct record *r, const struct admin *admin,
                 struct err *e)
{
    int code;

    teardown_mount(r);
    code = process_end(&r->shifter, admin_stop_ms(admin));
    if (code < 0)
        return err_set(e, code, "end the shifter %d", (int)r->shifter.pid);
    if (r->upper_mode == UPPER_EPHEMERAL && place_remove_path(r->upper, e) < 0)
        return err_prefix(e, "remove the upper");
    return record_remove(lock, e);
}

void teardown_wait_keeper(const struct process *keeper)
{
    int fd = keeper->pid > 0 ? process_open(keeper) : -1;

    if (fd < 0)
        return;
    sys_pidfd_wait(fd, KEEPER_MS);
    close(fd);
}
