/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oddfs DIR: a file system with one file "f" of root's, 0600, which has an attribute of the kind
 * that network file systems have: system.nfs4_acl, which whoever may ask for may set.
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse.h>
#include <string.h>

#define NAME "system.nfs4_acl"

static char value[64] = "the owner's";

static int odd_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    memset(st, 0, sizeof(*st));
    st->st_ino = strcmp(path, "/") == 0 ? 1 : 2;
    st->st_mode = st->st_ino == 1 ? S_IFDIR | 0755 : S_IFREG | 0600;
    st->st_nlink = 1;
    return strcmp(path, "/") == 0 || strcmp(path, "/f") == 0 ? 0 : -ENOENT;
}

static int odd_getxattr(const char *path, const char *name, char *out, size_t size)
{
    (void)path;
    if (strcmp(name, NAME) != 0)
        return -ENODATA;
    if (size > 0)
        memcpy(out, value, size < sizeof(value) ? size : sizeof(value));
    return (int)strlen(value);
}

static int odd_setxattr(const char *path, const char *name, const char *in, size_t size, int flags)
{
    (void)path;
    (void)flags;
    if (strcmp(name, NAME) != 0 || size >= sizeof(value))
        return -EOPNOTSUPP;
    memset(value, 0, sizeof(value));
    memcpy(value, in, size);
    return 0;
}

static int odd_listxattr(const char *path, char *list, size_t size)
{
    (void)path;
    if (size > 0 && size < sizeof(NAME))
        return -ERANGE;
    if (size > 0)
        memcpy(list, NAME, sizeof(NAME));
    return sizeof(NAME);
}

static int odd_removexattr(const char *path, const char *name)
{
    return odd_setxattr(path, name, "", 0, 0);
}

int main(int argc, char **argv)
{
    static const struct fuse_operations operations = {
        .getattr = odd_getattr,
        .getxattr = odd_getxattr,
        .setxattr = odd_setxattr,
        .listxattr = odd_listxattr,
        .removexattr = odd_removexattr,
    };

    return fuse_main(argc, argv, &operations, NULL);
}
