/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One suite for each part under test; main.c runs them all. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <check.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Suite *suite_acl(void);
Suite *suite_admin(void);
Suite *suite_args(void);
Suite *suite_backing(void);
Suite *suite_config(void);
Suite *suite_decide(void);
Suite *suite_err(void);
Suite *suite_fcap(void);
Suite *suite_idmap(void);
Suite *suite_io(void);
Suite *suite_json(void);
Suite *suite_json_values(void);
Suite *suite_markers(void);
Suite *suite_merge(void);
Suite *suite_mounttree(void);
Suite *suite_num(void);
Suite *suite_options(void);
Suite *suite_override(void);
Suite *suite_place(void);
Suite *suite_proc(void);
Suite *suite_record(void);
Suite *suite_rmtree(void);
Suite *suite_shift(void);
Suite *suite_state(void);
Suite *suite_text(void);
Suite *suite_uppermark(void);

/* A new empty directory, removed with all that is in it at the end of the run. */
const char *scratch_directory(void);

/* Makes DIR/NAME with that text. */
void scratch_file(const char *dir, const char *name, const char *text);

#endif
