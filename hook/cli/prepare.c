/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/prepare.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "hook/attach.h"
#include "hook/cli/cli.h"
#include "hook/mounttree.h"
#include "hook/reach.h"
#include "hook/state.h"

#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

struct wanted {
    const char *id, *image, *upper, *upperdir, *uid_map, *gid_map;
    char *bundle; /* without symlinks */
};

static int parse(int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {
        {"id", required_argument, NULL, 'i'},     {"image", required_argument, NULL, 'm'},
        {"upper", required_argument, NULL, 'u'},  {"upperdir", required_argument, NULL, 'd'},
        {"uidmap", required_argument, NULL, 'U'}, {"gidmap", required_argument, NULL, 'G'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const char **slot = c == 'i'   ? &w->id
                            : c == 'm' ? &w->image
                            : c == 'u' ? &w->upper
                            : c == 'd' ? &w->upperdir
                            : c == 'U' ? &w->uid_map
                            : c == 'G' ? &w->gid_map
                                       : NULL;

        if (!slot)
            return c;
        *slot = optarg;
    }
    return 0;
}

/* The mapping is config.json's; the command line may only say the same, or what is missing. */
static int apply_map(const char *text, const char *option, const char *what, bool have,
                     struct idmap *map, struct err *e)
{
    cleanup_free char *there = NULL;
    struct idmap given;
    int r;

    if (!text)
        return have ? 0
                    : err_setx(e, -EINVAL, "config.json has no %sMappings: --%smap", what, what);
    r = idmap_parse(&given, text, option, e);
    if (r == 0 && have) {
        cleanup_free char *same = idmap_format(&given);

        there = idmap_format(map);
        if (!same || !there)
            return err_set(e, -ENOMEM, "mapping");
        if (strcmp(same, there) != 0)
            return err_setx(e, -EINVAL, "%s %s: config.json has %s", option, same, there);
    }
    if (r == 0)
        *map = given;
    return r;
}

static int apply(const struct wanted *w, struct oci_config *c, struct err *e)
{
    /* One stands for both. */
    const char *gid = w->gid_map ? w->gid_map : w->uid_map;
    const char *uid = w->uid_map ? w->uid_map : w->gid_map;
    int r;

    if (!c->user_namespace)
        return err_setx(e, -EINVAL, "config.json has no user namespace");
    r = apply_map(uid, w->uid_map ? "--uidmap" : "--gidmap", "uid", c->mappings, &c->uid, e);
    if (r == 0)
        r = apply_map(gid, w->gid_map ? "--gidmap" : "--uidmap", "gid", c->mappings, &c->gid, e);
    if (r < 0)
        return r;
    c->mappings = true;
    if (w->image)
        c->image = w->image;
    if (w->upper)
        c->upper = w->upper;
    if (w->upperdir)
        c->upperdir = w->upperdir;
    return 0;
}

/*
 * Mounting over what others use would show it shifted to them too: of what is not the bundle's own
 * the image has to be given another place in it.
 */
static int check_place(const struct wanted *w, const char *root, struct err *e)
{
    char path[PATH_MAX];
    cleanup_close int fd = -1;
    const char *below;

    if (w->image && mkdir(root, 0755) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make root.path: %s", root);
    if (attach_open(root, &fd, path, e) < 0)
        return err_prefix(e, "root.path");
    below = mounttree_below(path, w->bundle);
    if (below && *below)
        return 0;
    return err_setx(e, -EINVAL,
                    "root.path: %s is not in the bundle, and others may use it: let root.path be "
                    "\"rootfs\", and give the image by --image %s",
                    path, path);
}

/*
 * Programs of the image that are set-user-ID are so, for the container's ids, for everybody on the
 * host who can run them.
 */
static void warn_of_others(const struct shift *s, const char *bundle, const char *root)
{
    struct mount_id group;
    struct err ignored;

    if (idmap_to_mount(&s->config.gid, (struct disk_id){0}, &group) &&
        reach_check_ids(IDMAP_OVERFLOW_ID, IDMAP_OVERFLOW_ID, root, &ignored) == 0)
        log_warn(
            "all users of this machine can reach %s, and run what is set-user-ID in it: chgrp %u "
            "%s && chmod 710 %s",
            root, group.v, bundle, bundle);
}

static int prepare(struct shift *s, const struct wanted *w, struct err *e)
{
    cleanup_free char *root = NULL;
    enum decision decision;
    const char *why = "";
    struct prepare p = {.way = WAY_PREPARE};
    int r = config_read(w->bundle, &s->config, e);

    if (r == 0)
        r = apply(w, &s->config, e);
    if (r < 0)
        return r;
    s->paths_are_trusted = true;
    s->runtime_comes = true;
    root = shift_root_path(s);
    if (!root)
        return err_set(e, -ENOMEM, "root.path");
    r = check_place(w, root, e);
    if (r == 0)
        r = shift_decide(s, &decision, &why, e);
    if (r == 0 && decision == DECISION_NOTHING)
        r = err_setx(e, -EALREADY, "%s", why);
    p.at = root;
    if (r == 0)
        r = prepare_root(s, &p, e);
    if (r == 0)
        printf("%s: %s shows %s%s%s\n", s->id, root, s->lower_path,
               s->upper_mode == UPPER_NONE ? "" : ", with an upper: ",
               s->upper_mode == UPPER_NONE ? "" : upper_mode_name(s->upper_mode));
    if (r == 0)
        warn_of_others(s, w->bundle, root);
    return r;
}

int cli_prepare(int argc, char **argv, const struct admin *admin, struct err *e)
{
    struct wanted w = {0};
    struct shift s = SHIFT_INIT;
    int c = parse(argc, argv, &w), r;

    if (c != 0)
        return c == 'h' ? cli_help("prepare") : CLI_USAGE;
    if (argc - optind != 1) {
        err_setx(e, -EINVAL, "prepare: expected one BUNDLE");
        return CLI_USAGE;
    }
    w.bundle = realpath(argv[optind], NULL);
    if (!w.bundle) {
        err_set(e, -errno, "bundle %s", argv[optind]);
        return CLI_FAILED;
    }
    s.id = w.id ? w.id : strrchr(w.bundle, '/') + 1;
    s.bundle = w.bundle;
    s.admin = admin;
    r = state_check_id(s.id, e);
    if (r == 0)
        r = prepare(&s, &w, e);
    if (r < 0)
        err_prefix(e, "prepare %s", w.bundle);
    shift_release(&s);
    free(w.bundle);
    return r < 0 ? CLI_FAILED : CLI_OK;
}
