/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/protections.h"

#include "base/cleanup.h"
#include "hook/json.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static bool may_mount(const struct oci_config *c)
{
    const struct json *process = json_member(c->doc, "process");
    const struct json *caps =
        process && process->type == JSON_OBJECT ? json_member(process, "capabilities") : NULL;
    const struct json *set =
        caps && caps->type == JSON_OBJECT ? json_member(caps, "bounding") : NULL;

    for (const struct json *v = set && set->type == JSON_ARRAY ? set->first : NULL; v; v = v->next)
        if (v->type == JSON_STRING && strcmp(v->text, "CAP_SYS_ADMIN") == 0)
            return true;
    return false;
}

static bool is_read_only(int fd)
{
    struct statvfs fs;

    return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* Runtimes cover a file with /dev/null, and a directory with an empty one that is read-only. */
static bool is_masked(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return false;
    if (S_ISCHR(st.st_mode))
        return st.st_rdev == makedev(1, 3);
    return S_ISDIR(st.st_mode) && is_read_only(fd) && sys_is_empty(fd);
}

static int check_paths(int root_fd, const struct json *paths, bool (*holds)(int), const char *what,
                       struct err *e)
{
    for (const struct json *v = paths ? paths->first : NULL; v; v = v->next) {
        cleanup_close int fd = sys_open_in_root(root_fd, v->text, O_PATH);

        if (fd >= 0 && !holds(fd))
            return err_setx(e, -EPERM, "%s is not %s in the container, as config.json wants it",
                            v->text, what);
    }
    return 0;
}

int protections_check(int root_fd, const struct oci_config *c, struct err *e)
{
    int r;

    if (may_mount(c))
        return 0;
    if (c->root_readonly && !is_read_only(root_fd))
        return err_setx(e, -EPERM,
                        "the container's root is not read-only, as config.json wants it");
    r = check_paths(root_fd, c->masked_paths, is_masked, "masked", e);
    return r < 0 ? r : check_paths(root_fd, c->readonly_paths, is_read_only, "read-only", e);
}
