/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/options.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/num.h"

#include <getopt.h>
#include <string.h>

#define DEFAULT_THREADS 10u
#define MAX_THREADS 1024u

static int set_number(const char *what, const char *text, uint64_t max, unsigned *out,
                      struct err *e)
{
    uint64_t v = 0;
    int r = num_parse_u64(text, max, &v);

    if (r < 0)
        return err_setx(e, r, "%s=%s: expected a number from 0 to %llu", what, text,
                        (unsigned long long)max);
    *out = (unsigned)v;
    return 0;
}

static int set_fd(const char *what, const char *text, int *out, struct err *e)
{
    unsigned v = 0;
    int r = set_number(what, text, 1u << 20, &v, e);

    if (r == 0)
        *out = (int)v;
    return r;
}

static int set_string(char **slot, const char *value, struct err *e)
{
    free(*slot);
    *slot = strdup(value);
    return *slot ? 0 : err_set(e, -ENOMEM, "options");
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

static int set_switch(bool *slot, const char *key, const char *value, struct err *e)
{
    *slot = strcmp(value, "on") == 0;
    if (*slot || strcmp(value, "off") == 0)
        return 0;
    return err_setx(e, -EINVAL, "%s=%s: expected on or off", key, value);
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

static int set_lowerdir(struct options *o, const char *value, struct err *e)
{
    if (strchr(value, ':'))
        return err_setx(e, -ENOTSUP, "lowerdir=%s: more than one layer is not supported", value);
    return set_string(&o->lowerdir, value, e);
}

static int set_map(struct idmap *map, bool *have, const char *value, const char *what,
                   struct err *e)
{
    *have = true;
    return idmap_parse(map, value, what, e);
}

/* An owner named by itself is worth more than squash_to_root, whatever their order. */
static int set_squash(struct squash *s, const char *key, const char *value, struct err *e)
{
    s->on = true;
    return set_number(key, value, IDMAP_NO_ID - 1, &s->id.v, e);
}

static bool is_word(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static int set_flag(struct options *o, const char *word, struct err *e)
{
    /* What mount(8) and engines pass and what holds anyway, or is the kernel's default. */
    static const char *const silent[] = {
        "rw",          "suid", "exec",   "dev",    "atime",   "default_permissions",
        "allow_other", "auto", "noauto", "nouser", "_netdev", "relatime",
        NULL};

    (void)e;
    if (strcmp(word, "ro") == 0)
        o->read_only = true;
    else if (strcmp(word, "nosuid") == 0)
        o->nosuid = true;
    else if (strcmp(word, "nodev") == 0)
        o->nodev = true;
    else if (strcmp(word, "noexec") == 0)
        o->noexec = true;
    else if (strcmp(word, "noatime") == 0)
        o->noatime = true;
    else if (strcmp(word, "squash_to_root") == 0)
        o->squash_to_root = true;
    else if (strcmp(word, "debug") == 0)
        o->debug = true;
    else if (!is_word(word, silent))
        log_warn("unknown option %s ignored", word);
    return 0;
}

static int set_value(struct options *o, const char *key, const char *value, struct err *e)
{
    if (strcmp(key, "uidmapping") == 0)
        return set_map(&o->uidmap, &o->have_uidmap, value, "uidmapping", e);
    if (strcmp(key, "gidmapping") == 0)
        return set_map(&o->gidmap, &o->have_gidmap, value, "gidmapping", e);
    if (strcmp(key, "squash_to_uid") == 0)
        return set_squash(&o->squash_uid, key, value, e);
    if (strcmp(key, "squash_to_gid") == 0)
        return set_squash(&o->squash_gid, key, value, e);
    if (strcmp(key, "lowerdir") == 0)
        return set_lowerdir(o, value, e);
    if (strcmp(key, "cache") == 0)
        return set_cache(o, value, e);
    if (strcmp(key, "passthrough") == 0)
        return set_switch(&o->passthrough, key, value, e);
    if (strcmp(key, "timeout") == 0)
        return set_timeout(o, value, e);
    if (strcmp(key, "threads") == 0)
        return set_number("threads", value, MAX_THREADS, &o->threads, e);
    /* These change what is written, or where: not to be ignored. */
    if (strcmp(key, "upperdir") == 0 || strcmp(key, "workdir") == 0)
        return err_setx(e, -ENOTSUP, "%s=%s: an upper is not supported", key, value);
    log_warn("unknown option %s=%s ignored", key, value);
    return 0;
}

/* One -o argument: words and key=value, joined by commas. */
static int set_mount_options(struct options *o, const char *text, struct err *e)
{
    cleanup_free char *copy = strdup(text);
    char *save = NULL;

    if (!copy)
        return err_set(e, -ENOMEM, "options");
    for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        char *value = strchr(word, '=');
        int r;

        if (value)
            *value++ = '\0';
        r = value ? set_value(o, word, value, e) : set_flag(o, word, e);
        if (r < 0)
            return r;
    }
    return 0;
}

enum { OPT_FUSE_FD = 256, OPT_LOWER_FD, OPT_READY_FD, OPT_ENTRY };

static const struct option long_options[] = {
    {"fuse-fd", required_argument, NULL, OPT_FUSE_FD},
    {"lower-fd", required_argument, NULL, OPT_LOWER_FD},
    {"ready-fd", required_argument, NULL, OPT_READY_FD},
    {"entry", no_argument, NULL, OPT_ENTRY},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int set_one(struct options *o, int c, struct err *e)
{
    switch (c) {
    case 'o':
        return set_mount_options(o, optarg, e);
    case 'f':
        o->foreground = true;
        return 0;
    case 'v': /* mount(8) passes these on to its helpers */
    case 'n':
    case 's':
        return 0;
    case 'd':
        o->foreground = o->debug = true;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    case 'V':
        o->version = true;
        return 0;
    case OPT_FUSE_FD:
        return set_fd("--fuse-fd", optarg, &o->fuse_fd, e);
    case OPT_LOWER_FD:
        return set_fd("--lower-fd", optarg, &o->lower_fd, e);
    case OPT_READY_FD:
        return set_fd("--ready-fd", optarg, &o->ready_fd, e);
    case OPT_ENTRY:
        o->entry = true;
        return 0;
    default:
        return err_setx(e, -EINVAL, "unknown option %s",
                        optopt ? (char[]){'-', (char)optopt, 0} : "on the command line");
    }
}

static int set_paths(struct options *o, char **paths, int n, struct err *e)
{
    int r = 0;

    if (n > 0 && n == (o->lowerdir ? 1 : 2)) {
        if (n == 2)
            r = set_string(&o->lowerdir, paths[0], e);
        return r < 0 ? r : set_string(&o->mountpoint, paths[n - 1], e);
    }
    if (n == 0 && o->fuse_fd >= 0 && o->lower_fd >= 0)
        return 0;
    return err_setx(e, -EINVAL, "expected SOURCE MOUNTPOINT, or -o lowerdir=SOURCE MOUNTPOINT");
}

/* Who shows everything as owned by one id may do without a mapping: requests then go unshifted. */
static int default_map(struct idmap *map, bool have, const struct squash *squash, const char *what,
                       struct err *e)
{
    static const struct idmap_range all = {.size = IDMAP_NO_ID};

    if (have)
        return 0;
    if (!squash->on)
        return err_setx(e, -EINVAL, "%s= is missing", what);
    return idmap_init(map, &all, 1, what, e);
}

static int complete(struct options *o, struct err *e)
{
    int r;

    if (o->squash_to_root)
        o->squash_uid.on = o->squash_gid.on = true;
    r = default_map(&o->uidmap, o->have_uidmap, &o->squash_uid, "uidmapping", e);
    if (r == 0)
        r = default_map(&o->gidmap, o->have_gidmap, &o->squash_gid, "gidmapping", e);
    if (r < 0)
        return r;
    if (o->threads == 0)
        return err_setx(e, -EINVAL, "threads=0: there must be one");
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
    int c, r = 0;

    *o = (struct options){.passthrough = true,
                          .fuse_fd = -1,
                          .lower_fd = -1,
                          .ready_fd = -1,
                          .timeout = -1,
                          .threads = DEFAULT_THREADS};
    opterr = 0;
    while (r == 0 && (c = getopt_long(argc, argv, "o:fdhVvns", long_options, NULL)) != -1)
        r = set_one(o, c, e);
    if (r < 0 || o->help || o->version)
        return r;
    r = set_paths(o, argv + optind, argc - optind, e);
    return r < 0 ? r : complete(o, e);
}

void options_release(struct options *o)
{
    free(o->lowerdir);
    free(o->mountpoint);
}
