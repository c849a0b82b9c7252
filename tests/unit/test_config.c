/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/config.h"
#include "hook/json.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP "[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"

static struct err e;
static struct oci_config c;

static int parse(const char *text)
{
    return config_parse(text, strlen(text), &c, &e);
}

static void refused(const char *text, const char *word)
{
    ck_assert_msg(parse(text) == -EINVAL, "%s was taken", text);
    ck_assert_msg(strstr(e.msg, word) != NULL, "%s: %s", text, e.msg);
    ck_assert_ptr_null(c.doc);
}

START_TEST(reads_what_it_needs)
{
    struct mount_id m;
    const char *text =
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
        "\"process\":{\"cwd\":\"/work\",\"args\":[\"sh\"]},\"mounts\":[],"
        "\"annotations\":{\"io.oci-shift.image\":\"/i\",\"io.oci-shift.upper\":\"none\","
        "\"io.oci-shift.upperdir\":\"/u\",\"io.oci-shift.backend\":\"fuse\",\"other\":\"x\"},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
        "\"uidMappings\":" MAP ",\"gidMappings\":[{\"containerID\":1,\"hostID\":5,\"size\":2}],"
        "\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[],\"mountLabel\":\"l\"}}";

    ck_assert_msg(parse(text) == 0, "%s", e.msg);
    ck_assert_str_eq(c.root_path, "rootfs");
    ck_assert_str_eq(c.cwd, "/work");
    ck_assert(c.root_readonly && c.user_namespace && c.mappings);
    ck_assert(idmap_to_mount(&c.uid, (struct disk_id){65535}, &m) && m.v == 165535);
    ck_assert(idmap_to_mount(&c.gid, (struct disk_id){1}, &m) && m.v == 5);
    ck_assert(!idmap_to_mount(&c.gid, (struct disk_id){0}, &m));
    ck_assert_str_eq(c.masked_paths->first->text, "/proc/kcore");
    ck_assert_uint_eq(c.readonly_paths->n, 0);
    ck_assert_str_eq(c.mount_label, "l");
    ck_assert_str_eq(c.image, "/i");
    ck_assert_str_eq(c.upper, "none");
    ck_assert_str_eq(c.upperdir, "/u");
    ck_assert_str_eq(c.backend, "fuse");
    config_release(&c);
    ck_assert_ptr_null(c.doc);
}
END_TEST

START_TEST(needs_only_a_root)
{
    ck_assert_int_eq(parse("{\"root\":{\"path\":\"/r\"}}"), 0);
    ck_assert(!c.root_readonly && !c.user_namespace && !c.mappings);
    ck_assert(!c.cwd && !c.masked_paths && !c.readonly_paths && !c.mount_label);
    ck_assert(!c.image && !c.upper && !c.upperdir && !c.backend);
    config_release(&c);
}
END_TEST

/* Go writes a nil slice or map as null. */
START_TEST(null_is_absent)
{
    ck_assert_int_eq(parse("{\"root\":{\"path\":\"/r\",\"readonly\":null},\"annotations\":null,"
                           "\"process\":null,\"linux\":{\"uidMappings\":null,\"gidMappings\":null,"
                           "\"namespaces\":null,\"maskedPaths\":null}}"),
                     0);
    ck_assert(!c.mappings && !c.masked_paths);
    config_release(&c);
}
END_TEST

START_TEST(empty_mappings_are_none)
{
    ck_assert_int_eq(parse("{\"root\":{\"path\":\"/r\"},\"linux\":{\"uidMappings\":[],"
                           "\"gidMappings\":[]}}"),
                     0);
    ck_assert(!c.mappings);
    config_release(&c);
    refused("{\"root\":{\"path\":\"/r\"},\"linux\":{\"uidMappings\":[],\"gidMappings\":" MAP "}}",
            "uidMappings is missing");
}
END_TEST

START_TEST(refuses_wrong_shapes)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"[]", "expected an object"},
        {"{}", "root is missing"},
        {"{\"root\":\"/r\"}", "root: expected an object"},
        {"{\"root\":{}}", "root.path is missing"},
        {"{\"root\":{\"path\":\"\"}}", "root.path is missing"},
        {"{\"root\":{\"path\":[]}}", "root.path: expected a string"},
        {"{\"root\":{\"path\":\"/r\",\"readonly\":\"yes\"}}", "root.readonly"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":[]}", "linux: expected"},
        {"{\"root\":{\"path\":\"/r\"},\"annotations\":[]}", "annotations: expected"},
        {"{\"root\":{\"path\":\"/r\"},\"annotations\":{\"io.oci-shift.upper\":true}}",
         "annotations.\"io.oci-shift.upper\""},
        {"{\"root\":{\"path\":\"/r\"},\"process\":{\"cwd\":1}}", "process.cwd"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":{\"namespaces\":{}}}", "linux.namespaces"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":{\"namespaces\":[null]}}", "linux.namespaces[0]"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":{\"namespaces\":[{\"type\":1}]}}",
         "linux.namespaces[0].type"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":{\"maskedPaths\":[\"/a\",1]}}",
         "linux.maskedPaths[1]"},
        {"{\"root\":{\"path\":\"/r\"},\"linux\":{\"readonlyPaths\":\"/a\"}}",
         "linux.readonlyPaths"},
        {"{\"root\":{\"path\":\"/r\"},\"root\":{\"path\":\"/s\"}}", "twice"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        refused(cases[i].text, cases[i].word);
}
END_TEST

static void refused_map(const char *map, const char *word)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"root\":{\"path\":\"/r\"},\"linux\":{\"uidMappings\":" MAP ",\"gidMappings\":%s}}",
             map);
    refused(text, word);
}

START_TEST(refuses_bad_mappings)
{
    refused("{\"root\":{\"path\":\"/r\"},\"linux\":{\"uidMappings\":" MAP "}}",
            "linux.gidMappings is missing");
    refused("{\"root\":{\"path\":\"/r\"},\"linux\":{\"gidMappings\":" MAP "}}",
            "linux.uidMappings is missing");
    refused_map("{}", "linux.gidMappings: expected an array");
    refused_map("[[0,1,2]]", "linux.gidMappings[0]: expected an object");
    refused_map("[{\"containerID\":0,\"hostID\":1}]", "linux.gidMappings[0]: size is missing");
    refused_map("[{\"containerID\":0,\"size\":1}]", "hostID is missing");
    refused_map("[{\"hostID\":0,\"size\":1}]", "containerID is missing");
    refused_map("[{\"containerID\":0,\"hostID\":1,\"size\":0}]", "size 0");
    refused_map("[{\"containerID\":-1,\"hostID\":1,\"size\":1}]", "containerID: -1");
    refused_map("[{\"containerID\":0,\"hostID\":1.5,\"size\":1}]", "hostID: 1.5");
    refused_map("[{\"containerID\":0,\"hostID\":1,\"size\":1e3}]", "size: 1e3");
    refused_map("[{\"containerID\":0,\"hostID\":4294967296,\"size\":1}]", "4294967296");
    refused_map("[{\"containerID\":0,\"hostID\":4294967295,\"size\":1}]", "beyond");
    refused_map("[{\"containerID\":0,\"hostID\":1,\"size\":2},"
                "{\"containerID\":1,\"hostID\":9,\"size\":1}]",
                "linux.gidMappings: container id 1 is in two ranges");
}
END_TEST

static int parse_ranges(unsigned n)
{
    char *text = malloc(100 + (size_t)n * 60), *end = text;
    int r;

    end += sprintf(end, "{\"root\":{\"path\":\"/r\"},\"linux\":{\"uidMappings\":[");
    for (unsigned i = 0; i < n; i++)
        end += sprintf(end, "%s{\"containerID\":%u,\"hostID\":%u,\"size\":1}", i ? "," : "", i,
                       100000 + 2 * i);
    sprintf(end, "],\"gidMappings\":" MAP "}}");
    r = parse(text);
    free(text);
    return r;
}

START_TEST(takes_340_ranges)
{
    struct mount_id m;

    ck_assert_int_eq(parse_ranges(340), 0);
    ck_assert(idmap_to_mount(&c.uid, (struct disk_id){339}, &m) && m.v == 100678);
    config_release(&c);
    ck_assert_int_eq(parse_ranges(341), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "341"));
    ck_assert_int_eq(parse_ranges(5000), -EINVAL);
}
END_TEST

START_TEST(reads_a_bundle)
{
    const char *dir = scratch_directory();
    char path[128];

    ck_assert_int_eq(config_read(dir, &c, &e), -ENOENT);
    ck_assert_ptr_nonnull(strstr(e.msg, "/config.json: No such file"));
    scratch_file(dir, "config.json", "{\"root\":{\"path\":\"/r\"}}");
    ck_assert_int_eq(config_read(dir, &c, &e), 0);
    config_release(&c);
    scratch_file(dir, "config.json", "{\"root\":");
    ck_assert_int_eq(config_read(dir, &c, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "/config.json: not valid JSON"));
    snprintf(path, sizeof(path), "%s/config.json", dir);
    remove(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(config_read(dir, &c, &e), -EINVAL);
}
END_TEST

/* Whoever writes a FIFO in its place must not stop the hook. */
START_TEST(does_not_wait_for_a_fifo)
{
    const char *dir = scratch_directory();
    char path[128];

    snprintf(path, sizeof(path), "%s/config.json", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(config_read(dir, &c, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "not a regular file"));
}
END_TEST

START_TEST(reads_sixteen_mebibytes_at_most)
{
    const char *dir = scratch_directory();
    char path[128];

    snprintf(path, sizeof(path), "%s/config.json", dir);
    scratch_file(dir, "config.json", "{\"root\":{\"path\":\"/r\"}}");
    ck_assert_int_eq(truncate(path, JSON_MAX_BYTES + 1), 0);
    ck_assert_int_eq(config_read(dir, &c, &e), -EFBIG);
    ck_assert_ptr_nonnull(strstr(e.msg, "larger than 16 MiB"));
}
END_TEST

Suite *suite_config(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("document");

    tcase_add_test(t, reads_what_it_needs);
    tcase_add_test(t, needs_only_a_root);
    tcase_add_test(t, null_is_absent);
    tcase_add_test(t, empty_mappings_are_none);
    tcase_add_test(t, refuses_wrong_shapes);
    tcase_add_test(t, refuses_bad_mappings);
    tcase_add_test(t, takes_340_ranges);
    suite_add_tcase(s, t);
    t = tcase_create("file");
    tcase_add_test(t, reads_a_bundle);
    tcase_add_test(t, does_not_wait_for_a_fifo);
    tcase_add_test(t, reads_sixteen_mebibytes_at_most);
    suite_add_tcase(s, t);
    return s;
}
