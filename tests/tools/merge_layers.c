/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merges layers with their side layers, as the shifter does, at a path:
 * merge_layers KEPT MOUNTPOINT UPPER WORK LAYER... (UPPER and WORK may be "-").
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "shifter/markers.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

static int open_dir(const char *path)
{
    int fd = strcmp(path, "-") == 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && strcmp(path, "-") != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    static int layers[OVERLAY_MAX_LOWERS];
    static struct markers_stack stack;
    struct overlay o = {.redirect_dir = true};
    struct err e = {0};
    int mnt = -1, r;
    size_t n = 0;

    if (argc < 6)
        return 2;
    log_setup("merge_layers", LOG_LEVEL_INFO, true, false);
    for (int i = 5; i < argc; i++)
        layers[n++] = open_dir(argv[i]);
    o.upper = open_dir(argv[3]);
    o.work = open_dir(argv[4]);
    r = markers_expand(layers, n, o.upper, argv[1], &stack, &e);
    o.lowers = stack.fds;
    o.n_lowers = stack.n;
    o.no_index = stack.upper_has_side;
    if (r == 0 && o.upper < 0 && stack.n == 1) {
        mnt = open_tree(stack.fds[0], "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        r = mnt < 0 ? err_set(&e, -errno, "open_tree") : 0;
    } else if (r == 0) {
        r = overlay_mount(&o, &mnt, &e);
    }
    if (r == 0 && move_mount(mnt, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) < 0)
        r = err_set(&e, -errno, "%s", argv[2]);
    if (r < 0)
        log_error("%s", e.msg);
    markers_release(&stack);
    return r < 0;
}
