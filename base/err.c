/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is kept free for err_prefix(): the longest path does not push the cause out. */
#define PREFIX_ROOM 320

void err_one_line(char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f)
            *s = '?';
    }
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    const char *cause = strerror(-code);
    va_list ap;
    size_t used;

    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof(e->msg) - PREFIX_ROOM - strlen(cause), fmt, ap);
    va_end(ap);
    used = strlen(e->msg);
    snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", cause);
    err_one_line(e->msg);
    return code;
}

int err_setx(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;

    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    err_one_line(e->msg);
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    char prefix[sizeof(e->msg)];
    char whole[2 * sizeof(e->msg) + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof(whole), "%s: %s", prefix, e->msg);
    memcpy(e->msg, whole, sizeof(e->msg) - 1);
    e->msg[sizeof(e->msg) - 1] = '\0';
    err_one_line(e->msg);
    return e->code;
}
