/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound ownership. A variable declared with one of the cleanup_* attributes owns what it
 * holds until the end of its scope; steal_fd() and steal_ptr() hand that ownership on. Every
 * release keeps errno, so an error path may read it after the scope has ended.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close_fd(const int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

static inline void cleanup_fclose_file(FILE **f)
{
    if (*f) {
        int saved = errno;
        fclose(*f);
        errno = saved;
    }
}

#define cleanup_free __attribute__((cleanup(cleanup_free_ptr)))
#define cleanup_close __attribute__((cleanup(cleanup_close_fd)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_file)))

/* Takes the fd out of *fd and leaves -1: the caller owns it now. */
static inline int steal_fd(int *fd)
{
    int got = *fd;
    *fd = -1;
    return got;
}

/* Closes *fd, if there is one, and leaves -1. Keeps errno. */
static inline void close_and_reset(int *fd)
{
    cleanup_close_fd(fd);
    *fd = -1;
}

static inline void *steal_ptr_impl(void *pp)
{
    void *got = *(void **)pp;
    *(void **)pp = NULL;
    return got;
}

/* Takes the pointer out of *pp and leaves NULL: the caller owns it now. */
#define steal_ptr(pp) ((__typeof__(*(pp)))steal_ptr_impl(pp))

#endif
