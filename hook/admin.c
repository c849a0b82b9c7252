/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/admin.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/json.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <string.h>

static const char *const known_keys[] = {
    "shifter",      "stateDirectory",  "upperDirectory", "ephemeralDirectory",
    "readySeconds", "annotationPaths", "logLevel",       NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static bool listed(const char *word, const char *const *list)
{
    while (*list && strcmp(word, *list) != 0)
        list++;
    return *list != NULL;
}

static int absolute_path(const struct json *obj, const char *key, const char **out, struct err *e)
{
    int r = json_member_string(obj, key, out, e);

    if (r == 0 && (*out)[0] != '/')
        r = json_fail(json_member(obj, key), e, "'%s' is not an absolute path", *out);
    return r;
}

static int read_annotation_paths(const struct json *doc, struct admin *out, struct err *e)
{
    int r = json_member_of(doc, "annotationPaths", JSON_ARRAY, &out->annotation_paths, e);

    if (r < 0 || !out->annotation_paths)
        return r;
    for (const struct json *v = out->annotation_paths->first; v && r == 0; v = v->next) {
        const char *path = "";

        r = json_string(v, &path, e);
        if (r == 0 && path[0] != '/')
            r = json_fail(v, e, "'%s' is not an absolute path", path);
    }
    return r;
}

static int fill(const struct json *doc, struct admin *out, struct err *e)
{
    uint32_t seconds = out->ready_seconds;
    int r = json_expect(doc, JSON_OBJECT, e);

    if (r < 0)
        return r;
    for (const struct json *v = doc->first; v; v = v->next)
        if (!listed(v->key, known_keys))
            return json_fail(v, e, "unknown key");
    r = absolute_path(doc, "shifter", &out->shifter, e);
    if (r == 0)
        r = absolute_path(doc, "stateDirectory", &out->state_directory, e);
    if (r == 0)
        r = absolute_path(doc, "upperDirectory", &out->upper_directory, e);
    if (r == 0)
        r = absolute_path(doc, "ephemeralDirectory", &out->ephemeral_directory, e);
    if (r == 0)
        r = json_member_u32(doc, "readySeconds", &seconds, e);
    if (r == 0 && (seconds < 1 || seconds > 3600))
        r = json_fail(json_member(doc, "readySeconds"), e, "%u is not from 1 to 3600", seconds);
    if (r == 0)
        r = read_annotation_paths(doc, out, e);
    if (r == 0)
        r = json_member_string(doc, "logLevel", &out->log_level, e);
    if (r == 0 && !listed(out->log_level, log_levels))
        r = json_fail(json_member(doc, "logLevel"), e, "'%s' is not error, warning, info or debug",
                      out->log_level);
    out->ready_seconds = seconds;
    return r;
}

static void defaults(struct admin *out)
{
    *out = (struct admin){
        .shifter = SHIFTER_PATH,
        .state_directory = "/run/oci-shift",
        .upper_directory = "/var/lib/oci-shift/uppers",
        .ephemeral_directory = "/var/lib/oci-shift/ephemeral",
        .ready_seconds = 10,
        .log_level = "info",
    };
}

int admin_parse(const char *buf, size_t len, struct admin *out, struct err *e)
{
    int r;

    defaults(out);
    r = json_parse(buf, len, &out->doc, e);
    if (r == 0)
        r = fill(out->doc, out, e);
    if (r < 0)
        admin_release(out);
    return r;
}

int admin_read(const char *path, struct admin *out, struct err *e)
{
    const char *file = path ? path : ADMIN_CONFIG_PATH;
    cleanup_free char *buf = NULL;
    size_t len;
    int r = io_read_file_at(AT_FDCWD, file, JSON_MAX_BYTES, &buf, &len);

    if (r == -ENOENT && !path) {
        defaults(out);
        return 0;
    }
    if (r < 0)
        return err_set(e, r, "%s", file);
    r = admin_parse(buf, len, out, e);
    return r < 0 ? err_prefix(e, "%s", file) : 0;
}

void admin_release(struct admin *a)
{
    json_free(a->doc);
    a->doc = NULL;
}

/* Path below base, or NULL where it is not. Text only: what counts is how it opens. */
static const char *below(const char *path, const char *base)
{
    size_t n = strlen(base);

    /* Without its slashes at the end; of "/" nothing is left, and every path is below. */
    while (n > 0 && base[n - 1] == '/')
        n--;
    if (strncmp(path, base, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return NULL;
    path += n;
    while (*path == '/')
        path++;
    return *path ? path : ".";
}

int admin_open_annotation_path(const struct admin *a, const char *annotation, const char *path,
                               struct err *e)
{
    const struct json *v = a->annotation_paths ? a->annotation_paths->first : NULL;

    if (path[0] != '/')
        return err_setx(e, -EINVAL, "annotation %s: '%s' is not an absolute path", annotation,
                        path);
    for (; v; v = v->next) {
        const char *rest = below(path, v->text);
        cleanup_close int base = -1;
        int fd;

        if (!rest)
            continue;
        base = open(v->text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (base < 0)
            return err_set(e, -errno, "annotationPaths: %s", v->text);
        fd = sys_open_beneath(base, rest, O_PATH | O_DIRECTORY);
        if (fd == -EXDEV || fd == -ELOOP)
            return err_setx(e, -EACCES, "annotation %s: '%s' leads through %s, maybe out of %s",
                            annotation, path, fd == -ELOOP ? "a symlink" : "'..'", v->text);
        return fd < 0 ? err_set(e, fd, "annotation %s: %s", annotation, path) : fd;
    }
    return err_setx(e, -EACCES,
                    "annotation %s: '%s' is not in a directory that annotationPaths of %s lists",
                    annotation, path, ADMIN_CONFIG_PATH);
}
