/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/upper_mark.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define FILE_VERSION 1
#define TEMP_FILE UPPER_MARK_FILE ".new"

bool upper_mark_is_there(int upper_fd)
{
    return fgetxattr(upper_fd, UPPERMARK_NAME, NULL, 0) >= 0 ||
           fgetxattr(upper_fd, UPPERMARK_USER_NAME, NULL, 0) >= 0;
}

static int format(const struct uppermark *m, const char *id, char **text, size_t *len)
{
    struct json_writer *w = json_writer_new(JSON_OBJECT);

    if (!w)
        return -ENOMEM;
    json_write_number(w, "version", FILE_VERSION);
    json_write_string(w, "written", "unshifted");
    json_write_string(w, "by", "oci-shift " VERSION);
    json_write_string(w, "lower", m->lower);
    json_write_string(w, "id", id);
    json_write_string(w, "meaning",
                      "Owners in the directory upper are as a container in a user namespace has "
                      "them: 0 is its root. It must not be mounted without shifting them, nor over "
                      "another lower.");
    return json_writer_finish(w, text, len);
}

static int write_file(const struct uppermark *m, int place_fd, const char *id, bool durable)
{
    cleanup_free char *text = NULL;
    cleanup_close int fd = -1;
    size_t len = 0;
    int r = format(m, id, &text, &len);

    if (r < 0)
        return r;
    fd = openat(place_fd, TEMP_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return -errno;
    r = io_write_all(fd, text, len);
    if (r == 0 && durable && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && renameat(place_fd, TEMP_FILE, place_fd, UPPER_MARK_FILE) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(place_fd, TEMP_FILE, 0);
    return r;
}

int upper_mark_set(const struct uppermark *m, int upper_fd, int place_fd, const char *id,
                   bool durable, struct err *e)
{
    int r = write_file(m, place_fd, id, durable);

    if (r < 0)
        return err_set(e, r, "write " UPPER_MARK_FILE " of the upper %s", m->upper);
    /* The attribute last: by it the upper is known to be whole. */
    r = uppermark_set(m, upper_fd, e);
    if (r == 0 && durable && (fsync(upper_fd) < 0 || fsync(place_fd) < 0))
        r = err_set(e, -errno, "sync the upper %s", m->upper);
    return r;
}
