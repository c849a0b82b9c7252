/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/admin.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/json.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <string.h>

static const char *const known_keys[] = {"shifter",
                                         "runtime",
                                         "stateDirectory",
                                         "upperDirectory",
                                         "ephemeralDirectory",
                                         "readySeconds",
                                         "stopSeconds",
                                         "backend",
                                         "upper",
                                         "allowedUppers",
                                         "cache",
                                         "passthrough",
                                         "threads",
                                         "annotationPaths",
                                         "logLevel",
                                         NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const backends[] = {"fuse", NULL};
static const char *const uppers[] = {"none", "ephemeral", "keep", NULL};
static const char *const caches[] = {"auto", "always", "never", NULL};

#define MAX_SECONDS 3600u
#define MAX_THREADS 1024u

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

static int read_seconds(const struct json *doc, const char *key, unsigned *out, struct err *e)
{
    uint32_t seconds = *out;
    int r = json_member_u32(doc, key, &seconds, e);

    if (r == 0 && (seconds < 1 || seconds > MAX_SECONDS))
        r = json_fail(json_member(doc, key), e, "%u is not from 1 to %u", seconds, MAX_SECONDS);
    *out = seconds;
    return r;
}

/* words: what it may be, said in the message as `all`. */
static int read_word(const struct json *doc, const char *key, const char *const *words,
                     const char *all, const char **out, struct err *e)
{
    int r = json_member_string(doc, key, out, e);

    if (r == 0 && *out && !listed(*out, words))
        r = json_fail(json_member(doc, key), e, "'%s' is not %s", *out, all);
    return r;
}

static int read_allowed_uppers(const struct json *doc, struct admin *out, struct err *e)
{
    int r = json_member_of(doc, "allowedUppers", JSON_ARRAY, &out->allowed_uppers, e);

    if (r < 0 || !out->allowed_uppers)
        return r;
    for (const struct json *v = out->allowed_uppers->first; v && r == 0; v = v->next) {
        const char *word = "";

        r = json_string(v, &word, e);
        if (r == 0 && !listed(word, uppers))
            r = json_fail(v, e, "'%s' is not none, ephemeral or keep", word);
    }
    return r;
}

static int read_paths(const struct json *doc, struct admin *out, struct err *e)
{
    const struct {
        const char *key;
        const char **to;
    } paths[] = {
        {"shifter", &out->shifter},
        {"runtime", &out->runtime},
        {"stateDirectory", &out->state_directory},
        {"upperDirectory", &out->upper_directory},
        {"ephemeralDirectory", &out->ephemeral_directory},
    };
    int r = 0;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && r == 0; i++)
        if (json_member(doc, paths[i].key))
            r = absolute_path(doc, paths[i].key, paths[i].to, e);
    return r;
}

/* What is passed on to the shifter. */
static int read_shifter_options(const struct json *doc, struct admin *out, struct err *e)
{
    uint32_t threads = 0;
    int r = read_word(doc, "cache", caches, "auto, always or never", &out->cache, e);

    if (r == 0)
        r = json_member_bool(doc, "passthrough", &out->passthrough, e);
    if (r == 0)
        r = json_member_u32(doc, "threads", &threads, e);
    if (r == 0 && json_member(doc, "threads") && (threads < 1 || threads > MAX_THREADS))
        r = json_fail(json_member(doc, "threads"), e, "%u is not from 1 to %u", threads,
                      MAX_THREADS);
    out->threads = threads;
    return r;
}

static int fill(const struct json *doc, struct admin *out, struct err *e)
{
    const char *backend = NULL;
    int r = json_expect(doc, JSON_OBJECT, e);

    if (r < 0)
        return r;
    for (const struct json *v = doc->first; v; v = v->next)
        if (!listed(v->key, known_keys))
            return json_fail(v, e, "unknown key");
    r = read_paths(doc, out, e);
    if (r == 0)
        r = read_seconds(doc, "readySeconds", &out->ready_seconds, e);
    if (r == 0)
        r = read_seconds(doc, "stopSeconds", &out->stop_seconds, e);
    if (r == 0)
        r = read_word(doc, "backend", backends, "fuse", &backend, e);
    if (r == 0)
        r = read_word(doc, "upper", uppers, "none, ephemeral or keep", &out->upper, e);
    if (r == 0)
        r = read_allowed_uppers(doc, out, e);
    if (r == 0)
        r = read_shifter_options(doc, out, e);
    if (r == 0)
        r = read_annotation_paths(doc, out, e);
    if (r == 0)
        r = read_word(doc, "logLevel", log_levels, "error, warning, info or debug", &out->log_level,
                      e);
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
        .stop_seconds = 5,
        .passthrough = true,
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

int admin_stop_ms(const struct admin *a)
{
    return (int)a->stop_seconds * 1000;
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

int admin_check_upper(const struct admin *a, const char *upper, struct err *e)
{
    if (!a->allowed_uppers)
        return 0;
    for (const struct json *v = a->allowed_uppers->first; v; v = v->next)
        if (strcmp(v->text, upper) == 0)
            return 0;
    return err_setx(e, -EACCES,
                    "annotation io.oci-shift.upper: '%s' is none of allowedUppers of %s", upper,
                    ADMIN_CONFIG_PATH);
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
