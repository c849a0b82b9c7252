/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/users.h"

#include "base/num.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_root_of(const char *pid, const struct record *r)
{
    char path[64];
    struct statx st;

    snprintf(path, sizeof(path), "/proc/%.20s/root", pid);
    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
           st.stx_dev_major == r->device_major && st.stx_dev_minor == r->device_minor;
}

pid_t users_find(const struct record *r)
{
    const struct dirent *d;
    uint32_t pid, lowest = 0;
    DIR *proc;

    if (process_alive(&r->container))
        return r->container.pid;
    /* Without its shifter nothing has that device, or it is another's by now. */
    proc = process_alive(&r->shifter) ? opendir("/proc") : NULL;
    while (proc && (d = readdir(proc)))
        if (num_parse_u32(d->d_name, &pid) == 0 && (lowest == 0 || pid < lowest) &&
            has_root_of(d->d_name, r))
            lowest = pid;
    if (proc)
        closedir(proc);
    return (pid_t)lowest;
}

bool users_none(const struct record *r)
{
    if (users_find(r) > 0 || process_alive(&r->creator))
        return false;
    return r->way != WAY_PREPARE || !process_alive(&r->shifter) ||
           (r->bundle && access(r->bundle, F_OK) < 0);
}
