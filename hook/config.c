/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/config.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/json.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int read_range(const struct json *v, struct idmap_range *out, struct err *e)
{
    static const char *const keys[] = {"containerID", "hostID", "size"};
    uint32_t *fields[] = {&out->disk.v, &out->mount.v, &out->size};
    int r = json_expect(v, JSON_OBJECT, e);

    for (int i = 0; i < 3 && r == 0; i++) {
        const struct json *n = json_member(v, keys[i]);

        r = n ? json_u32(n, fields[i], e) : json_fail(v, e, "%s is missing", keys[i]);
    }
    return r;
}

static int read_map(const struct json *array, const char *what, struct idmap *map, struct err *e)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES];
    size_t n = 0;

    if (array->n > IDMAP_MAX_RANGES)
        return json_fail(array, e, "%zu ranges are more than the kernel's limit of %u", array->n,
                         IDMAP_MAX_RANGES);
    for (const struct json *v = array->first; v; v = v->next) {
        int r = read_range(v, &ranges[n++], e);

        if (r < 0)
            return r;
    }
    return idmap_init(map, ranges, n, what, e);
}

static int read_mappings(const struct json *linux_, struct oci_config *out, struct err *e)
{
    const struct json *uid, *gid;
    int r = json_member_of(linux_, "uidMappings", JSON_ARRAY, &uid, e);

    if (r == 0)
        r = json_member_of(linux_, "gidMappings", JSON_ARRAY, &gid, e);
    if (r < 0)
        return r;
    /* An empty list says what none says. */
    uid = uid && uid->n > 0 ? uid : NULL;
    gid = gid && gid->n > 0 ? gid : NULL;
    if (!uid && !gid)
        return 0;
    if (!gid)
        return err_setx(e, -EINVAL, "linux.uidMappings is there, linux.gidMappings is missing");
    if (!uid)
        return err_setx(e, -EINVAL, "linux.gidMappings is there, linux.uidMappings is missing");
    out->mappings = true;
    r = read_map(uid, "linux.uidMappings", &out->uid, e);
    return r < 0 ? r : read_map(gid, "linux.gidMappings", &out->gid, e);
}

static int read_namespaces(const struct json *linux_, struct oci_config *out, struct err *e)
{
    const struct json *list;
    int r = json_member_of(linux_, "namespaces", JSON_ARRAY, &list, e);

    if (r < 0 || !list)
        return r;
    for (const struct json *v = list->first; v && r == 0; v = v->next) {
        const char *type = "";

        r = json_expect(v, JSON_OBJECT, e);
        if (r == 0)
            r = json_member_string(v, "type", &type, e);
        if (strcmp(type, "user") == 0)
            out->user_namespace = true;
    }
    return r;
}

static int read_paths(const struct json *linux_, const char *key, const struct json **out,
                      struct err *e)
{
    int r = json_member_of(linux_, key, JSON_ARRAY, out, e);

    if (r < 0 || !*out)
        return r;
    for (const struct json *v = (*out)->first; v && r == 0; v = v->next)
        r = json_expect(v, JSON_STRING, e);
    return r;
}

static int read_linux(const struct json *doc, struct oci_config *out, struct err *e)
{
    const struct json *linux_;
    int r = json_member_of(doc, "linux", JSON_OBJECT, &linux_, e);

    if (r < 0 || !linux_)
        return r;
    r = read_namespaces(linux_, out, e);
    if (r == 0)
        r = read_mappings(linux_, out, e);
    if (r == 0)
        r = read_paths(linux_, "maskedPaths", &out->masked_paths, e);
    if (r == 0)
        r = read_paths(linux_, "readonlyPaths", &out->readonly_paths, e);
    if (r == 0)
        r = json_member_string(linux_, "mountLabel", &out->mount_label, e);
    return r;
}

static int read_root(const struct json *doc, struct oci_config *out, struct err *e)
{
    const struct json *root;
    int r = json_member_of(doc, "root", JSON_OBJECT, &root, e);

    if (r < 0)
        return r;
    if (!root)
        return err_setx(e, -EINVAL, "root is missing");
    r = json_member_string(root, "path", &out->root_path, e);
    if (r == 0)
        r = json_member_bool(root, "readonly", &out->root_readonly, e);
    if (r == 0 && (!out->root_path || out->root_path[0] == '\0'))
        r = err_setx(e, -EINVAL, "root.path is missing");
    return r;
}

static int read_annotations(const struct json *doc, struct oci_config *out, struct err *e)
{
    const struct json *a;
    int r = json_member_of(doc, "annotations", JSON_OBJECT, &a, e);

    if (r == 0)
        r = json_member_string(a, "io.oci-shift.image", &out->image, e);
    if (r == 0)
        r = json_member_string(a, "io.oci-shift.upper", &out->upper, e);
    if (r == 0)
        r = json_member_string(a, "io.oci-shift.upperdir", &out->upperdir, e);
    if (r == 0)
        r = json_member_string(a, "io.oci-shift.backend", &out->backend, e);
    return r;
}

static int fill(const struct json *doc, struct oci_config *out, struct err *e)
{
    const struct json *process;
    int r = json_expect(doc, JSON_OBJECT, e);

    if (r == 0)
        r = read_root(doc, out, e);
    if (r == 0)
        r = read_linux(doc, out, e);
    if (r == 0)
        r = read_annotations(doc, out, e);
    if (r == 0)
        r = json_member_of(doc, "mounts", JSON_ARRAY, &out->mounts, e);
    if (r == 0)
        r = json_member_of(doc, "process", JSON_OBJECT, &process, e);
    if (r == 0)
        r = json_member_string(process, "cwd", &out->cwd, e);
    return r;
}

int config_parse(const char *buf, size_t len, struct oci_config *out, struct err *e)
{
    int r;

    *out = (struct oci_config){0};
    r = json_parse(buf, len, &out->doc, e);
    if (r == 0)
        r = fill(out->doc, out, e);
    if (r < 0)
        config_release(out);
    return r;
}

/* A FIFO or a device in its place must not stop the hook: it is opened without waiting. */
static int read_config_file(const char *path, char **buf, size_t *len, struct err *e)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int r;

    if (fd < 0)
        return err_set(e, -errno, "%s", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_setx(e, -EINVAL, "%s: not a regular file", path);
    r = io_read_all(fd, JSON_MAX_BYTES, buf, len);
    if (r == -EFBIG)
        return err_setx(e, r, "%s: larger than %u MiB", path, JSON_MAX_BYTES >> 20);
    return r < 0 ? err_set(e, r, "%s", path) : 0;
}

int config_read_file(const char *path, struct oci_config *out, struct err *e)
{
    cleanup_free char *buf = NULL;
    size_t len;
    int r = read_config_file(path, &buf, &len, e);

    if (r < 0)
        return r;
    r = config_parse(buf, len, out, e);
    return r < 0 ? err_prefix(e, "%s", path) : 0;
}

int config_read(const char *bundle, struct oci_config *out, struct err *e)
{
    cleanup_free char *path = NULL;

    if (asprintf(&path, "%s/config.json", bundle) < 0)
        return err_set(e, -ENOMEM, "config.json");
    return config_read_file(path, out, e);
}

void config_release(struct oci_config *c)
{
    json_free(c->doc);
    c->doc = NULL;
}
