/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/runtime/args.h"

#include <stddef.h>
#include <string.h>

/* Options that take a value: behind "=", or as the next word. All others take none. */
static const char *const global_values[] = {"root",           "log",      "log-format", "log-level",
                                            "cgroup-manager", "rootless", "criu",       NULL};
static const char *const create_values[] = {"bundle",         "b",
                                            "config",         "f",
                                            "console-socket", "pid-file",
                                            "preserve-fds",   "pidfd-socket",
                                            "image-path",     "work-path",
                                            "empty-ns",       "manage-cgroups-mode",
                                            "lsm-profile",    "lsm-mount-context",
                                            "parent-path",    NULL};
static const char *const no_values[] = {NULL};

static bool listed(const char *name, size_t len, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == len && strncmp(name, *list, len) == 0)
            return true;
    return false;
}

static bool is_create(const char *command)
{
    return strcmp(command, "create") == 0 || strcmp(command, "run") == 0 ||
           strcmp(command, "restore") == 0;
}

static void take(struct runtime_args *out, const char *name, size_t len, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } slots[] = {{"bundle", &out->bundle},
                 {"b", &out->bundle},
                 {"config", &out->config},
                 {"f", &out->config},
                 {"log", &out->log}};

    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
        if (strlen(slots[i].name) == len && strncmp(name, slots[i].name, len) == 0)
            *slots[i].to = value;
    if (len == strlen("log-format") && strncmp(name, "log-format", len) == 0)
        out->log_json = strcmp(value, "json") == 0;
}

/* One option; returns how many words it has. runc's long options may have one dash. */
static int parse_option(char *const *argv, const char *const *values, struct runtime_args *out)
{
    const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);

    if (listed(name, len, values)) {
        if (equals) {
            take(out, name, len, equals + 1);
            return 1;
        }
        if (!argv[1])
            return 1;
        take(out, name, len, argv[1]);
        return 2;
    }
    /* -b/the/bundle */
    if (argv[0][1] != '-' && len > 1 && listed(name, 1, values))
        take(out, name, 1, name + 1);
    return 1;
}

void runtime_args_parse(int argc, char *const *argv, struct runtime_args *out)
{
    const char *const *values = global_values;
    bool options = true;

    *out = (struct runtime_args){0};
    for (int i = 1; i < argc;) {
        if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            options = strcmp(argv[i], "--") != 0;
            i += options ? parse_option(argv + i, values, out) : 1;
            continue;
        }
        if (!out->command) {
            out->command = argv[i];
            values = is_create(argv[i]) ? create_values : no_values;
        } else if (!out->id) {
            out->id = argv[i];
        }
        i++;
    }
}
