/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/log.h"
#include "hook/cli/cli.h"
#include "hook/leftovers.h"
#include "hook/teardown.h"
#include "hook/users.h"

#include <getopt.h>
#include <string.h>

/* With the lock, so that nobody starts on it meanwhile. */
static int release_locked(const struct record_lock *lock, const struct record *r,
                          const struct admin *admin, struct err *e)
{
    pid_t user = users_find(r);

    if (user > 0)
        return err_setx(e, -EBUSY, "container %s still runs: process %d", r->id, (int)user);
    return teardown_all(lock, r, admin, e);
}

/* 1 where there is none. */
static int release_id(const struct admin *admin, const char *id, struct err *e)
{
    struct record_lock lock = RECORD_LOCK_NONE;
    struct process keeper = {0};
    struct record r;
    int code = record_lock(admin->state_directory, id, false, &lock, e);

    if (code == 0)
        code = record_read(&lock, &r, e);
    if (code == 0) {
        code = release_locked(&lock, &r, admin, e);
        keeper = r.keeper;
        record_release(&r);
        if (code == 0)
            printf("released %s\n", id);
    }
    record_unlock(&lock);
    if (code == 0)
        teardown_wait_keeper(&keeper);
    return code == -ENOENT ? 1 : code;
}

/* A bundle has a name with a slash, or is a directory here. */
static char *bundle_of(const char *argument)
{
    cleanup_free char *config = NULL;

    if (!strchr(argument, '/') &&
        (asprintf(&config, "%s/config.json", argument) < 0 || access(config, F_OK) < 0))
        return NULL;
    return realpath(argument, NULL);
}

static int release_one(const struct admin *admin, const char *argument, struct err *e)
{
    cleanup_free char *bundle = bundle_of(argument);
    struct record **records;
    size_t n;
    int found = 0, r;

    if (!strchr(argument, '/')) {
        r = release_id(admin, argument, e);
        if (r < 1)
            return r;
    }
    r = bundle ? cli_records(admin, &records, &n, e) : -ENOENT;
    if (r == 0) {
        for (size_t i = 0; i < n && r == 0; i++) {
            if (!records[i]->bundle || strcmp(records[i]->bundle, bundle) != 0)
                continue;
            r = release_id(admin, records[i]->id, e);
            found += r == 0;
        }
        cli_free_records(records, n);
    }
    if (r == -ENOENT || (r == 0 && found == 0))
        return err_setx(e, -ENOENT, "nothing is shifted under the id, or for the bundle, %s",
                        argument);
    return r < 0 ? r : 0;
}

/* What is looked at without a lock is looked at again with it. */
static int release_if_stale(const struct admin *admin, const struct record *seen, struct err *e)
{
    struct record_lock lock = RECORD_LOCK_NONE;
    struct process keeper = {0};
    struct record r;
    int code;

    if (!users_none(seen))
        return 0;
    code = record_lock(admin->state_directory, seen->id, false, &lock, e);
    if (code == 0)
        code = record_read(&lock, &r, e);
    if (code == 0) {
        if (users_none(&r)) {
            code = teardown_all(&lock, &r, admin, e);
            keeper = r.keeper;
            if (code == 0)
                printf("released %s\n", r.id);
        }
        record_release(&r);
    }
    record_unlock(&lock);
    if (code == 0)
        teardown_wait_keeper(&keeper);
    return code == -ENOENT ? 0 : code;
}

static int release_stale(const struct admin *admin, struct err *e)
{
    struct record **records;
    size_t n;
    int first = 0, r = cli_records(admin, &records, &n, e);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct err mine;

        r = release_if_stale(admin, records[i], &mine);
        if (r < 0)
            log_error("%s: %s", records[i]->id, mine.msg);
        if (r < 0 && first == 0)
            first = err_setx(e, r, "not all could be released");
    }
    cli_free_records(records, n);
    r = leftovers_remove(admin, e);
    return first < 0 ? first : r;
}

int cli_release(int argc, char **argv, const struct admin *admin, struct err *e)
{
    static const struct option options[] = {
        {"stale", no_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool stale = false;
    int c, status = CLI_OK;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c != 's')
            return c == 'h' ? cli_help("release") : CLI_USAGE;
        stale = true;
    }
    if (stale != (optind == argc)) {
        err_setx(e, -EINVAL, "release: expected BUNDLE, ID or --stale");
        return CLI_USAGE;
    }
    if (stale)
        return release_stale(admin, e) < 0 ? CLI_FAILED : CLI_OK;
    for (int i = optind; i < argc; i++) {
        struct err mine;
        int r = release_one(admin, argv[i], &mine);

        if (r == 0)
            continue;
        log_error("%s", mine.msg);
        if (status != CLI_FAILED)
            status = r == -ENOENT ? CLI_UNKNOWN : CLI_FAILED;
    }
    return status;
}
