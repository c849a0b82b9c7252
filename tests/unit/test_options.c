/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "shifter/layers.h"
#include "shifter/options.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MAPS "uidmapping=0:100000:65536,gidmapping=0:200000:65536"

static struct err e;
static struct options o;

static void setup(void)
{
    /* Warnings about unknown words are for people. */
    log_setup("test", LOG_LEVEL_ERROR, false, false);
}

/* One string, words between spaces; options_release() is due. */
static int parse(const char *line)
{
    char copy[512], *argv[20] = {NULL}, *save = NULL;
    int argc = 0;

    ck_assert_uint_lt(strlen(line), sizeof(copy));
    strcpy(copy, line);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    optind = 0; /* getopt(3): begin again */
    return options_parse(&o, argc, argv, &e);
}

static void parsed(const char *line)
{
    ck_assert_msg(parse(line) == 0, "%s: %s", line, e.msg);
}

static void refused(const char *line, int code, const char *word)
{
    ck_assert_msg(parse(line) == code, "%s", line);
    ck_assert_msg(strstr(e.msg, word) != NULL, "%s: %s", line, e.msg);
    options_release(&o);
}

START_TEST(is_called_like_fuse_overlayfs)
{
    struct mount_id m;

    parsed("oci-shifter -o lowerdir=/l," MAPS " /m");
    ck_assert_str_eq(o.lowerdir, "/l");
    ck_assert_str_eq(o.mountpoint, "/m");
    ck_assert(idmap_to_mount(&o.uidmap, (struct disk_id){0}, &m) && m.v == 100000);
    ck_assert(idmap_to_mount(&o.gidmap, (struct disk_id){0}, &m) && m.v == 200000);
    ck_assert(o.fuse_fd == -1 && o.lower_fd == -1 && o.ready_fd == -1);
    ck_assert(o.read_only && !o.foreground && !o.debug);
    ck_assert_int_eq(o.cache, CACHE_AUTO);
    ck_assert(o.timeout < 0);
    ck_assert_uint_gt(o.threads, 0);
    options_release(&o);
}
END_TEST

START_TEST(is_called_like_a_mount_helper)
{
    parsed("mount.fuse.oci-shifter /l:m /m -o rw,nosuid,nodev,noexec,noatime," MAPS);
    ck_assert_str_eq(o.source, "/l:m");
    ck_assert_ptr_null(o.lowerdir);
    ck_assert_str_eq(o.mountpoint, "/m");
    ck_assert(o.nosuid && o.noexec && o.noatime && !o.read_only);
    options_release(&o);
    parsed("oci-shifter -o ro -o " MAPS " -f /l /m");
    ck_assert(o.read_only && o.foreground && !o.debug);
    options_release(&o);
}
END_TEST

START_TEST(is_called_by_the_hook)
{
    parsed("oci-shifter --fuse-fd=3 --lower-fd=4 --ready-fd=5 -o " MAPS ",ro,cache=always");
    ck_assert(o.fuse_fd == 3 && o.lower_fd == 4 && o.ready_fd == 5);
    ck_assert_int_eq(o.cache, CACHE_ALWAYS);
    ck_assert(!o.source && !o.lowerdir && !o.mountpoint);
    options_release(&o);
}
END_TEST

START_TEST(takes_values)
{
    parsed("x -d -o cache=never,timeout=0.5,threads=1024," MAPS " /l /m");
    ck_assert_int_eq(o.cache, CACHE_NEVER);
    ck_assert_double_eq(o.timeout, 0.5);
    ck_assert_uint_eq(o.threads, 1024);
    ck_assert(o.debug && o.foreground);
    options_release(&o);
    /* The last one counts. */
    parsed("x -o threads=2,timeout=7 -o threads=3,timeout=0,lowerdir=/a,lowerdir=/b," MAPS " /m");
    ck_assert_uint_eq(o.threads, 3);
    ck_assert_double_eq(o.timeout, 0);
    ck_assert_str_eq(o.lowerdir, "/b");
    options_release(&o);
}
END_TEST

START_TEST(helps_whatever_else_is_there)
{
    parsed("x --help");
    ck_assert(o.help);
    options_release(&o);
    parsed("x -V");
    ck_assert(o.version);
    options_release(&o);
}
END_TEST

START_TEST(ignores_unknown_words_aloud)
{
    parsed("x -o what,where=there,x-systemd.automount,_netdev,nofail," MAPS " /l /m");
    options_release(&o);
}
END_TEST

START_TEST(takes_layers)
{
    struct disk_id d;

    parsed("x -o lowerdir=/a:/b,upperdir=/u,workdir=/w,volatile,redirect_dir=on /m");
    ck_assert_str_eq(o.lowerdir, "/a:/b");
    ck_assert_str_eq(o.upperdir, "/u");
    ck_assert_str_eq(o.workdir, "/w");
    ck_assert(o.volatile_upper && o.redirect_dir);
    /* As with fuse-overlayfs, without a mapping nothing is shifted. */
    ck_assert(idmap_to_disk(&o.uidmap, (struct mount_id){7}, &d) && d.v == 7);
    ck_assert(idmap_to_disk(&o.gidmap, (struct mount_id){7}, &d) && d.v == 7);
    options_release(&o);
    /* The device that mount(8) has in its list. */
    parsed("mount.fuse.oci-shifter fuse-overlayfs /m -o lowerdir=/a");
    ck_assert_str_eq(o.lowerdir, "/a");
    ck_assert_ptr_null(o.source);
    ck_assert_str_eq(o.mountpoint, "/m");
    options_release(&o);
    refused("x -o lowerdir=/a,uidmapping=0:1:1 /m", -EINVAL, "gidmapping= is missing");
    refused("x -o lowerdir=/a,upperdir=/u /m", -EINVAL, "workdir= is missing");
    refused("x -o upperdir=/u,workdir=/w," MAPS " /l /m", -EINVAL, "lowerdir= is missing");
}
END_TEST

START_TEST(takes_the_words_of_fuse_overlayfs)
{
    parsed("x -o noacl,static_nlink,fsync=0,threaded=0,private,xattr_permissions=0," MAPS " /l /m");
    ck_assert(o.no_acl && o.static_nlink && !o.fsync);
    ck_assert_uint_eq(o.threads, 1);
    options_release(&o);
    parsed("x -o " MAPS " /l /m");
    ck_assert(!o.no_acl && !o.static_nlink && o.fsync && !o.volatile_upper);
    ck_assert_uint_gt(o.threads, 1);
    options_release(&o);
    parsed("x -o xattr_permissions=2,plugins=p," MAPS " /l /m");
    ck_assert_uint_eq(o.xattr_permissions, 2);
    options_release(&o);
    refused("x -o xattr_permissions=3," MAPS " /l /m", -EINVAL, "expected 0, 1 or 2");
    refused("x -o xattr_permissions=on," MAPS " /l /m", -EINVAL, "expected 0, 1 or 2");
    refused("x -o remount,ro," MAPS " /l /m", -ENOTSUP, "remount");
    refused("x -o fsync=2," MAPS " /l /m", -EINVAL, "fsync=2");
}
END_TEST

START_TEST(takes_commas_in_values)
{
    parsed("x -o context=\"a:b:c1,c2\",ro," MAPS " /l /m");
    ck_assert_str_eq(o.context, "a:b:c1,c2");
    ck_assert(o.read_only);
    options_release(&o);
    parsed("x -o lowerdir=/a\\,b\\:c:/d,rw /m");
    ck_assert_str_eq(o.lowerdir, "/a,b\\:c:/d");
    options_release(&o);
}
END_TEST

static void split_is(const char *text, const char *first, const char *second)
{
    char copy[64], *paths[2] = {NULL, NULL};
    int n;

    strcpy(copy, text);
    n = layers_split(copy, paths, 2, &e);
    ck_assert_int_eq(n, second ? 2 : 1);
    ck_assert_str_eq(paths[0], first);
    if (second)
        ck_assert_str_eq(paths[1], second);
}

START_TEST(splits_layers)
{
    static const char *const bad[] = {"", ":", "::", "a:b:c"};

    split_is("/a", "/a", NULL);
    split_is("/a:/b", "/a", "/b");
    split_is("/a\\:b:/c\\\\", "/a:b", "/c\\");
    split_is("/a\\b", "/a\\b", NULL);
    split_is("/a:", "/a", NULL);
    split_is(":/a", "/a", NULL);
    split_is("::/a::/b:", "/a", "/b");
    for (size_t i = 0; i < COUNT(bad); i++) {
        char copy[16], *paths[2];

        strcpy(copy, bad[i]);
        ck_assert_msg(layers_split(copy, paths, 2, &e) == -EINVAL, "'%s'", bad[i]);
    }
}
END_TEST

START_TEST(refuses_bad_values)
{
    refused("x -o threads=0," MAPS " /l /m", -EINVAL, "threads=0");
    refused("x -o threads=1025," MAPS " /l /m", -ERANGE, "threads=1025");
    refused("x -o threads=-1," MAPS " /l /m", -EINVAL, "threads=-1");
    refused("x -o threads=," MAPS " /l /m", -EINVAL, "threads=");
    refused("x -o timeout=-1," MAPS " /l /m", -EINVAL, "timeout=-1");
    refused("x -o timeout=nan," MAPS " /l /m", -EINVAL, "timeout=nan");
    refused("x -o timeout=inf," MAPS " /l /m", -EINVAL, "timeout=inf");
    refused("x -o timeout=1e10," MAPS " /l /m", -EINVAL, "timeout=1e10");
    refused("x -o timeout=1s," MAPS " /l /m", -EINVAL, "timeout=1s");
    refused("x -o timeout=," MAPS " /l /m", -EINVAL, "timeout=");
    refused("x -o cache=yes," MAPS " /l /m", -EINVAL, "cache=yes");
    refused("x --fuse-fd=x -o " MAPS, -EINVAL, "--fuse-fd=x");
    refused("x --fuse-fd=-1 -o " MAPS, -EINVAL, "--fuse-fd=-1");
    refused("x --lower-fd=4294967296 -o " MAPS, -ERANGE, "--lower-fd");
}
END_TEST

START_TEST(needs_both_mappings)
{
    refused("x -o uidmapping=0:1:1 /l /m", -EINVAL, "gidmapping= is missing");
    refused("x -o gidmapping=0:1:1 /l /m", -EINVAL, "uidmapping= is missing");
    refused("x -o uidmapping=0:1,gidmapping=0:1:1 /l /m", -EINVAL, "uidmapping: ");
    refused("x -o uidmapping=,gidmapping=0:1:1 /l /m", -EINVAL, "uidmapping: ");
    refused("x -o uidmapping=0:1:1,gidmapping=0:1:0 /l /m", -EINVAL, "gidmapping[0]");
    refused("x -o uidmapping=0:1:1,gidmapping=0:1:4294967296 /l /m", -ERANGE, "gidmapping: ");
}
END_TEST

START_TEST(squashes)
{
    struct disk_id d;

    parsed("x -o " MAPS ",squash_to_uid=7,squash_to_root /l /m");
    ck_assert(o.squash_uid.on && o.squash_uid.id.v == 7);
    ck_assert(o.squash_gid.on && o.squash_gid.id.v == 0);
    options_release(&o);
    /* What is written then is not shifted. */
    parsed("x -o squash_to_root /l /m");
    ck_assert(idmap_to_disk(&o.uidmap, (struct mount_id){70000}, &d) && d.v == 70000);
    ck_assert(idmap_to_disk(&o.gidmap, (struct mount_id){4294967294}, &d) && d.v == 4294967294);
    options_release(&o);
    refused("x -o squash_to_uid=7 /l /m", -EINVAL, "gidmapping= is missing");
    refused("x -o squash_to_gid=4294967295," MAPS " /l /m", -ERANGE, "squash_to_gid=");
    parsed("x -o " MAPS ",passthrough=off /l /m");
    ck_assert(!o.passthrough);
    options_release(&o);
    refused("x -o passthrough=maybe," MAPS " /l /m", -EINVAL, "passthrough=maybe");
    refused("x -o squash_to_uid=x," MAPS " /l /m", -EINVAL, "squash_to_uid=x");
}
END_TEST

START_TEST(needs_to_know_what_goes_where)
{
    static const char *const lines[] = {
        "x -o " MAPS,
        "x -o " MAPS " /l",
        "x -o " MAPS " /l /m /n",
        "x -o lowerdir=/l," MAPS,
        "x -o lowerdir=/l," MAPS " none /m /n",
        "x --fuse-fd=3 -o " MAPS,
        "x --lower-fd=3 -o " MAPS,
    };

    for (size_t i = 0; i < COUNT(lines); i++)
        refused(lines[i], -EINVAL, "SOURCE MOUNTPOINT");
}
END_TEST

START_TEST(takes_options_of_others)
{
    parsed("x -x --nothing -o " MAPS " /l /m");
    ck_assert_str_eq(o.source, "/l");
    options_release(&o);
    parsed("x --debug -o " MAPS " /l /m");
    ck_assert(o.debug && o.foreground);
    options_release(&o);
    refused("x /l /m -o", -EINVAL, "-o");
    refused("x /l /m --fuse-fd", -EINVAL, "--fuse-fd");
}
END_TEST

/* mount(8) hands its own options on: none of them says anything to a shifter. */
START_TEST(takes_what_mount_passes_on)
{
    parsed("mount.fuse.oci-shifter /l /m -n -s -v -o nodev," MAPS);
    ck_assert(o.nodev && !o.foreground && !o.version);
    options_release(&o);
}
END_TEST

Suite *suite_options(void)
{
    Suite *s = suite_create("options");
    TCase *t = tcase_create("command line");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, is_called_like_fuse_overlayfs);
    tcase_add_test(t, is_called_like_a_mount_helper);
    tcase_add_test(t, is_called_by_the_hook);
    tcase_add_test(t, takes_values);
    tcase_add_test(t, helps_whatever_else_is_there);
    tcase_add_test(t, ignores_unknown_words_aloud);
    tcase_add_test(t, takes_layers);
    tcase_add_test(t, takes_the_words_of_fuse_overlayfs);
    tcase_add_test(t, takes_commas_in_values);
    tcase_add_test(t, splits_layers);
    tcase_add_test(t, refuses_bad_values);
    tcase_add_test(t, needs_both_mappings);
    tcase_add_test(t, squashes);
    tcase_add_test(t, needs_to_know_what_goes_where);
    tcase_add_test(t, takes_options_of_others);
    tcase_add_test(t, takes_what_mount_passes_on);
    suite_add_tcase(s, t);
    return s;
}
