/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes and ACLs. */
#include "ops.h"

#include <sys/xattr.h>

/* user::rw- user:ID:rw- group::r-- mask::rw- other::r-- */
static size_t make_acl(unsigned char *acl, unsigned tag, unsigned id)
{
    static const unsigned char form[] = {2,   0,   0,   0,   1,   0,   6,  0,   255, 255, 255,
                                         255, 2,   0,   6,   0,   0,   0,  0,   0,   4,   0,
                                         4,   0,   255, 255, 255, 255, 16, 0,   6,   0,   255,
                                         255, 255, 255, 32,  0,   4,   0,  255, 255, 255, 255};
    unsigned char swap[8];

    memcpy(acl, form, sizeof(form));
    acl[12] = (unsigned char)tag;
    memcpy(acl + 16, &id, 4);
    if (tag == 8) { /* a group's entry comes after the owning group's */
        memcpy(swap, acl + 12, 8);
        memcpy(acl + 12, acl + 20, 8);
        memcpy(acl + 20, swap, 8);
    }
    return sizeof(form);
}

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static void acls(void)
{
    unsigned char acl[64];
    size_t n = make_acl(acl, 2, ID(1000));

    TRY(setxattr("f", ACCESS, acl, n, 0));
    show_xattr("f", ACCESS);
    show("f");
    TRY(chmod("f", 0640));
    show_xattr("f", ACCESS);
    make_acl(acl, 8, ID(65535));
    TRY(setxattr("f", ACCESS, acl, n, 0));
    show_xattr("f", ACCESS);
    TRY(setxattr("f", DEFAULT, acl, n, 0));
    TRY(mkdir("d", 0755));
    TRY(setxattr("d", DEFAULT, acl, n, 0));
    TRY(mkdir("d/e", 0755));
    show_xattr("d/e", DEFAULT);
    show_xattr("d/e", ACCESS);
    make_acl(acl, 2, UNMAPPED);
    REFUSED(setxattr("f", ACCESS, acl, n, 0));
    REFUSED(setxattr("d", DEFAULT, acl, n, 0));
    show_xattr("f", ACCESS);
    show_xattr("d", DEFAULT);
    TRY(setxattr("f", ACCESS, acl, n - 1, 0));
    TRY(setxattr("f", ACCESS, "\3\0\0\0", 4, 0));
    TRY(removexattr("d", DEFAULT));
    TRY(removexattr("f", ACCESS));
    TRY(removexattr("f", ACCESS));
    show_xattr("f", ACCESS);
    show_xattr("pre/acl", ACCESS);
    TRY(open("pre/acl", O_RDWR));
}

void case_xattrs(void)
{
    static char big[70000];
    char list[256];

    close(file("f", 0644, "x"));
    symlink("f", "l");
    TRY(setxattr("f", "user.one", "1", 1, 0));
    TRY(setxattr("f", "user.one", "2", 1, XATTR_CREATE));
    TRY(setxattr("f", "user.two", "2", 1, XATTR_REPLACE));
    TRY(setxattr("f", "user.empty", "", 0, 0));
    show_xattr("f", "user.one");
    show_xattr("f", "user.empty");
    show_xattr("f", "user.absent");
    TRY(getxattr("f", "user.one", NULL, 0));
    TRY(setxattr("f", "user.one", "12345", 5, XATTR_REPLACE));
    TRY(getxattr("f", "user.one", list, 4));
    TRY(listxattr("f", NULL, 0));
    TRY(listxattr("f", list, 4));
    TRY(listxattr("f", list, sizeof(list)));
    TRY(setxattr("f", "user.big", big, 3000, 0));
    TRY(setxattr("f", "user.big", big, sizeof(big), 0));
    TRY(setxattr("f", "user.", "x", 1, 0));
    TRY(setxattr("f", "other.name", "x", 1, 0));
    TRY(setxattr("f", "trusted.t", "x", 1, 0));
    show_xattr("f", "trusted.t");
    TRY(setxattr("f", "security.s", "x", 1, 0));
    show_xattr("f", "security.s");
    TRY(listxattr("f", NULL, 0));
    TRY(removexattr("f", "user.one"));
    TRY(removexattr("f", "user.one"));
    TRY(lsetxattr("l", "user.l", "x", 1, 0));
    TRY(llistxattr("l", list, sizeof(list)));
    TRY(setxattr("pre/caps", "user.x", "x", 1, 0));
    TRY(listxattr("pre/caps", NULL, 0));
    show_xattr("pre/caps", "security.capability");
    show_xattr("pre/caps-v3", "security.capability");
    TRY(getxattr("pre/caps", "security.capability", list, 8));
    TRY(setxattr("f", "security.capability", "", 0, XATTR_REPLACE));
    TRY(setxattr("f", "security.capability", "", 0, 0));
    show_xattr("f", "security.capability");
    acls();
}
