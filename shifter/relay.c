/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/relay.h"

#include "base/cleanup.h"
#include "base/fusemount.h"
#include "shifter/attach.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ALL_IDS "0:0:4294967295"
#define OPTIONS "ro,passthrough=off,uidmapping=" ALL_IDS ",gidmapping=" ALL_IDS;

struct relay_fds {
    int device, lower, ready;
};

/* The child: this program, told all by fds, as the hook runs it. Does not return. */
static void become_server(const struct relay_fds *fds)
{
    char device[16], lower[16], ready[16];
    char program[] = "oci-shifter", o[] = "-o", opts[] = OPTIONS;
    char device_word[] = "--fuse-fd", lower_word[] = "--lower-fd", ready_word[] = "--ready-fd";
    char *argv[] = {program,    device_word, device, lower_word, lower,
                    ready_word, ready,       o,      opts,       NULL};

    snprintf(device, sizeof(device), "%d", fds->device);
    snprintf(lower, sizeof(lower), "%d", fds->lower);
    snprintf(ready, sizeof(ready), "%d", fds->ready);
    if (fcntl(fds->device, F_SETFD, 0) == 0 && fcntl(fds->lower, F_SETFD, 0) == 0 &&
        fcntl(fds->ready, F_SETFD, 0) == 0)
        execv("/proc/self/exe", argv);
    _exit(127);
}

/* The same directory through a server: a detached mount, which ends with this fd of it. */
static int relay_one(int layer, struct err *e)
{
    static const struct fusemount_options mo = {.source = "oci-shifter", .read_only = true};
    cleanup_close int lower =
        open_tree(layer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
    cleanup_close int mnt = -1, dev = -1, ready_in = -1, ready_out = -1;
    struct fusemount m = {-1, -1};
    int ready[2], r;
    pid_t child;

    if (lower < 0)
        return err_set(e, -errno, "layer");
    r = fusemount_create(&mo, &m, e);
    if (r < 0)
        return r;
    mnt = m.mnt_fd;
    dev = m.dev_fd;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_set(e, -errno, "pipe");
    ready_in = ready[0];
    ready_out = ready[1];
    child = fork();
    if (child < 0)
        return err_set(e, -errno, "fork");
    if (child == 0)
        become_server(&(struct relay_fds){dev, lower, ready_out});
    close_and_reset(&ready_out);
    close_and_reset(&dev);
    r = attach_wait(ready_in, e);
    return r < 0 ? err_prefix(e, "layer") : steal_fd(&mnt);
}

int relay_layers(int *fds, size_t n, int *opened, size_t *n_opened, struct err *e)
{
    struct statfs fs;
    int count = 0;

    for (size_t i = 0; i < n; i++) {
        int fd;

        if (fstatfs(fds[i], &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
            continue;
        fd = relay_one(fds[i], e);
        if (fd < 0)
            return fd;
        fds[i] = opened[(*n_opened)++] = fd;
        count++;
    }
    return count;
}
