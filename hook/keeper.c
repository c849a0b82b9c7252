/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/keeper.h"

#include "base/log.h"
#include "hook/record.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void say_how(int status, const char *id)
{
    if (WIFSIGNALED(status))
        log_warn("container %s: its shifter was ended by signal %d (%s)", id, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        log_warn("container %s: its shifter failed with status %d", id, WEXITSTATUS(status));
}

/*
 * A record of the same id that another shifter has by now is not ours. A place without a record,
 * and nobody who holds its lock, is what a hook left that was killed.
 */
static void clear_record(const struct process *shifter, const char *id, const char *state_directory)
{
    cleanup_record_lock struct record_lock lock = RECORD_LOCK_NONE;
    struct record record;
    struct err e;
    int r;

    if (record_lock(state_directory, id, false, &lock, &e) < 0)
        return;
    r = record_read(&lock, &record, &e);
    if (r == -ENOENT && record_remove(&lock, &e) < 0)
        log_error("container %s: %s", id, e.msg);
    if (r < 0)
        return;
    if (record.shifter.pid == shifter->pid && record.shifter.start == shifter->start &&
        record_remove(&lock, &e) < 0)
        log_error("container %s: %s", id, e.msg);
    record_release(&record);
}

void keeper_wait(pid_t child, const struct process *shifter, const char *id,
                 const char *state_directory)
{
    int status = 0;

    prctl(PR_SET_NAME, "oci-shift-keep");
    if (chdir("/") < 0)
        log_warn("chdir /: %s", strerror(errno));
    log_setup("oci-shift-keep", LOG_LEVEL_INFO, false, true);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    /* poststop ends a shifter with SIGKILL: that is no news. */
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        say_how(status, id);
    clear_record(shifter, id, state_directory);
}
