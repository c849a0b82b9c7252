/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fusemount.h"

#include "base/cleanup.h"
#include "base/device.h"
#include "base/fscontext.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int set_failed(int fs_fd, const char *what, struct err *e)
{
    int code = -errno;
    char words[256];

    fscontext_last_words(fs_fd, words, sizeof(words));
    return err_set(e, code, "new fuse superblock: %s%s%s%s", what, words[0] ? " (" : "", words,
                   words[0] ? ")" : "");
}

static int set_options(int fs_fd, int dev_fd, const struct fusemount_options *opt, struct err *e)
{
    char fd_text[16], mode_text[16];
    const struct {
        const char *key, *value; /* value NULL: a flag */
        bool wanted;
    } options[] = {
        {"source", opt->source, true},
        {"subtype", FUSEMOUNT_SUBTYPE, true},
        {"fd", fd_text, true},
        {"rootmode", mode_text, true},
        {"user_id", "0", true},
        {"group_id", "0", true},
        {"default_permissions", NULL, true},
        {"allow_other", NULL, true},
        {"context", opt->context, opt->context != NULL},
        {"ro", NULL, opt->read_only},
    };

    snprintf(fd_text, sizeof(fd_text), "%d", dev_fd);
    snprintf(mode_text, sizeof(mode_text), "%o", S_IFDIR);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (!options[i].wanted)
            continue;
        if (fsconfig(fs_fd, options[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                     options[i].key, options[i].value, 0) < 0)
            return set_failed(fs_fd, options[i].key, e);
    }
    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return set_failed(fs_fd, "create", e);
    return 0;
}

int fusemount_create(const struct fusemount_options *opt, struct fusemount *out, struct err *e)
{
    cleanup_close int dev_fd = device_open("/dev/fuse", e);
    cleanup_close int fs_fd = -1;
    cleanup_close int mnt_fd = -1;
    unsigned attr = MOUNT_ATTR_NODEV;
    int r;

    if (dev_fd < 0)
        return dev_fd;
    fs_fd = fsopen("fuse", FSOPEN_CLOEXEC);
    if (fs_fd < 0)
        return err_set(e, -errno, "fsopen fuse");
    r = set_options(fs_fd, dev_fd, opt, e);
    if (r < 0)
        return r;
    attr |= opt->read_only ? MOUNT_ATTR_RDONLY : 0;
    attr |= opt->nosuid ? MOUNT_ATTR_NOSUID : 0;
    attr |= opt->noexec ? MOUNT_ATTR_NOEXEC : 0;
    attr |= opt->noatime ? MOUNT_ATTR_NOATIME : 0;
    mnt_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, attr);
    if (mnt_fd < 0)
        return set_failed(fs_fd, "fsmount", e);
    out->dev_fd = steal_fd(&dev_fd);
    out->mnt_fd = steal_fd(&mnt_fd);
    return 0;
}

bool fusemount_can_enter(const struct fusemount *m)
{
    cleanup_close int fd =
        open_tree(m->mnt_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    return fd >= 0;
}

int fusemount_enter(int *mnt_fd)
{
    int fd = open_tree(*mnt_fd, FUSEMOUNT_ENTRY, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (fd < 0)
        return -errno;
    close(*mnt_fd);
    *mnt_fd = fd;
    return 0;
}
