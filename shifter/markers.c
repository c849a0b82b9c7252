/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/markers.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "shifter/markers_scan.h"
#include "shifter/side_cache.h"
#include "shifter/side_layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Each is a whiteout or a directory, of about 1 KiB of memory that is charged to nobody. */
#define TEMPORARY_INODES "262144"

/*
 * A layer as overlayfs sees it: without what is mounted in it. Nothing is written through it, nor
 * any access time by it.
 */
static int open_layer(int layer, struct err *e)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME,
                              .attr_clr = MOUNT_ATTR__ATIME};
    cleanup_close int mnt =
        open_tree(layer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    int fd;

    if (mnt < 0)
        return err_set(e, -errno, "layer");
    /* A user namespace may not change how access times are kept. */
    if (mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 && errno != EPERM)
        return err_set(e, -errno, "layer: set mount attributes");
    fd = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(e, -errno, "open a layer") : fd;
}

static int make_temporary(struct markers_stack *s, struct err *e)
{
    cleanup_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", "oci-shift", 0) < 0 ||
        fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", TEMPORARY_INODES, 0) < 0 ||
        fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return err_set(e, -errno, "side layer: new tmpfs");
    s->temporary = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    return s->temporary < 0 ? err_set(e, -errno, "side layer: fsmount tmpfs") : 0;
}

static int temporary_side(struct markers_stack *s, int layer, int *side, struct err *e)
{
    char name[16];
    bool any;
    int r = s->temporary < 0 ? make_temporary(s, e) : 0;

    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "%zu", s->n_sides);
    if (mkdirat(s->temporary, name, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "side layer: mkdir");
    *side = openat(s->temporary, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*side < 0)
        return err_set(e, -errno, "side layer: open");
    return markers_scan(layer, *side, &any, e);
}

static bool is_empty(int dir)
{
    cleanup_close int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(struct dirent64) char buf[4096];
    ssize_t n;

    while (fd >= 0 && (n = getdents64(fd, buf, sizeof(buf))) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(buf + at);

            if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                return false;
            at += d->d_reclen;
        }
    return true;
}

/* The side layer, *side, of a layer; kept: an fd, or -1. */
static int side_of(struct markers_stack *s, int layer, int kept, int *side, struct err *e)
{
    cleanup_close int fd = open_layer(layer, e);

    if (fd < 0)
        return fd;
    if (kept >= 0 && side_cache_get(kept, fd, side, e) == 0)
        return 0;
    if (kept >= 0)
        log_warn("a side layer is not kept: %s", e->msg);
    return temporary_side(s, fd, side, e);
}

static int add(struct markers_stack *s, int fd, struct err *e)
{
    if (s->n == OVERLAY_MAX_LOWERS)
        return err_setx(e, -E2BIG, "more than %u layers, with one for each that has AUFS markers",
                        OVERLAY_MAX_LOWERS);
    s->fds[s->n++] = fd;
    return 0;
}

/* Adds what lies directly below a layer. *end: nothing further down can show. */
static int add_side(struct markers_stack *s, int layer, int kept, bool is_upper, bool *end,
                    struct err *e)
{
    cleanup_close int side = -1;
    int r = side_of(s, layer, kept, &side, e);

    if (r < 0)
        return r;
    *end = side_layer_root_is_opaque(side);
    /* An upper is never without a lower. */
    if (*end ? !is_upper : is_empty(side))
        return 0;
    r = add(s, side, e);
    if (r == 0)
        s->sides[s->n_sides++] = steal_fd(&side);
    if (r == 0 && is_upper)
        s->upper_has_side = true;
    return r;
}

int markers_expand(const int *layers, size_t n, int upper, const char *kept,
                   struct markers_stack *out, struct err *e)
{
    cleanup_close int cache = -1;
    struct err why = {0};
    bool end = false;
    int r = 0;

    *out = (struct markers_stack){.temporary = -1};
    if (n > 1) {
        cache = side_cache_open(kept, &why);
        if (cache < 0)
            log_info("side layers are not kept: %s", why.msg);
    }
    if (upper >= 0)
        r = add_side(out, upper, -1, true, &end, e);
    for (size_t i = 0; i < n && r == 0 && !end; i++) {
        r = add(out, layers[i], e);
        if (r == 0 && i + 1 < n)
            r = add_side(out, layers[i], cache, false, &end, e);
    }
    return r;
}

void markers_release(struct markers_stack *s)
{
    while (s->n_sides > 0)
        close(s->sides[--s->n_sides]);
    close_and_reset(&s->temporary);
    s->n = 0;
}
