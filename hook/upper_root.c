/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/upper_root.h"

#include "base/cleanup.h"
#include "base/uppermark.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Overlayfs writes its own; labels and signatures are of the very inode. */
static bool is_copied(const char *name)
{
    static const char *const not [] = {"trusted.overlay.", "user.overlay.", "security.selinux",
                                       "security.ima", "security.evm"};

    for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
        if (strncmp(name, not [i], strlen(not [i])) == 0)
            return false;
    return true;
}

static int copy_xattr(int from, int to, const char *name, struct err *e)
{
    ssize_t n = fgetxattr(from, name, NULL, 0);
    cleanup_free char *value = n < 0 ? NULL : malloc((size_t)n + 1);

    if (n >= 0 && !value)
        return err_set(e, -ENOMEM, "root directory");
    if (n >= 0)
        n = fgetxattr(from, name, value, (size_t)n);
    if (n < 0)
        return err_set(e, -errno, "root directory of the image: read %s", name);
    if (fsetxattr(to, name, value, (size_t)n, 0) < 0)
        return err_set(e, -errno, "root directory of the upper: set %s", name);
    return 0;
}

static int copy_xattrs(int from, int to, struct err *e)
{
    ssize_t n = flistxattr(from, NULL, 0);
    cleanup_free char *names = n <= 0 ? NULL : malloc((size_t)n);

    if (n < 0 && errno == EOPNOTSUPP)
        return 0;
    if (n > 0 && !names)
        return err_set(e, -ENOMEM, "root directory");
    if (n > 0)
        n = flistxattr(from, names, (size_t)n);
    if (n < 0)
        return err_set(e, -errno, "root directory of the image: list attributes");
    for (const char *name = names; name && name < names + n; name += strlen(name) + 1) {
        int r = is_copied(name) ? copy_xattr(from, to, name, e) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

int upper_root_copy(int lower_fd, int upper_fd, struct err *e)
{
    cleanup_close int from = openat(lower_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int r;

    if (from < 0 || fstat(from, &st) < 0)
        return err_set(e, -errno, "root directory of the image");
    if (fchown(upper_fd, st.st_uid, st.st_gid) < 0)
        return err_set(e, -errno, "root directory of the upper: set its owner");
    r = copy_xattrs(from, upper_fd, e);
    if (r < 0)
        return r;
    /* After the ACL, which changes the mode. */
    if (fchmod(upper_fd, st.st_mode & 07777) < 0 ||
        futimens(upper_fd, (struct timespec[]){st.st_atim, st.st_mtim}) < 0)
        return err_set(e, -errno, "root directory of the upper: set mode and times");
    return 0;
}
