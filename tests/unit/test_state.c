/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/state.h"
#include "tests/unit/suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err e;
static struct oci_state state;

static int parse(const char *text)
{
    return state_parse(text, strlen(text), &state, &e);
}

START_TEST(reads_what_runc_writes)
{
    const char *text = "{\"ociVersion\":\"1.0.2-dev\",\"id\":\"web\",\"status\":\"creating\","
                       "\"pid\":4242,\"bundle\":\"/run/b\",\"annotations\":{\"a\":\"b\"}}";

    ck_assert_int_eq(parse(text), 0);
    ck_assert_str_eq(state.id, "web");
    ck_assert_str_eq(state.status, "creating");
    ck_assert_str_eq(state.bundle, "/run/b");
    ck_assert_int_eq(state.pid, 4242);
    state_release(&state);
    ck_assert_ptr_null(state.id);
}
END_TEST

/* At poststop runc and podman say no pid, or 0; some say little more than the id. */
START_TEST(needs_only_the_id)
{
    ck_assert_int_eq(parse("{\"id\":\"web\"}"), 0);
    ck_assert_str_eq(state.status, "");
    ck_assert_str_eq(state.bundle, "");
    ck_assert_int_eq(state.pid, 0);
    state_release(&state);
    ck_assert_int_eq(parse("{\"id\":\"web\",\"pid\":0,\"bundle\":\"\",\"status\":null}"), 0);
    state_release(&state);
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"", "empty"},
        {"[]", "expected an object"},
        {"{}", "id is missing"},
        {"{\"id\":null}", "id is missing"},
        {"{\"id\":1}", "expected a string"},
        {"{\"id\":\"\"}", "id is empty"},
        {"{\"id\":\".\"}", "path"},
        {"{\"id\":\"..\"}", "path"},
        {"{\"id\":\"a/b\"}", "path"},
        {"{\"id\":\"/\"}", "path"},
        {"{\"id\":\"a\\nb\"}", "control character"},
        {"{\"id\":\"a\\u007f\"}", "control character"},
        {"{\"id\":\"a\\u0000\"}", "NUL"},
        {"{\"id\":\"a\",\"id\":\"b\"}", "twice"},
        {"{\"id\":\"a\",\"pid\":-1}", "whole number"},
        {"{\"id\":\"a\",\"pid\":1.5}", "whole number"},
        {"{\"id\":\"a\",\"pid\":1e3}", "whole number"},
        {"{\"id\":\"a\",\"pid\":\"1\"}", "expected a number"},
        {"{\"id\":\"a\",\"pid\":2147483648}", "no process id"},
        {"{\"id\":\"a\",\"pid\":4294967296}", "whole number"},
        {"{\"id\":\"a\",\"bundle\":\"b\"}", "absolute"},
        {"{\"id\":\"a\",\"bundle\":[]}", "expected a string"},
        {"{\"id\":\"a\",\"status\":7}", "expected a string"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(parse(cases[i].text) == -EINVAL, "%s was taken", cases[i].text);
        ck_assert_msg(strstr(e.msg, cases[i].word) != NULL, "%s: %s", cases[i].text, e.msg);
        ck_assert_int_eq(strncmp(e.msg, "state on stdin: ", 16), 0);
        ck_assert_ptr_null(state.id);
    }
}
END_TEST

START_TEST(takes_the_largest_pid_and_dots_in_ids)
{
    ck_assert_int_eq(parse("{\"id\":\"...\",\"pid\":2147483647}"), 0);
    ck_assert_int_eq(state.pid, 2147483647);
    state_release(&state);
}
END_TEST

START_TEST(ends_at_255_bytes_of_id)
{
    char id[257], text[300];

    memset(id, 'x', 256);
    id[256] = '\0';
    snprintf(text, sizeof(text), "{\"id\":\"%s\"}", id + 1);
    ck_assert_int_eq(parse(text), 0);
    state_release(&state);
    snprintf(text, sizeof(text), "{\"id\":\"%s\"}", id);
    ck_assert_int_eq(parse(text), -EINVAL);
}
END_TEST

START_TEST(reads_a_megabyte_at_most)
{
    FILE *f = tmpfile();

    fputs("{\"id\":\"a\"}", f);
    ck_assert_int_eq(ftruncate(fileno(f), (1 << 20) + 1), 0);
    fflush(f);
    rewind(f);
    ck_assert_int_eq(state_read(fileno(f), &state, &e), -EFBIG);
    ck_assert_int_eq(ftruncate(fileno(f), 10), 0);
    rewind(f);
    ck_assert_int_eq(state_read(fileno(f), &state, &e), 0);
    ck_assert_str_eq(state.id, "a");
    state_release(&state);
    fclose(f);
}
END_TEST

Suite *suite_state(void)
{
    Suite *s = suite_create("state");
    TCase *t = tcase_create("stdin");

    tcase_add_test(t, reads_what_runc_writes);
    tcase_add_test(t, needs_only_the_id);
    tcase_add_test(t, refuses);
    tcase_add_test(t, takes_the_largest_pid_and_dots_in_ids);
    tcase_add_test(t, ends_at_255_bytes_of_id);
    tcase_add_test(t, reads_a_megabyte_at_most);
    suite_add_tcase(s, t);
    return s;
}
