/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a record. */
#include "hook/record.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "hook/json.h"

#include <limits.h>
#include <string.h>

static const char *const ways[] = {
    [WAY_HOOK] = "hook",
    [WAY_PREPARE] = "prepare",
    [WAY_PRECREATE] = "precreate",
    [WAY_RUNTIME] = "runtime",
};

const char *record_way_name(enum way way)
{
    return ways[way];
}

static bool record_way_parse(const char *word, enum way *out)
{
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(word, ways[i]) == 0) {
            *out = (enum way)i;
            return true;
        }
    }
    return false;
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

static int read_u64(const struct json *obj, const char *key, uint64_t *out, struct err *e)
{
    const struct json *v = json_member(obj, key);
    int r;

    if (!v)
        return json_fail(obj, e, "%s is missing", key);
    r = json_expect(v, JSON_NUMBER, e);
    if (r == 0 && num_parse_u64(v->text, UINT64_MAX, out) < 0)
        r = json_fail(v, e, "%.40s is not a whole number of 64 bits", v->text);
    return r;
}

static int read_process(const struct json *doc, const char *key, struct process *out, struct err *e)
{
    const struct json *v;
    uint32_t pid = 0;
    uint64_t ticks = 0;
    int r = read_object(doc, key, &v, e);

    if (r == 0)
        r = read_u32(v, "pid", &pid, e);
    if (r == 0 && pid > INT_MAX)
        r = json_fail(v, e, "%u is no process id", pid);
    if (r < 0)
        return r;
    r = read_u64(v, "startTime", &ticks, e);
    if (r < 0)
        return r;
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

/* An absolute path that may be absent. */
static int read_optional_path(const struct json *doc, const char *key, char **out, struct err *e)
{
    return json_member(doc, key) ? read_text(doc, key, true, out, e) : 0;
}

static int read_texts(const struct json *doc, struct record *out, struct err *e)
{
    const struct {
        const char *key;
        bool absolute;
        char **to;
    } texts[] = {
        {"id", false, &out->id},
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

static int read_optional_process(const struct json *doc, const char *key, struct process *out,
                                 struct err *e)
{
    return json_member(doc, key) ? read_process(doc, key, out, e) : 0;
}

/* What version 3 has brought. */
static int read_way(const struct json *doc, struct record *out, struct err *e)
{
    const char *way = NULL;
    uint64_t created = 0, mount_id = 0;
    int r = json_member_string(doc, "way", &way, e);

    if (r == 0 && !way)
        r = err_setx(e, -EINVAL, "way is missing");
    if (r == 0 && !record_way_parse(way, &out->way))
        r = json_fail(json_member(doc, "way"), e,
                      "'%s' is none of hook, prepare, precreate, runtime", way);
    if (r == 0)
        r = read_optional_path(doc, "mountPoint", &out->mount_point, e);
    if (r == 0)
        r = read_optional_path(doc, "bundle", &out->bundle, e);
    if (r == 0)
        r = read_optional_process(doc, "container", &out->container, e);
    if (r == 0)
        r = read_optional_process(doc, "creator", &out->creator, e);
    if (r == 0)
        r = read_u64(doc, "created", &created, e);
    if (r == 0 && json_member(doc, "mountId"))
        r = read_u64(doc, "mountId", &mount_id, e);
    out->created = created;
    out->mount_id = mount_id;
    return r;
}

/* Before, all records were the hook's, of a container that was there. */
static int read_hooks(const struct json *doc, struct record *out, struct err *e)
{
    int r = read_text(doc, "bundle", true, &out->bundle, e);

    return r == 0 ? read_process(doc, "container", &out->container, e) : r;
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
        r = version > 2 ? read_way(doc, out, e) : read_hooks(doc, out, e);
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

static void write_process(struct json_writer *w, const char *key, const struct process *p)
{
    json_write_begin(w, key);
    json_write_number(w, "pid", (uint64_t)p->pid);
    json_write_number(w, "startTime", p->start);
    json_write_end(w);
}

static void write_optional_process(struct json_writer *w, const char *key, const struct process *p)
{
    if (p->pid > 0)
        write_process(w, key, p);
}

int record_format(const struct record *r, char **text, size_t *len)
{
    struct json_writer *w = json_writer_new(JSON_OBJECT);

    if (!w)
        return -ENOMEM;
    json_write_number(w, "version", RECORD_VERSION);
    json_write_string(w, "id", r->id);
    json_write_string(w, "way", record_way_name(r->way));
    json_write_number(w, "created", r->created);
    if (r->bundle)
        json_write_string(w, "bundle", r->bundle);
    json_write_string(w, "root", r->root);
    if (r->mount_point)
        json_write_string(w, "mountPoint", r->mount_point);
    if (r->mount_id > 0)
        json_write_number(w, "mountId", r->mount_id);
    json_write_string(w, "lower", r->lower);
    json_write_bool(w, "readOnly", r->read_only);
    json_write_begin(w, "upper");
    json_write_string(w, "mode", upper_mode_name(r->upper_mode));
    if (r->upper)
        json_write_string(w, "path", r->upper);
    json_write_end(w);
    json_write_string(w, "uidMappings", r->uid_map);
    json_write_string(w, "gidMappings", r->gid_map);
    write_optional_process(w, "container", &r->container);
    write_optional_process(w, "creator", &r->creator);
    write_process(w, "shifter", &r->shifter);
    write_process(w, "keeper", &r->keeper);
    json_write_begin(w, "device");
    json_write_number(w, "major", r->device_major);
    json_write_number(w, "minor", r->device_minor);
    json_write_end(w);
    return json_writer_finish(w, text, len);
}

void record_release(struct record *r)
{
    free(r->id);
    free(r->bundle);
    free(r->root);
    free(r->mount_point);
    free(r->lower);
    free(r->upper);
    free(r->uid_map);
    free(r->gid_map);
    *r = (struct record){0};
}
