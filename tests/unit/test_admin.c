/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/admin.h"
#include "hook/json.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err e;
static struct admin a;

static int parse(const char *text)
{
    return admin_parse(text, strlen(text), &a, &e);
}

START_TEST(has_defaults)
{
    ck_assert_int_eq(parse("{}"), 0);
    ck_assert_str_eq(a.shifter, SHIFTER_PATH);
    ck_assert_str_eq(a.state_directory, "/run/oci-shift");
    ck_assert_str_eq(a.upper_directory, "/var/lib/oci-shift/uppers");
    ck_assert_str_eq(a.ephemeral_directory, "/var/lib/oci-shift/ephemeral");
    ck_assert_uint_eq(a.ready_seconds, 10);
    ck_assert_uint_eq(a.stop_seconds, 5);
    ck_assert_int_eq(admin_stop_ms(&a), 5000);
    ck_assert_str_eq(a.log_level, "info");
    ck_assert_ptr_null(a.annotation_paths);
    ck_assert_ptr_null(a.runtime);
    ck_assert_ptr_null(a.upper);
    ck_assert_int_eq(admin_check_upper(&a, "keep", &e), 0);
    ck_assert_ptr_null(a.cache);
    ck_assert(a.passthrough);
    ck_assert_uint_eq(a.threads, 0);
    admin_release(&a);
    ck_assert_int_eq(parse("{\"shifter\":null,\"readySeconds\":null,\"logLevel\":null}"), 0);
    ck_assert_uint_eq(a.ready_seconds, 10);
    admin_release(&a);
}
END_TEST

START_TEST(reads_every_key)
{
    ck_assert_int_eq(parse("{\"shifter\":\"/s\",\"stateDirectory\":\"/d\",\"readySeconds\":3600,"
                           "\"upperDirectory\":\"/u\",\"ephemeralDirectory\":\"/e\","
                           "\"stopSeconds\":1,\"runtime\":\"/r\",\"backend\":\"fuse\","
                           "\"upper\":\"keep\",\"allowedUppers\":[\"none\"],\"cache\":\"never\","
                           "\"passthrough\":false,\"threads\":1024,"
                           "\"annotationPaths\":[\"/a\",\"/b\"],\"logLevel\":\"debug\"}"),
                     0);
    ck_assert_uint_eq(a.stop_seconds, 1);
    ck_assert_str_eq(a.runtime, "/r");
    ck_assert_str_eq(a.upper, "keep");
    ck_assert_int_eq(admin_check_upper(&a, "none", &e), 0);
    ck_assert_int_eq(admin_check_upper(&a, "keep", &e), -EACCES);
    ck_assert_str_eq(a.cache, "never");
    ck_assert(!a.passthrough);
    ck_assert_uint_eq(a.threads, 1024);
    ck_assert_str_eq(a.shifter, "/s");
    ck_assert_str_eq(a.state_directory, "/d");
    ck_assert_str_eq(a.upper_directory, "/u");
    ck_assert_str_eq(a.ephemeral_directory, "/e");
    ck_assert_uint_eq(a.ready_seconds, 3600);
    ck_assert_str_eq(a.log_level, "debug");
    ck_assert_str_eq(a.annotation_paths->first->next->text, "/b");
    admin_release(&a);
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"[]", "expected an object"},
        {"{\"Shifter\":\"/s\"}", "Shifter: unknown key"},
        {"{\"shifter\":\"oci-shifter\"}", "shifter: 'oci-shifter' is not an absolute path"},
        {"{\"shifter\":\"\"}", "shifter"},
        {"{\"stateDirectory\":\"run\"}", "stateDirectory"},
        {"{\"stateDirectory\":7}", "stateDirectory"},
        {"{\"upperDirectory\":\"u\"}", "upperDirectory: 'u' is not an absolute path"},
        {"{\"ephemeralDirectory\":\"\"}", "ephemeralDirectory"},
        {"{\"readySeconds\":0}", "readySeconds: 0"},
        {"{\"readySeconds\":3601}", "readySeconds: 3601"},
        {"{\"readySeconds\":1.5}", "readySeconds"},
        {"{\"readySeconds\":-1}", "readySeconds"},
        {"{\"stopSeconds\":0}", "stopSeconds: 0 is not from 1 to 3600"},
        {"{\"runtime\":\"runc\"}", "runtime: 'runc' is not an absolute path"},
        {"{\"backend\":\"x\"}", "backend: 'x' is not fuse"},
        {"{\"upper\":\"x\"}", "upper: 'x' is not none, ephemeral or keep"},
        {"{\"allowedUppers\":[\"none\",\"x\"]}", "allowedUppers[1]: 'x' is not"},
        {"{\"allowedUppers\":\"none\"}", "allowedUppers"},
        {"{\"cache\":\"x\"}", "cache: 'x' is not auto, always or never"},
        {"{\"passthrough\":1}", "passthrough"},
        {"{\"threads\":0}", "threads: 0 is not from 1 to 1024"},
        {"{\"threads\":1025}", "threads: 1025"},
        {"{\"annotationPaths\":\"/a\"}", "annotationPaths"},
        {"{\"annotationPaths\":[\"/a\",\"b\"]}", "annotationPaths[1]"},
        {"{\"annotationPaths\":[null]}", "annotationPaths[0]"},
        {"{\"logLevel\":\"loud\"}", "logLevel: 'loud'"},
        {"{\"logLevel\":\"info\",\"logLevel\":\"info\"}", "twice"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(parse(cases[i].text) == -EINVAL, "%s was taken", cases[i].text);
        ck_assert_msg(strstr(e.msg, cases[i].word) != NULL, "%s: %s", cases[i].text, e.msg);
        ck_assert_ptr_null(a.doc);
    }
}
END_TEST

START_TEST(reads_a_file)
{
    const char *dir = scratch_directory();
    char path[128];

    snprintf(path, sizeof(path), "%s/c.json", dir);
    /* One that was named has to be there. */
    ck_assert_int_eq(admin_read(path, &a, &e), -ENOENT);
    scratch_file(dir, "c.json", "{\"readySeconds\":5}");
    ck_assert_int_eq(admin_read(path, &a, &e), 0);
    ck_assert_uint_eq(a.ready_seconds, 5);
    admin_release(&a);
    scratch_file(dir, "c.json", "{\"readySeconds\":5");
    ck_assert_int_eq(admin_read(path, &a, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "/c.json: not valid JSON"));
}
END_TEST

static int open_path(const char *listed, const char *dir, const char *path)
{
    char text[256], full[256];
    int fd;

    snprintf(text, sizeof(text), "{\"annotationPaths\":[\"/nonexistent\",\"%s%s\"]}", dir, listed);
    ck_assert_int_eq(parse(text), 0);
    snprintf(full, sizeof(full), "%s%s", dir, path);
    fd = admin_open_annotation_path(&a, "io.x", full, &e);
    admin_release(&a);
    return fd;
}

static void opens(const char *listed, const char *dir, const char *path)
{
    int fd = open_path(listed, dir, path);

    ck_assert_msg(fd >= 0, "%s below %s: %s", path, listed, e.msg);
    close(fd);
}

START_TEST(opens_what_is_below)
{
    const char *dir = scratch_directory();
    int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    mkdirat(at, "images", 0700);
    mkdirat(at, "images/a", 0700);
    mkdirat(at, "images-not", 0700);
    ck_assert_int_eq(symlinkat("a", at, "images/link"), 0);
    ck_assert_int_eq(symlinkat("/", at, "images/out"), 0);
    scratch_file(dir, "images/file", "");
    opens("/images", dir, "/images/a");
    opens("/images", dir, "/images");
    opens("/images/", dir, "/images//a/");
    opens("/images", dir, "/images/a/../a");
    ck_assert_int_eq(open_path("/images", dir, "/images-not"), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/image"), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, ""), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/images/../images-not"), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/images/.."), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/images/link"), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/images/out/etc"), -EACCES);
    ck_assert_int_eq(open_path("/images", dir, "/images/file"), -ENOTDIR);
    ck_assert_int_eq(open_path("/images", dir, "/images/none"), -ENOENT);
    close(at);
}
END_TEST

START_TEST(opens_nothing_unless_listed)
{
    ck_assert_int_eq(parse("{}"), 0);
    ck_assert_int_eq(admin_open_annotation_path(&a, "io.x", "/", &e), -EACCES);
    ck_assert_ptr_nonnull(strstr(e.msg, "annotation io.x: '/'"));
    ck_assert_int_eq(admin_open_annotation_path(&a, "io.x", "relative", &e), -EINVAL);
    ck_assert_int_eq(admin_open_annotation_path(&a, "io.x", "", &e), -EINVAL);
    admin_release(&a);
}
END_TEST

/* An administrator who lists "/" allows every path. */
START_TEST(opens_anything_below_the_root)
{
    int fd;

    ck_assert_int_eq(parse("{\"annotationPaths\":[\"/\"]}"), 0);
    fd = admin_open_annotation_path(&a, "io.x", "/proc/self/../1", &e);
    ck_assert_int_lt(fd, 0); /* through a symlink, still not */
    fd = admin_open_annotation_path(&a, "io.x", "/proc", &e);
    ck_assert_int_ge(fd, 0);
    close(fd);
    fd = admin_open_annotation_path(&a, "io.x", "/", &e);
    ck_assert_int_ge(fd, 0);
    close(fd);
    admin_release(&a);
}
END_TEST

Suite *suite_admin(void)
{
    Suite *s = suite_create("admin");
    TCase *t = tcase_create("document");

    tcase_add_test(t, has_defaults);
    tcase_add_test(t, reads_every_key);
    tcase_add_test(t, refuses);
    tcase_add_test(t, reads_a_file);
    suite_add_tcase(s, t);
    t = tcase_create("annotation paths");
    tcase_add_test(t, opens_what_is_below);
    tcase_add_test(t, opens_nothing_unless_listed);
    tcase_add_test(t, opens_anything_below_the_root);
    suite_add_tcase(s, t);
    return s;
}
