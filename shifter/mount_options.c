/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/mount_options.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/num.h"
#include "shifter/options.h"

#include <stddef.h>
#include <string.h>

#define MAX_THREADS 1024u

int mount_options_number(const char *what, const char *text, unsigned long max, unsigned *out,
                         struct err *e)
{
    uint64_t v = 0;
    int r = num_parse_u64(text, max, &v);

    if (r < 0)
        return err_setx(e, r, "%s=%s: expected a number from 0 to %lu", what, text, max);
    *out = (unsigned)v;
    return 0;
}

static int set_cache(struct options *o, const char *value, struct err *e)
{
    if (strcmp(value, "auto") == 0)
        o->cache = CACHE_AUTO;
    else if (strcmp(value, "always") == 0)
        o->cache = CACHE_ALWAYS;
    else if (strcmp(value, "never") == 0)
        o->cache = CACHE_NEVER;
    else
        return err_setx(e, -EINVAL, "cache=%s: expected auto, always or never", value);
    return 0;
}

/* on and off, and fuse-overlayfs' 1 and 0 */
static int set_switch(bool *slot, const char *key, const char *value, struct err *e)
{
    *slot = strcmp(value, "on") == 0 || strcmp(value, "1") == 0;
    if (*slot || strcmp(value, "off") == 0 || strcmp(value, "0") == 0)
        return 0;
    return err_setx(e, -EINVAL, "%s=%s: expected on or off", key, value);
}

static int set_passthrough(struct options *o, const char *value, struct err *e)
{
    return set_switch(&o->passthrough, "passthrough", value, e);
}

static int set_fsync(struct options *o, const char *value, struct err *e)
{
    return set_switch(&o->fsync, "fsync", value, e);
}

static int set_redirect_dir(struct options *o, const char *value, struct err *e)
{
    /* Words of overlayfs. Redirects that layers have are always followed. */
    if (strcmp(value, "follow") == 0 || strcmp(value, "nofollow") == 0)
        value = "off";
    return set_switch(&o->redirect_dir, "redirect_dir", value, e);
}

static int set_timeout(struct options *o, const char *value, struct err *e)
{
    char *end;
    double v;

    errno = 0;
    v = strtod(value, &end);
    /* The negated comparison also refuses NaN. */
    if (end == value || *end || errno || !(v >= 0 && v <= 1e9))
        return err_setx(e, -EINVAL, "timeout=%s: expected seconds from 0 to 1e9", value);
    o->timeout = v;
    return 0;
}

static int set_threads(struct options *o, const char *value, struct err *e)
{
    return mount_options_number("threads", value, MAX_THREADS, &o->threads, e);
}

static int set_threaded(struct options *o, const char *value, struct err *e)
{
    bool threaded;
    int r = set_switch(&threaded, "threaded", value, e);

    if (r == 0 && !threaded)
        o->threads = 1;
    return r;
}

static int set_uidmapping(struct options *o, const char *value, struct err *e)
{
    o->have_uidmap = true;
    return idmap_parse(&o->uidmap, value, "uidmapping", e);
}

static int set_gidmapping(struct options *o, const char *value, struct err *e)
{
    o->have_gidmap = true;
    return idmap_parse(&o->gidmap, value, "gidmapping", e);
}

/* An owner named by itself is worth more than squash_to_root, whatever their order. */
static int set_squash_to_uid(struct options *o, const char *value, struct err *e)
{
    o->squash_uid.on = true;
    return mount_options_number("squash_to_uid", value, IDMAP_NO_ID - 1, &o->squash_uid.id.v, e);
}

static int set_squash_to_gid(struct options *o, const char *value, struct err *e)
{
    o->squash_gid.on = true;
    return mount_options_number("squash_to_gid", value, IDMAP_NO_ID - 1, &o->squash_gid.id.v, e);
}

static int set_noxattrs(struct options *o, const char *value, struct err *e)
{
    return set_switch(&o->no_xattrs, "noxattrs", value, e);
}

static int set_xattr_permissions(struct options *o, const char *value, struct err *e)
{
    uint64_t v;

    if (num_parse_u64(value, 10, &v) < 0 || v > 2)
        return err_setx(e, -EINVAL, "xattr_permissions=%s: expected 0, 1 or 2", value);
    o->xattr_permissions = (unsigned)v;
    return 0;
}

/* A layer that needs one is refused (layers.c); who has some for others may name them. */
static int set_plugins(struct options *o, const char *value, struct err *e)
{
    (void)o;
    (void)e;
    log_warn("plugins=%s: plugins are not loaded", value);
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct options *o, const char *value, struct err *e);
} values[] = {
    {"cache", set_cache},
    {"fsync", set_fsync},
    {"gidmapping", set_gidmapping},
    {"noxattrs", set_noxattrs},
    {"passthrough", set_passthrough},
    {"plugins", set_plugins},
    {"redirect_dir", set_redirect_dir},
    {"squash_to_gid", set_squash_to_gid},
    {"squash_to_uid", set_squash_to_uid},
    {"threaded", set_threaded},
    {"threads", set_threads},
    {"timeout", set_timeout},
    {"uidmapping", set_uidmapping},
    {"xattr_permissions", set_xattr_permissions},
};

static const struct {
    const char *name;
    size_t slot; /* of a string in struct options */
} strings[] = {
    {"context", offsetof(struct options, context)},
    {"lowerdir", offsetof(struct options, lowerdir)},
    {"side_layers", offsetof(struct options, side_layers)},
    {"upperdir", offsetof(struct options, upperdir)},
    {"workdir", offsetof(struct options, workdir)},
};

static const struct {
    const char *name;
    size_t slot; /* of a bool in struct options */
    bool to;
} flags[] = {
    {"debug", offsetof(struct options, debug), true},
    {"ino32_t", offsetof(struct options, short_inos), true},
    {"noacl", offsetof(struct options, no_acl), true},
    {"noatime", offsetof(struct options, noatime), true},
    {"nodev", offsetof(struct options, nodev), true},
    {"noexec", offsetof(struct options, noexec), true},
    {"nosuid", offsetof(struct options, nosuid), true},
    {"ro", offsetof(struct options, read_only), true},
    {"rw", offsetof(struct options, read_only), false},
    {"split_links", offsetof(struct options, split_links), true},
    {"squash_to_root", offsetof(struct options, squash_to_root), true},
    {"static_nlink", offsetof(struct options, static_nlink), true},
    {"volatile", offsetof(struct options, volatile_upper), true},
};

/* What mount(8), fstab and engines pass, and what holds anyway or is none of a helper's. */
static bool is_silent(const char *word)
{
    static const char *const silent[] = {"_netdev",
                                         "allow_other",
                                         "async",
                                         "atime",
                                         "auto",
                                         "default_permissions",
                                         "defaults",
                                         "dev",
                                         "diratime",
                                         "exec",
                                         "fast_ino",
                                         "fast_ino_check",
                                         "group",
                                         "kernel_cache",
                                         "loud",
                                         "max_write",
                                         "noauto",
                                         "nodiratime",
                                         "nofail",
                                         "nouser",
                                         "owner",
                                         "private",
                                         "relatime",
                                         "rprivate",
                                         "rshared",
                                         "rslave",
                                         "runbindable",
                                         "shared",
                                         "silent",
                                         "slave",
                                         "splice_move",
                                         "splice_read",
                                         "splice_write",
                                         "suid",
                                         "unbindable",
                                         "user",
                                         "users",
                                         "writeback",
                                         "xino",
                                         "comment",
                                         NULL};

    /* "x-systemd.automount" and others of the kind */
    if (strncmp(word, "x-", 2) == 0 || strncmp(word, "X-", 2) == 0)
        return true;
    for (const char *const *s = silent; *s; s++)
        if (strcmp(word, *s) == 0)
            return true;
    return false;
}

static int set_flag(struct options *o, const char *word, struct err *e)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(word, flags[i].name) == 0) {
            *(bool *)((char *)o + flags[i].slot) = flags[i].to;
            return 0;
        }
    if (strcmp(word, "remount") == 0)
        return err_setx(e, -ENOTSUP,
                        "remount: not by this program; \"mount -o remount,bind,ro\" changes the "
                        "mount alone, and umount and mount the rest");
    if (!is_silent(word))
        log_warn("unknown option %s ignored", word);
    return 0;
}

static int set_value(struct options *o, const char *key, const char *value, struct err *e)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (strcmp(key, values[i].name) == 0)
            return values[i].set(o, value, e);
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (strcmp(key, strings[i].name) == 0) {
            char **slot = (char **)((char *)o + strings[i].slot);

            free(*slot);
            *slot = strdup(value);
            return *slot ? 0 : err_set(e, -ENOMEM, "options");
        }
    if (!is_silent(key))
        log_warn("unknown option %s=%s ignored", key, value);
    return 0;
}

/* Cuts the first word off *rest, in place, and takes backslashes before commas and quotes away. */
static char *next_word(char **rest)
{
    char *word = *rest, *to = word, *from = word;
    bool quoted = false;

    for (; *from && (quoted || *from != ','); from++) {
        if (from[0] == '\\' && from[1] == ',')
            *to++ = *++from;
        else if (*from == '"' && (quoted || (from > word && from[-1] == '=')))
            quoted = !quoted;
        else
            *to++ = *from;
    }
    *rest = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

int mount_options_parse(struct options *o, const char *text, struct err *e)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy;

    if (!copy)
        return err_set(e, -ENOMEM, "options");
    while (*rest) {
        char *word = next_word(&rest);
        char *value = strchr(word, '=');
        int r;

        if (!*word)
            continue;
        if (value)
            *value++ = '\0';
        r = value ? set_value(o, word, value, e) : set_flag(o, word, e);
        if (r < 0)
            return r;
    }
    return 0;
}
