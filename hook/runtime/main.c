/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oci-shift-runtime(8): for engines that take the path of a runtime and nothing else. Its command
 * line is the real runtime's, and so are its output, its exit status and its signals.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "hook/prepare.h"
#include "hook/runtime/args.h"
#include "hook/runtime/complain.h"
#include "hook/runtime/real.h"
#include "hook/state.h"
#include "hook/sys.h"
#include "hook/teardown.h"
#include "hook/users.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* As the container's end is told by its mounts' end, a shifter ends a moment after it. */
#define END_MS 2000

static bool is_one_of(const char *word, const char *const *list)
{
    for (; word && *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static int read_config(struct shift *s, const struct runtime_args *args, struct err *e)
{
    cleanup_free char *path = NULL;

    if (!args->config)
        return config_read(s->bundle, &s->config, e);
    if ((args->config[0] == '/' ? asprintf(&path, "%s", args->config)
                                : asprintf(&path, "%s/%s", s->bundle, args->config)) < 0)
        return err_set(e, -ENOMEM, "config.json");
    return config_read_file(path, &s->config, e);
}

static int shift(struct shift *s, struct err *e)
{
    struct prepare p = {.way = WAY_RUNTIME};
    enum decision decision;
    const char *why = "";
    int r = shift_decide(s, &decision, &why, e);

    if (r < 0 || decision == DECISION_NOTHING)
        return r;
    /* It becomes the runtime. */
    r = process_identify(getpid(), &p.creator);
    if (r < 0)
        return err_set(e, r, "own process");
    p.at = s->root_path;
    return prepare_root(s, &p, e);
}

/*
 * 0 also where there is nothing to do, and where there is no bundle or no id, which the real
 * runtime says in its own words. A config.json that cannot be read here it might take: that is an
 * error, since the container would run unshifted.
 */
static int prepare(const struct runtime_args *args, const struct admin *admin, struct err *e)
{
    struct shift s = SHIFT_INIT;
    cleanup_free char *bundle = realpath(args->bundle ? args->bundle : ".", NULL);
    struct err ignored;
    int r;

    if (!bundle || !args->id || state_check_id(args->id, &ignored) < 0)
        return 0;
    s.id = args->id;
    s.bundle = bundle;
    s.admin = admin;
    s.runtime_comes = true;
    s.becomes_runtime = true;
    r = read_config(&s, args, e);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = shift(&s, e);
    shift_release(&s);
    return r < 0 ? err_prefix(e, "container %s", args->id) : 0;
}

static void wait_for_end(const struct process *p)
{
    int fd = process_open(p);

    if (fd < 0)
        return;
    sys_pidfd_wait(fd, END_MS);
    close(fd);
}

/* After the real delete: what it left of ours goes, unless it did not delete. */
static void release(const struct runtime_args *args, const struct admin *admin)
{
    struct record_lock lock = RECORD_LOCK_NONE;
    struct process keeper = {0};
    struct record r;
    struct err e;
    int code = args->id ? record_lock(admin->state_directory, args->id, false, &lock, &e) : -ENOENT;

    if (code == 0)
        code = record_read(&lock, &r, &e);
    if (code < 0) {
        record_unlock(&lock);
        return;
    }
    if (r.way == WAY_RUNTIME && users_find(&r) == 0) {
        wait_for_end(&r.shifter);
        if (teardown_all(&lock, &r, admin, &e) < 0)
            log_error("container %s: %s", r.id, e.msg);
        keeper = r.keeper;
    }
    record_release(&r);
    record_unlock(&lock);
    teardown_wait_keeper(&keeper);
}

int main(int argc, char **argv)
{
    static const char *const creating[] = {"create", "run", "restore", NULL};
    static const char *const deleting[] = {"delete", NULL};
    struct runtime_args args;
    struct admin admin;
    struct err e = {0};
    cleanup_free char *real = NULL;
    int r;

    runtime_args_parse(argc, argv, &args);
    log_setup("oci-shift-runtime", LOG_LEVEL_WARN, true, true);
    r = admin_read(getenv("OCI_SHIFT_CONFIG"), &admin, &e);
    if (r == 0 && !(real = real_runtime(&admin, argv[0], &e)))
        r = e.code;
    /* Without root nothing can be shifted, and a rootless engine's files are its user's already. */
    if (r == 0 && geteuid() == 0 && is_one_of(args.command, creating)) {
        signal(SIGPIPE, SIG_IGN);
        r = prepare(&args, &admin, &e);
        signal(SIGPIPE, SIG_DFL);
    }
    if (r == 0 && geteuid() == 0 && is_one_of(args.command, deleting)) {
        r = real_run(real, argv, &e);
        if (r >= 0) {
            release(&args, &admin);
            real_end_like(r);
        }
    }
    if (r == 0)
        r = real_exec(real, argv, &e);
    complain(&args, e.msg);
    return 1;
}
