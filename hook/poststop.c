/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "hook/place.h"
#include "hook/record.h"
#include "hook/stages.h"
#include "hook/sys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define END_MS 5000

/* A runtime runs poststop when the container has ended; its last process may take a moment. */
static int wait_for_container(const struct record *r, struct err *e)
{
    int fd = process_open(&r->container);
    int code = 0;

    if (fd < 0)
        return 0;
    if (sys_pidfd_wait(fd, END_MS) < 0)
        code = err_setx(e, -EBUSY, "the container still runs: process %d", (int)r->container.pid);
    close(fd);
    return code;
}

/* Returns 1 where the record is of another container and stays. */
static int tear_down(const struct record_lock *lock, const struct oci_state *state,
                     const struct record *r, struct err *e)
{
    int code;

    if (state->bundle[0] != '\0' && strcmp(state->bundle, r->bundle) != 0) {
        log_info("container %s: the record is of the bundle %s, not of %s: left alone", state->id,
                 r->bundle, state->bundle);
        return 1;
    }
    code = wait_for_container(r, e);
    if (code < 0)
        return code;
    code = process_end(&r->shifter, END_MS);
    if (code < 0)
        return err_set(e, code, "end the shifter %d", (int)r->shifter.pid);
    if (r->upper_mode == UPPER_EPHEMERAL && place_remove_path(r->upper, e) < 0)
        return err_prefix(e, "remove the upper");
    return record_remove(lock, e);
}

int stage_poststop(const struct oci_state *state, const struct admin *admin, struct err *e)
{
    struct record_lock lock;
    struct record r = {0};
    struct process keeper;
    int code = record_lock(admin->state_directory, state->id, false, &lock, e);
    int fd;

    if (code == -ENOENT)
        return 0;
    if (code < 0)
        return code;
    code = record_read(&lock, &r, e);
    if (code == 0) {
        code = tear_down(&lock, state, &r, e);
    } else {
        /* Cut or of another version: it names nothing that could be ended, so it only goes. */
        if (code != -ENOENT)
            log_warn("container %s: %s", state->id, e->msg);
        code = record_remove(&lock, e);
    }
    keeper = r.keeper;
    record_release(&r);
    record_unlock(&lock);
    /* The keeper wants the lock that was just released, to see that there is nothing left. */
    fd = code == 0 ? process_open(&keeper) : -1;
    if (fd >= 0) {
        sys_pidfd_wait(fd, END_MS);
        close(fd);
    }
    return code < 0 ? code : 0;
}
