/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "hook/record.h"
#include "hook/stages.h"
#include "hook/sys.h"
#include "hook/teardown.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A runtime runs poststop when the container has ended; its last process may take a moment. */
static int wait_for_container(const struct record *r, int ms, struct err *e)
{
    int fd = process_open(&r->container);
    int code = 0;

    if (fd < 0)
        return 0;
    if (sys_pidfd_wait(fd, ms) < 0)
        code = err_setx(e, -EBUSY, "the container still runs: process %d", (int)r->container.pid);
    close(fd);
    return code;
}

/* Returns 1 where the record stays: it is of another container, or root's own to release. */
static int tear_down(const struct record_lock *lock, const struct oci_state *state,
                     const struct record *r, const struct admin *admin, struct err *e)
{
    int code;

    if (r->way == WAY_PREPARE)
        return 1;
    if (state->bundle[0] != '\0' && r->bundle && strcmp(state->bundle, r->bundle) != 0) {
        log_info("container %s: the record is of the bundle %s, not of %s: left alone", state->id,
                 r->bundle, state->bundle);
        return 1;
    }
    code = wait_for_container(r, admin_stop_ms(admin), e);
    return code < 0 ? code : teardown_all(lock, r, admin, e);
}

int stage_poststop(const struct oci_state *state, const struct admin *admin, struct err *e)
{
    struct record_lock lock;
    struct record r = {0};
    struct process keeper;
    int code = record_lock(admin->state_directory, state->id, false, &lock, e);

    if (code == -ENOENT)
        return 0;
    if (code < 0)
        return code;
    code = record_read(&lock, &r, e);
    if (code == 0) {
        code = tear_down(&lock, state, &r, admin, e);
    } else {
        /* Cut or of another version: it names nothing that could be ended, so it only goes. */
        if (code != -ENOENT)
            log_warn("container %s: %s", state->id, e->msg);
        code = record_remove(&lock, e);
    }
    keeper = r.keeper;
    record_release(&r);
    record_unlock(&lock);
    if (code == 0)
        teardown_wait_keeper(&keeper);
    return code < 0 ? code : 0;
}
