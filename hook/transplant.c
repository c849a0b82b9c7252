/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/transplant.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

/* One mount to move: where, and the topmost mount there, by an fd taken before anything moved. */
struct move {
    const char *at; /* below the root, without a leading "/" */
    uint64_t id;
    int fd;
    bool done;
};

struct moves {
    struct move *list;
    size_t n;
};

static void moves_release(struct moves *m)
{
    for (size_t i = 0; i < m->n; i++)
        close_and_reset(&m->list[i].fd);
    free(m->list);
}

static const struct mount_entry *find_id(const struct mounttree *t, uint64_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->mounts[i].id == id)
            return &t->mounts[i];
    return NULL;
}

/* True where the image on the host has the same mount at the same place. */
static bool is_of_image(const struct transplant *t, const struct mount_entry *m, const char *at)
{
    if (!t->host_lower)
        return false;
    for (size_t i = 0; i < t->host->n; i++) {
        const struct mount_entry *h = &t->host->mounts[i];
        const char *host_at = mounttree_below(h->point, t->host_lower);

        if (host_at && strcmp(host_at, at) == 0 && h->major == m->major && h->minor == m->minor &&
            strcmp(h->root, m->root) == 0)
            return true;
    }
    return false;
}

/*
 * What a path shows is the topmost mount there. m is visible if that is m itself, or something
 * stacked on m at the same place.
 */
static bool stacked_on(const struct mounttree *t, uint64_t top, const struct mount_entry *m)
{
    const struct mount_entry *up = find_id(t, top);

    while (up && up->id != m->id && strcmp(up->point, m->point) == 0)
        up = find_id(t, up->parent);
    return up && up->id == m->id;
}

static int add_move(const struct transplant *t, const struct mount_entry *m, const char *at,
                    struct moves *out, struct err *e)
{
    cleanup_close int fd = sys_open_beneath(t->old_root, at, O_PATH | O_NOFOLLOW);
    uint64_t top;
    int r;

    if (fd < 0)
        return err_set(e, fd, "open the mount at /%s", at);
    r = sys_mount_id(fd, &top);
    if (r < 0)
        return err_set(e, r, "mount id of /%s", at);
    if (!stacked_on(t->mounts, top, m)) {
        /* Hidden below a mount further up its path: it stays with the old root. */
        log_debug("the mount at /%s is hidden", at);
        return 0;
    }
    if (top != m->id)
        return err_setx(e, -ENOTSUP, "two mounts at /%s, one over the other", at);
    out->list[out->n++] = (struct move){.at = at, .id = m->id, .fd = steal_fd(&fd)};
    return 0;
}

/*
 * All mounts whose parent is the old root, or a mount of the image that hangs below it. What is
 * below those others moves with them.
 */
static int collect(const struct transplant *t, uint64_t root_id, struct moves *out, struct err *e)
{
    cleanup_free uint64_t *bases = calloc(t->mounts->n + 1, sizeof(*bases));
    size_t n_bases = 1;

    out->list = calloc(t->mounts->n + 1, sizeof(*out->list));
    if (!bases || !out->list)
        return err_set(e, -ENOMEM, "transplant");
    bases[0] = root_id;
    for (size_t i = 0; i < t->mounts->n; i++) {
        const struct mount_entry *m = &t->mounts->mounts[i];
        const char *at = mounttree_below(m->point, t->path);
        bool child = false;
        int r;

        for (size_t b = 0; b < n_bases && !child; b++)
            child = m->parent == bases[b] && m->id != bases[b];
        if (!child || !at || !*at)
            continue;
        if (is_of_image(t, m, at)) {
            bases[n_bases++] = m->id;
            continue;
        }
        r = add_move(t, m, at, out, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * A mount cannot be moved away from a shared parent, and what is attached to one is attached to
 * all its peers. The old root is about to be thrown away: it needs no peers.
 */
static int make_private(int fd)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};

    return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int move_one(int root_fd, struct move *m, struct err *e)
{
    cleanup_close int to = sys_open_beneath(root_fd, m->at, O_PATH | O_NOFOLLOW);

    if (to < 0)
        return err_set(e, to, "mount point /%s in the image", m->at);
    if (move_mount(m->fd, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "move the mount at /%s", m->at);
    return 0;
}

static void undo(const struct transplant *t, struct moves *m)
{
    struct err e;
    char path[32];

    for (size_t i = m->n; i-- > 0;)
        if (m->list[i].done && move_one(t->old_root, &m->list[i], &e) < 0)
            log_warn("undo: %s", e.msg);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", t->new_root);
    if (umount2(path, MNT_DETACH) < 0)
        log_warn("undo: unmount the shifted root: %s", strerror(errno));
}

static int attach(const struct transplant *t, struct moves *m, struct err *e)
{
    if (move_mount(t->new_root, "", t->old_root, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "mount the shifted root on %s", t->path);
    for (size_t i = 0; i < m->n; i++) {
        int r = move_one(t->new_root, &m->list[i], e);

        if (r < 0) {
            undo(t, m);
            return r;
        }
        m->list[i].done = true;
    }
    return 0;
}

int transplant_root(const struct transplant *t, struct err *e)
{
    struct moves moves = {0};
    uint64_t root_id;
    int r = sys_mount_id(t->old_root, &root_id);

    if (r < 0)
        return err_set(e, r, "mount id of %s", t->path);
    r = make_private(t->old_root);
    if (r < 0)
        return err_set(e, r, "%s is not a mount of its own in the container's mount namespace",
                       t->path);
    r = collect(t, root_id, &moves, e);
    if (r == 0)
        r = attach(t, &moves, e);
    moves_release(&moves);
    return r;
}
