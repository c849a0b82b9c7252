/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/layers.h"

#include "base/cleanup.h"
#include "base/overlay.h"
#include "base/uppermark.h"
#include "shifter/markers.h"
#include "shifter/options.h"
#include "shifter/override_layers.h"
#include "shifter/relay.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

/*
 * A server ends some time after its mount, and the mount some time after an engine says that its
 * container has ended: podman's clean-up comes after "podman start -a". Whoever mounts again at
 * once waits for both.
 */
#define UPPER_BUSY_MS 5000u
#define UPPER_BUSY_STEP_MS 5u

/* Directories, the topmost first, and where the first one is. */
struct layers {
    int fds[OVERLAY_MAX_LOWERS];
    size_t n;
    char top[PATH_MAX];
};

static void layers_close(struct layers *l)
{
    while (l->n > 0)
        close(l->fds[--l->n]);
}

int layers_split(char *text, char **paths, unsigned max, struct err *e)
{
    char *to = text, *start = text;
    unsigned n = 0;

    for (char *from = text;; from++) {
        if (from[0] == '\\' && (from[1] == ':' || from[1] == '\\')) {
            *to++ = *++from;
            continue;
        }
        if (*from && *from != ':') {
            *to++ = *from;
            continue;
        }
        /* What a shell makes of variables that are empty. */
        if (to > start && n == max)
            return err_setx(e, -EINVAL, "lowerdir: more than %u layers", max);
        if (to > start)
            paths[n++] = start;
        if (!*from)
            break;
        *to++ = '\0';
        start = to;
    }
    *to = '\0';
    if (n == 0)
        return err_setx(e, -EINVAL, "lowerdir: there is no layer");
    return (int)n;
}

static int open_dir(const char *path, int flags, struct err *e)
{
    int fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? err_set(e, -errno, "open %s", path) : fd;
}

/* "//PLUGIN/DATA/PATH" asks a plugin of fuse-overlayfs for what is in the layer. */
static int open_layer(const char *path, struct err *e)
{
    if (strncmp(path, "//", 2) == 0)
        return err_setx(e, -ENOTSUP, "lowerdir: %s is for a plugin of fuse-overlayfs", path);
    return open_dir(path, O_PATH, e);
}

/* A directory that is there already hides all of itself below; overlayfs refuses it (ELOOP). */
static bool is_among(const struct layers *l, int fd)
{
    struct stat st, other;

    if (fstat(fd, &st) < 0)
        return false;
    for (size_t i = 0; i < l->n; i++)
        if (fstat(l->fds[i], &other) == 0 && other.st_dev == st.st_dev && other.st_ino == st.st_ino)
            return true;
    return false;
}

static int open_layers(const char *list, struct layers *l, struct err *e)
{
    cleanup_free char *copy = strdup(list);
    cleanup_free char **paths = calloc(OVERLAY_MAX_LOWERS, sizeof(*paths));
    int n;

    if (!copy || !paths)
        return err_set(e, -ENOMEM, "layers");
    n = layers_split(copy, paths, OVERLAY_MAX_LOWERS, e);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++) {
        int fd = open_layer(paths[i], e);

        if (fd < 0)
            return fd;
        if (is_among(l, fd))
            close(fd);
        else
            l->fds[l->n++] = fd;
    }
    if (!realpath(paths[0], l->top))
        return err_set(e, -errno, "%s", paths[0]);
    return 0;
}

/*
 * Shifting what an engine has chowned or idmapped already would make nobody's of all: the root of
 * the image, the lowest layer, tells.
 */
static int check_unshifted(const struct options *o, const struct layers *l, struct err *e)
{
    struct mount_id any;
    struct disk_id disk;
    struct stat st;

    if (!o->have_uidmap)
        return 0;
    if (fstat(l->fds[l->n - 1], &st) < 0)
        return err_set(e, -errno, "%s", o->lowerdir);
    if (idmap_to_mount(&o->uidmap, (struct disk_id){st.st_uid}, &any) ||
        !idmap_to_disk(&o->uidmap, (struct mount_id){st.st_uid}, &disk))
        return 0;
    return err_setx(e, -EINVAL,
                    "the lowest layer of %s is shifted already: it is owned by uid %u, which is "
                    "the container's %u",
                    o->lowerdir, st.st_uid, disk.v);
}

/* One directory, with all that is mounted in it. */
static int clone_tree(int dir_fd, const char *path, struct err *e)
{
    int fd =
        open_tree(dir_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);

    return fd < 0 ? err_set(e, -errno, "open %s", path) : fd;
}

static int clone_source(const char *path, struct err *e)
{
    cleanup_close int fd = open_dir(path, O_PATH, e);

    return fd < 0 ? fd : clone_tree(fd, path, e);
}

/*
 * Keeps others off. The server has this fd for as long as it lives: it is one of a mount of its
 * own, from which nothing leads to the rest of the file system, and through which nothing is
 * written.
 */
static int lock_upper(int upper, const char *path, struct err *e)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
                                          MOUNT_ATTR_NOEXEC};
    cleanup_close int mnt =
        open_tree(upper, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    cleanup_close int fd = -1;

    if (mnt < 0 || mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return err_set(e, -errno, "upper %s", path);
    fd = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, -errno, "upper %s", path);
    for (unsigned waited = 0; waited < UPPER_BUSY_MS; waited += UPPER_BUSY_STEP_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return steal_fd(&fd);
        if (errno != EWOULDBLOCK)
            break;
        usleep(UPPER_BUSY_STEP_MS * 1000);
    }
    if (errno == EWOULDBLOCK)
        return err_setx(e, -EBUSY, "the upper %s is in use by another mount", path);
    return err_set(e, -errno, "lock the upper %s", path);
}

/* Their side layers are between them. */
static int expand(const struct options *o, const struct layers *l, struct overlay *overlay,
                  struct markers_stack *stack, struct err *e)
{
    int r = markers_expand(l->fds, l->n, overlay->upper,
                           o->side_layers ? o->side_layers : MARKERS_DIRECTORY, stack, e);

    overlay->lowers = stack->fds;
    overlay->n_lowers = stack->n;
    overlay->no_index = stack->upper_has_side;
    return r;
}

/* How owners and modes are kept: as the layers have them, the option asks and the upper was begun.
 */
static int choose_override(struct options *o, const struct layers *l, struct uppermark *mark,
                           int upper, struct err *e)
{
    char owners[UPPERMARK_OWNERS_MAX];
    int r;

    override_choose(o->xattr_permissions, l->fds, l->n, &o->override);
    /* A mark that cannot be read is uppermark_check()'s to refuse. */
    r = uppermark_owners(upper, owners);
    r = override_choose_upper(o->xattr_permissions, upper, o->upperdir, r == 0 ? owners : NULL,
                              &o->override, e);
    if (r == 0 && override_writes(&o->override))
        mark->owners = override_attribute(o->override.write);
    return r;
}

static int mount_layers(const struct overlay *overlay, struct markers_stack *stack, int *tree_fd,
                        struct err *e)
{
    int r = overlay_mount(overlay, tree_fd, e);
    int relays;

    /* Of too many file systems upon each other the kernel says no more than that. */
    if (r != -EINVAL)
        return r;
    relays = relay_layers(stack->fds, stack->n, stack->sides, &stack->n_sides, e);
    if (relays == 0)
        return r;
    return relays < 0 ? relays : overlay_mount(overlay, tree_fd, e);
}

static int merge_with_upper(struct options *o, const struct layers *l, struct overlay *overlay,
                            struct markers_stack *stack, int *tree_fd, int *upper_fd, struct err *e)
{
    cleanup_close int upper = open_dir(o->upperdir, O_RDONLY, e);
    cleanup_close int work = upper < 0 ? -1 : open_dir(o->workdir, O_PATH, e);
    cleanup_close int lock = -1, tree = -1;
    struct uppermark mark = {.upper = o->upperdir,
                             .lowers = l->fds,
                             .n_lowers = l->n,
                             .lower = l->top,
                             .same_path_will_do = true,
                             .uid = &o->uidmap,
                             .gid = &o->gidmap};
    struct upper_owner before = {.changed = false};
    int r = upper < 0 ? upper : work;

    if (r < 0)
        return r;
    lock = lock_upper(upper, o->upperdir, e);
    if (lock < 0)
        return lock;
    r = choose_override(o, l, &mark, upper, e);
    if (r == 0)
        r = uppermark_check(&mark, upper, e);
    overlay->upper = upper;
    overlay->work = work;
    if (r == 0)
        r = expand(o, l, overlay, stack, e);
    if (r == 0 && !o->read_only)
        r = uppermark_own(&mark, upper, &before, e);
    if (r == 0)
        r = mount_layers(overlay, stack, &tree, e);
    /* The last of all that can be refused is behind us, and nothing is written yet. */
    if (r == 0 && !o->read_only)
        r = override_begin(&o->override, upper, l->fds, l->n, e);
    if (r == 0 && !o->read_only)
        r = uppermark_set(&mark, upper, e);
    if (r < 0) {
        uppermark_disown(upper, &before);
        return r;
    }
    o->split_links = !overlay_has_index(overlay);
    *upper_fd = steal_fd(&lock);
    *tree_fd = steal_fd(&tree);
    return 0;
}

static int merge(struct options *o, const struct layers *l, struct markers_stack *stack,
                 int *tree_fd, int *upper_fd, struct err *e)
{
    struct overlay overlay = {.upper = -1,
                              .work = -1,
                              .read_only = o->read_only,
                              .volatile_upper = o->volatile_upper,
                              .handles = true,
                              .busy_ms = UPPER_BUSY_MS,
                              .redirect_dir = o->redirect_dir};
    int r;

    if (o->upperdir)
        return merge_with_upper(o, l, &overlay, stack, tree_fd, upper_fd, e);
    override_choose(o->xattr_permissions, l->fds, l->n, &o->override);
    r = expand(o, l, &overlay, stack, e);
    if (r < 0)
        return r;
    if (stack->n > 1)
        return mount_layers(&overlay, stack, tree_fd, e);
    *tree_fd = clone_tree(stack->fds[0], l->top, e);
    return *tree_fd < 0 ? *tree_fd : 0;
}

int layers_override_one(struct options *o, int root_fd, struct err *e)
{
    if (o->xattr_permissions == 0)
        return 0;
    override_choose(o->xattr_permissions, &root_fd, 1, &o->override);
    return o->read_only ? 0 : override_begin(&o->override, root_fd, NULL, 0, e);
}

static int explain_eperm(struct err *e)
{
    cleanup_free char *msg = strdup(e->msg);

    return err_setx(e, -EPERM,
                    "%s (it takes root, or a user namespace with a mount namespace of its own: "
                    "unshare -Urm, podman unshare)",
                    msg ? msg : "");
}

int layers_open(struct options *o, int *tree_fd, int *upper_fd, struct err *e)
{
    struct layers l = {.n = 0};
    struct markers_stack stack = {.temporary = -1};
    int r;

    *upper_fd = -1;
    if (o->source) {
        *tree_fd = clone_source(o->source, e);
        if (*tree_fd == -EPERM)
            return explain_eperm(e);
        return *tree_fd < 0 ? *tree_fd : layers_override_one(o, *tree_fd, e);
    }
    r = open_layers(o->lowerdir, &l, e);
    if (r == 0)
        r = check_unshifted(o, &l, e);
    if (r == 0)
        r = merge(o, &l, &stack, tree_fd, upper_fd, e);
    markers_release(&stack);
    layers_close(&l);
    if (r == -EPERM)
        return explain_eperm(e);
    return r;
}
