/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/override_layers.h"

#include "base/io.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FD_PATH_SIZE 32

/* An O_PATH fd has no fgetxattr(2). */
static const char *fd_path(int fd, char buf[FD_PATH_SIZE])
{
    snprintf(buf, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
    return buf;
}

static ssize_t root_attribute(int fd, enum override_name name, char text[OVERRIDE_TEXT_MAX])
{
    char path[FD_PATH_SIZE];

    return getxattr(fd_path(fd, path), override_attribute(name), text, OVERRIDE_TEXT_MAX - 1);
}

/* In the order in which fuse-overlayfs looks (direct_load_data_source()). */
static enum override_name name_of(int fd)
{
    char text[OVERRIDE_TEXT_MAX];

    for (int name = OVERRIDE_NONE + 1; name < OVERRIDE_NAMES; name++)
        if (root_attribute(fd, (enum override_name)name, text) >= 0)
            return (enum override_name)name;
    return OVERRIDE_NONE;
}

/*
 * An attribute of the root counts for all files of a layer, whoever owns them: one who has a
 * directory of his own, which an engine puts below a container, is not to make a root's set-user-ID
 * program of his files.
 */
static bool is_ours(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

static bool fits(unsigned option, enum override_name name)
{
    return option == 0 || (option == 1) == (name == OVERRIDE_SECURITY);
}

/*
 * By the option the administrator asks for attributes, also where the server does not own what it
 * makes (an NFS export that takes root for nobody): there those count that are on inodes of who
 * owns the directory.
 */
static void trust_owner(unsigned option, int fd, struct override *o)
{
    struct stat st;

    o->owners[0] = o->owners[1] = geteuid();
    if (option == 0 || fstat(fd, &st) < 0 || st.st_uid == geteuid())
        return;
    o->owners[1] = st.st_uid;
    log_warn("xattr_permissions=%u over a directory of uid %u: what that user says of files counts",
             option, st.st_uid);
}

void override_choose(unsigned option, const int *layers, size_t n, struct override *out)
{
    *out = (struct override){0};
    trust_owner(option, layers[0], out);
    for (size_t i = 0; i < n; i++) {
        enum override_name name = name_of(layers[i]);

        if (name == OVERRIDE_NONE || !is_ours(layers[i]))
            continue;
        out->read |= 1u << name;
        if (!override_writes(out) && fits(option, name))
            out->write = name;
    }
    if (option != 0 && !override_writes(out))
        out->write = option == 1 ? OVERRIDE_SECURITY : OVERRIDE_CONTAINERS;
    if (override_writes(out))
        out->read |= 1u << out->write;
}

static const char *kept_in(enum override_name name)
{
    return name == OVERRIDE_NONE ? "its inodes" : override_attribute(name);
}

static enum override_name name_by_attribute(const char *attribute)
{
    for (int name = OVERRIDE_NONE + 1; name < OVERRIDE_NAMES; name++)
        if (strcmp(attribute, override_attribute((enum override_name)name)) == 0)
            return (enum override_name)name;
    return OVERRIDE_NONE;
}

int override_choose_upper(unsigned option, int upper_fd, const char *upper, const char *marked,
                          struct override *o, struct err *e)
{
    enum override_name has = marked ? name_by_attribute(marked) : name_of(upper_fd);

    /* An empty one may still be as an engine made it, for the container's root. */
    trust_owner(io_dir_is_empty(upper_fd) ? 0 : option, upper_fd, o);
    /* A container's root may give its root directory an attribute: of an upper that is marked, the
     * mark alone counts. */
    if (!marked && has == OVERRIDE_NONE && (!override_writes(o) || io_dir_is_empty(upper_fd)))
        return 0;
    if (has == o->write || (has != OVERRIDE_NONE && fits(option, has))) {
        o->write = has;
        if (has != OVERRIDE_NONE)
            o->read |= 1u << has;
        return 0;
    }
    return err_setx(e, -EINVAL,
                    "the upper %s has its owners and modes in %s, and they are asked for in %s",
                    upper, kept_in(has), kept_in(o->write));
}

static int begin_text(int root_fd, const int *layers, size_t n, char text[OVERRIDE_TEXT_MAX],
                      struct err *e)
{
    struct stat st;

    for (size_t i = 0; i < n; i++) {
        enum override_name name = is_ours(layers[i]) ? name_of(layers[i]) : OVERRIDE_NONE;
        ssize_t len = name == OVERRIDE_NONE ? -1 : root_attribute(layers[i], name, text);
        struct stat parsed = {.st_mode = S_IFDIR};

        if (len < 0)
            continue;
        text[len] = '\0';
        if (override_parse(text, &parsed) == 0)
            return 0;
    }
    if (fstat(root_fd, &st) < 0)
        return err_set(e, -errno, "the root");
    override_format(&st, st.st_mode, text);
    return 0;
}

int override_begin(const struct override *o, int root_fd, const int *layers, size_t n,
                   struct err *e)
{
    char text[OVERRIDE_TEXT_MAX], path[FD_PATH_SIZE];
    int r;

    if (!override_writes(o) || root_attribute(root_fd, o->write, text) >= 0)
        return 0;
    r = begin_text(root_fd, layers, n, text, e);
    if (r < 0)
        return r;
    if (setxattr(fd_path(root_fd, path), override_attribute(o->write), text, strlen(text), 0) < 0)
        return err_set(e, -errno, "set %s", override_attribute(o->write));
    return 0;
}
