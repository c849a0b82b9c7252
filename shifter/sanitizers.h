/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For builds with sanitizers (tests/sanitize.mk), which alone define SANITIZED; in any other build
 * there is nothing of this. Their run-time libraries want what the sandbox takes away:
 *
 *  - somewhere to report to. stderr is /dev/null in the background, and no file can be opened
 *    later: one is opened before the sandbox is entered, PROGRAM.report, beside the program. It is
 *    there from the first start on and stays empty as long as nothing is found.
 *  - /proc of the process, to find all its threads when leaks are looked for at the end;
 *  - some system calls more (the list in sandbox_seccomp.c).
 *
 * And they do not see what orders the threads: a node is one thread's after another's only because
 * the kernel had the one's reply before the other's request.
 */
#ifndef SHIFTER_SANITIZERS_H
#define SHIFTER_SANITIZERS_H

#include "base/err.h"

#ifdef SANITIZED

/* Before the sandbox: opens the report file. Who cannot report does not run. */
int sanitizers_open_report(struct err *e);

/* /proc below the root directory of the sandbox, whose mount is root_mnt. */
int sanitizers_keep_proc(int root_mnt, struct err *e);

/* What happened before a reply happened before the request that is read after it. */
void sanitizers_before_reply(void);
void sanitizers_after_request(void);

/* At the end, when all is freed: does not return where memory was lost. */
void sanitizers_look_for_leaks(void);

#else

static inline int sanitizers_open_report(struct err *e)
{
    (void)e;
    return 0;
}

static inline int sanitizers_keep_proc(int root_mnt, struct err *e)
{
    (void)root_mnt;
    (void)e;
    return 0;
}

static inline void sanitizers_before_reply(void)
{
}

static inline void sanitizers_after_request(void)
{
}

static inline void sanitizers_look_for_leaks(void)
{
}

#endif
#endif
