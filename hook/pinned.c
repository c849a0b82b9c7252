/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/pinned.h"

#include "base/cleanup.h"
#include "hook/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>

static bool has_fd_of(pid_t pid, const struct stat *root_st)
{
    char path[64];
    const struct dirent *d;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    while (dir && !found && (d = readdir(dir))) {
        struct stat st;

        found = d->d_name[0] != '.' && fstatat(dirfd(dir), d->d_name, &st, 0) == 0 &&
                S_ISDIR(st.st_mode) && st.st_dev == root_st->st_dev && st.st_ino == root_st->st_ino;
    }
    if (dir)
        closedir(dir);
    return found;
}

int pinned_check(pid_t pid, const struct stat *root_st, struct err *e)
{
    if (!process_is_runc_init(pid) || !has_fd_of(pid, root_st))
        return 0;
    return err_setx(
        e, -ENOTSUP,
        "this runc goes to the root that it opened before the hooks, which would be the "
        "unshifted one: use oci-shift prepare, podman's precreate, or "
        "oci-shift-runtime");
}
