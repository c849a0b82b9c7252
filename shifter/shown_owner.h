/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a file is to the kernel: what replies said of it. Before it sends a chmod(2) the kernel has
 * looked who may, by the owner that it was shown last, however long ago that was (only a path that
 * is walked has it ask again: fuse_permission()). If only ever one owner was shown, and that is
 * still the owner, the kernel knew what it did. All disk ids. Thread-safe.
 */
#ifndef SHIFTER_SHOWN_OWNER_H
#define SHIFTER_SHOWN_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SHOWN_OWNER_ANY (UINT64_C(1) << 32)     /* the lower half is one that was shown */
#define SHOWN_OWNER_SEVERAL (UINT64_C(1) << 33) /* others were, too, in whatever order */

static inline void shown_owner_note(_Atomic uint64_t *o, uint32_t uid)
{
    uint64_t was = atomic_load(o);

    do {
        if ((was & SHOWN_OWNER_SEVERAL) || was == (SHOWN_OWNER_ANY | uid))
            return;
    } while (!atomic_compare_exchange_weak(
        o, &was, was == 0 ? SHOWN_OWNER_ANY | uid : was | SHOWN_OWNER_SEVERAL));
}

/* The kernel itself asked for the change, and holds to what that is answered with. */
static inline void shown_owner_change(_Atomic uint64_t *o, uint32_t uid)
{
    uint64_t was = atomic_load(o);

    while (!atomic_compare_exchange_weak(o, &was,
                                         (was & SHOWN_OWNER_SEVERAL) | SHOWN_OWNER_ANY | uid)) {
    }
}

static inline bool shown_owner_was_only(const _Atomic uint64_t *o, uint32_t uid)
{
    return atomic_load(o) == (SHOWN_OWNER_ANY | uid);
}

#endif
