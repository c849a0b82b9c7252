/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oci-shift-hook(8): the OCI hook. */
#include "base/log.h"
#include "hook/precreate.h"
#include "hook/stages.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRECREATE "precreate"

static const char usage[] =
    "usage: oci-shift-hook [--config FILE] [--record ID] [STAGE]\n"
    "\n"
    "An OCI hook: reads the state of a container on stdin and does for it what STAGE asks for:\n"
    "  prestart, createRuntime  put the shifted root under the container's mounts\n"
    "  poststart                check that the container's root is the shifted one\n"
    "  poststop                 end the shifter and remove what was left\n"
    "  precreate                for podman: mount the shifted root now; config.json comes on "
    "stdin\n"
    "                           and goes to stdout\n"
    "Without STAGE it is told by the state's status. Man page: oci-shift-hook(8).\n";

struct stage {
    const char *name;
    const char *status; /* at which the stage is run, for when no name is given */
    int (*run)(const struct oci_state *, const struct admin *, struct err *);
};

static const struct stage stages[] = {
    {"createRuntime", "creating", stage_prestart},
    {"prestart", "created", stage_prestart},
    {"poststart", "running", stage_poststart},
    {"poststop", "stopped", stage_poststop},
};

static const struct stage *find_stage(const char *name, const char *status)
{
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        if (strcmp(name ? name : status, name ? stages[i].name : stages[i].status) == 0)
            return &stages[i];
    return NULL;
}

static enum log_level level_of(const char *name)
{
    if (strcmp(name, "error") == 0)
        return LOG_LEVEL_ERROR;
    if (strcmp(name, "warning") == 0)
        return LOG_LEVEL_WARN;
    return strcmp(name, "debug") == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

/* What the command line says. */
struct arguments {
    const char *config; /* file of the administrator's configuration, or NULL */
    const char *record; /* id to go by in place of the state's, or NULL */
    const char *stage;  /* or NULL */
};

static int run(const struct arguments *a, const struct admin *admin, struct err *e)
{
    const struct stage *stage;
    struct oci_state state;
    int r;

    if (a->stage && strcmp(a->stage, PRECREATE) == 0)
        return precreate(STDIN_FILENO, STDOUT_FILENO, admin, a->config, e);
    r = state_read(STDIN_FILENO, &state, e);
    if (r == 0 && a->record)
        r = state_rename(&state, a->record, e);
    if (r < 0)
        return r;
    stage = find_stage(a->stage, state.status);
    if (!stage)
        r = err_setx(e, -EINVAL, "state on stdin: status '%s' tells no stage", state.status);
    else
        r = stage->run(&state, admin, e);
    if (r < 0)
        err_prefix(e, "container %s", state.id);
    state_release(&state);
    return r;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"record", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        if (c == 'c')
            a->config = optarg;
        else if (c == 'r')
            a->record = optarg;
        else if (c == 'h')
            return fputs(usage, stdout) < 0;
        else if (c == 'V')
            return puts("oci-shift-hook " VERSION) < 0;
        else
            return 2;
    }
    a->stage = argv[optind];
    if (argc - optind <= 1 &&
        (!a->stage || strcmp(a->stage, PRECREATE) == 0 || find_stage(a->stage, "")))
        return -1;
    log_error("unknown stage '%s': expected prestart, createRuntime, poststart, poststop or "
              "precreate",
              argc - optind > 1 ? argv[optind + 1] : a->stage);
    return 2;
}

int main(int argc, char **argv)
{
    struct arguments a = {0};
    struct admin admin;
    struct err e = {0};
    int r;

    /* A runtime that closed its end of stderr must not stop work half done. */
    signal(SIGPIPE, SIG_IGN);
    log_setup("oci-shift-hook", LOG_LEVEL_INFO, true, true);
    r = parse(argc, argv, &a);
    if (r >= 0)
        return r;
    r = admin_read(a.config, &admin, &e);
    if (r == 0) {
        log_setup("oci-shift-hook", level_of(admin.log_level), true, true);
        r = run(&a, &admin, &e);
        admin_release(&admin);
    }
    if (r < 0)
        log_error("%s", e.msg);
    return r < 0 ? 1 : 0;
}
