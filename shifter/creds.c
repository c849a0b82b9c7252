/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(cap) (1ULL << (cap))

/* Each with its use; the rest is dropped for good. */
static const uint64_t kept_capabilities =
    CAP_BIT(CAP_DAC_READ_SEARCH) | /* open_by_handle_at(2) */
    CAP_BIT(CAP_DAC_OVERRIDE) |    /* the kernel has checked the caller's permission already */
    CAP_BIT(CAP_CHOWN) |           /* chown for the container's root */
    CAP_BIT(CAP_FOWNER) |          /* chmod, utimes, xattrs of files of every owner */
    CAP_BIT(CAP_FSETID) |          /* permitted only: raised where the set-id bits are to stay */
    CAP_BIT(CAP_SETUID) |          /* setfsuid */
    CAP_BIT(CAP_SETGID) |          /* setfsgid */
    CAP_BIT(CAP_MKNOD) |           /* device nodes for the host's root */
    CAP_BIT(CAP_SETFCAP) |         /* security.capability */
    CAP_BIT(CAP_SYS_ADMIN);        /* trusted.* and security.* xattrs */

static void capset_raw(uint64_t effective, uint64_t permitted)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, 0},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0},
    };

    /* Only ever lowers, or raises within permitted: the kernel has no ground to refuse. */
    syscall(SYS_capset, &head, data);
}

static uint64_t capget_permitted(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &head, data) < 0)
        return 0;
    return data[0].permitted | ((uint64_t)data[1].permitted << 32);
}

static uint64_t permitted_set;

int creds_init_process(bool in_initial_userns, struct err *e)
{
    /* setgroups may be denied in a user namespace; there the groups grant nothing more. */
    if (setgroups(0, NULL) < 0 && in_initial_userns)
        return err_set(e, -errno, "setgroups");
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED) < 0)
        return err_set(e, -errno, "securebits");
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if (!(kept_capabilities & CAP_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap) < 0)
            return err_set(e, -errno, "drop capability %d", cap);
    permitted_set = capget_permitted() & kept_capabilities;
    capset_raw(permitted_set & ~CAP_BIT(CAP_FSETID), permitted_set);
    if (capget_permitted() != permitted_set)
        return err_setx(e, -EPERM, "the capabilities could not be reduced");
    return 0;
}

static struct {
    uint32_t uid, gid;
} idle; /* of a thread at work for nobody */

/* Makes an id that no range has the thread's, by setfsuid or setfsgid; stays 0 if none can be. */
static uint32_t become_stranger(const struct idmap *map, int (*set)(uid_t))
{
    uint32_t id = IDMAP_NO_ID - 1;
    struct mount_id mapped;

    for (unsigned i = 0; i <= map->n; i++) {
        if (id != IDMAP_NO_ID && !idmap_to_mount(map, (struct disk_id){id}, &mapped)) {
            set(id);
            if ((uint32_t)set((uid_t)-1) == id)
                return id;
        }
        if (i < map->n)
            id = map->by_disk[i].disk.v + map->by_disk[i].size;
    }
    return 0;
}

void creds_init_ids(const struct idmap *uids, const struct idmap *gids)
{
    idle.gid = become_stranger(gids, setfsgid);
    if (uids)
        idle.uid = become_stranger(uids, setfsuid);
}

int creds_enter(struct creds_scope *scope, struct disk_id uid, struct disk_id gid, mode_t mask)
{
    if (uid.v != idle.uid || gid.v != idle.gid) {
        scope->ids = true;
        setfsgid(gid.v);
        setfsuid(uid.v);
        /* Neither call reports an error: an id that cannot be is the way to ask for the result. */
        if ((uint32_t)setfsuid((uid_t)-1) != uid.v || (uint32_t)setfsgid((gid_t)-1) != gid.v)
            return -EOVERFLOW;
    }
    scope->umask = umask(mask);
    scope->umask_set = true;
    return 0;
}

static void set_capabilities(bool fsetid, bool fowner)
{
    uint64_t without = (fsetid ? 0 : CAP_BIT(CAP_FSETID)) | (fowner ? 0 : CAP_BIT(CAP_FOWNER));

    capset_raw(permitted_set & ~without, permitted_set);
}

void creds_raise_fsetid(struct creds_scope *scope)
{
    scope->fsetid = true;
    set_capabilities(true, !scope->no_fowner);
}

void creds_lower_fowner(struct creds_scope *scope)
{
    scope->no_fowner = true;
    set_capabilities(scope->fsetid, false);
}

void creds_leave(struct creds_scope *scope)
{
    int saved = errno;

    if (scope->fsetid || scope->no_fowner)
        set_capabilities(false, true);
    if (scope->ids) {
        setfsuid(idle.uid);
        setfsgid(idle.gid);
    }
    if (scope->umask_set)
        umask(scope->umask);
    *scope = CREDS_SCOPE_NONE;
    errno = saved;
}
