/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oci-shift-hook(8): the OCI hook. */
#include "base/log.h"
#include "hook/stages.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: oci-shift-hook [--config FILE] [STAGE]\n"
    "\n"
    "An OCI hook: reads the state of a container on stdin and does for it what STAGE asks for:\n"
    "  prestart, createRuntime  put the shifted root under the container's mounts\n"
    "  poststart                check that the container's root is the shifted one\n"
    "  poststop                 end the shifter and remove what was left\n"
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

static int run(const char *name, const struct admin *admin, struct err *e)
{
    const struct stage *stage;
    struct oci_state state;
    int r = state_read(STDIN_FILENO, &state, e);

    if (r < 0)
        return r;
    stage = find_stage(name, state.status);
    if (!stage)
        r = err_setx(e, -EINVAL, "state on stdin: status '%s' tells no stage", state.status);
    else
        r = stage->run(&state, admin, e);
    if (r < 0)
        err_prefix(e, "container %s", state.id);
    state_release(&state);
    return r;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *config = NULL, *name;
    struct admin admin;
    struct err e = {0};
    int c, r;

    /* A runtime that closed its end of stderr must not stop work half done. */
    signal(SIGPIPE, SIG_IGN);
    log_setup("oci-shift-hook", LOG_LEVEL_INFO, true, true);
    while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        if (c == 'c')
            config = optarg;
        else if (c == 'h')
            return fputs(usage, stdout) < 0;
        else if (c == 'V')
            return puts("oci-shift-hook " VERSION) < 0;
        else
            return 2;
    }
    name = argv[optind];
    if (argc - optind > 1 || (name && !find_stage(name, ""))) {
        log_error("unknown stage '%s': expected prestart, createRuntime, poststart or poststop",
                  argc - optind > 1 ? argv[optind + 1] : name);
        return 2;
    }
    r = admin_read(config, &admin, &e);
    if (r == 0) {
        log_setup("oci-shift-hook", level_of(admin.log_level), true, true);
        r = run(name, &admin, &e);
        admin_release(&admin);
    }
    if (r < 0)
        log_error("%s", e.msg);
    return r < 0 ? 1 : 0;
}
