/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/runtime/complain.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "hook/json.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

static char *as_json(const char *message, const char *when, size_t *len)
{
    struct json_writer *w = json_writer_new(JSON_OBJECT);
    char *text = NULL;

    if (!w)
        return NULL;
    json_write_string(w, "level", "error");
    json_write_string(w, "msg", message);
    json_write_string(w, "time", when);
    if (json_writer_finish(w, &text, len) < 0)
        return NULL;
    /* One line: strings have no newlines of their own, they are escaped. */
    for (char *p = text; *p; p++)
        if (*p == '\n' && p[1])
            *p = ' ';
    return text;
}

static char *as_text(const char *message, const char *when, size_t *len)
{
    char *text = NULL;
    int n = asprintf(&text, "time=\"%s\" level=error msg=\"%s\"\n", when, message);

    *len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : text;
}

static void write_log(const struct runtime_args *args, const char *message)
{
    /* crun's log may be "file:PATH", "journald:ID" or "syslog:ID". */
    const char *path = strncmp(args->log, "file:", 5) == 0 ? args->log + 5 : args->log;
    cleanup_close int fd = -1;
    cleanup_free char *text = NULL;
    time_t now = time(NULL);
    struct tm tm;
    char when[32];
    size_t len = 0;

    if (strncmp(path, "journald:", 9) == 0 || strncmp(path, "syslog:", 7) == 0 ||
        !gmtime_r(&now, &tm))
        return;
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    text = args->log_json ? as_json(message, when, &len) : as_text(message, when, &len);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0 || !text || io_write_all(fd, text, len) < 0)
        log_warn("%s cannot be written", path);
}

void complain(const struct runtime_args *args, const char *message)
{
    log_error("%s", message);
    if (args->log && args->log[0] != '\0')
        write_log(args, message);
}
