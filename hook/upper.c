/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/upper.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/overlay.h"
#include "hook/mounttree.h"
#include "hook/rmtree.h"
#include "hook/sys.h"
#include "hook/upper_mark.h"
#include "hook/upper_root.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define UPPER_NAME "upper"
#define WORK_NAME "work"
/* A mount that had the upper ends some time after its last process. */
#define UPPER_BUSY_MS 2000u

/* The merged tree would not show them. */
static int check_no_mounts(const char *lower, struct err *e)
{
    struct mounttree tree;
    int r = mounttree_read(getpid(), &tree, e);

    if (r < 0)
        return r;
    for (size_t i = 0; i < tree.n && r == 0; i++) {
        const char *at = mounttree_below(tree.mounts[i].point, lower);

        if (at && *at)
            r = err_setx(e, -ENOTSUP, "the image has a mount at /%s, which an upper would hide",
                         at);
    }
    mounttree_release(&tree);
    return r;
}

/* A directory with other things in it is not there to be written to: an image, say. */
static int check_is_place(const struct place *p, struct err *e)
{
    if (faccessat(p->fd, UPPER_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || sys_is_empty(p->fd))
        return 0;
    return err_setx(e, -ENOTEMPTY,
                    "annotation io.oci-shift.upperdir: %s is not empty, and has no %s", p->path,
                    UPPER_NAME);
}

static int open_named(const struct upper_want *w, struct err *e)
{
    int fd;

    if (!w->directory_is_trusted)
        return admin_open_annotation_path(w->admin, "io.oci-shift.upperdir", w->directory, e);
    fd = open(w->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(e, -errno, "upperdir %s", w->directory) : fd;
}

static int open_annotated(const struct upper_want *w, struct place *out, struct err *e)
{
    cleanup_close int fd = open_named(w, e);
    int r = fd < 0 ? fd : place_adopt(fd, w->wait_ms, out, e);

    if (r == 0 && (r = check_is_place(out, e)) < 0)
        place_close(out);
    return r;
}

static int open_place(const struct upper_want *w, struct place *out, struct err *e)
{
    if (w->directory)
        return open_annotated(w, out, e);
    if (w->mode == UPPER_EPHEMERAL)
        return place_open_empty(w->admin->ephemeral_directory, w->name, w->wait_ms, out, e);
    return place_open(w->admin->upper_directory, w->name, w->wait_ms, out, e);
}

static struct uppermark mark_of(const struct upper *u, const struct upper_want *w)
{
    return (struct uppermark){.upper = u->place.path,
                              .lowers = &w->lower_fd,
                              .n_lowers = 1,
                              .lower = w->lower,
                              .uid = w->uid};
}

/* What overlayfs would only call an invalid argument. */
static int check_writable(const struct place *p, struct err *e)
{
    struct statvfs fs;

    if (fstatvfs(p->fd, &fs) < 0)
        return err_set(e, -errno, "upper %s", p->path);
    return fs.f_flag & ST_RDONLY ? err_set(e, -EROFS, "upper %s", p->path) : 0;
}

static int make_directory(const struct upper *u, const char *name, struct err *e)
{
    if (mkdirat(u->place.fd, name, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make %s/%s", u->place.path, name);
    return 0;
}

static int open_upper(const struct upper *u, struct err *e)
{
    int fd = sys_open_entry(u->place.fd, UPPER_NAME, O_RDONLY | O_DIRECTORY);

    return fd < 0 ? err_set(e, fd, "%s/" UPPER_NAME, u->place.path) : fd;
}

/* One that a hook which was killed has left half made is empty, and has no mark. */
static int complete(const struct upper *u, const struct upper_want *w, int fd, struct err *e)
{
    struct uppermark m = mark_of(u, w);
    int r = sys_is_empty(fd) ? upper_root_copy(w->lower_fd, fd, e) : 0;

    return r < 0 ? r : upper_mark_set(&m, fd, u->place.fd, w->id, !u->ephemeral, e);
}

static int lay_out(struct upper *u, const struct upper_want *w, struct err *e)
{
    struct uppermark m = mark_of(u, w);
    cleanup_close int fd = -1;
    int r;

    u->made = u->place.made || faccessat(u->place.fd, UPPER_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    r = u->made ? make_directory(u, UPPER_NAME, e) : 0;
    if (r < 0)
        return r;
    fd = open_upper(u, e);
    if (fd < 0)
        return fd;
    r = u->made ? 0 : uppermark_check(&m, fd, e);
    if (r == 0)
        r = make_directory(u, WORK_NAME, e);
    return r < 0 || upper_mark_is_there(fd) ? r : complete(u, w, fd, e);
}

/*
 * A directory of the image that is renamed in a kept upper is copied by whoever renames it, as in
 * any container engine: with redirect_dir the upper would be no layer that others understand.
 */
static int mount_over(const struct upper *u, const struct upper_want *w, int *mnt_fd, struct err *e)
{
    cleanup_close int upper = open_upper(u, e);
    cleanup_close int work = sys_open_entry(u->place.fd, WORK_NAME, O_PATH | O_DIRECTORY);
    struct overlay o = {
        .lowers = &w->lower_fd,
        .n_lowers = 1,
        .upper = upper,
        .work = work,
        .read_only = w->read_only,
        .handles = true,
        .busy_ms = UPPER_BUSY_MS,
        .volatile_upper = u->ephemeral,
        .redirect_dir = u->ephemeral,
    };

    if (upper < 0)
        return upper;
    if (work < 0)
        return err_set(e, work, "%s/" WORK_NAME, u->place.path);
    return overlay_mount(&o, mnt_fd, e);
}

static int look_at_root(const struct upper *u, const struct upper_want *w, int mnt_fd,
                        struct stat *st, struct err *e)
{
    struct mount_id any;

    if (fstat(mnt_fd, st) < 0)
        return err_set(e, -errno, "upper %s", u->place.path);
    if (!idmap_to_mount(w->uid, (struct disk_id){st->st_uid}, &any))
        return err_setx(e, -EINVAL,
                        "upper %s: its root is owned by uid %u, which is no container id of the "
                        "mapping",
                        u->place.path, st->st_uid);
    return 0;
}

int upper_merge(const struct upper_want *w, struct upper *out, int *mnt_fd, struct stat *st,
                struct err *e)
{
    int r = check_no_mounts(w->lower, e);

    *out = UPPER_INIT;
    out->ephemeral = w->mode == UPPER_EPHEMERAL;
    if (r == 0)
        r = open_place(w, &out->place, e);
    if (r == 0)
        r = check_writable(&out->place, e);
    if (r == 0)
        r = lay_out(out, w, e);
    if (r == 0)
        r = mount_over(out, w, mnt_fd, e);
    return r < 0 ? r : look_at_root(out, w, *mnt_fd, st, e);
}

void upper_undo(const struct upper *u)
{
    const char *const names[] = {UPPER_NAME, WORK_NAME, UPPER_MARK_FILE};
    struct err e;
    int r = 0;

    if (u->place.fd < 0)
        return;
    if (u->place.made)
        r = place_remove(&u->place, &e);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0; i++)
        r = u->made && !u->place.made ? rmtree_at(u->place.fd, names[i], &e) : 0;
    if (r < 0)
        log_warn("upper %s: %s", u->place.path, e.msg);
    /* The keeper may have it locked a moment longer. */
    place_unlock(&u->place);
}

void upper_release(struct upper *u)
{
    place_close(&u->place);
}
