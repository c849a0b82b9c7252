/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/side_layer.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* In a user namespace overlayfs goes by the second (base/overlay.h). */
static const char *const opaque_names[] = {"trusted.overlay.opaque", "user.overlay.opaque"};

static int open_dir(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int side_layer_begin(struct side_layer *s, int root)
{
    *s = (struct side_layer){.fd = open_dir(root, ".")};
    return s->fd < 0 ? s->fd : 0;
}

int side_layer_down(struct side_layer *s, const char *name)
{
    int fd;

    if (mkdirat(s->fd, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = open_dir(s->fd, name);
    if (fd < 0)
        return fd;
    close(s->fd);
    s->fd = fd;
    s->depth++;
    return 0;
}

int side_layer_up(struct side_layer *s, size_t depth)
{
    while (s->depth > depth) {
        int fd = fsync(s->fd) < 0 ? -errno : open_dir(s->fd, "..");

        if (fd < 0)
            return fd;
        close(s->fd);
        s->fd = fd;
        s->depth--;
    }
    return 0;
}

int side_layer_whiteout(struct side_layer *s, const char *name)
{
    s->any = true;
    return mknodat(s->fd, name, S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST ? -errno : 0;
}

int side_layer_opaque(struct side_layer *s)
{
    s->any = true;
    if (fsetxattr(s->fd, opaque_names[0], "y", 1, 0) == 0)
        return 0;
    return errno == EPERM && fsetxattr(s->fd, opaque_names[1], "y", 1, 0) == 0 ? 0 : -errno;
}

int side_layer_end(struct side_layer *s, int r)
{
    if (r == 0)
        r = side_layer_up(s, 0);
    if (r == 0 && s->any && fsync(s->fd) < 0)
        r = -errno;
    close_and_reset(&s->fd);
    return r;
}

int side_layer_root_is_opaque(int root)
{
    for (size_t i = 0; i < sizeof(opaque_names) / sizeof(opaque_names[0]); i++) {
        char value = 0;

        if (fgetxattr(root, opaque_names[i], &value, 1) == 1 && value == 'y')
            return 1;
    }
    return 0;
}
