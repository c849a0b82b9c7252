/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bundle's config.json, and what is decided from it. */
#include "hook/config.h"
#include "hook/decide.h"
#include "hook/json.h"
#include "tests/fuzz/mappings.h"

static void check_paths(const struct json *list)
{
    if (!list)
        return;
    must(list->type == JSON_ARRAY);
    for (const struct json *v = list->first; v; v = v->next)
        must(v->type == JSON_STRING && v->text);
}

static void check_owner(const struct oci_config *c, uid_t owner)
{
    enum decision decision;
    const char *why = NULL;
    struct err e = {0};
    struct mount_id m;
    int r = decide_owner(c, "/r", owner, &decision, &why, &e);

    if (r < 0)
        must_be_refused(r, &e);
    else if (decision == DECISION_SHIFT)
        must(idmap_to_mount(&c->uid, (struct disk_id){owner}, &m));
    else
        must(why && idmap_to_mount(&c->uid, (struct disk_id){0}, &m) && m.v == owner);
}

static void check_upper(const struct oci_config *c)
{
    const char *asked = c->upper ? c->upper : "none";
    enum upper_mode mode = decide_upper(c);

    must(strcmp(asked, upper_mode_name(mode)) == 0 ||
         (c->root_readonly && strcmp(asked, "ephemeral") == 0 && mode == UPPER_NONE));
    must(!c->upperdir || mode == UPPER_KEEP);
}

static void check(const struct oci_config *c)
{
    enum decision decision;
    const char *why = NULL;
    struct err e = {0};
    int r = decide_config(c, &decision, &why, &e);

    must(c->root_path && c->root_path[0]);
    check_paths(c->masked_paths);
    check_paths(c->readonly_paths);
    if (c->mappings) {
        must_be_a_mapping(&c->uid);
        must_be_a_mapping(&c->gid);
        /* This is how a shifter is told. */
        must_survive_as_text(&c->uid);
        must_survive_as_text(&c->gid);
    }
    if (r < 0) {
        must_be_refused(r, &e);
    } else if (decision == DECISION_NOTHING) {
        must(why && (!c->user_namespace || !c->mappings));
    } else {
        /* What a container asks for and does not get would be a container without it. */
        must(c->user_namespace && c->mappings);
        check_upper(c);
        check_owner(c, 0);
        check_owner(c, c->uid.by_mount[0].mount.v);
        check_owner(c, IDMAP_OVERFLOW_ID);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct oci_config c;
    char *text = copy_bytes(data, size);
    struct err e = {0};
    int r = config_parse(text, size, &c, &e);

    free(text);
    if (r < 0) {
        must_be_refused(r, &e);
        must(!c.doc);
        return 0;
    }
    check(&c);
    config_release(&c);
    return 0;
}
