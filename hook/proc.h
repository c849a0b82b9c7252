/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes as a record names them: a pid and its start time, which together name one process
 * for as long as the machine runs (proc_pid_stat(5), field 22, clock ticks since boot).
 */
#ifndef HOOK_PROC_H
#define HOOK_PROC_H

#include "base/err.h"
#include "base/idmap.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    uint64_t start;
};

/* Names the process that has this pid now. -ESRCH where there is none, or only its zombie. */
int process_identify(pid_t pid, struct process *out);

/* State (field 3) and start time of the text of /proc/PID/stat. 0, or -EINVAL. */
int process_parse_stat(const char *stat, char *state, uint64_t *start);

/*
 * A pidfd (the caller's) of exactly that process. -ESRCH where it has ended, whatever has its
 * pid now.
 */
int process_open(const struct process *p);

/* True while it runs. */
bool process_alive(const struct process *p);

/* SIGKILL and the wait for its end, at most ms milliseconds. 0 also where it had ended. */
int process_end(const struct process *p, int ms);

/* Whether /proc/PID/uid_map (or gid_map: `which`) says the same as the idmap. 0, or -errno. */
int process_check_map(pid_t pid, const char *which, const struct idmap *map, struct err *e);

/* The text of /proc/PID/uid_map or gid_map, which is taken apart. `what` as in idmap.h. */
int process_parse_map(char *text, struct idmap *map, const char *what, struct err *e);

/* True where the process is a runc that sets a container up: runc names itself "runc:[2:INIT]". */
bool process_is_runc_init(pid_t pid);

#endif
