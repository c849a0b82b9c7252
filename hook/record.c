/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/record.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/num.h"
#include "hook/json.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_NAME "record.json"
#define TEMP_NAME "record.json.new"
#define RECORD_MAX_BYTES (1u << 20)

void record_escape(const char *id, char *out, size_t size)
{
    size_t used = 0;

    for (const char *p = id; *p && used + 4 <= size; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = isascii(c) && (isalnum(c) || strchr("_+-.", c));

        /* A leading dot would hide the place, or be "." or "..". */
        if (plain && !(c == '.' && p == id))
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, size - used, "%%%02X", c);
    }
    out[used] = '\0';
}

static int open_state_directory(const char *path, bool create, struct err *e)
{
    int fd;

    if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "state directory %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(e, -errno, "state directory %s", path) : fd;
}

/* True where the locked directory is still the one of that name: its owner may have removed it
 * while we waited. */
static bool still_there(const struct record_lock *l)
{
    struct stat have, named;

    return fstat(l->dir_fd, &have) == 0 &&
           fstatat(l->state_fd, l->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           have.st_ino == named.st_ino && have.st_dev == named.st_dev;
}

static int lock_place(struct record_lock *l, bool create)
{
    for (;;) {
        if (create && mkdirat(l->state_fd, l->name, 0700) < 0 && errno != EEXIST)
            return -errno;
        l->dir_fd = openat(l->state_fd, l->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (l->dir_fd < 0) {
            if (create && errno == ENOENT)
                continue;
            /* An id whose name is too long has no place, and there never was a record of it. */
            return !create && errno == ENAMETOOLONG ? -ENOENT : -errno;
        }
        while (flock(l->dir_fd, LOCK_EX) < 0)
            if (errno != EINTR)
                return -errno;
        if (still_there(l))
            return 0;
        close_and_reset(&l->dir_fd);
    }
}

int record_lock(const char *state_directory, const char *id, bool create, struct record_lock *out,
                struct err *e)
{
    int r;

    *out = RECORD_LOCK_NONE;
    record_escape(id, out->name, sizeof(out->name));
    out->state_fd = open_state_directory(state_directory, create, e);
    if (out->state_fd < 0)
        return out->state_fd;
    r = lock_place(out, create);
    if (r < 0) {
        record_unlock(out);
        return err_set(e, r, "record %s/%s", state_directory, out->name);
    }
    return 0;
}

void record_unlock(struct record_lock *l)
{
    close_and_reset(&l->dir_fd);
    close_and_reset(&l->state_fd);
}

static int read_object(const struct json *doc, const char *key, const struct json **out,
                       struct err *e)
{
    int r = json_member_of(doc, key, JSON_OBJECT, out, e);

    return r == 0 && !*out ? err_setx(e, -EINVAL, "%s is missing", key) : r;
}

static int read_u32(const struct json *obj, const char *key, uint32_t *out, struct err *e)
{
    const struct json *v = json_member(obj, key);

    return v ? json_u32(v, out, e) : json_fail(obj, e, "%s is missing", key);
}

static int read_process(const struct json *doc, const char *key, struct process *out, struct err *e)
{
    const struct json *v, *start;
    uint32_t pid = 0;
    uint64_t ticks;
    int r = read_object(doc, key, &v, e);

    if (r == 0)
        r = read_u32(v, "pid", &pid, e);
    if (r == 0 && pid > INT_MAX)
        r = json_fail(v, e, "%u is no process id", pid);
    if (r < 0)
        return r;
    start = json_member(v, "startTime");
    if (!start)
        return json_fail(v, e, "startTime is missing");
    r = json_expect(start, JSON_NUMBER, e);
    if (r < 0)
        return r;
    if (num_parse_u64(start->text, UINT64_MAX, &ticks) < 0)
        return json_fail(start, e, "%.40s is not a whole number of 64 bits", start->text);
    *out = (struct process){(pid_t)pid, ticks};
    return 0;
}

static int read_text(const struct json *doc, const char *key, bool absolute, char **out,
                     struct err *e)
{
    const char *text = NULL;
    int r = json_member_string(doc, key, &text, e);

    if (r < 0)
        return r;
    if (!text)
        return err_setx(e, -EINVAL, "%s is missing", key);
    if (absolute && text[0] != '/')
        return err_setx(e, -EINVAL, "%s: '%s' is not an absolute path", key, text);
    *out = strdup(text);
    return *out ? 0 : err_set(e, -ENOMEM, "record");
}

static int read_texts(const struct json *doc, struct record *out, struct err *e)
{
    const struct {
        const char *key;
        bool absolute;
        char **to;
    } texts[] = {
        {"id", false, &out->id},
        {"bundle", true, &out->bundle},
        {"root", true, &out->root},
        {"lower", true, &out->lower},
        {"uidMappings", false, &out->uid_map},
        {"gidMappings", false, &out->gid_map},
    };
    struct idmap map;
    int r = 0;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
        r = read_text(doc, texts[i].key, texts[i].absolute, texts[i].to, e);
    if (r == 0 && out->id[0] == '\0')
        r = err_setx(e, -EINVAL, "id is empty");
    if (r == 0)
        r = idmap_parse(&map, out->uid_map, "uidMappings", e);
    if (r == 0)
        r = idmap_parse(&map, out->gid_map, "gidMappings", e);
    return r;
}

static int read_upper(const struct json *doc, struct record *out, struct err *e)
{
    const struct json *upper;
    const char *mode = "";
    int r = read_object(doc, "upper", &upper, e);

    if (r == 0)
        r = json_member_string(upper, "mode", &mode, e);
    if (r < 0)
        return r;
    if (!upper_mode_parse(mode, &out->upper_mode))
        return json_fail(upper, e, "mode '%s' is not none, ephemeral or keep", mode);
    if (out->upper_mode == UPPER_NONE)
        return 0;
    r = read_text(upper, "path", true, &out->upper, e);
    return r < 0 ? err_prefix(e, "upper") : 0;
}

static int read_version(const struct json *doc, uint32_t *version, struct err *e)
{
    int r = json_member_u32(doc, "version", version, e);

    if (r == 0 && (*version < 1 || *version > RECORD_VERSION))
        r = err_setx(e, -EINVAL, "version %u is not one from 1 to %u", *version, RECORD_VERSION);
    return r;
}

static int fill(const struct json *doc, struct record *out, struct err *e)
{
    const struct json *device;
    uint32_t version = 0;
    int r = read_version(doc, &version, e);

    if (r == 0)
        r = read_texts(doc, out, e);
    if (r == 0 && version > 1)
        r = read_upper(doc, out, e);
    if (r == 0 && !json_member(doc, "readOnly"))
        r = err_setx(e, -EINVAL, "readOnly is missing");
    if (r == 0)
        r = json_member_bool(doc, "readOnly", &out->read_only, e);
    if (r == 0)
        r = read_process(doc, "container", &out->container, e);
    if (r == 0)
        r = read_process(doc, "shifter", &out->shifter, e);
    if (r == 0)
        r = read_process(doc, "keeper", &out->keeper, e);
    if (r == 0)
        r = read_object(doc, "device", &device, e);
    if (r == 0)
        r = read_u32(device, "major", &out->device_major, e);
    if (r == 0)
        r = read_u32(device, "minor", &out->device_minor, e);
    return r;
}

int record_parse(const char *buf, size_t len, struct record *out, struct err *e)
{
    struct json *doc;
    int r;

    *out = (struct record){0};
    r = json_parse(buf, len, &doc, e);
    if (r == 0) {
        r = json_expect(doc, JSON_OBJECT, e);
        if (r == 0)
            r = fill(doc, out, e);
        json_free(doc);
    }
    if (r < 0)
        record_release(out);
    return r;
}

int record_read(const struct record_lock *l, struct record *out, struct err *e)
{
    cleanup_free char *buf = NULL;
    size_t len;
    int r = io_read_file_at(l->dir_fd, FILE_NAME, RECORD_MAX_BYTES, &buf, &len);

    if (r < 0)
        return err_set(e, r, "record %s/" FILE_NAME, l->name);
    r = record_parse(buf, len, out, e);
    return r < 0 ? err_prefix(e, "record %s/" FILE_NAME, l->name) : 0;
}

static void write_process(struct json_writer *w, const char *key, const struct process *p)
{
    json_write_begin(w, key);
    json_write_number(w, "pid", (uint64_t)p->pid);
    json_write_number(w, "startTime", p->start);
    json_write_end(w);
}

int record_format(const struct record *r, char **text, size_t *len)
{
    struct json_writer *w = json_writer_new();

    if (!w)
        return -ENOMEM;
    json_write_number(w, "version", RECORD_VERSION);
    json_write_string(w, "id", r->id);
    json_write_string(w, "bundle", r->bundle);
    json_write_string(w, "root", r->root);
    json_write_string(w, "lower", r->lower);
    json_write_bool(w, "readOnly", r->read_only);
    json_write_begin(w, "upper");
    json_write_string(w, "mode", upper_mode_name(r->upper_mode));
    if (r->upper)
        json_write_string(w, "path", r->upper);
    json_write_end(w);
    json_write_string(w, "uidMappings", r->uid_map);
    json_write_string(w, "gidMappings", r->gid_map);
    write_process(w, "container", &r->container);
    write_process(w, "shifter", &r->shifter);
    write_process(w, "keeper", &r->keeper);
    json_write_begin(w, "device");
    json_write_number(w, "major", r->device_major);
    json_write_number(w, "minor", r->device_minor);
    json_write_end(w);
    return json_writer_finish(w, text, len);
}

int record_write(const struct record_lock *l, const struct record *r, struct err *e)
{
    cleanup_free char *text = NULL;
    cleanup_close int fd = -1;
    size_t len = 0;
    int code = record_format(r, &text, &len);

    if (code == 0) {
        fd = openat(l->dir_fd, TEMP_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        code = fd < 0 ? -errno : io_write_all(fd, text, len);
    }
    if (code == 0 && renameat(l->dir_fd, TEMP_NAME, l->dir_fd, FILE_NAME) < 0)
        code = -errno;
    return code < 0 ? err_set(e, code, "write record %s/" FILE_NAME, l->name) : 0;
}

int record_remove(const struct record_lock *l, struct err *e)
{
    const char *const files[] = {FILE_NAME, TEMP_NAME};

    for (size_t i = 0; i < 2; i++)
        if (unlinkat(l->dir_fd, files[i], 0) < 0 && errno != ENOENT)
            return err_set(e, -errno, "remove record %s/%s", l->name, files[i]);
    if (unlinkat(l->state_fd, l->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_set(e, -errno, "remove record %s", l->name);
    return 0;
}

void record_release(struct record *r)
{
    free(r->id);
    free(r->bundle);
    free(r->root);
    free(r->lower);
    free(r->upper);
    free(r->uid_map);
    free(r->gid_map);
    *r = (struct record){0};
}
