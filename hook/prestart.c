/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/fusemount.h"
#include "base/log.h"
#include "hook/config.h"
#include "hook/decide.h"
#include "hook/inside.h"
#include "hook/record.h"
#include "hook/spawn.h"
#include "hook/stages.h"
#include "hook/upper.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define END_MS 5000

/* Everything that one prestart opens; released in one place. */
struct prestart {
    const struct oci_state *state;
    const struct admin *admin;
    struct oci_config config;
    struct process container;
    char *root_path; /* absolute */
    struct stat root_st;
    int lower_path_fd; /* O_PATH fd of the image's directory */
    struct stat lower_st;
    char lower_path[PATH_MAX]; /* the same, symlinks resolved */
    enum upper_mode upper_mode;
    struct upper upper;
    struct stat shown_st; /* root of what is shifted: of the image, or of it and an upper merged */
    struct fusemount mount;
    bool entry; /* the mount is to be entered */
    struct spawned spawned;
    struct inside_view view;
    struct record_lock lock;
    int wait_ms; /* for an earlier container of this id to let its upper go */
};

static int identify_container(struct prestart *p, struct err *e)
{
    int r;

    if (p->state->pid == 0)
        return err_setx(e, -EINVAL, "state on stdin: pid is missing");
    r = process_identify(p->state->pid, &p->container);
    if (r < 0)
        return err_set(e, r, "state on stdin: pid %d", (int)p->state->pid);
    r = process_check_map(p->state->pid, "uid_map", &p->config.uid, e);
    return r < 0 ? r : process_check_map(p->state->pid, "gid_map", &p->config.gid, e);
}

static int open_root(struct prestart *p, struct err *e)
{
    const char *path = p->config.root_path;
    cleanup_close int fd = -1;

    if ((path[0] == '/' ? asprintf(&p->root_path, "%s", path)
                        : asprintf(&p->root_path, "%s/%s", p->state->bundle, path)) < 0)
        return err_set(e, -ENOMEM, "root.path");
    fd = open(p->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &p->root_st) < 0)
        return err_set(e, -errno, "root.path: %s", p->root_path);
    p->lower_path_fd = steal_fd(&fd);
    return 0;
}

/* The image is at root.path, or where an annotation says and the administrator allows. */
static int open_image(struct prestart *p, struct err *e)
{
    char link[64];
    ssize_t n;

    if (p->config.image) {
        close_and_reset(&p->lower_path_fd);
        p->lower_path_fd =
            admin_open_annotation_path(p->admin, "io.oci-shift.image", p->config.image, e);
        if (p->lower_path_fd < 0)
            return p->lower_path_fd;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", p->lower_path_fd);
    n = readlink(link, p->lower_path, sizeof(p->lower_path) - 1);
    if (n < 0 || fstat(p->lower_path_fd, &p->lower_st) < 0)
        return err_set(e, -errno, "%s", p->config.image ? p->config.image : p->root_path);
    p->lower_path[n] = '\0';
    return 0;
}

/* Reads and decides. *out is DECISION_NOTHING where there is no more to do. */
static int decide(struct prestart *p, enum decision *out, struct err *e)
{
    const char *why = "";
    int r = decide_config(&p->config, out, &why, e);

    p->upper_mode = decide_upper(&p->config);
    if (r == 0 && *out == DECISION_SHIFT)
        r = open_root(p, e);
    if (r == 0 && *out == DECISION_SHIFT)
        r = open_image(p, e);
    if (r == 0 && *out == DECISION_SHIFT)
        r = decide_owner(&p->config, p->lower_path, p->lower_st.st_uid, out, &why, e);
    if (r == 0 && *out == DECISION_NOTHING)
        log_info("container %s: nothing to do: %s", p->state->id, why);
    return r;
}

/*
 * A record that is there already: of this very container (the hook is listed twice), of another
 * one that lives (an error), or left over.
 */
static int check_record(struct prestart *p, bool *done, struct err *e)
{
    struct record old;
    struct err ignored;
    int r = record_read(&p->lock, &old, &ignored);

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
    } else if (process_alive(&old.container)) {
        r = err_setx(e, -EEXIST, "a container of this id runs already: process %d, bundle %s",
                     (int)old.container.pid, old.bundle);
    } else {
        log_info("container %s: the record of an earlier one was left over", p->state->id);
        process_end(&old.shifter, END_MS);
        p->wait_ms = END_MS;
        if (old.upper_mode == UPPER_EPHEMERAL)
            r = place_remove_path(old.upper, e);
    }
    record_release(&old);
    return r;
}

/* What the shifter is to show: a detached tree. */
static int open_shown(struct prestart *p, int *tree, struct err *e)
{
    const struct upper_want want = {
        .mode = p->upper_mode,
        .admin = p->admin,
        .directory = p->config.upperdir,
        .name = p->lock.name,
        .lower_fd = p->lower_path_fd,
        .lower = p->lower_path,
        .id = p->state->id,
        .uid = &p->config.uid,
        .read_only = p->config.root_readonly,
        .wait_ms = p->wait_ms,
    };

    if (p->upper_mode != UPPER_NONE)
        return upper_merge(&want, &p->upper, tree, &p->shown_st, e);
    p->shown_st = p->lower_st;
    *tree = open_tree(p->lower_path_fd, "",
                      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return *tree < 0 ? err_set(e, -errno, "open_tree %s", p->lower_path) : 0;
}

static int start_shifter(struct prestart *p, struct err *e)
{
    struct fusemount_options mo = {
        .source = "oci-shift",
        .context = p->config.mount_label,
        .read_only = p->config.root_readonly,
    };
    struct spawn s = {
        .shifter = p->admin->shifter,
        .read_only = p->config.root_readonly,
        /* Nobody writes to an image through a read-only root, and to an upper only this shifter. */
        .alone = p->config.root_readonly || p->upper_mode != UPPER_NONE,
        .uid = &p->config.uid,
        .gid = &p->config.gid,
        .id = p->state->id,
        .state_directory = p->admin->state_directory,
        .place = &p->upper.place,
        .ephemeral = p->upper_mode == UPPER_EPHEMERAL,
        .seconds = 2 * p->admin->ready_seconds,
    };
    cleanup_close int tree = -1;
    int r = open_shown(p, &tree, e);

    if (r == 0)
        r = fusemount_create(&mo, &p->mount, e);
    if (r < 0)
        return r;
    s.dev_fd = p->mount.dev_fd;
    s.entry = p->entry = fusemount_can_enter(&p->mount);
    s.lower_fd = tree;
    r = spawn_shifter(&s, &p->spawned, e);
    /* From here on the device is the shifter's alone: when that ends, the mount is dead. */
    close_and_reset(&p->mount.dev_fd);
    return r;
}

/* A first look through the shifter: does it show what it should? */
static int check_mount(struct prestart *p, struct stat *st, struct err *e)
{
    struct mount_id want;
    int r = p->entry ? fusemount_enter(&p->mount.mnt_fd) : 0;

    if (r < 0)
        return err_set(e, r, "the shifter does not answer");
    if (fstat(p->mount.mnt_fd, st) < 0)
        return err_set(e, -errno, "the shifter does not answer");
    if (!idmap_to_mount(&p->config.uid, (struct disk_id){p->shown_st.st_uid}, &want) ||
        st->st_uid != want.v || st->st_ino != p->shown_st.st_ino)
        return err_setx(e, -EIO, "the shifted root of %s does not show it shifted", p->lower_path);
    return 0;
}

static int write_record(struct prestart *p, const struct stat *mounted, struct err *e)
{
    cleanup_free char *uid = idmap_format(&p->config.uid);
    cleanup_free char *gid = idmap_format(&p->config.gid);
    struct record r = {
        .id = p->state->id,
        .bundle = p->state->bundle,
        .root = p->root_path,
        .lower = p->lower_path,
        .read_only = p->config.root_readonly,
        .upper_mode = p->upper_mode,
        .upper = p->upper_mode == UPPER_NONE ? NULL : p->upper.place.path,
        .uid_map = uid,
        .gid_map = gid,
        .container = p->container,
        .shifter = p->spawned.shifter,
        .keeper = p->spawned.keeper,
        .device_major = major(mounted->st_dev),
        .device_minor = minor(mounted->st_dev),
    };

    if (!uid || !gid)
        return err_set(e, -ENOMEM, "record");
    return record_write(&p->lock, &r, e);
}

static int enter_container(struct prestart *p, struct err *e)
{
    struct inside in = {
        .view = &p->view,
        .mnt_fd = p->mount.mnt_fd,
        .root = p->root_path,
        .root_st = p->root_st,
        .host_lower = p->config.image ? NULL : p->lower_path,
        .protect = !process_is_runc_init(p->state->pid),
        .config = &p->config,
    };

    return inside_container(&in, e);
}

static int shift(struct prestart *p, struct err *e)
{
    struct stat mounted;
    int r = start_shifter(p, e);

    if (r == 0)
        r = inside_look(p->state->pid, &p->view, e);
    if (r == 0)
        r = spawn_wait_ready(&p->spawned, p->admin->ready_seconds, e);
    if (r == 0)
        r = check_mount(p, &mounted, e);
    if (r == 0)
        r = write_record(p, &mounted, e);
    if (r == 0)
        r = enter_container(p, e);
    if (r == 0)
        r = spawn_keep(&p->spawned, e);
    return r;
}

/* After a failure: what was started ends, what was written goes. */
static void undo(struct prestart *p)
{
    struct err e;

    close_and_reset(&p->mount.mnt_fd);
    if (p->spawned.shifter.pid > 0 && process_end(&p->spawned.shifter, END_MS) < 0)
        log_warn("container %s: the shifter %d does not end", p->state->id,
                 (int)p->spawned.shifter.pid);
    upper_undo(&p->upper);
    if (record_remove(&p->lock, &e) < 0)
        log_warn("container %s: %s", p->state->id, e.msg);
}

static int locked_prestart(struct prestart *p, struct err *e)
{
    bool done;
    int r = record_lock(p->admin->state_directory, p->state->id, true, &p->lock, e);

    if (r < 0)
        return r;
    r = check_record(p, &done, e);
    if (r < 0 || done)
        return r;
    r = shift(p, e);
    if (r < 0)
        undo(p);
    else
        log_debug("container %s: shifted by process %d", p->state->id, (int)p->spawned.shifter.pid);
    return r;
}

static void release(struct prestart *p)
{
    record_unlock(&p->lock);
    close_and_reset(&p->mount.dev_fd);
    close_and_reset(&p->mount.mnt_fd);
    close_and_reset(&p->spawned.ready_fd);
    close_and_reset(&p->spawned.hold_fd);
    close_and_reset(&p->lower_path_fd);
    inside_view_release(&p->view);
    upper_release(&p->upper);
    free(p->root_path);
    config_release(&p->config);
}

int stage_prestart(const struct oci_state *state, const struct admin *admin, struct err *e)
{
    struct prestart p = {
        .state = state,
        .admin = admin,
        .lower_path_fd = -1,
        .mount = {-1, -1},
        .upper = UPPER_INIT,
        .spawned = {.ready_fd = -1, .hold_fd = -1},
        .view = INSIDE_VIEW_NONE,
        .lock = RECORD_LOCK_NONE,
    };
    enum decision decision;
    int r;

    if (state->bundle[0] == '\0')
        return err_setx(e, -EINVAL, "state on stdin: bundle is missing");
    r = config_read(state->bundle, &p.config, e);
    if (r < 0)
        return r;
    /* A label means something only where there is SELinux. */
    if (access("/sys/fs/selinux/enforce", F_OK) < 0)
        p.config.mount_label = NULL;
    r = decide(&p, &decision, e);
    if (r == 0 && decision == DECISION_SHIFT)
        r = identify_container(&p, e);
    if (r == 0 && decision == DECISION_SHIFT)
        r = locked_prestart(&p, e);
    release(&p);
    return r;
}
