/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/dir_links.h"

#include "base/io.h"

#include <dirent.h>
#include <errno.h>

#define COUNT_MASK UINT64_C(0xffffffff)
#define ONE_UNDER_WAY (UINT64_C(1) << 32)
#define UNDER_WAY_MASK (UINT64_C(0xffff) << 32)
#define ONE_STEP (UINT64_C(1) << 48)

static int add_if_directory(int dir_fd, const struct dirent64 *d, void *links)
{
    (void)dir_fd;
    *(uint32_t *)links += d->d_type == DT_DIR;
    return d->d_type == DT_UNKNOWN ? -ENOTSUP : 0;
}

void dir_links_show(struct dir_links *l, int fd, struct stat *st)
{
    uint32_t links = 2;
    uint64_t state;

    if (!l || !dir_links_are_due(st))
        return;
    state = atomic_load(&l->state);
    if (state & COUNT_MASK) {
        st->st_nlink = state & COUNT_MASK;
        return;
    }
    /* Who may not read it as the server is told what overlayfs says. */
    if (io_each_name(fd, ".", add_if_directory, &links) < 0)
        return;
    st->st_nlink = links;
    /* A change that is under way, or was meanwhile, may be counted in or not. */
    if (!(state & UNDER_WAY_MASK))
        atomic_compare_exchange_strong(&l->state, &state, state | links);
}

void dir_links_begin(struct dir_links *l)
{
    if (l)
        atomic_fetch_add(&l->state, ONE_UNDER_WAY + ONE_STEP);
}

void dir_links_end(struct dir_links *l, int more)
{
    uint64_t state, next;
    uint32_t links;

    if (!l)
        return;
    state = atomic_load(&l->state);
    do {
        links = (uint32_t)(state & COUNT_MASK);
        if (links)
            links = more == DIR_LINKS_UNKNOWN ? 0 : links + (uint32_t)more;
        next = ((state - ONE_UNDER_WAY + ONE_STEP) & ~COUNT_MASK) | links;
    } while (!atomic_compare_exchange_weak(&l->state, &state, next));
}
