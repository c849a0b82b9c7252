/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/prepare.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hook/attach.h"
#include "hook/reach.h"
#include "hook/sys.h"
#include "hook/teardown.h"
#include "hook/users.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A container that has just ended: its shifter follows when the last of its mounts is gone. */
static bool ends_by_itself(const struct process *p, int ms)
{
    int fd = process_open(p);
    int r;

    if (fd < 0)
        return true;
    r = sys_pidfd_wait(fd, ms);
    close(fd);
    return r == 0;
}

/* Whether a record that is there already is of somebody who may still need it. */
static int check_unused(const struct record *old, const struct admin *admin, struct err *e)
{
    pid_t user = users_find(old);

    if (user > 0)
        return err_setx(e, -EEXIST, "a container of this id runs already: process %d", (int)user);
    if (old->way == WAY_PREPARE && process_alive(&old->shifter))
        return err_setx(e, -EEXIST, "prepared already, at %s: oci-shift release %s",
                        old->mount_point, old->id);
    if (process_alive(&old->creator))
        return err_setx(e, -EEXIST, "process %d is at a container of this id",
                        (int)old->creator.pid);
    /* Whoever runs on it need not be known. */
    if (old->way == WAY_RUNTIME && !ends_by_itself(&old->shifter, admin_stop_ms(admin)))
        return err_setx(e, -EEXIST, "a container of this id is there already");
    return 0;
}

static int clear_old(struct shift *s, struct err *e)
{
    struct record old;
    struct err ignored;
    int r = record_read(&s->lock, &old, &ignored);

    if (r == -ENOENT)
        return 0;
    if (r < 0) {
        log_warn("container %s: %s: replaced", s->id, ignored.msg);
        return 0;
    }
    r = check_unused(&old, s->admin, e);
    if (r == 0)
        r = shift_clear_old(s, &old, e);
    record_release(&old);
    return r;
}

static int open_place_for(const struct prepare *p, char *mount_point, int *target, struct err *e)
{
    int r;

    if (p->way == WAY_PRECREATE && mkdir(p->at, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make %s", p->at);
    r = attach_open(p->at, target, mount_point, e);
    return r == 0 && p->way == WAY_RUNTIME ? attach_go_private(*target, mount_point, target, e) : r;
}

static int start(struct shift *s, const struct prepare *p, struct record *rest, struct err *e)
{
    cleanup_close int target = -1;
    char mount_point[PATH_MAX];
    int r = shift_start(s, e);

    if (r == 0)
        r = shift_wait(s, e);
    /* After the shifter was started: it and its keeper stay in the mount namespace of the host. */
    if (r == 0)
        r = open_place_for(p, mount_point, &target, e);
    if (r < 0)
        return r;
    if (p->way != WAY_RUNTIME) {
        rest->mount_point = mount_point;
        if (sys_mount_id(s->mount.mnt_fd, &rest->mount_id) < 0)
            rest->mount_id = 0;
    }
    r = shift_write_record(s, rest, e);
    if (r == 0)
        r = attach_mount(s->mount.mnt_fd, target, mount_point, e);
    if (r == 0) {
        r = reach_check_as(&s->config.uid, &s->config.gid, mount_point, e);
        if (r == 0)
            r = shift_keep(s, e);
        if (r < 0)
            attach_undo(s->mount.mnt_fd, mount_point);
    }
    rest->mount_point = NULL;
    return r;
}

int prepare_root(struct shift *s, const struct prepare *p, struct err *e)
{
    struct record rest = {.way = p->way, .creator = p->creator};
    int r = record_lock(s->admin->state_directory, s->id, true, &s->lock, e);

    if (r == 0)
        r = clear_old(s, e);
    if (r < 0)
        return r;
    r = start(s, p, &rest, e);
    if (r < 0) {
        shift_undo(s);
        if (p->way == WAY_PRECREATE)
            record_remove_root(p->at);
    }
    return r;
}
