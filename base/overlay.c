/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/overlay.h"

#include "base/cleanup.h"
#include "base/fscontext.h"
#include "base/overlay_upper.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* What fsconfig(2) takes of one string before Linux 6.8 knew "lowerdir+". */
#define JOINED_MAX 256
#define FD_PATH_MAX 32
#define BUSY_STEP_MS 5u

static char *fd_path(int fd, char buf[FD_PATH_MAX])
{
    snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
    return buf;
}

/* The path behind an fd, for a message. */
static const char *shown(int fd, char *buf, size_t size)
{
    char link[FD_PATH_MAX];
    ssize_t n = readlink(fd_path(fd, link), buf, size - 1);

    buf[n > 0 ? n : 0] = '\0';
    return n > 0 ? buf : "?";
}

/* The kernel's own words, where it has some for us and not only for its log. */
static int failed(int fs_fd, const char *what, struct err *e)
{
    int code = -errno;
    char words[512];

    fscontext_last_words(fs_fd, words, sizeof(words));
    return err_set(e, code, "overlayfs: %s%s%s%s", what, words[0] ? " (" : "", words,
                   words[0] ? ")" : "");
}

static int set_dir(int fs_fd, const char *key, int fd, struct err *e)
{
    char path[FD_PATH_MAX], name[512];
    int code;

    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, key, fd_path(fd, path), 0) == 0)
        return 0;
    code = failed(fs_fd, key, e);
    err_prefix(e, "%s", shown(fd, name, sizeof(name)));
    return code;
}

/* All in one string: for kernels before 6.8. */
static int set_joined(int fs_fd, const struct overlay *o, struct err *e)
{
    char all[JOINED_MAX] = "", path[FD_PATH_MAX];
    size_t len = 0;

    for (size_t i = 0; i < o->n_lowers; i++) {
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ":" : "",
                                fd_path(o->lowers[i], path));
        if (len >= sizeof(all))
            return err_setx(e, -E2BIG,
                            "overlayfs: %zu layers are more than this kernel takes here: "
                            "Linux 6.8 is needed",
                            o->n_lowers);
    }
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir", all, 0) < 0)
        return failed(fs_fd, "lowerdir", e);
    return 0;
}

static int set_lowers(int fs_fd, const struct overlay *o, struct err *e)
{
    char path[FD_PATH_MAX];
    int r = 0;

    if (o->n_lowers == 0 || o->n_lowers > OVERLAY_MAX_LOWERS)
        return err_setx(e, -EINVAL, "overlayfs: %zu layers: it takes 1 to %u", o->n_lowers,
                        OVERLAY_MAX_LOWERS);
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir+", fd_path(o->lowers[0], path), 0) < 0)
        return set_joined(fs_fd, o, e);
    for (size_t i = 1; i < o->n_lowers && r == 0; i++)
        r = set_dir(fs_fd, "lowerdir+", o->lowers[i], e);
    return r;
}

/* trusted.* is the initial user namespace's. A process in another one has user.* */
static bool may_use_trusted(void)
{
    cleanup_fclose FILE *f = fopen("/proc/self/uid_map", "re");
    unsigned first, host, size;

    return f && fscanf(f, "%u %u %u", &first, &host, &size) == 3 && first == 0 && host == 0 &&
           size == UINT32_MAX;
}

static bool gives_handles(int fd)
{
    struct file_handle h = {.handle_bytes = 0};
    int mnt_id;

    return name_to_handle_at(fd, "", &h, &mnt_id, AT_EMPTY_PATH) < 0 && errno == EOVERFLOW;
}

bool overlay_has_index(const struct overlay *o)
{
    if (o->upper < 0 || o->no_index || !may_use_trusted() || !gives_handles(o->upper))
        return false;
    for (size_t i = 0; i < o->n_lowers; i++)
        if (!gives_handles(o->lowers[i]))
            return false;
    return true;
}

static int set_options(int fs_fd, const struct overlay *o, struct err *e)
{
    bool upper = o->upper >= 0, trusted = may_use_trusted();
    const struct {
        const char *key, *value; /* value NULL: a flag */
        bool wanted;
    } options[] = {
        {"source", "oci-shift", true},
        {"userxattr", NULL, !trusted},
        {"index", o->no_index ? "off" : "on", upper && trusted},
        {"nfs_export", "on", upper && trusted && o->handles && !o->no_index},
        {"xino", "auto", true},
        {"metacopy", "off", true},
        {"redirect_dir", upper && o->redirect_dir ? "on" : "follow", trusted},
        {"volatile", NULL, upper && o->volatile_upper},
        {"ro", NULL, o->read_only},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].wanted &&
            fsconfig(fs_fd, options[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                     options[i].key, options[i].value, 0) < 0)
            return failed(fs_fd, options[i].key, e);
    }
    return 0;
}

/* An overlay over a mount that is over an overlay may be one too many (FILESYSTEM_MAX_STACK_DEPTH).
 */
static int too_deep(const struct overlay *o, struct err *e)
{
    struct statfs fs;

    for (size_t i = 0; i < o->n_lowers; i++)
        if (fstatfs(o->lowers[i], &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
            return err_prefix(e, "a layer is a FUSE mount, and takes no overlay above it if data "
                                 "passes its program by (passthrough=off)");
    return -EINVAL;
}

/* What the kernel tells in its log only. */
static int explain(int fs_fd, const struct overlay *o, struct err *e)
{
    int code = failed(fs_fd, "mount", e);
    char upper[512], work[512];
    struct stat u, w, mark;

    if (code == -ELOOP)
        return err_setx(e, code,
                        "overlayfs: two of the layers, the upper and its work directory are "
                        "one directory, or lie in each other");
    if (o->upper < 0)
        return code == -EINVAL ? too_deep(o, e) : code;
    shown(o->upper, upper, sizeof(upper));
    shown(o->work, work, sizeof(work));
    if (code == -EBUSY)
        return err_setx(e, code, "the upper %s, or its work directory, is in use by another mount",
                        upper);
    if (fstatat(o->work, "work/incompat/volatile", &mark, AT_SYMLINK_NOFOLLOW) == 0)
        return err_setx(e, code,
                        "the upper %s was mounted volatile, and the machine has been started anew "
                        "since: files that were written last may be lost. To use it all the same, "
                        "remove %s/work/incompat",
                        upper, work);
    if (fstat(o->upper, &u) == 0 && fstat(o->work, &w) == 0 && u.st_dev != w.st_dev)
        return err_setx(e, code, "the upper %s and its work directory %s are on two file systems",
                        upper, work);
    if (code == -ESTALE) /* the index knows the topmost lower again */
        return err_setx(e, code, "the upper %s was written over another lower than %s is now",
                        upper, shown(o->lowers[0], work, sizeof(work)));
    if (code == -EINVAL) {
        too_deep(o, e);
        err_prefix(e, "upper %s, work directory %s: the kernel's log says more", upper, work);
    }
    return code;
}

static int mount_once(const struct overlay *o, int *mnt_fd, struct err *e)
{
    cleanup_close int fs_fd = fsopen("overlay", FSOPEN_CLOEXEC);
    int r;

    if (fs_fd < 0)
        return err_set(e, -errno, "overlayfs: fsopen");
    r = set_lowers(fs_fd, o, e);
    if (r == 0 && o->upper >= 0)
        r = set_dir(fs_fd, "upperdir", o->upper, e);
    if (r == 0 && o->upper >= 0)
        r = set_dir(fs_fd, "workdir", o->work, e);
    if (r == 0)
        r = set_options(fs_fd, o, e);
    if (r < 0)
        return r;
    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return explain(fs_fd, o, e);
    *mnt_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
    return *mnt_fd < 0 ? failed(fs_fd, "fsmount", e) : 0;
}

/*
 * Overlayfs works on its layers with the capabilities of who mounts it. With CAP_SYS_RESOURCE what
 * a container writes would know no quota, and take the blocks that are kept back for root. Returns
 * what was effective before.
 */
static uint32_t without_resource(uint32_t effective, bool drop)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t before;

    if (syscall(SYS_capget, &head, data) < 0)
        return effective;
    before = data[0].effective;
    data[0].effective = drop ? before & ~CAP_TO_MASK(CAP_SYS_RESOURCE) : effective;
    /* Within what is permitted: the kernel has no ground to refuse. */
    syscall(SYS_capset, &head, data);
    return before;
}

static int mount_when_free(const struct overlay *o, int *mnt_fd, struct err *e)
{
    unsigned waited = 0;
    int r = mount_once(o, mnt_fd, e);

    /* A mount ends some time after the last process that had it: nothing tells when. */
    for (; r == -EBUSY && waited < o->busy_ms; waited += BUSY_STEP_MS) {
        usleep(BUSY_STEP_MS * 1000);
        r = mount_once(o, mnt_fd, e);
    }
    return r;
}

#define OWN_MOUNT_BUSY_MS 2000u

static int mount_over_upper(const struct overlay *o, int *mnt_fd, struct err *e)
{
    struct overlay again = *o;
    int r;

    overlay_upper_clear_volatile(o);
    r = mount_when_free(o, mnt_fd, e);
    if (r == -ESTALE && !o->read_only && overlay_upper_drop_index(o))
        r = mount_when_free(o, mnt_fd, e);
    if (r == 0 && !o->read_only && overlay_upper_sweep_index(o)) {
        close_and_reset(mnt_fd);
        again.busy_ms = OWN_MOUNT_BUSY_MS;
        r = mount_when_free(&again, mnt_fd, e);
    }
    if (r == 0 && o->volatile_upper)
        overlay_upper_note_volatile(o);
    return r;
}

int overlay_mount(const struct overlay *o, int *mnt_fd, struct err *e)
{
    uint32_t before = without_resource(0, true);
    int r = o->upper >= 0 ? mount_over_upper(o, mnt_fd, e) : mount_when_free(o, mnt_fd, e);

    without_resource(before, false);
    return r;
}
