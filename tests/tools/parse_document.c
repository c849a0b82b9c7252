/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse-document KIND FILE: what the hook's own parser says to a document. Exit status 0: taken,
 * 1: refused, with the reason on stdout; 2: it could not be asked. For tests/check-schemas.
 */
#include "base/cleanup.h"
#include "base/io.h"
#include "hook/admin.h"
#include "hook/config.h"
#include "hook/decide.h"
#include "hook/json.h"
#include "hook/record.h"
#include "hook/state.h"

#include <fcntl.h>
#include <string.h>

static int parse_state(const char *buf, size_t len, struct err *e)
{
    struct oci_state state;
    int r = state_parse(buf, len, &state, e);

    if (r == 0)
        state_release(&state);
    return r;
}

static int parse_config(const char *buf, size_t len, struct err *e)
{
    struct oci_config config;
    int r = config_parse(buf, len, &config, e);

    if (r == 0)
        config_release(&config);
    return r;
}

static int parse_admin(const char *buf, size_t len, struct err *e)
{
    struct admin admin;
    int r = admin_parse(buf, len, &admin, e);

    if (r == 0)
        admin_release(&admin);
    return r;
}

static int parse_record(const char *buf, size_t len, struct err *e)
{
    struct record record;
    int r = record_parse(buf, len, &record, e);

    if (r == 0)
        record_release(&record);
    return r;
}

/* Whether the path may be used is the administrator's word; here none is listed. */
static int check_path(const char *annotation, const char *path, struct err *e)
{
    struct admin admin;
    int r = admin_parse("{}", 2, &admin, e);

    if (r < 0)
        return r;
    r = admin_open_annotation_path(&admin, annotation, path, e);
    admin_release(&admin);
    return r == -EACCES ? 0 : r;
}

/* Annotations count in the config.json of a container that is to be shifted. */
static int parse_annotations(const char *buf, size_t len, struct err *e)
{
    static const char frame[] =
        "{\"root\":{\"path\":\"/r\"},\"linux\":{\"namespaces\":[{\"type\":\"user\"}],"
        "\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}],"
        "\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]},\"annotations\":%.*s}";
    cleanup_free char *text = NULL;
    struct oci_config config;
    enum decision decision;
    const char *why;
    int n = asprintf(&text, frame, (int)len, buf);
    int r = n < 0 ? -ENOMEM : config_parse(text, (size_t)n, &config, e);

    if (r < 0)
        return r;
    r = decide_config(&config, &decision, &why, e);
    if (r == 0 && config.image)
        r = check_path("io.oci-shift.image", config.image, e);
    if (r == 0 && config.upperdir)
        r = check_path("io.oci-shift.upperdir", config.upperdir, e);
    config_release(&config);
    return r;
}

static const struct {
    const char *kind;
    int (*parse)(const char *, size_t, struct err *);
} parsers[] = {
    {"state", parse_state},   {"config", parse_config},           {"admin", parse_admin},
    {"record", parse_record}, {"annotations", parse_annotations},
};

int main(int argc, char **argv)
{
    cleanup_free char *buf = NULL;
    struct err e = {0};
    size_t len;

    if (argc != 3 || io_read_file_at(AT_FDCWD, argv[2], JSON_MAX_BYTES, &buf, &len) < 0)
        return 2;
    for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
        if (strcmp(argv[1], parsers[i].kind) != 0)
            continue;
        if (parsers[i].parse(buf, len, &e) == 0)
            return 0;
        puts(e.msg);
        return 1;
    }
    return 2;
}
