/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/override.h"

#include "base/idmap.h"
#include "base/num.h"
#include "shifter/sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define ENCODED_PREFIX "user.containers.override_"
#define SECURITY_PREFIX "security."

static const char *const attributes[OVERRIDE_NAMES] = {
    [OVERRIDE_SECURITY] = "security.fuseoverlayfs.override_stat",
    [OVERRIDE_CONTAINERS] = ENCODED_PREFIX "stat",
    [OVERRIDE_USER] = "user.fuseoverlayfs.override_stat",
};

static const struct {
    const char *word;
    mode_t type;
} types[] = {
    {"file", S_IFREG},    {"dir", S_IFDIR},  {"symlink", S_IFLNK}, {"pipe", S_IFIFO},
    {"socket", S_IFSOCK}, {"char", S_IFCHR}, {"block", S_IFBLK},
};

const char *override_attribute(enum override_name name)
{
    return attributes[name];
}

/*
 * fuse-overlayfs writes ids as signed numbers: -1 where it knew none (before 1.11, of a chown of
 * the other one), and others from 2^31 on.
 */
static int take_id(const char **s, uint32_t *out)
{
    bool negative = **s == '-';
    uint32_t v;

    *s += negative;
    if (num_take_u32(s, &v) < 0 || (negative && v > (uint32_t)INT32_MAX + 1))
        return -EINVAL;
    *out = negative ? 0 - v : v;
    return 0;
}

/* Digits of octal, at least one, moving *s: fuse-overlayfs writes the type among them at times. */
static int take_mode(const char **s, mode_t *out)
{
    unsigned long v = 0;
    const char *start = *s;

    for (; **s >= '0' && **s <= '7'; (*s)++) {
        v = v * 8 + (unsigned long)(**s - '0');
        if (v > 0177777)
            return -EINVAL;
    }
    *out = (mode_t)v & 07777;
    return *s > start ? 0 : -EINVAL;
}

/* "-MAJOR-MINOR", and more behind it that a later form may have. */
static int parse_device(const char *s, dev_t *out)
{
    uint32_t major, minor;

    if (*s++ != '-' || num_take_u32(&s, &major) < 0 || *s++ != '-' || num_take_u32(&s, &minor) < 0)
        return -EINVAL;
    if (*s && *s != '-')
        return -EINVAL;
    *out = makedev(major, minor);
    return 0;
}

static int parse_type(const char *s, struct stat *st)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t len = strlen(types[i].word);
        bool device = types[i].type == S_IFCHR || types[i].type == S_IFBLK;

        if (strncmp(s, types[i].word, len) != 0)
            continue;
        if (device ? parse_device(s + len, &st->st_rdev) < 0 : s[len] != '\0')
            return -EINVAL;
        st->st_mode = types[i].type | (st->st_mode & 07777);
        return 0;
    }
    return -EINVAL;
}

int override_parse(const char *text, struct stat *st)
{
    struct stat out = *st;
    uint32_t uid, gid;
    mode_t mode;

    if (take_id(&text, &uid) < 0 || *text++ != ':' || take_id(&text, &gid) < 0 || *text++ != ':' ||
        take_mode(&text, &mode) < 0)
        return -EINVAL;
    out.st_uid = uid;
    out.st_gid = gid;
    out.st_mode = (st->st_mode & S_IFMT) | mode;
    if (*text && (*text != ':' || parse_type(text + 1, &out) < 0))
        return -EINVAL;
    /* 0:0 is a whiteout, and no file. */
    if (S_ISDIR(out.st_mode) != S_ISDIR(st->st_mode) || (S_ISCHR(out.st_mode) && out.st_rdev == 0))
        return -EINVAL;
    *st = out;
    return 0;
}

void override_format(const struct stat *st, mode_t disk_type, char text[OVERRIDE_TEXT_MAX])
{
    int n =
        snprintf(text, OVERRIDE_TEXT_MAX, "%u:%u:%o", st->st_uid, st->st_gid, st->st_mode & 07777);

    if (((st->st_mode ^ disk_type) & S_IFMT) == 0)
        return;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((st->st_mode & S_IFMT) == types[i].type)
            n += snprintf(text + n, OVERRIDE_TEXT_MAX - (size_t)n, ":%s", types[i].word);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        snprintf(text + n, OVERRIDE_TEXT_MAX - (size_t)n, "-%u-%u", major(st->st_rdev),
                 minor(st->st_rdev));
}

static bool may_have_one(mode_t disk_mode)
{
    return S_ISREG(disk_mode) || S_ISDIR(disk_mode);
}

/* Returns 1 where the file has the attribute, 0 where not, or -errno. */
static int apply_one(enum override_name name, int fd, struct stat *st)
{
    char text[OVERRIDE_TEXT_MAX];
    ssize_t n = sys_getxattr(fd, attributes[name], text, sizeof(text) - 1);
    int r;

    if (n == -ENODATA || n == -EOPNOTSUPP)
        return 0;
    if (n < 0)
        return n == -ERANGE ? -EINVAL : (int)n;
    text[n] = '\0';
    r = override_parse(text, st);
    return r < 0 ? r : 1;
}

static bool counts_on(const struct override *o, const struct stat *disk)
{
    return may_have_one(disk->st_mode) &&
           (disk->st_uid == o->owners[0] || disk->st_uid == o->owners[1]);
}

int override_apply(const struct override *o, int fd, struct stat *st)
{
    int r = 0;

    if (o->read == 0 || !counts_on(o, st))
        return 0;
    /* What is written last counts, whatever a layer below had. */
    if (override_writes(o))
        r = apply_one(o->write, fd, st);
    for (int name = OVERRIDE_NONE + 1; r == 0 && name < OVERRIDE_NAMES; name++)
        if (name != (int)o->write && (o->read & (1u << name)))
            r = apply_one((enum override_name)name, fd, st);
    return r < 0 ? r : 0;
}

int override_is_for(const struct override *o, int fd)
{
    struct sys_stat st;
    int r = override_writes(o) ? sys_stat(fd, &st) : 0;

    return r < 0 ? r : override_writes(o) && may_have_one(st.st.st_mode);
}

static bool encodes_security(const struct override *o)
{
    return o->read & (1u << OVERRIDE_CONTAINERS);
}

struct override_locks {
    pthread_mutex_t by_file[64];
};

int override_locks_new(struct override *o)
{
    o->locks = malloc(sizeof(*o->locks));
    if (!o->locks)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(o->locks->by_file) / sizeof(o->locks->by_file[0]); i++)
        pthread_mutex_init(&o->locks->by_file[i], NULL);
    return 0;
}

void override_locks_free(struct override *o)
{
    free(o->locks);
    o->locks = NULL;
}

static pthread_mutex_t *lock_of(const struct override *o, const struct stat *disk)
{
    return &o->locks->by_file[(disk->st_ino ^ disk->st_dev) % 64];
}

/* Another attribute that the file has from a layer: it would count where this one is not read. */
static int remove_others(const struct override *o, int fd)
{
    int r = 0;

    for (int name = OVERRIDE_NONE + 1; r == 0 && name < OVERRIDE_NAMES; name++)
        if (name != (int)o->write && (o->read & (1u << name))) {
            r = sys_removexattr(fd, attributes[name]);
            if (r == -ENODATA || r == -EOPNOTSUPP)
                r = 0;
        }
    return r;
}

/*
 * A file of a layer that has its owners in inodes: the attribute counts once it is the server's.
 * chown(2) takes file capabilities, which are to go with a change of the owner that is shown only.
 */
static int take_over(const struct override *o, int fd)
{
    static const char name[] = "security.capability";
    char cap[64];
    ssize_t n = sys_getxattr(fd, name, cap, sizeof(cap));
    int r = sys_chown(fd, o->owners[0], IDMAP_NO_ID);

    return r < 0 || n <= 0 ? r : sys_setxattr(fd, name, cap, (size_t)n, 0);
}

/* The attribute becomes what st says, which is all that counts from then on. */
static int write_attribute(const struct override *o, int fd, const struct stat *st,
                           const struct stat *disk)
{
    char text[OVERRIDE_TEXT_MAX];
    int r;

    override_format(st, disk->st_mode & S_IFMT, text);
    r = sys_setxattr(fd, attributes[o->write], text, strlen(text), 0);
    if (r == 0)
        r = remove_others(o, fd);
    if (r == 0 && !counts_on(o, disk))
        r = take_over(o, fd);
    /* No longer of use, and on the host's own path a program with somebody's rights. */
    if (r == 0 && S_ISREG(disk->st_mode) && (disk->st_mode & (S_ISUID | S_ISGID)))
        r = sys_chmod(fd, disk->st_mode & 0777);
    return r;
}

/* With the lock. */
static int change_of(const struct override *o, int fd, const struct override_change *c,
                     const struct stat *disk)
{
    struct stat st = *disk;
    int r = override_apply(o, fd, &st);

    if (r < 0)
        return r;
    if (c->only_owner && st.st_uid != c->owner)
        return -EPERM;
    if (c->uid_set)
        st.st_uid = c->uid;
    if (c->gid_set)
        st.st_gid = c->gid;
    if (c->mode_set)
        st.st_mode = (st.st_mode & S_IFMT) | (c->mode & 07777);
    st.st_mode &= ~(c->mode_clear & 07777);
    return write_attribute(o, fd, &st, disk);
}

int override_change(const struct override *o, int fd, const struct override_change *c)
{
    struct sys_stat st;
    int r = sys_stat(fd, &st);

    if (r < 0)
        return r;
    pthread_mutex_lock(lock_of(o, &st.st));
    r = sys_stat(fd, &st);
    if (r == 0)
        r = change_of(o, fd, c, &st.st);
    pthread_mutex_unlock(lock_of(o, &st.st));
    return r;
}

int override_remove_capability(const struct override *o, int fd)
{
    static const char name[] = ENCODED_PREFIX "security.capability";

    if (!encodes_security(o) || sys_getxattr(fd, name, NULL, 0) < 0)
        return 0;
    return sys_removexattr(fd, name);
}

int override_content_changes(const struct override *o, int fd, bool keep_set_id)
{
    static const struct override_change c = {.mode_clear = S_ISUID | S_ISGID};
    struct sys_stat st;
    int r = sys_stat(fd, &st);

    if (r == 0)
        r = override_remove_capability(o, fd);
    if (r < 0 || keep_set_id || !may_have_one(st.st.st_mode))
        return r;
    r = override_apply(o, fd, &st.st);
    return r < 0 || !(st.st.st_mode & (S_ISUID | S_ISGID)) ? r : override_change(o, fd, &c);
}

int override_set(const struct override *o, int fd, uint32_t uid, uint32_t gid, mode_t mode)
{
    struct stat st = {.st_uid = uid, .st_gid = gid, .st_mode = mode};
    char text[OVERRIDE_TEXT_MAX];

    override_format(&st, mode & S_IFMT, text);
    return sys_setxattr(fd, attributes[o->write], text, strlen(text), XATTR_CREATE);
}

bool override_has_types(const struct override *o)
{
    return o->read != 0;
}

static bool is_security(const char *name)
{
    return strncmp(name, SECURITY_PREFIX, sizeof(SECURITY_PREFIX) - 1) == 0;
}

static bool is_encoded(const char *name)
{
    return strncmp(name, ENCODED_PREFIX, sizeof(ENCODED_PREFIX) - 1) == 0 &&
           is_security(name + sizeof(ENCODED_PREFIX) - 1);
}

bool override_hides(const struct override *o, const char *name)
{
    for (int n = OVERRIDE_NONE + 1; o->read != 0 && n < OVERRIDE_NAMES; n++)
        if (strcmp(name, attributes[n]) == 0)
            return true;
    /* Whatever it means in this mount: it would mean it in the next. */
    return o->read != 0 && is_encoded(name);
}

const char *override_name_on_disk(const struct override *o, const char *name,
                                  char buf[OVERRIDE_NAME_MAX])
{
    if (!encodes_security(o) || !is_security(name))
        return NULL;
    if ((size_t)snprintf(buf, OVERRIDE_NAME_MAX, ENCODED_PREFIX "%s", name) >= OVERRIDE_NAME_MAX)
        return NULL;
    return buf;
}

const char *override_shown_name(const struct override *o, const char *on_disk)
{
    return encodes_security(o) && is_encoded(on_disk) ? on_disk + sizeof(ENCODED_PREFIX) - 1
                                                      : on_disk;
}

bool override_may_be_twice(const struct override *o, const char *shown)
{
    return encodes_security(o) && is_security(shown);
}
