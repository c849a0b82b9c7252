/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/adopt.h"

#include "base/cleanup.h"
#include "hook/record.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static bool is_of_device(const struct record *r, const struct stat *st)
{
    return r->device_major == major(st->st_dev) && r->device_minor == minor(st->st_dev) &&
           process_alive(&r->shifter);
}

struct search {
    const struct stat *st;
    char *id; /* of the record that was found, or NULL */
};

static bool look(const struct record *r, void *arg)
{
    struct search *s = arg;

    if (!is_of_device(r, s->st))
        return true;
    s->id = strdup(r->id);
    return false;
}

static int check_map(const char *which, const struct idmap *map, const char *recorded,
                     const char *path, struct err *e)
{
    cleanup_free char *wanted = idmap_format(map);

    if (!wanted)
        return err_set(e, -ENOMEM, "mapping");
    return strcmp(wanted, recorded) == 0
               ? 0
               : err_setx(e, -EINVAL, "%s was shifted for the %s %s, not for %s", path, which,
                          recorded, wanted);
}

static int adopt(const struct record_lock *lock, struct record *r, const char *path,
                 const struct oci_config *c, const struct process *container, struct err *e)
{
    int code = check_map("uidMappings", &c->uid, r->uid_map, path, e);

    if (code == 0)
        code = check_map("gidMappings", &c->gid, r->gid_map, path, e);
    if (code < 0)
        return code;
    if (r->container.pid == container->pid && r->container.start == container->start)
        return 0;
    if (process_alive(&r->container))
        return err_setx(e, -EBUSY, "%s is the root of another container: process %d", path,
                        (int)r->container.pid);
    r->container = *container;
    return record_write(lock, r, e);
}

char *adopt_find(const struct admin *admin, const char *path, const struct stat *st)
{
    struct search s = {.st = st};
    struct statfs fs;

    /* All records are read, but only for those that can be meant. */
    if (statfs(path, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
        record_each(admin->state_directory, look, &s);
    return s.id;
}

int adopt_root(const struct admin *admin, const char *id, const char *path, const struct stat *st,
               const struct oci_config *c, const struct process *container, bool *out,
               struct err *e)
{
    cleanup_record_lock struct record_lock lock = RECORD_LOCK_NONE;
    struct record r;
    int code = record_lock(admin->state_directory, id, false, &lock, e);

    *out = false;
    if (code == 0)
        code = record_read(&lock, &r, e);
    if (code < 0)
        return code == -ENOENT ? 0 : code;
    if (is_of_device(&r, st)) {
        *out = true;
        code = adopt(&lock, &r, path, c, container, e);
    }
    record_release(&r);
    return code;
}
