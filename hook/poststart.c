/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "hook/config.h"
#include "hook/protections.h"
#include "hook/record.h"
#include "hook/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Until the runtime has gone to the container's root, its process has the host's. */
static bool is_hosts_root(const struct stat *st)
{
    struct stat host;

    return stat("/", &host) == 0 && host.st_dev == st->st_dev && host.st_ino == st->st_ino;
}

int poststart_check_root(pid_t pid, const struct record *r, struct err *e)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
    if (stat(path, &st) < 0)
        /* A container that has ended already has shown all it could. */
        return errno == ENOENT || errno == ESRCH ? 0 : err_set(e, -errno, "%s", path);
    if (is_hosts_root(&st))
        return 0;
    if (major(st.st_dev) == r->device_major && minor(st.st_dev) == r->device_minor)
        return 0;
    return err_setx(e, -EXDEV,
                    "its root is not the shifted one: this runtime goes to a root that it opened "
                    "before the hooks, and the container runs on the unshifted %s",
                    r->lower);
}

/* With the root in place: is all that config.json closes closed on that one too? */
static int check_protections(pid_t pid, const struct record *r, struct err *e)
{
    cleanup_close int root = -1;
    struct oci_config config;
    char path[64];
    struct stat st;
    int code;

    snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstat(root, &st) < 0 || is_hosts_root(&st))
        return 0;
    code = config_read(r->bundle, &config, e);
    if (code < 0)
        return code;
    code = protections_check(root, &config, e);
    config_release(&config);
    return code;
}

int stage_poststart(const struct oci_state *state, const struct admin *admin, struct err *e)
{
    cleanup_record_lock struct record_lock lock = RECORD_LOCK_NONE;
    struct record r;
    int code = record_lock(admin->state_directory, state->id, false, &lock, e);

    if (code == 0)
        code = record_read(&lock, &r, e);
    /* No record: prestart found nothing to do, or its shifter has ended with the container. */
    if (code == -ENOENT)
        return 0;
    if (code < 0)
        return code;
    code = poststart_check_root(state->pid, &r, e);
    if (code == 0 && r.bundle)
        code = check_protections(state->pid, &r, e);
    record_release(&r);
    return code;
}
