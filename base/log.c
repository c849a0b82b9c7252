/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
    const char *ident;
    enum log_level max;
    bool to_stderr;
    bool to_syslog;
} sink = {"oci-shift", LOG_LEVEL_INFO, true, false};

void log_setup(const char *ident, enum log_level max, bool to_stderr, bool to_syslog)
{
    sink.ident = ident;
    sink.max = max;
    sink.to_stderr = to_stderr;
    sink.to_syslog = to_syslog;
    if (to_syslog)
        /* LOG_NDELAY: the socket is opened now, before a sandbox would forbid it. */
        openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    static const char *const word[] = {"error: ", "warning: ", "", "debug: "};
    char text[1200];
    char line[1400];
    va_list ap;
    int n;

    if (level > sink.max)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err_one_line(text);
    if (sink.to_stderr) {
        /* One write, so that lines of several threads or processes do not mix. */
        n = snprintf(line, sizeof(line), "%s: %s%s\n", sink.ident, word[level], text);
        if (n > 0 && write(STDERR_FILENO, line, strlen(line)) < 0)
            return;
    }
    if (sink.to_syslog)
        syslog(priority[level], "%s%s", word[level], text);
}
