/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/log.h"
#include "hook/adopt.h"
#include "hook/inside.h"
#include "hook/pinned.h"
#include "hook/shift.h"
#include "hook/stages.h"
#include "hook/users.h"

#include <sys/stat.h>

/* Everything that one prestart opens; released in one place. */
struct prestart {
    const struct oci_state *state;
    struct shift shift;
    struct process container;
    struct inside_view view;
};

static int identify_container(struct prestart *p, struct err *e)
{
    const struct oci_config *c = &p->shift.config;
    int r;

    if (p->state->pid == 0)
        return err_setx(e, -EINVAL, "state on stdin: pid is missing");
    r = process_identify(p->state->pid, &p->container);
    if (r < 0)
        return err_set(e, r, "state on stdin: pid %d", (int)p->state->pid);
    r = process_check_map(p->state->pid, "uid_map", &c->uid, e);
    return r < 0 ? r : process_check_map(p->state->pid, "gid_map", &c->gid, e);
}

/*
 * A record that is there already: of this very container (the hook is listed twice), of another
 * one that lives (an error), or left over.
 */
static int check_record(struct prestart *p, bool *done, struct err *e)
{
    struct record old;
    struct err ignored;
    pid_t user;
    int r = record_read(&p->shift.lock, &old, &ignored);

    *done = false;
    if (r == -ENOENT)
        return 0;
    if (r < 0) {
        log_warn("container %s: %s: replaced", p->state->id, ignored.msg);
        return 0;
    }
    if (old.container.pid == p->container.pid && old.container.start == p->container.start) {
        /* runc says "created" at poststart too: without a STAGE this may be that one. */
        *done = true;
        r = poststart_check_root(p->state->pid, &old, e);
        log_debug("container %s: its root is shifted already", p->state->id);
    } else if ((user = users_find(&old)) > 0) {
        r = err_setx(e, -EEXIST, "a container of this id runs already: process %d, bundle %s",
                     (int)user, old.bundle ? old.bundle : "unknown");
    } else if (old.way == WAY_PREPARE && process_alive(&old.shifter)) {
        r = err_setx(e, -EEXIST,
                     "another root was prepared under this id, at %s: oci-shift release %s",
                     old.mount_point ? old.mount_point : old.root, old.id);
    } else {
        r = shift_clear_old(&p->shift, &old, e);
    }
    record_release(&old);
    return r;
}

static int write_record(struct prestart *p, struct err *e)
{
    const struct record rest = {.way = WAY_HOOK, .container = p->container};

    return shift_write_record(&p->shift, &rest, e);
}

static int enter_container(struct prestart *p, struct err *e)
{
    struct shift *s = &p->shift;
    struct inside in = {
        .view = &p->view,
        .mnt_fd = s->mount.mnt_fd,
        .root = s->root_path,
        .root_st = s->root_st,
        .host_lower = s->config.image ? NULL : s->lower_path,
        .protect = !process_is_runc_init(p->state->pid),
        .config = &s->config,
    };

    return inside_container(&in, e);
}

static int shift_root(struct prestart *p, struct err *e)
{
    int r = shift_start(&p->shift, e);

    if (r == 0)
        r = inside_look(p->state->pid, &p->view, e);
    if (r == 0)
        r = shift_wait(&p->shift, e);
    if (r == 0)
        r = write_record(p, e);
    if (r == 0)
        r = enter_container(p, e);
    if (r == 0)
        r = shift_keep(&p->shift, e);
    return r;
}

static int locked_prestart(struct prestart *p, struct err *e)
{
    struct shift *s = &p->shift;
    bool done;
    int r = record_lock(s->admin->state_directory, p->state->id, true, &s->lock, e);

    if (r < 0)
        return r;
    r = check_record(p, &done, e);
    if (r < 0 || done)
        return r;
    r = shift_root(p, e);
    if (r < 0)
        shift_undo(s);
    else
        log_debug("container %s: shifted by process %d", p->state->id, (int)s->spawned.shifter.pid);
    return r;
}

/* Prepared before the runtime came: there is nothing left to do but to look whether it fits. */
static int adopt(struct prestart *p, bool *done, struct err *e)
{
    cleanup_free char *path = shift_root_path(&p->shift);
    cleanup_free char *id = NULL;
    struct stat st;
    int r;

    *done = false;
    if (!path || stat(path, &st) < 0)
        return 0;
    id = adopt_find(p->shift.admin, path, &st);
    if (!id)
        return 0;
    r = identify_container(p, e);
    return r < 0 ? r
                 : adopt_root(p->shift.admin, id, path, &st, &p->shift.config, &p->container, done,
                              e);
}

static int decide_and_shift(struct prestart *p, struct err *e)
{
    enum decision decision;
    const char *why = "";
    bool done = false;
    int r = p->shift.config.mappings ? adopt(p, &done, e) : 0;

    if (r < 0 || done)
        return r;
    r = shift_decide(&p->shift, &decision, &why, e);
    if (r == 0 && decision == DECISION_NOTHING) {
        log_info("container %s: nothing to do: %s", p->state->id, why);
        return 0;
    }
    if (r == 0)
        r = identify_container(p, e);
    if (r == 0)
        r = pinned_check(p->state->pid, &p->shift.root_st, e);
    return r < 0 ? r : locked_prestart(p, e);
}

int stage_prestart(const struct oci_state *state, const struct admin *admin, struct err *e)
{
    struct prestart p = {
        .state = state,
        .shift = SHIFT_INIT,
        .view = INSIDE_VIEW_NONE,
    };
    int r;

    if (state->bundle[0] == '\0')
        return err_setx(e, -EINVAL, "state on stdin: bundle is missing");
    p.shift.id = state->id;
    p.shift.bundle = state->bundle;
    p.shift.admin = admin;
    r = config_read(state->bundle, &p.shift.config, e);
    if (r < 0)
        return r;
    r = decide_and_shift(&p, e);
    inside_view_release(&p.view);
    shift_release(&p.shift);
    return r;
}
