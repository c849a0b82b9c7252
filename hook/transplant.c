/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/transplant.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

/* More at one place than anybody has a use for; a bound for the recursion over them. */
#define MAX_STACKED 64u

/* One mount to move, with all that is on it: where, and by an fd taken before anything moved. */
struct move {
    const char *at; /* below the root, without a leading "/" */
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

static void unmount_fd(int fd)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (umount2(path, MNT_DETACH) < 0)
        log_warn("unmount %s: %s", path, strerror(errno));
}

static const struct mount_entry *find_id(const struct mounttree *t, uint64_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->mounts[i].id == id)
            return &t->mounts[i];
    return NULL;
}

/*
 * True where the image on the host has the same mount at the same place. Each of the host's counts
 * once (seen[]), for the lowest: config.json may have the very same directory mounted over it, say
 * read-only, and that one is the container's.
 */
static bool is_of_image(const struct transplant *t, const struct mount_entry *m, const char *at,
                        bool *seen)
{
    if (!t->host_lower)
        return false;
    for (size_t i = 0; i < t->host->n; i++) {
        const struct mount_entry *h = &t->host->mounts[i];
        const char *host_at = mounttree_below(h->point, t->host_lower);

        if (!seen[i] && host_at && strcmp(host_at, at) == 0 && h->major == m->major &&
            h->minor == m->minor && strcmp(h->root, m->root) == 0) {
            seen[i] = true;
            return true;
        }
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

static int open_top(int root_fd, const char *at, uint64_t *id, struct err *e)
{
    int fd = sys_open_beneath(root_fd, at, O_PATH | O_NOFOLLOW);
    int r;

    if (fd < 0)
        return err_set(e, fd, "open the mount at /%s", at);
    r = sys_mount_id(fd, id);
    if (r < 0) {
        close(fd);
        return err_set(e, r, "mount id of /%s", at);
    }
    return fd;
}

/* The mount goes on top of what root_fd has there. */
static int move_to(int root_fd, const char *at, int mnt_fd, struct err *e)
{
    cleanup_close int to = sys_open_beneath(root_fd, at, O_PATH | O_NOFOLLOW);

    if (to < 0)
        return err_set(e, to, "mount point /%s in the image", at);
    if (move_mount(mnt_fd, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "move the mount at /%s", at);
    return 0;
}

/*
 * An fd of the mount `id`, below however many others at the same place. Those are taken off while
 * it is opened, the top one first, and put back in order: they move with it later.
 */
static int open_below(const struct transplant *t, int parking, const char *at, uint64_t id,
                      unsigned depth, struct err *e)
{
    cleanup_close int top = -1;
    uint64_t top_id;
    struct err back;
    int fd;

    top = open_top(t->old_root, at, &top_id, e);
    if (top < 0 || top_id == id)
        return steal_fd(&top);
    if (depth == MAX_STACKED)
        return err_setx(e, -ENOTSUP, "more than %u mounts at /%s, one over the other", MAX_STACKED,
                        at);
    if (move_to(parking, at, top, e) < 0)
        return e->code;
    fd = open_below(t, parking, at, id, depth + 1, e);
    if (move_to(t->old_root, at, top, &back) < 0) {
        close_and_reset(&fd);
        *e = back;
        return e->code;
    }
    return fd;
}

/*
 * Mounts can only wait at a place of their kind, a file or a directory: a copy of the old root,
 * stacked on it for a moment, has the same places.
 */
static int open_stacked(const struct transplant *t, const char *at, uint64_t id, struct err *e)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    unsigned all = AT_EMPTY_PATH | AT_RECURSIVE;
    cleanup_close int parking =
        open_tree(t->old_root, "", all | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int fd;

    if (parking < 0 || mount_setattr(parking, "", all, &attr, sizeof(attr)) < 0)
        return err_set(e, -errno, "copy the mounts of %s", t->path);
    if (move_mount(parking, "", t->old_root, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "mount a copy on %s", t->path);
    fd = open_below(t, parking, at, id, 1, e);
    unmount_fd(parking);
    return fd;
}

static int add_move(const struct transplant *t, const struct mount_entry *m, const char *at,
                    struct moves *out, struct err *e)
{
    uint64_t top;
    cleanup_close int fd = open_top(t->old_root, at, &top, e);

    if (fd < 0)
        return fd;
    if (!stacked_on(t->mounts, top, m)) {
        /* Hidden below a mount further up its path: it stays with the old root. */
        log_debug("the mount at /%s is hidden", at);
        return 0;
    }
    if (top != m->id) {
        close_and_reset(&fd);
        fd = open_stacked(t, at, m->id, e);
        if (fd < 0)
            return fd;
    }
    out->list[out->n++] = (struct move){.at = at, .fd = steal_fd(&fd)};
    return 0;
}

struct bases {
    uint64_t *ids;
    size_t n;
    bool *seen; /* of the host's mounts: is_of_image() */
};

static int collect_one(const struct transplant *t, const struct mount_entry *m, struct bases *bases,
                       struct moves *out, struct err *e)
{
    const char *at = mounttree_below(m->point, t->path);

    if (!at || !*at)
        return 0;
    if (is_of_image(t, m, at, bases->seen)) {
        bases->ids[bases->n++] = m->id;
        return 0;
    }
    return add_move(t, m, at, out, e);
}

/*
 * All mounts whose parent is the old root, or a mount of the image that hangs below it. What is
 * below those others moves with them. The list is in the order of mount ids, which the kernel gives
 * out again: a mount may come before its parent.
 */
static int collect(const struct transplant *t, uint64_t root_id, struct moves *out, struct err *e)
{
    cleanup_free uint64_t *ids = calloc(t->mounts->n + 1, sizeof(*ids));
    cleanup_free bool *seen = calloc(t->host->n + 1, sizeof(*seen));
    struct bases bases = {.ids = ids, .n = 1, .seen = seen};

    out->list = calloc(t->mounts->n + 1, sizeof(*out->list));
    if (!ids || !seen || !out->list)
        return err_set(e, -ENOMEM, "transplant");
    ids[0] = root_id;
    for (size_t b = 0; b < bases.n; b++) {
        for (size_t i = 0; i < t->mounts->n; i++) {
            const struct mount_entry *m = &t->mounts->mounts[i];
            int r = 0;

            if (m->parent == bases.ids[b] && m->id != bases.ids[b])
                r = collect_one(t, m, &bases, out, e);
            if (r < 0)
                return r;
        }
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

static void undo(const struct transplant *t, struct moves *m)
{
    struct err e;

    for (size_t i = m->n; i-- > 0;)
        if (m->list[i].done && move_to(t->old_root, m->list[i].at, m->list[i].fd, &e) < 0)
            log_warn("undo: %s", e.msg);
    unmount_fd(t->new_root);
}

static int attach(const struct transplant *t, struct moves *m, struct err *e)
{
    if (move_mount(t->new_root, "", t->old_root, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, -errno, "mount the shifted root on %s", t->path);
    for (size_t i = 0; i < m->n; i++) {
        int r = move_to(t->new_root, m->list[i].at, m->list[i].fd, e);

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
