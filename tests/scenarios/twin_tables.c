/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xattrs that operations take: names, and values good and bad. */
#include "twin.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <string.h>

const char *const xattr_names[] = {
    "user.a",
    "user.b",
    "trusted.t",
    "security.t",
    [XATTR_CAPABILITY] = "security.capability",
    [XATTR_ACL_ACCESS] = "system.posix_acl_access",
    [XATTR_ACL_DEFAULT] = "system.posix_acl_default",
    "other.name",
    "user.",
};
const unsigned n_xattr_names = sizeof(xattr_names) / sizeof(xattr_names[0]);

static bool is_acl_name(const char *name)
{
    return strncmp(name, "system.posix_acl_", 17) == 0;
}

static unsigned char *put(unsigned char *p, unsigned tag, unsigned perm, unsigned id)
{
    uint16_t t = htole16((uint16_t)tag), m = htole16((uint16_t)perm);
    uint32_t i = htole32(id);

    memcpy(p, &t, 2);
    memcpy(p + 2, &m, 2);
    memcpy(p + 4, &i, 4);
    return p + 8;
}

#define NONE ((unsigned)-1)

/* Named entries as `which` says, between those that every ACL has. */
static unsigned char *put_acl(unsigned char *p, unsigned which, unsigned base)
{
    p = put(p, ACL_USER_OBJ, which == 1 ? 7 : 6, NONE);
    if (which == 0 || which == 3)
        p = put(p, ACL_USER, 6, base + 1000);
    if (which == 3)
        p = put(p, ACL_USER, 0, base + 1001);
    if (which == 4)
        p = put(p, ACL_USER, 7, base + 70000);
    if (which == 5)
        p = put(put(p, ACL_USER, 7, base + 1000), ACL_USER, 5, base + 1000);
    p = put(p, ACL_GROUP_OBJ, which == 2 ? 0 : 5, NONE);
    if (which == 1 || which == 3)
        p = put(p, ACL_GROUP, 7, base + 2000);
    if (which == 6)
        p = put(p, ACL_GROUP, 9, base + 2000); /* a permission that there is not */
    if (which == 0 || which == 1 || which == 3 || which == 4 || which == 5)
        p = put(p, ACL_MASK, which == 1 ? 4 : 7, NONE);
    return put(p, which == 7 ? 0x40 : ACL_OTHER, which == 2 ? 0 : 4, NONE);
}

static size_t acl_value(unsigned which, unsigned base, unsigned char *out)
{
    static const unsigned char version[] = {2, 0, 0, 0};
    unsigned char *end;

    memcpy(out, version, 4);
    if (which == 8 || which == 9) /* empty: the one that is there goes */
        return which == 8 ? 0 : 4;
    end = put_acl(out + 4, which > 9 ? which - 10 : which, base);
    if (which == 10)
        end -= 1;
    if (which == 11)
        out[0] = 3;
    if (which == 12) /* without the last entry */
        end -= 8;
    if (which == 13)
        end = put(end, ACL_USER, 7, base + 1000);
    return (size_t)(end - out);
}

static size_t capability_value(unsigned which, unsigned base, unsigned char *out)
{
    /* 4: an id that is not mapped; 5 to 9 are malformed. */
    static const unsigned roots[] = {0, 0, 1000, 65535, 70000};
    bool v2 = which == 0 || which == 5 || which == 6;
    struct vfs_ns_cap_data cap = {
        .magic_etc = htole32((v2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3) |
                             (which == 2 ? 0 : VFS_CAP_FLAGS_EFFECTIVE)),
        .data[0].permitted = htole32(1U << CAP_NET_RAW),
        .rootid = htole32(base + roots[which < 5 ? which : 0]),
    };

    if (which == 6 || which == 7)
        cap.magic_etc = htole32(which == 6 ? VFS_CAP_REVISION_1 : 0x7f000000U);
    memcpy(out, &cap, sizeof(cap));
    if (which == 8)
        return 0;
    return (v2 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3) - (which == 5 || which == 9 ? 1 : 0);
}

size_t xattr_value(unsigned name, unsigned which, unsigned base, unsigned char *out)
{
    static const unsigned short sizes[] = {0, 1, 20, 200, 1000, 3000, 8000};
    size_t n;

    which %= N_XATTR_VALUES;
    if (is_acl_name(xattr_names[name]))
        return acl_value(which, base, out);
    if (name == XATTR_CAPABILITY)
        return capability_value(which % 10, base, out);
    n = sizes[which % 7];
    memset(out, 'a' + (int)which, n);
    return n;
}

void xattr_alike(const char *name, unsigned char *value, ssize_t n)
{
    static const unsigned char overflow[] = {0xfe, 0xff, 0, 0}, none[] = {0xff, 0xff, 0xff, 0xff};

    /* A capability whose root the mapping lacks: the kernel says EOVERFLOW to who asks, and takes
     * it as none when it executes the file. It asks the shifter in the same way for both, so the
     * answer is the one that lets the file be executed (shifter/fcap.h). */
    if (n < 0 && errno == EOVERFLOW && strcmp(name, xattr_names[XATTR_CAPABILITY]) == 0)
        errno = ENODATA;
    /* An ACL entry whose id the mapping lacks: the kernel shows 4294967295, the shifter an id that
     * nobody has, 65534 (docs/design.md, extended attributes). */
    for (ssize_t at = 4; is_acl_name(name) && at + 8 <= n; at += 8)
        if (memcmp(value + at + 4, overflow, 4) == 0)
            memcpy(value + at + 4, none, 4);
}
