/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/user.h>

struct victim;

/* A number, or where there is data, its address in the victim. */
struct argument {
    unsigned long number;
    const void *data;
    size_t size;
};

struct call {
    const char *name;
    long number;
    struct argument args[6];
};

struct victim *inject_begin(pid_t pid);
long inject_run(const struct victim *v, const struct call *c); /* as the kernel says it: -errno */
void inject_end(struct victim *v);

/* inject_calls.c: each prints "NAME: ERROR" or "NAME = NUMBER", a line for each call. */
void calls_outside_the_list(const struct victim *v);
void calls_with_other_arguments(const struct victim *v);
void calls_for_files(const struct victim *v, pid_t pid);

#endif
