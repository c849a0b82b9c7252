/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oci-shift(8): shifted roots by hand. */
#include "base/fds.h"
#include "base/log.h"
#include "hook/cli/cli.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct command {
    const char *name;
    int (*run)(int, char **, const struct admin *, struct err *);
};

static const struct command commands[] = {
    {"prepare", cli_prepare}, {"release", cli_release}, {"list", cli_list},
    {"inspect", cli_inspect}, {"check", cli_check},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static int run(const struct command *c, int argc, char **argv, const char *config)
{
    struct admin admin;
    struct err e = {0};
    int status;

    if (geteuid() != 0 && c->run != cli_check) {
        log_error("%s: must be run as root", c->name);
        return CLI_FAILED;
    }
    if (admin_read(config, &admin, &e) < 0) {
        log_error("%s", e.msg);
        return CLI_FAILED;
    }
    if (strcmp(admin.log_level, "debug") == 0)
        log_setup("oci-shift", LOG_LEVEL_DEBUG, true, false);
    optind = 0; /* glibc: begin anew, with other options */
    status = c->run(argc, argv, &admin, &e);
    admin_release(&admin);
    if (status != CLI_OK && e.msg[0])
        log_error("%s", e.msg);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *config = NULL;
    const struct command *c;
    int o;

    fds_open_standard();
    signal(SIGPIPE, SIG_IGN);
    log_setup("oci-shift", LOG_LEVEL_INFO, true, false);
    /* "+": what comes behind the command is the command's. */
    while ((o = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
        if (o == 'c')
            config = optarg;
        else if (o == 'h')
            return cli_help(NULL);
        else if (o == 'V')
            return puts("oci-shift " VERSION) < 0;
        else
            return CLI_USAGE;
    }
    if (optind == argc) {
        cli_help(NULL);
        return CLI_USAGE;
    }
    if (strcmp(argv[optind], "help") == 0)
        return cli_help(argv[optind + 1]);
    c = find(argv[optind]);
    if (!c) {
        log_error("unknown command '%s': expected prepare, release, list, inspect or check",
                  argv[optind]);
        return CLI_USAGE;
    }
    return run(c, argc - optind, argv + optind, config);
}
