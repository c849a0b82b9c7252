/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/keeper.h"

#include "base/log.h"
#include "hook/record.h"
#include "hook/teardown.h"

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

/* What is at its path by now may be another's; that stays. */
static int clear_upper(const struct kept *k)
{
    struct err e;
    int r = k->ephemeral ? place_remove(&k->place, &e) : 0;

    if (r < 0)
        log_error("container %s: its upper stays: %s", k->id, e.msg);
    return r;
}

/*
 * A record of the same id that another shifter has by now is not ours. A place without a record,
 * and nobody who holds its lock, is what a hook left that was killed. With an upper that cannot be
 * removed the record stays, so that poststop can be run again.
 */
static void clear_away(const struct kept *k)
{
    cleanup_record_lock struct record_lock lock = RECORD_LOCK_NONE;
    struct record record;
    struct err e;
    int r = record_lock(k->state_directory, k->id, false, &lock, &e);
    int stays = clear_upper(k);

    if (r < 0)
        return;
    r = record_read(&lock, &record, &e);
    if (r == -ENOENT && record_remove(&lock, &e) < 0)
        log_error("container %s: %s", k->id, e.msg);
    if (r < 0)
        return;
    if (record.shifter.pid == k->shifter.pid && record.shifter.start == k->shifter.start) {
        teardown_mount(&record);
        if (stays == 0 && record_remove(&lock, &e) < 0)
            log_error("container %s: %s", k->id, e.msg);
    }
    record_release(&record);
}

void keeper_wait(pid_t child, const struct kept *k)
{
    int status = 0;

    prctl(PR_SET_NAME, "oci-shift-keep");
    if (chdir("/") < 0)
        log_warn("chdir /: %s", strerror(errno));
    log_setup("oci-shift-keep", LOG_LEVEL_INFO, false, true);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    /* Who waits for the place may have the record's lock. */
    place_unlock(&k->place);
    /* poststop ends a shifter with SIGKILL: that is no news. */
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        say_how(status, k->id);
    clear_away(k);
}
