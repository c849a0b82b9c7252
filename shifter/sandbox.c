/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/sandbox.h"

#include "base/cleanup.h"
#include "base/fusemount.h"
#include "shifter/creds.h"
#include "shifter/sanitizers.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Linux 5.10; glibc's header has it from 2.36 on. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

static int harden_lower(int lower_tree, bool read_only, struct err *e)
{
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                    MOUNT_ATTR_NOSYMFOLLOW | (read_only ? MOUNT_ATTR_RDONLY : 0),
        .propagation = MS_PRIVATE,
    };

    int r = mount_setattr(lower_tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));

    if (r < 0 && errno == EINVAL) {
        /* Linux 5.12 and 5.13 know mount_setattr(2), but not this attribute, which is a second
         * line behind O_NOFOLLOW anyway. */
        attr.attr_set &= ~(uint64_t)MOUNT_ATTR_NOSYMFOLLOW;
        r = mount_setattr(lower_tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
    }
    return r < 0 ? err_set(e, -errno, "lower: set mount attributes") : 0;
}

/* A small tmpfs that will be the root directory: mounted over "/", entered by its fd. */
static int empty_root(int *out, struct err *e)
{
    cleanup_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    cleanup_close int mnt = -1;

    if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", "4k", 0) < 0 ||
        fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return err_set(e, -errno, "sandbox: new tmpfs");
    mnt = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (mnt < 0)
        return err_set(e, -errno, "sandbox: fsmount tmpfs");
    if (mkdirat(mnt, FUSEMOUNT_ENTRY, 0700) < 0)
        return err_set(e, -errno, "sandbox: mkdir " FUSEMOUNT_ENTRY);
    *out = steal_fd(&mnt);
    return 0;
}

static int pivot_into(int root_mnt, int lower_tree, struct err *e)
{
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

    if (move_mount(root_mnt, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(e, -errno, "sandbox: mount an empty root");
    if (move_mount(lower_tree, "", root_mnt, FUSEMOUNT_ENTRY, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(e, -errno, "sandbox: mount the lower");
    /* pivot_root(".", ".") puts the old root on top of the new one, where it is let go. */
    if (fchdir(root_mnt) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return err_set(e, -errno, "sandbox: pivot_root");
    if (umount2(".", MNT_DETACH) < 0)
        return err_set(e, -errno, "sandbox: let the old root go");
    /* Files of the tmpfs would be memory that is charged to nobody. */
    if (mount_setattr(root_mnt, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
        return err_set(e, -errno, "sandbox: make the root read-only");
    return 0;
}

int sandbox_enter_mounts(int lower_tree, bool read_only, int *root_fd, int *outside_fd,
                         struct err *e)
{
    cleanup_close int proc_fds = -1, root_mnt = -1, root = -1, outside = -1;
    int r;

    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0)
        return err_set(e, -errno, "sandbox: new mount, network and IPC namespaces");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_set(e, -errno, "sandbox: make the mount namespace private");
    /* A mount of that directory alone: from an fd of /proc itself ".." would lead to the host's. */
    proc_fds = open_tree(AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (proc_fds < 0)
        return err_set(e, -errno, "open /proc/self/fd");
    r = harden_lower(lower_tree, read_only, e);
    if (r == 0)
        r = empty_root(&root_mnt, e);
    if (r == 0)
        r = sanitizers_keep_proc(root_mnt, e);
    if (r == 0)
        r = pivot_into(root_mnt, lower_tree, e);
    if (r < 0)
        return r;
    root = openat(root_mnt, FUSEMOUNT_ENTRY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    outside = openat(root_mnt, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || outside < 0)
        return err_set(e, -errno, "open the lower's root");
    /* The directory of our own fds stays reachable as the working directory, and only so. */
    if (fchdir(proc_fds) < 0)
        return err_set(e, -errno, "chdir /proc/self/fd");
    *root_fd = steal_fd(&root);
    *outside_fd = steal_fd(&outside);
    return 0;
}

int sandbox_drop_privileges(bool in_initial_userns, struct err *e)
{
    int r = creds_init_process(in_initial_userns, e);

    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(e, -errno, "no_new_privs");
    /* No core file with a container's data, no ptrace by another process of the same ids. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(e, -errno, "not dumpable");
    return sandbox_load_filter(e);
}
