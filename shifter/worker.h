/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread of the server has while it works on one request. The session fills it in as the
 * request arrives; the operations read it. All of it is state of the calling thread.
 */
#ifndef SHIFTER_WORKER_H
#define SHIFTER_WORKER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True where the request is of a caller whose write, truncate or open leaves set-id bits in place
 * (CAP_FSETID in the initial user namespace).
 */
bool worker_keeps_privs(void);
void worker_set_keeps_privs(bool keeps);

/*
 * Memory for the time of one request: at least size bytes, aligned for any object, not cleared.
 * NULL where there is none. The next call may return the same.
 */
void *worker_scratch(size_t size);

/* When the thread ends. */
void worker_release(void);

#endif
