/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/options.h"

#include "base/log.h"
#include "shifter/mount_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_THREADS 10u

static int set_fd(const char *what, const char *text, int *out, struct err *e)
{
    unsigned v = 0;
    int r = mount_options_number(what, text, 1u << 20, &v, e);

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

enum { OPT_FUSE_FD = 256, OPT_LOWER_FD, OPT_READY_FD, OPT_COUNT_FD, OPT_ENTRY };

static const struct option long_options[] = {
    {"fuse-fd", required_argument, NULL, OPT_FUSE_FD},
    {"lower-fd", required_argument, NULL, OPT_LOWER_FD},
    {"ready-fd", required_argument, NULL, OPT_READY_FD},
    {"count-fd", required_argument, NULL, OPT_COUNT_FD},
    {"entry", no_argument, NULL, OPT_ENTRY},
    {"debug", no_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* mount(8) passes its own options on, and there -f is to do all but the mount. */
static bool is_mount_helper(void)
{
    return strncmp(program_invocation_short_name, "mount.", 6) == 0;
}

/* As fuse-overlayfs: an option of another program, or of a later version, is no reason to fail. */
static int unknown(const char *arg, struct err *e)
{
    if (optopt == 'o' || optopt == 't' || optopt >= OPT_FUSE_FD)
        return err_setx(e, -EINVAL, "option %s: its value is missing", arg);
    log_warn("unknown option %s ignored", arg);
    return 0;
}

static int set_one(struct options *o, int c, const char *arg, struct err *e)
{
    switch (c) {
    case 'o':
        return mount_options_parse(o, optarg, e);
    case 'f':
        if (is_mount_helper())
            o->fake = true;
        else
            o->foreground = true;
        return 0;
    case 'v': /* mount(8) passes these on to its helpers */
    case 'n':
    case 's':
    case 't':
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
    case OPT_COUNT_FD:
        return set_fd("--count-fd", optarg, &o->count_fd, e);
    case OPT_ENTRY:
        o->entry = true;
        return 0;
    default:
        return unknown(optopt && optopt < OPT_FUSE_FD ? (char[]){'-', (char)optopt, 0} : arg, e);
    }
}

/* The source is a path as it stands, whatever characters are in it; lowerdir= is a list of layers.
 */
static int set_paths(struct options *o, char **paths, int n, struct err *e)
{
    int r = 0;

    if (o->lowerdir && n == 2) {
        /* What mount(8) has as the device: "fuse-overlayfs", "none". */
        paths++;
        n--;
    }
    if (n > 0 && n == (o->lowerdir ? 1 : 2)) {
        if (n == 2)
            r = set_string(&o->source, paths[0], e);
        return r < 0 ? r : set_string(&o->mountpoint, paths[n - 1], e);
    }
    if (n == 0 && o->fuse_fd >= 0 && o->lower_fd >= 0)
        return 0;
    return err_setx(e, -EINVAL, "expected SOURCE MOUNTPOINT, or -o lowerdir=SOURCE MOUNTPOINT");
}

/*
 * Who shows everything as owned by one id may do without a mapping, and so may who merges layers,
 * as with fuse-overlayfs: requests then go unshifted.
 */
static int default_map(struct idmap *map, bool have, bool optional, const char *what, struct err *e)
{
    static const struct idmap_range all = {.size = IDMAP_NO_ID};

    if (have)
        return 0;
    if (!optional)
        return err_setx(e, -EINVAL, "%s= is missing", what);
    return idmap_init(map, &all, 1, what, e);
}

static int check_upper(const struct options *o, struct err *e)
{
    if (o->upperdir && !o->lowerdir)
        return err_setx(e, -EINVAL, "upperdir=%s: lowerdir= is missing", o->upperdir);
    if (o->upperdir && !o->workdir)
        return err_setx(e, -EINVAL, "upperdir=%s: workdir= is missing", o->upperdir);
    return 0;
}

static int complete(struct options *o, struct err *e)
{
    bool unshifted = o->lowerdir && !o->have_uidmap && !o->have_gidmap;
    int r;

    /* What is below is for others, too: to write to one directory is SOURCE's. */
    if (o->lowerdir && !o->upperdir)
        o->read_only = true;
    if (o->squash_to_root)
        o->squash_uid.on = o->squash_gid.on = true;
    r = default_map(&o->uidmap, o->have_uidmap, o->squash_uid.on || unshifted, "uidmapping", e);
    if (r == 0)
        r = default_map(&o->gidmap, o->have_gidmap, o->squash_gid.on || unshifted, "gidmapping", e);
    if (r == 0)
        r = check_upper(o, e);
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
                          .fsync = true,
                          .fuse_fd = -1,
                          .lower_fd = -1,
                          .ready_fd = -1,
                          .count_fd = -1,
                          .timeout = -1,
                          .threads = DEFAULT_THREADS};
    opterr = 0;
    while (r == 0 && (c = getopt_long(argc, argv, "o:fdhVvnst:", long_options, NULL)) != -1)
        r = set_one(o, c, argv[optind - 1], e);
    if (r < 0 || o->help || o->version)
        return r;
    r = set_paths(o, argv + optind, argc - optind, e);
    return r < 0 ? r : complete(o, e);
}

void options_release(struct options *o)
{
    free(o->source);
    free(o->lowerdir);
    free(o->side_layers);
    free(o->upperdir);
    free(o->workdir);
    free(o->context);
    free(o->mountpoint);
}
