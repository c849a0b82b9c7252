/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/probe.h"

#include "base/cleanup.h"
#include "base/counts.h"
#include "base/fusemount.h"
#include "base/io.h"
#include "hook/place.h"
#include "hook/spawn.h"
#include "hook/upper.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define END_MS 5000
#define MANY_ENTRIES 10000u

static const struct idmap_range everything = {.size = IDMAP_NO_ID};

bool probe_handles(int dir_fd)
{
    union {
        struct file_handle h;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } u = {.h.handle_bytes = MAX_HANDLE_SZ};
    cleanup_close int dir = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int fd = -1;
    int mount_id;

    if (dir < 0 || name_to_handle_at(dir, "", &u.h, &mount_id, AT_EMPTY_PATH) < 0)
        return false;
    fd = open_by_handle_at(dir, &u.h, O_PATH | O_CLOEXEC);
    return fd >= 0;
}

static int write_map(pid_t pid, const char *which)
{
    char path[64];
    cleanup_close int fd = -1;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : io_write_all(fd, "0 100000 65536", 14);
}

/* A user namespace without a process: of a child that waits until it was opened. */
static int open_userns(void)
{
    int ready[2], fd = -1;
    char path[64], word;
    pid_t child;

    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    child = fork();
    if (child == 0) {
        word = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
        if (write(ready[1], &word, 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    if (child > 0 && read(ready[0], &word, 1) == 1 && word == 'y' &&
        write_map(child, "uid_map") == 0 && write_map(child, "gid_map") == 0) {
        snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)child);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    close(ready[0]);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return fd < 0 ? -EPERM : fd;
}

int probe_idmapped(int dir_fd)
{
    cleanup_close int tree =
        open_tree(dir_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    cleanup_close int userns = tree < 0 ? -1 : open_userns();
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};

    if (tree < 0)
        return -errno;
    if (userns < 0)
        return userns;
    attr.userns_fd = (unsigned)userns;
    return mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int probe_upper(const struct admin *admin, int dir_fd, const char *path, struct err *e)
{
    struct idmap all;
    struct upper upper;
    struct stat st;
    char name[64];
    const struct upper_want want = {
        .mode = UPPER_EPHEMERAL,
        .admin = admin,
        .name = name,
        .lower_fd = dir_fd,
        .lower = path,
        .id = "check",
        .uid = &all,
    };
    cleanup_close int tree = -1;
    int r = idmap_init(&all, &everything, 1, "mapping", e);

    snprintf(name, sizeof(name), "check-%d", (int)getpid());
    if (r < 0)
        return r;
    r = upper_merge(&want, &upper, &tree, &st, e);
    close_and_reset(&tree);
    upper_undo(&upper);
    upper_release(&upper);
    return r;
}

/* The first regular file with something in it, a few levels down. -1 where there is none. */
static int find_file(int dir_fd, unsigned depth, unsigned *left)
{
    cleanup_close int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    const struct dirent *d;
    int found = -1;

    if (!dir)
        return -1;
    own = -1;
    while (found < 0 && *left > 0 && (d = readdir(dir))) {
        struct stat st;

        --*left;
        if (d->d_name[0] == '.' || fstatat(dir_fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISREG(st.st_mode) && st.st_size > 0) {
            found = openat(dir_fd, d->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        } else if (S_ISDIR(st.st_mode) && depth > 0) {
            cleanup_close int below =
                openat(dir_fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            found = below < 0 ? -1 : find_file(below, depth - 1, left);
        }
    }
    closedir(dir);
    return found;
}

static void look_at_reads(const struct spawned *s, int mnt_fd, struct probe_shift *out)
{
    char path[64], byte;
    unsigned left = MANY_ENTRIES;
    struct counts counts;
    cleanup_close int counts_fd = -1, file = find_file(mnt_fd, 4, &left);

    out->have_file = file >= 0 && pread(file, &byte, 1, 0) == 1;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)s->keeper.pid, COUNTS_KEEPER_FD);
    counts_fd = open(path, O_RDONLY | O_CLOEXEC);
    out->reads_direct = out->have_file && counts_fd >= 0 && counts_read(counts_fd, &counts) == 0 &&
                        counts.requests[FUSE_READ] == 0;
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int start(const struct admin *admin, int dir_fd, const char *path, const struct idmap *all,
                 struct fusemount *mount, struct spawned *spawned, struct err *e)
{
    const struct fusemount_options mo = {.source = "oci-shift", .read_only = true};
    const struct place none = PLACE_NONE;
    struct spawn spawn = {
        .shifter = admin->shifter,
        .read_only = true,
        .cache = "always",
        .passthrough = admin->passthrough,
        .uid = all,
        .gid = all,
        .id = "check",
        .state_directory = admin->state_directory,
        .place = &none,
        .seconds = 2 * admin->ready_seconds,
    };
    cleanup_close int tree =
        open_tree(dir_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int r = tree < 0 ? err_set(e, -errno, "open_tree %s", path) : fusemount_create(&mo, mount, e);

    if (r < 0)
        return r;
    spawn.dev_fd = mount->dev_fd;
    spawn.lower_fd = tree;
    spawn.entry = fusemount_can_enter(mount);
    r = spawn_shifter(&spawn, spawned, e);
    close_and_reset(&mount->dev_fd);
    if (r == 0)
        r = spawn_wait_ready(spawned, admin->ready_seconds, e);
    if (r == 0 && spawn.entry)
        r = fusemount_enter(&mount->mnt_fd) < 0 ? err_setx(e, -EIO, "the shifter does not answer")
                                                : 0;
    return r;
}

int probe_shift(const struct admin *admin, int dir_fd, const char *path, struct probe_shift *out,
                struct err *e)
{
    struct fusemount mount = {-1, -1};
    struct spawned spawned = {.ready_fd = -1, .hold_fd = -1};
    struct idmap all;
    double began = now_ms();
    int r = idmap_init(&all, &everything, 1, "mapping", e);

    *out = (struct probe_shift){0};
    if (r == 0)
        r = start(admin, dir_fd, path, &all, &mount, &spawned, e);
    out->ready_ms = now_ms() - began;
    if (r == 0)
        look_at_reads(&spawned, mount.mnt_fd, out);
    close_and_reset(&mount.mnt_fd);
    if (spawned.shifter.pid > 0)
        process_end(&spawned.shifter, END_MS);
    close_and_reset(&spawned.ready_fd);
    close_and_reset(&spawned.hold_fd);
    return r;
}
