/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/shift.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hook/mountpoints.h"
#include "hook/teardown.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <time.h>

char *shift_root_path(const struct shift *s)
{
    const char *path = s->config.root_path;
    char *out = NULL;

    if (path[0] == '/')
        return strdup(path);
    return asprintf(&out, "%s/%s", s->bundle, path) < 0 ? NULL : out;
}

static int open_root(struct shift *s, struct err *e)
{
    cleanup_close int fd = -1;

    s->root_path = shift_root_path(s);
    if (!s->root_path)
        return err_set(e, -ENOMEM, "root.path");
    fd = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s->root_st) < 0)
        return err_set(e, -errno, "root.path: %s", s->root_path);
    s->lower_path_fd = steal_fd(&fd);
    return 0;
}

static int open_named_image(const struct shift *s, struct err *e)
{
    int fd;

    if (!s->paths_are_trusted)
        return admin_open_annotation_path(s->admin, "io.oci-shift.image", s->config.image, e);
    fd = open(s->config.image, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(e, -errno, "image %s", s->config.image) : fd;
}

/* The image is at root.path, or where an annotation says and the administrator allows. */
static int open_image(struct shift *s, struct err *e)
{
    char link[64];
    ssize_t n;

    if (s->config.image) {
        close_and_reset(&s->lower_path_fd);
        s->lower_path_fd = open_named_image(s, e);
        if (s->lower_path_fd < 0)
            return s->lower_path_fd;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", s->lower_path_fd);
    n = readlink(link, s->lower_path, sizeof(s->lower_path) - 1);
    if (n < 0 || fstat(s->lower_path_fd, &s->lower_st) < 0)
        return err_set(e, -errno, "%s", s->config.image ? s->config.image : s->root_path);
    s->lower_path[n] = '\0';
    return 0;
}

/*
 * A runtime makes the mount points that the image lacks before it makes a read-only root read-only.
 * They do not belong into an image that others share: with no other upper they go to one that goes
 * with the container.
 */
static void decide_writable(struct shift *s)
{
    s->upper_mode = decide_upper(&s->config);
    s->read_only = s->config.root_readonly;
    if (!s->runtime_comes || !s->read_only || mountpoints_are_there(s->lower_path_fd, &s->config))
        return;
    s->read_only = false;
    if (s->upper_mode == UPPER_NONE)
        s->upper_mode = UPPER_EPHEMERAL;
}

int shift_decide(struct shift *s, enum decision *out, const char **why, struct err *e)
{
    const char *annotated = s->paths_are_trusted ? NULL : s->config.upper;
    int r;

    if (!s->config.upper)
        s->config.upper = s->admin->upper;
    r = decide_config(&s->config, out, why, e);
    if (r == 0 && *out == DECISION_SHIFT && annotated)
        r = admin_check_upper(s->admin, annotated, e);

    /* A label means something only where there is SELinux. */
    if (access("/sys/fs/selinux/enforce", F_OK) < 0)
        s->config.mount_label = NULL;
    if (r == 0 && *out == DECISION_SHIFT)
        r = open_root(s, e);
    if (r == 0 && *out == DECISION_SHIFT)
        r = open_image(s, e);
    if (r == 0 && *out == DECISION_SHIFT)
        r = decide_owner(&s->config, s->lower_path, s->lower_st.st_uid, out, why, e);
    if (r == 0 && *out == DECISION_SHIFT)
        decide_writable(s);
    return r;
}

/* What the shifter is to show: a detached tree. */
static int open_shown(struct shift *s, int *tree, struct err *e)
{
    const struct upper_want want = {
        .mode = s->upper_mode,
        .admin = s->admin,
        .directory = s->config.upperdir,
        .directory_is_trusted = s->paths_are_trusted,
        .name = s->lock.name,
        .lower_fd = s->lower_path_fd,
        .lower = s->lower_path,
        .id = s->id,
        .uid = &s->config.uid,
        .read_only = s->read_only,
        .wait_ms = s->wait_ms,
    };

    if (s->upper_mode != UPPER_NONE)
        return upper_merge(&want, &s->upper, tree, &s->shown_st, e);
    s->shown_st = s->lower_st;
    *tree = open_tree(s->lower_path_fd, "",
                      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return *tree < 0 ? err_set(e, -errno, "open_tree %s", s->lower_path) : 0;
}

int shift_start(struct shift *s, struct err *e)
{
    struct fusemount_options mo = {
        .source = "oci-shift",
        .context = s->config.mount_label,
        .read_only = s->read_only,
    };
    /* Nobody writes to an image through a read-only root, and to an upper only this shifter. */
    bool alone = s->read_only || s->upper_mode != UPPER_NONE;
    struct spawn spawn = {
        .shifter = s->admin->shifter,
        .read_only = s->read_only,
        .cache = s->admin->cache ? s->admin->cache
                 : alone         ? "always"
                                 : "auto",
        .passthrough = s->admin->passthrough,
        .threads = s->admin->threads,
        .uid = &s->config.uid,
        .gid = &s->config.gid,
        .id = s->id,
        .state_directory = s->admin->state_directory,
        .place = &s->upper.place,
        .ephemeral = s->upper_mode == UPPER_EPHEMERAL,
        .seconds = 2 * s->admin->ready_seconds,
        .orphan = s->becomes_runtime,
    };
    cleanup_close int tree = -1;
    int r = open_shown(s, &tree, e);

    if (r == 0)
        r = fusemount_create(&mo, &s->mount, e);
    if (r < 0)
        return r;
    spawn.dev_fd = s->mount.dev_fd;
    spawn.entry = s->entry = fusemount_can_enter(&s->mount);
    spawn.lower_fd = tree;
    r = spawn_shifter(&spawn, &s->spawned, e);
    /* From here on the device is the shifter's alone: when that ends, the mount is dead. */
    close_and_reset(&s->mount.dev_fd);
    return r;
}

/* A first look through the shifter: does it show what it should? */
static int check_mount(struct shift *s, struct err *e)
{
    struct mount_id want;
    int r = s->entry ? fusemount_enter(&s->mount.mnt_fd) : 0;

    if (r < 0)
        return err_set(e, r, "the shifter does not answer");
    if (fstat(s->mount.mnt_fd, &s->mounted) < 0)
        return err_set(e, -errno, "the shifter does not answer");
    if (!idmap_to_mount(&s->config.uid, (struct disk_id){s->shown_st.st_uid}, &want) ||
        s->mounted.st_uid != want.v || s->mounted.st_ino != s->shown_st.st_ino)
        return err_setx(e, -EIO, "the shifted root of %s does not show it shifted", s->lower_path);
    return 0;
}

int shift_wait(struct shift *s, struct err *e)
{
    int r = spawn_wait_ready(&s->spawned, s->admin->ready_seconds, e);

    return r < 0 ? r : check_mount(s, e);
}

int shift_write_record(struct shift *s, const struct record *rest, struct err *e)
{
    cleanup_free char *uid = idmap_format(&s->config.uid);
    cleanup_free char *gid = idmap_format(&s->config.gid);
    struct record r = *rest;

    if (!uid || !gid)
        return err_set(e, -ENOMEM, "record");
    r.id = (char *)(uintptr_t)s->id;
    r.bundle = (char *)(uintptr_t)s->bundle;
    r.root = s->root_path;
    r.lower = s->lower_path;
    r.read_only = s->config.root_readonly;
    r.upper_mode = s->upper_mode;
    r.upper = s->upper_mode == UPPER_NONE ? NULL : s->upper.place.path;
    r.uid_map = uid;
    r.gid_map = gid;
    r.shifter = s->spawned.shifter;
    r.keeper = s->spawned.keeper;
    r.device_major = major(s->mounted.st_dev);
    r.device_minor = minor(s->mounted.st_dev);
    r.created = (uint64_t)time(NULL);
    return record_write(&s->lock, &r, e);
}

int shift_keep(struct shift *s, struct err *e)
{
    return spawn_keep(&s->spawned, e);
}

int shift_clear_old(struct shift *s, const struct record *old, struct err *e)
{
    log_info("container %s: the record of an earlier one was left over", s->id);
    s->wait_ms = admin_stop_ms(s->admin);
    /* A shifter that does not end holds its upper, if it has one, and that is waited for. */
    process_end(&old->shifter, admin_stop_ms(s->admin));
    teardown_mount(old);
    return old->upper_mode == UPPER_EPHEMERAL ? place_remove_path(old->upper, e) : 0;
}

void shift_undo(struct shift *s)
{
    struct err e;

    close_and_reset(&s->mount.mnt_fd);
    if (s->spawned.shifter.pid > 0 && process_end(&s->spawned.shifter, admin_stop_ms(s->admin)) < 0)
        log_warn("container %s: the shifter %d does not end", s->id, (int)s->spawned.shifter.pid);
    upper_undo(&s->upper);
    if (record_remove(&s->lock, &e) < 0)
        log_warn("container %s: %s", s->id, e.msg);
}

void shift_release(struct shift *s)
{
    record_unlock(&s->lock);
    close_and_reset(&s->mount.dev_fd);
    close_and_reset(&s->mount.mnt_fd);
    close_and_reset(&s->spawned.ready_fd);
    close_and_reset(&s->spawned.hold_fd);
    close_and_reset(&s->lower_path_fd);
    upper_release(&s->upper);
    free(s->root_path);
    s->root_path = NULL;
    config_release(&s->config);
}
