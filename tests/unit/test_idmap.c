/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/idmap.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct idmap map;
static struct err e;

static void setup(const char *text)
{
    ck_assert_msg(idmap_parse(&map, text, "map", &e) == 0, "%s: %s", text, e.msg);
}

static void out_is(uint32_t disk, uint32_t mount)
{
    struct mount_id m = {0};
    struct disk_id d = {0};

    ck_assert_msg(idmap_to_mount(&map, (struct disk_id){disk}, &m), "disk id %u", disk);
    ck_assert_uint_eq(m.v, mount);
    ck_assert_msg(idmap_to_disk(&map, (struct mount_id){mount}, &d), "mount id %u", mount);
    ck_assert_uint_eq(d.v, disk);
}

static void no_mount_id_for(uint32_t disk)
{
    struct mount_id m = {4711};

    ck_assert_msg(!idmap_to_mount(&map, (struct disk_id){disk}, &m), "disk id %u", disk);
    ck_assert_uint_eq(m.v, 4711);
}

static void no_disk_id_for(uint32_t mount)
{
    struct disk_id d = {4711};

    ck_assert_msg(!idmap_to_disk(&map, (struct mount_id){mount}, &d), "mount id %u", mount);
    ck_assert_uint_eq(d.v, 4711);
}

START_TEST(shifts_both_ends_of_a_range)
{
    setup("0:100000:65536");
    out_is(0, 100000);
    out_is(1, 100001);
    out_is(65535, 165535);
    no_mount_id_for(65536);
    no_mount_id_for(IDMAP_NO_ID);
    no_disk_id_for(0);
    no_disk_id_for(99999);
    no_disk_id_for(165536);
    no_disk_id_for(IDMAP_NO_ID);
}
END_TEST

START_TEST(finds_each_of_many_ranges)
{
    /* Rootless engines: the user's own id as 0, the rest from /etc/subuid; sorted by neither. */
    setup("1000:5:1:0:1000:1:1:100000:999:70000:2000:3");
    out_is(1000, 5);
    out_is(0, 1000);
    out_is(1, 100000);
    out_is(999, 100998);
    out_is(70000, 2000);
    out_is(70002, 2002);
    no_mount_id_for(1001);
    no_mount_id_for(69999);
    no_mount_id_for(70003);
    no_disk_id_for(4);
    no_disk_id_for(6);
    no_disk_id_for(1999);
    no_disk_id_for(2003);
    no_disk_id_for(100999);
}
END_TEST

START_TEST(reaches_the_last_id)
{
    setup("0:4294967294:1");
    out_is(0, 4294967294u);
    no_disk_id_for(IDMAP_NO_ID);
    setup("4294967294:0:1");
    out_is(4294967294u, 0);
    no_mount_id_for(IDMAP_NO_ID);
    setup("0:0:4294967295");
    out_is(0, 0);
    out_is(4294967294u, 4294967294u);
    no_mount_id_for(IDMAP_NO_ID);
    no_disk_id_for(IDMAP_NO_ID);
}
END_TEST

START_TEST(refuses_bad_ranges)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"0:100000:0", "size 0"},
        {"0:4294967295:1", "host ids"},
        {"4294967295:0:1", "container ids"},
        {"4294967294:0:2", "container ids"},
        {"0:4294967294:2", "host ids"},
        {"1:0:4294967295", "container ids"},
        {"0:1:4294967295", "host ids"},
        {"0:100:10:5:200:10", "container id 5"},
        {"0:100:10:20:105:10", "host id 105"},
        {"0:100:10:9:200:1", "container id 9"},
        {"0:100:10:20:109:1", "host id 109"},
        {"0:100:1:0:200:1", "container id 0"},
        {"3:100:2:0:200:100", "container id 3"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(idmap_parse(&map, cases[i].text, "map", &e) == -EINVAL, "%s", cases[i].text);
        ck_assert_msg(strstr(e.msg, cases[i].word) != NULL, "%s: %s", cases[i].text, e.msg);
        ck_assert_msg(strncmp(e.msg, "map", 3) == 0, "%s", e.msg);
    }
}
END_TEST

START_TEST(lets_ranges_touch)
{
    setup("0:100:10:10:110:10");
    out_is(9, 109);
    out_is(10, 110);
    setup("0:110:10:10:100:10");
    out_is(9, 119);
    out_is(10, 100);
}
END_TEST

START_TEST(has_room_for_340_ranges)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES + 1];

    for (uint32_t i = 0; i < COUNT(ranges); i++)
        ranges[i] = (struct idmap_range){{2 * i}, {1000000 - 2 * i}, 1};
    ck_assert_int_eq(idmap_init(&map, ranges, IDMAP_MAX_RANGES, "map", &e), 0);
    out_is(0, 1000000);
    out_is(678, 999322);
    no_mount_id_for(679);
    no_mount_id_for(680);
    ck_assert_int_eq(idmap_init(&map, ranges, COUNT(ranges), "map", &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "341"));
    ck_assert_int_eq(idmap_init(&map, ranges, 0, "map", &e), -EINVAL);
}
END_TEST

/* The same limit for the text form, whose parser fills an array of that size. */
START_TEST(reads_340_ranges_from_text)
{
    char text[341 * 33], *end = text;

    for (unsigned i = 0; i < 340; i++)
        end += sprintf(end, "%s%u:%u:1", i ? ":" : "", 4294967294u - i, 4000000000u + i);
    setup(text);
    out_is(4294967294u, 4000000000u);
    sprintf(end, ":1:1:1");
    ck_assert_int_eq(idmap_parse(&map, text, "map", &e), -EINVAL);
}
END_TEST

START_TEST(reads_the_text_form)
{
    setup(":0:100000:65536");
    out_is(0, 100000);
    setup("0:1:1:1:2:1");
    out_is(1, 2);
}
END_TEST

START_TEST(refuses_other_text)
{
    static const char *const texts[] = {
        "",        ":",         "0",       "0:1",          "0:1:",
        "0:1:2:",  "0:1:2:3",   "::0:1:2", "0:1:2::3:4:5", "0 1 2",
        "0:1:2 ",  " 0:1:2",    "-1:1:1",  "0:-1:1",       "0:1:-1",
        "0:1:+1",  "0:0x1:1",   "a:b:c",   "0:1:2,3:4:5",  "0:1:2;",
        "0:1:1.5", "0:1:2:3:4", "\n0:1:2", "0::2",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(idmap_parse(&map, texts[i], "map", &e) == -EINVAL, "'%s'", texts[i]);
    ck_assert_int_eq(idmap_parse(&map, "4294967296:0:1", "map", &e), -ERANGE);
    ck_assert_int_eq(idmap_parse(&map, "0:0:99999999999999999999", "map", &e), -ERANGE);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    char *text;

    setup("1000:5:1:0:1000:1:1:100000:999");
    text = idmap_format(&map);
    ck_assert_str_eq(text, "0:1000:1:1:100000:999:1000:5:1");
    setup(text);
    out_is(1000, 5);
    free(text);
}
END_TEST

START_TEST(writes_the_longest_map)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES];
    char *text, *again;

    for (uint32_t i = 0; i < COUNT(ranges); i++)
        ranges[i] =
            (struct idmap_range){{1000000000 + 3000000 * i}, {4000000000u - 3000000 * i}, 3};
    ck_assert_int_eq(idmap_init(&map, ranges, COUNT(ranges), "map", &e), 0);
    text = idmap_format(&map);
    setup(text);
    again = idmap_format(&map);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
}
END_TEST

Suite *suite_idmap(void)
{
    Suite *s = suite_create("idmap");
    TCase *t = tcase_create("ranges");

    tcase_add_test(t, shifts_both_ends_of_a_range);
    tcase_add_test(t, finds_each_of_many_ranges);
    tcase_add_test(t, reaches_the_last_id);
    tcase_add_test(t, refuses_bad_ranges);
    tcase_add_test(t, lets_ranges_touch);
    tcase_add_test(t, has_room_for_340_ranges);
    tcase_add_test(t, reads_340_ranges_from_text);
    suite_add_tcase(s, t);
    t = tcase_create("text");
    tcase_add_test(t, reads_the_text_form);
    tcase_add_test(t, refuses_other_text);
    tcase_add_test(t, writes_what_it_reads);
    tcase_add_test(t, writes_the_longest_map);
    suite_add_tcase(s, t);
    return s;
}
