/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of an OCI runtime, as far as the wrapper has to understand it: the options of
 * runc 1.1 to 1.4 and crun 1.8 to 1.26. Nothing is changed.
 */
#ifndef HOOK_RUNTIME_ARGS_H
#define HOOK_RUNTIME_ARGS_H

#include <stdbool.h>

struct runtime_args {
    const char *command; /* "create"; NULL where there is none */
    const char *id;      /* of the container, or NULL */
    const char *bundle;  /* as given, or NULL: the working directory */
    const char *config;  /* crun's --config: another name than config.json, or NULL */
    const char *log;     /* where an engine looks for what went wrong, or NULL */
    bool log_json;
};

void runtime_args_parse(int argc, char *const *argv, struct runtime_args *out);

#endif
