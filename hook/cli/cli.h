/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of oci-shift(8). */
#ifndef HOOK_CLI_CLI_H
#define HOOK_CLI_CLI_H

#include "base/err.h"
#include "hook/admin.h"
#include "hook/record.h"

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNKNOWN = 3 };

/*
 * A command gets its own arguments, its name as argv[0], for getopt_long(3). It returns an exit
 * status; for CLI_FAILED and CLI_UNKNOWN the reason is in *e.
 */
int cli_prepare(int argc, char **argv, const struct admin *admin, struct err *e);
int cli_release(int argc, char **argv, const struct admin *admin, struct err *e);
int cli_list(int argc, char **argv, const struct admin *admin, struct err *e);
int cli_inspect(int argc, char **argv, const struct admin *admin, struct err *e);
int cli_check(int argc, char **argv, const struct admin *admin, struct err *e);

/* The help text of a command, and of all. */
int cli_help(const char *command);

struct json_writer;

/* What is to be told of a record, with what its processes say now, as members of an object. */
void cli_describe(const struct record *r, bool with_requests, struct json_writer *w);

/* The sum of all requests that the record's shifter has answered; false where that is not known. */
bool cli_requests(const struct record *r, unsigned long *sum);

/* KiB of memory that the process shares with nobody, or 0. */
unsigned long cli_memory(pid_t pid);

/* All records of the state directory, by id. *out is the caller's to free, with cli_free_records.
 */
int cli_records(const struct admin *admin, struct record ***out, size_t *n, struct err *e);
void cli_free_records(struct record **records, size_t n);

#endif
