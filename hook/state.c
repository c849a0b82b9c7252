/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/state.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/json.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define STATE_MAX_BYTES (1u << 20)
#define ID_MAX 255

int state_check_id(const char *id, struct err *e)
{
    if (!id)
        return err_setx(e, -EINVAL, "id is missing");
    if (id[0] == '\0')
        return err_setx(e, -EINVAL, "id is empty");
    if (strlen(id) > ID_MAX)
        return err_setx(e, -EINVAL, "id is longer than %d bytes", ID_MAX);
    if (strchr(id, '/') || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return err_setx(e, -EINVAL, "id '%s' is not a name: it is a path", id);
    for (const char *p = id; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_setx(e, -EINVAL, "id '%s' holds a control character", id);
    return 0;
}

static int check_pid(uint32_t pid, struct err *e)
{
    return pid > INT_MAX ? err_setx(e, -EINVAL, "pid: %u is no process id", pid) : 0;
}

static int fill(const struct json *doc, struct oci_state *out, struct err *e)
{
    const char *id = NULL, *status = "", *bundle = "";
    uint32_t pid = 0;
    int r = json_expect(doc, JSON_OBJECT, e);

    if (r == 0)
        r = json_member_string(doc, "id", &id, e);
    if (r == 0)
        r = state_check_id(id, e);
    if (r == 0)
        r = json_member_string(doc, "status", &status, e);
    if (r == 0)
        r = json_member_string(doc, "bundle", &bundle, e);
    if (r == 0)
        r = json_member_u32(doc, "pid", &pid, e);
    if (r == 0)
        r = check_pid(pid, e);
    if (r == 0 && bundle[0] != '\0' && bundle[0] != '/')
        r = err_setx(e, -EINVAL, "bundle: '%s' is not an absolute path", bundle);
    if (r < 0)
        return r;
    out->id = strdup(id);
    out->status = strdup(status);
    out->bundle = strdup(bundle);
    out->pid = (pid_t)pid;
    if (!out->id || !out->status || !out->bundle)
        return err_set(e, -ENOMEM, "state");
    return 0;
}

int state_parse(const char *buf, size_t len, struct oci_state *out, struct err *e)
{
    struct json *doc;
    int r;

    *out = (struct oci_state){0};
    r = json_parse(buf, len, &doc, e);
    if (r == 0) {
        r = fill(doc, out, e);
        json_free(doc);
    }
    if (r < 0) {
        state_release(out);
        err_prefix(e, "state on stdin");
    }
    return r;
}

int state_read(int fd, struct oci_state *out, struct err *e)
{
    cleanup_free char *buf = NULL;
    size_t len;
    int r = io_read_all(fd, STATE_MAX_BYTES, &buf, &len);

    if (r == -EFBIG)
        return err_setx(e, r, "state on stdin: larger than %u bytes", STATE_MAX_BYTES);
    if (r < 0)
        return err_set(e, r, "state on stdin");
    return state_parse(buf, len, out, e);
}

int state_rename(struct oci_state *s, const char *id, struct err *e)
{
    int r = state_check_id(id, e);
    char *copy = r == 0 ? strdup(id) : NULL;

    if (!copy)
        return r < 0 ? r : err_set(e, -ENOMEM, "state");
    free(s->id);
    s->id = copy;
    return 0;
}

void state_release(struct oci_state *s)
{
    free(s->id);
    free(s->status);
    free(s->bundle);
    *s = (struct oci_state){0};
}
