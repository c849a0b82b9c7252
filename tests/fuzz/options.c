/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of oci-shifter, one argument in each line. */
#include "shifter/options.h"
#include "base/log.h"
#include "tests/fuzz/mappings.h"

#include <getopt.h>

#define MOST_ARGUMENTS 64

static int parse(struct options *o, int argc, char **argv, struct err *e)
{
    optind = 0; /* getopt(3): begin again */
    return options_parse(o, argc, argv, e);
}

static void must_be_an_fd(int fd)
{
    must(fd == -1 || (fd >= 0 && fd <= 1 << 20));
}

/* Holds of what was taken before something was refused, too. */
static void check_values(const struct options *o)
{
    must(o->timeout == -1 || (o->timeout >= 0 && o->timeout <= 1e9));
    must_be_an_fd(o->fuse_fd);
    must_be_an_fd(o->lower_fd);
    must_be_an_fd(o->ready_fd);
    must(o->threads <= 1024);
    must(o->squash_uid.id.v != IDMAP_NO_ID && o->squash_gid.id.v != IDMAP_NO_ID);
}

static void check(const struct options *o)
{
    if (o->help || o->version)
        return;
    must(o->threads >= 1);
    must(o->have_uidmap || o->squash_uid.on || (o->lowerdir && !o->have_gidmap));
    must(o->have_gidmap || o->squash_gid.on || (o->lowerdir && !o->have_uidmap));
    must(!o->upperdir || (o->lowerdir && o->workdir));
    must(!o->squash_to_root || (o->squash_uid.on && o->squash_gid.on));
    must_be_a_mapping(&o->uidmap);
    must_be_a_mapping(&o->gidmap);
    /* What is mounted and where: both as paths, or both as fds. */
    must(((o->source || o->lowerdir) && o->mountpoint) ||
         (!o->mountpoint && o->fuse_fd >= 0 && o->lower_fd >= 0));
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_map(const struct idmap *a, const struct idmap *b)
{
    return a->n == b->n && memcmp(a->by_disk, b->by_disk, a->n * sizeof(a->by_disk[0])) == 0;
}

static bool same_squash(const struct squash *a, const struct squash *b)
{
    return a->on == b->on && a->id.v == b->id.v;
}

static void must_be_same(const struct options *a, const struct options *b)
{
    must(same_text(a->lowerdir, b->lowerdir) && same_text(a->mountpoint, b->mountpoint));
    must(same_text(a->source, b->source) && same_text(a->context, b->context));
    must(same_text(a->upperdir, b->upperdir) && same_text(a->workdir, b->workdir));
    must(a->fsync == b->fsync && a->no_acl == b->no_acl && a->static_nlink == b->static_nlink);
    must(a->fuse_fd == b->fuse_fd && a->lower_fd == b->lower_fd && a->ready_fd == b->ready_fd);
    must(a->have_uidmap == b->have_uidmap && a->have_gidmap == b->have_gidmap);
    must(same_map(&a->uidmap, &b->uidmap) && same_map(&a->gidmap, &b->gidmap));
    must(same_squash(&a->squash_uid, &b->squash_uid) &&
         same_squash(&a->squash_gid, &b->squash_gid));
    must(a->squash_to_root == b->squash_to_root && a->passthrough == b->passthrough);
    must(a->read_only == b->read_only && a->nosuid == b->nosuid && a->noexec == b->noexec);
    must(a->noatime == b->noatime && a->nodev == b->nodev && a->cache == b->cache);
    must(a->timeout == b->timeout && a->threads == b->threads);
    must(a->foreground == b->foreground && a->debug == b->debug);
    must(a->help == b->help && a->version == b->version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options first, again;
    char name[] = "oci-shifter", *argv[MOST_ARGUMENTS + 2] = {name}, *save = NULL;
    char *text = copy_text(data, size);
    struct err e = {0}, e_again = {0};
    int argc = 1, r;

    /* Words about unknown options are for people. */
    log_setup("fuzz", LOG_LEVEL_ERROR, false, false);
    for (char *word = strtok_r(text, "\n", &save); word && argc <= MOST_ARGUMENTS;
         word = strtok_r(NULL, "\n", &save))
        argv[argc++] = word;
    r = parse(&first, argc, argv, &e);
    check_values(&first);
    if (r < 0)
        must_be_refused(r, &e);
    else
        check(&first);
    /* getopt(3) has moved the arguments; they still say the same, and nothing was written to. */
    must(parse(&again, argc, argv, &e_again) == r);
    if (r < 0)
        must(strcmp(e.msg, e_again.msg) == 0);
    else
        must_be_same(&first, &again);
    options_release(&first);
    options_release(&again);
    /* What was not released must not be found here: it is lost. */
    memset(&first, 0, sizeof(first));
    memset(&again, 0, sizeof(again));
    free(text);
    return 0;
}
