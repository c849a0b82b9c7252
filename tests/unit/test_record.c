/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/record.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;
static struct record_lock lock;
static char state_dir[128];

static char words[][48] = {"web 1",          "/run/b\xc3\xa4", "/run/b/root",    "/images/\"deb\"",
                           "0:100000:65536", "0:200000:65536", "/uppers/web%201"};

static const struct record sample = {
    .way = WAY_PRECREATE,
    .id = words[0],
    .bundle = words[1],
    .root = words[2],
    .mount_point = words[2],
    .lower = words[3],
    .read_only = true,
    .upper_mode = UPPER_EPHEMERAL,
    .upper = words[6],
    .uid_map = words[4],
    .gid_map = words[5],
    .container = {2147483647, UINT64_MAX},
    .shifter = {42, 1234567},
    .creator = {43, 7},
    .keeper = {0, 0},
    .created = UINT64_MAX,
    .mount_id = 17,
    .device_major = 0,
    .device_minor = UINT32_MAX,
};

static void setup(void)
{
    snprintf(state_dir, sizeof(state_dir), "%s/state", scratch_directory());
}

static void locked(const char *id, bool create)
{
    ck_assert_msg(record_lock(state_dir, id, create, &lock, &e) == 0, "%s", e.msg);
}

START_TEST(comes_back_as_it_was)
{
    struct record r;

    locked(sample.id, true);
    ck_assert_int_eq(record_read(&lock, &r, &e), -ENOENT);
    ck_assert_msg(record_write(&lock, &sample, &e) == 0, "%s", e.msg);
    record_unlock(&lock);
    locked(sample.id, false);
    ck_assert_msg(record_read(&lock, &r, &e) == 0, "%s", e.msg);
    ck_assert_str_eq(r.id, sample.id);
    ck_assert_str_eq(r.bundle, sample.bundle);
    ck_assert_str_eq(r.root, sample.root);
    ck_assert_str_eq(r.lower, sample.lower);
    ck_assert_str_eq(r.uid_map, sample.uid_map);
    ck_assert_str_eq(r.gid_map, sample.gid_map);
    ck_assert_int_eq(r.way, WAY_PRECREATE);
    ck_assert_str_eq(r.mount_point, sample.mount_point);
    ck_assert_uint_eq(r.created, UINT64_MAX);
    ck_assert_int_eq(r.creator.pid, 43);
    ck_assert_uint_eq(r.mount_id, 17);
    ck_assert(r.read_only);
    ck_assert_int_eq(r.upper_mode, UPPER_EPHEMERAL);
    ck_assert_str_eq(r.upper, sample.upper);
    ck_assert_int_eq(r.container.pid, sample.container.pid);
    ck_assert_uint_eq(r.container.start, UINT64_MAX);
    ck_assert_int_eq(r.shifter.pid, 42);
    ck_assert_uint_eq(r.shifter.start, 1234567);
    ck_assert_int_eq(r.keeper.pid, 0);
    ck_assert_uint_eq(r.device_minor, UINT32_MAX);
    record_release(&r);
    ck_assert_ptr_null(r.id);
    record_unlock(&lock);
}
END_TEST

START_TEST(goes_without_a_trace)
{
    struct stat st;

    locked("c", true);
    ck_assert_int_eq(record_write(&lock, &sample, &e), 0);
    ck_assert_int_eq(record_remove(&lock, &e), 0);
    ck_assert_int_eq(record_remove(&lock, &e), 0);
    ck_assert_int_lt(fstatat(lock.state_fd, "c", &st, 0), 0);
    record_unlock(&lock);
    record_unlock(&lock); /* harmless */
    ck_assert_int_eq(record_lock(state_dir, "c", false, &lock, &e), -ENOENT);
}
END_TEST

START_TEST(is_for_root_only)
{
    struct stat st;

    umask(0);
    locked("c", true);
    ck_assert_int_eq(record_write(&lock, &sample, &e), 0);
    ck_assert_int_eq(stat(state_dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(fstat(lock.dir_fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(fstatat(lock.dir_fd, "record.json", &st, 0), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    record_unlock(&lock);
}
END_TEST

START_TEST(without_a_state_directory_there_is_none)
{
    ck_assert_int_eq(record_lock(state_dir, "c", false, &lock, &e), -ENOENT);
    locked("c", true);
    record_unlock(&lock);
    ck_assert_int_eq(record_lock(state_dir, "d", false, &lock, &e), -ENOENT);
}
END_TEST

/* A name of 3 * 255 bytes fits no file system: no place can be made, and none was. */
START_TEST(an_id_too_long_has_no_place)
{
    char id[256];

    memset(id, '%', 255);
    id[255] = '\0';
    ck_assert_int_eq(record_lock(state_dir, id, true, &lock, &e), -ENAMETOOLONG);
    ck_assert_int_eq(record_lock(state_dir, id, false, &lock, &e), -ENOENT);
    memset(id, 'x', 255);
    locked(id, true);
    record_unlock(&lock);
}
END_TEST

START_TEST(follows_no_symlink)
{
    int fd;

    mkdir(state_dir, 0700);
    fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(symlinkat("/tmp", fd, "c"), 0);
    ck_assert_int_lt(record_lock(state_dir, "c", true, &lock, &e), 0);
    ck_assert_int_lt(record_lock(state_dir, "c", false, &lock, &e), 0);
    locked("d", true);
    ck_assert_int_eq(symlinkat("/dev/null", lock.dir_fd, "record.json.new"), 0);
    ck_assert_int_lt(record_write(&lock, &sample, &e), 0);
    record_unlock(&lock);
    close(fd);
}
END_TEST

/* The other one holds the lock, says so, removes the place, and goes: who waited gets a new one. */
START_TEST(waits_for_the_lock)
{
    struct stat mine, named;
    int p[2];
    char c;
    pid_t child;

    ck_assert_int_eq(pipe(p), 0);
    child = fork();
    if (child == 0) {
        locked("c", true);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        usleep(100000);
        record_remove(&lock, &e);
        if (write(p[1], "y", 1) != 1)
            _exit(1);
        _exit(0);
    }
    ck_assert_int_eq(read(p[0], &c, 1), 1);
    locked("c", true);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    ck_assert_int_eq(read(p[0], &c, 1), 1);
    ck_assert_int_eq(c, 'y');
    ck_assert_int_eq(fstat(lock.dir_fd, &mine), 0);
    ck_assert_int_eq(fstatat(lock.state_fd, "c", &named, 0), 0);
    ck_assert_uint_eq(mine.st_ino, named.st_ino);
    record_unlock(&lock);
    waitpid(child, NULL, 0);
    close(p[0]);
    close(p[1]);
}
END_TEST

START_TEST(escapes_ids)
{
    static const struct {
        const char *id, *name;
    } cases[] = {
        {"web_1+2-3.4", "web_1+2-3.4"}, {".", "%2E"},       {"..", "%2E."},
        {".hidden", "%2Ehidden"},       {"a/b", "a%2Fb"},   {"../x", "%2E.%2Fx"},
        {"a b\n", "a%20b%0A"},          {"100%", "100%25"}, {"a%2Fb", "a%252Fb"},
        {"\xc3\xa4", "%C3%A4"},         {"", ""},
    };
    char name[3 * 255 + 1];

    for (size_t i = 0; i < COUNT(cases); i++) {
        record_escape(cases[i].id, name, sizeof(name));
        ck_assert_str_eq(name, cases[i].name);
    }
}
END_TEST

START_TEST(escapes_into_what_room_there_is)
{
    char id[256], name[3 * 255 + 1];

    memset(id, '%', 255);
    id[255] = '\0';
    record_escape(id, name, sizeof(name));
    ck_assert_uint_eq(strlen(name), 3 * 255);
    record_escape(id, name, 6);
    ck_assert_str_eq(name, "%25");
    record_escape("abc", name, 1);
    ck_assert_str_eq(name, "");
}
END_TEST

static void write_text(const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/c", state_dir);
    scratch_file(path, "record.json", text);
}

/* A machine that lost power: whatever part is there, it is an error and no half of a record. */
START_TEST(refuses_every_cut)
{
    char text[4096] = "";
    struct record r;
    ssize_t n;
    int fd;

    locked("c", true);
    ck_assert_int_eq(record_write(&lock, &sample, &e), 0);
    fd = openat(lock.dir_fd, "record.json", O_RDONLY | O_CLOEXEC);
    n = read(fd, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 100);
    close(fd);
    while (n > 0 && text[n - 1] != '}')
        n--;
    while (--n >= 0) {
        text[n] = '\0';
        ck_assert_int_eq(record_parse(text, (size_t)n, &r, &e), -EINVAL);
        ck_assert_ptr_null(r.id);
    }
    write_text("{\"version\":1,\"id\"");
    ck_assert_int_eq(record_read(&lock, &r, &e), -EINVAL);
    ck_assert_int_eq(strncmp(e.msg, "record c/record.json: ", 22), 0);
    record_unlock(&lock);
}
END_TEST

#define TEXTS                                                                                      \
    "\"id\":\"c\",\"bundle\":\"/b\",\"root\":\"/r\",\"lower\":\"/l\",\"uidMappings\":\"0:1:1\","   \
    "\"gidMappings\":\"0:1:1\",\"readOnly\":false,"
#define DEVICE "\"device\":{\"major\":0,\"minor\":5}"
#define PROC(name, pid, start) "\"" name "\":{\"pid\":" pid ",\"startTime\":" start "},"

#define UPPER "\"upper\":{\"mode\":\"none\"},"

START_TEST(refuses_what_it_did_not_write)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"[]", "object"},
        {"{}", "version 0 is not one from 1 to 3"},
        {"{\"version\":4," TEXTS DEVICE "}", "version 4 is not one from 1 to 3"},
        {"{\"version\":3," TEXTS UPPER DEVICE "}", "way is missing"},
        {"{\"version\":3," TEXTS UPPER "\"way\":\"x\"}", "way: 'x' is none of hook"},
        {"{\"version\":3," TEXTS UPPER "\"way\":\"hook\"}", "created is missing"},
        {"{\"version\":2," TEXTS DEVICE "}", "upper is missing"},
        {"{\"version\":2," TEXTS "\"upper\":{}}", "upper: mode ''"},
        {"{\"version\":2," TEXTS "\"upper\":{\"mode\":\"kept\"}}", "upper: mode 'kept'"},
        {"{\"version\":2," TEXTS "\"upper\":{\"mode\":\"keep\"}}", "upper: path is missing"},
        {"{\"version\":2," TEXTS "\"upper\":{\"mode\":\"keep\",\"path\":\"u\"}}",
         "upper: path: 'u'"},
        {"{\"version\":1}", "id is missing"},
        {"{\"version\":1," TEXTS "\"x\":1}", "container is missing"},
        {"{\"version\":1," TEXTS PROC("container", "2147483648", "1") DEVICE "}", "process id"},
        {"{\"version\":1," TEXTS PROC("container", "-1", "1") DEVICE "}", "whole number"},
        {"{\"version\":1," TEXTS PROC("container", "null", "1") DEVICE "}", "pid is missing"},
        {"{\"version\":1," TEXTS PROC("container", "1", "null") DEVICE "}", "startTime is missing"},
        {"{\"version\":1," TEXTS PROC("container", "1", "1.5") DEVICE "}", "startTime: 1.5"},
        {"{\"version\":1," TEXTS PROC("container", "1", "-1") DEVICE "}", "startTime: -1"},
        {"{\"version\":1," TEXTS PROC("container", "1", "1e3") DEVICE "}", "startTime: 1e3"},
        {"{\"version\":1," TEXTS PROC("container", "1", "18446744073709551616") DEVICE "}",
         "64 bits"},
        {"{\"version\":1," TEXTS PROC("container", "1", "\"1\"") DEVICE "}", "expected a number"},
        {"{\"version\":1," TEXTS PROC("container", "1", "1") PROC("shifter", "1", "1") DEVICE "}",
         "keeper is missing"},
        {"{\"version\":1," TEXTS PROC("container", "1", "1") PROC("shifter", "1", "1")
             PROC("keeper", "1", "1") "\"device\":{\"major\":0}}",
         "minor is missing"},
        {"{\"version\":1," TEXTS PROC("container", "1", "1") PROC("shifter", "1", "1")
             PROC("keeper", "1", "1") "\"device\":null}",
         "device is missing"},
    };
    struct record r;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = cases[i].text;

        ck_assert_msg(record_parse(text, strlen(text), &r, &e) == -EINVAL, "%s", text);
        ck_assert_msg(strstr(e.msg, cases[i].word) != NULL, "%s: %s", text, e.msg);
    }
}
END_TEST

/* Containers that an earlier version started are ended by this one. */
START_TEST(reads_version_1)
{
    static const char text[] = "{\"version\":1," TEXTS PROC("container", "1", "2")
        PROC("shifter", "3", "4") PROC("keeper", "5", "6") DEVICE "}";
    struct record r;

    ck_assert_msg(record_parse(text, strlen(text), &r, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(r.shifter.pid, 3);
    ck_assert_int_eq(r.upper_mode, UPPER_NONE);
    ck_assert_ptr_null(r.upper);
    record_release(&r);
}
END_TEST

Suite *suite_record(void)
{
    Suite *s = suite_create("record");
    TCase *t = tcase_create("file");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, comes_back_as_it_was);
    tcase_add_test(t, goes_without_a_trace);
    tcase_add_test(t, is_for_root_only);
    tcase_add_test(t, without_a_state_directory_there_is_none);
    tcase_add_test(t, an_id_too_long_has_no_place);
    tcase_add_test(t, follows_no_symlink);
    tcase_add_test(t, waits_for_the_lock);
    tcase_add_test(t, refuses_every_cut);
    suite_add_tcase(s, t);
    t = tcase_create("document");
    tcase_add_test(t, escapes_ids);
    tcase_add_test(t, escapes_into_what_room_there_is);
    tcase_add_test(t, refuses_what_it_did_not_write);
    tcase_add_test(t, reads_version_1);
    suite_add_tcase(s, t);
    return s;
}
