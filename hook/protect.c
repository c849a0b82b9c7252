/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/protect.h"

#include "base/cleanup.h"
#include "hook/json.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* A path that is not there needs no protection: what every runtime makes of it. */
static int open_target(int root_fd, const char *path, struct err *e)
{
    int fd = sys_open_in_root(root_fd, path, O_PATH);

    if (fd == -ENOENT || fd == -EACCES)
        return -ENOENT;
    return fd < 0 ? err_set(e, fd, "%s", path) : fd;
}

static int make_read_only(int fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};

    return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* Covers `at` with a bind mount of source that is read-only. */
static int bind_read_only(int root_fd, const char *source, const char *at, const char *path,
                          unsigned long flags, struct err *e)
{
    cleanup_close int top = -1;
    int r;

    if (mount(source, at, NULL, MS_BIND | flags, NULL) < 0)
        return err_set(e, -errno, "bind mount on %s", path);
    top = sys_open_in_root(root_fd, path, O_PATH);
    if (top < 0)
        return err_set(e, top, "%s", path);
    r = make_read_only(top);
    return r < 0 ? err_set(e, r, "make %s read-only", path) : 0;
}

static int mask(int root_fd, const char *path, const char *label, struct err *e)
{
    cleanup_close int fd = open_target(root_fd, path, e);
    char at[16], options[512];
    struct stat st;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (fstat(fd, &st) < 0)
        return err_set(e, -errno, "%s", path);
    snprintf(at, sizeof(at), "%d", fd);
    if (!S_ISDIR(st.st_mode))
        return bind_read_only(root_fd, "/dev/null", at, path, 0, e);
    snprintf(options, sizeof(options), "size=0k%s%s%s", label ? ",context=\"" : "",
             label ? label : "", label ? "\"" : "");
    if (mount("tmpfs", at, "tmpfs", MS_RDONLY, options) < 0)
        return err_set(e, -errno, "mask %s", path);
    return 0;
}

static int read_only(int root_fd, const char *path, struct err *e)
{
    cleanup_close int fd = open_target(root_fd, path, e);
    char at[16];

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    snprintf(at, sizeof(at), "%d", fd);
    return bind_read_only(root_fd, at, at, path, MS_REC, e);
}

/* The working directory, which crun would have made in the old root. */
static int make_cwd(int root_fd, const char *cwd)
{
    cleanup_free char *path = strdup(cwd);
    cleanup_close int at = -1;
    char *save = NULL;

    if (!path)
        return -ENOMEM;
    at = sys_open_in_root(root_fd, ".", O_PATH | O_DIRECTORY);
    for (char *name = strtok_r(path, "/", &save); name && at >= 0;
         name = strtok_r(NULL, "/", &save)) {
        int next;

        /* Only plain names: a path with ".." is not made, and the runtime says what it lacks. */
        if (strcmp(name, "..") == 0)
            return -EINVAL;
        if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
            return -errno;
        next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
    }
    return at < 0 ? -errno : 0;
}

static void ensure_cwd(int root_fd, const struct oci_config *c)
{
    int fd;

    if (!c->cwd || c->root_readonly)
        return;
    fd = sys_open_in_root(root_fd, c->cwd, O_PATH);
    if (fd >= 0)
        close(fd);
    else if (fd == -ENOENT)
        /* As with the runtime: if it cannot be made, entering it will say why. */
        make_cwd(root_fd, c->cwd);
}

static int each_path(const struct json *array, int root_fd, const char *label,
                     int (*fn)(int, const char *, const char *, struct err *), struct err *e)
{
    for (const struct json *v = array ? array->first : NULL; v; v = v->next) {
        int r = fn(root_fd, v->text, label, e);

        if (r < 0)
            return r;
    }
    return 0;
}

static int read_only_path(int root_fd, const char *path, const char *label, struct err *e)
{
    (void)label;
    return read_only(root_fd, path, e);
}

int protect_root(int root_fd, int proc_fds, const struct oci_config *c, struct err *e)
{
    int r;

    /* mount(2) takes paths: an fd's name in this directory is one that no symlink bends. */
    if (fchdir(proc_fds) < 0)
        return err_set(e, -errno, "chdir /proc/self/fd");
    ensure_cwd(root_fd, c);
    r = each_path(c->masked_paths, root_fd, c->mount_label, mask, e);
    if (r == 0)
        r = each_path(c->readonly_paths, root_fd, NULL, read_only_path, e);
    return r;
}
