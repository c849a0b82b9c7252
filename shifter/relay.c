/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/relay.h"

#include "base/cleanup.h"
#include "base/fusemount.h"
#include "base/io.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ALL_IDS "0:0:4294967295"
static const char options[] = "ro,passthrough=off,uidmapping=" ALL_IDS ",gidmapping=" ALL_IDS;

struct relay_fds {
    int device, lower, ready;
};

/* The child: this program, told all by fds, as the hook runs it. Does not return. */
static void become_server(const struct relay_fds *fds)
{
    char device[16], lower[16], ready[16];
    char *argv[] = {(char[]){"oci-shifter"},
                    (char[]){"--fuse-fd"},
                    device,
                    (char[]){"--lower-fd"},
                    lower,
                    (char[]){"--ready-fd"},
                    ready,
                    (char[]){"-o"},
                    strdup(options),
                    NULL};

    snprintf(device, sizeof(device), "%d", fds->device);
    snprintf(lower, sizeof(lower), "%d", fds->lower);
    snprintf(ready, sizeof(ready), "%d", fds->ready);
    if (fcntl(fds->device, F_SETFD, 0) == 0 && fcntl(fds->lower, F_SETFD, 0) == 0 &&
        fcntl(fds->ready, F_SETFD, 0) == 0)
        execv("/proc/self/exe", argv);
    _exit(127);
}

static int wait_until_ready(int fd, struct err *e)
{
    cleanup_free char *word = NULL;
    size_t len;
    int r = io_read_all(fd, sizeof(e->msg), &word, &len);

    if (r < 0)
        return err_set(e, r, "wait for the server of a layer");
    if (strcmp(word, "ready\n") != 0)
        return err_setx(e, -EIO, "the server of a layer: %s", len ? word : "it has ended");
    return 0;
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
    r = wait_until_ready(ready_in, e);
    return r < 0 ? r : steal_fd(&mnt);
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
