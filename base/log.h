/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines of a program: one line each (control characters are written as '?'), to stderr and,
 * where asked for, to syslog(3) with the facility daemon. The sinks are process-wide, set once at
 * start by main; writing is thread-safe.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* ident: a static string that starts each line. Lines above `max` are dropped. */
void log_setup(const char *ident, enum log_level max, bool to_stderr, bool to_syslog);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
