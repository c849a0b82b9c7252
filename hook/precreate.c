/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/precreate.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "hook/json.h"
#include "hook/json_merge.h"
#include "hook/prepare.h"
#include "hook/teardown.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define PODMAN_ID_LENGTH 64u

struct precreated {
    char id[PODMAN_ID_LENGTH + 1];
    char *at;
};

/* podman's ids are 64 hexadecimal digits. */
static bool find_id(const char *text, char out[PODMAN_ID_LENGTH + 1])
{
    size_t n = 0;

    for (const char *p = text; p && *p; p++) {
        n = isdigit((unsigned char)*p) || (*p >= 'a' && *p <= 'f') ? n + 1 : 0;
        if (n == PODMAN_ID_LENGTH && !isxdigit((unsigned char)p[1])) {
            memcpy(out, p + 1 - n, n);
            out[n] = '\0';
            return true;
        }
    }
    return false;
}

static const char *text_of(const struct json *obj, const char *key)
{
    const struct json *v = obj && obj->type == JSON_OBJECT ? json_member(obj, key) : NULL;

    return v && v->type == JSON_STRING ? v->text : NULL;
}

/*
 * The container's id is in the names of its cgroup and of the files that podman mounts for it.
 * Elsewhere any name will do that nobody else has: a kept upper is then not found again.
 */
static int choose_id(const struct oci_config *c, char out[PODMAN_ID_LENGTH + 1], struct err *e)
{
    uint64_t any;

    if (find_id(text_of(json_member(c->doc, "linux"), "cgroupsPath"), out))
        return 0;
    for (const struct json *v = c->mounts ? c->mounts->first : NULL; v; v = v->next)
        if (find_id(text_of(v, "source"), out))
            return 0;
    if (getrandom(&any, sizeof(any), 0) != sizeof(any))
        return err_set(e, -errno, "getrandom");
    snprintf(out, PODMAN_ID_LENGTH + 1, "precreate-%016llx", (unsigned long long)any);
    return 0;
}

static int make_directory(const char *path, struct err *e)
{
    struct stat st;

    /* The container's root has to get through; what is in there is closed to it. */
    if (mkdir(path, 0711) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make %s", path);
    if (stat(path, &st) < 0 || (!(st.st_mode & S_IXOTH) && chmod(path, 0711) < 0))
        return err_set(e, -errno, "%s", path);
    return 0;
}

/*
 * Through this directory gets the container's root and nobody else: programs in the image that are
 * set-user-ID are so for everybody who can reach them on the host.
 */
static int make_closed_directory(const char *path, const struct idmap *gid, struct err *e)
{
    struct mount_id group = {0};
    mode_t mode = idmap_to_mount(gid, (struct disk_id){0}, &group) ? 0710 : 0711;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(e, -errno, "make %s", path);
    if (chown(path, 0, group.v) < 0 || chmod(path, mode) < 0)
        return err_set(e, -errno, "%s", path);
    return 0;
}

static int choose_place(const struct shift *s, struct precreated *p, struct err *e)
{
    cleanup_free char *roots = record_roots(s->admin->state_directory);
    cleanup_free char *own = NULL;
    char name[3 * sizeof(p->id)];
    int r;

    record_escape(p->id, name, sizeof(name));
    if (!roots || asprintf(&own, "%s/%s", roots, name) < 0 ||
        asprintf(&p->at, "%s/" RECORD_ROOT_NAME, own) < 0)
        return err_set(e, -ENOMEM, "precreate");
    r = make_directory(s->admin->state_directory, e);
    if (r == 0)
        r = make_directory(roots, e);
    return r < 0 ? r : make_closed_directory(own, &s->config.gid, e);
}

static int write_changes(const struct precreated *p, const char *config_file, char **text,
                         size_t *len)
{
    const char *const args[] = {"oci-shift-hook", "--record", p->id, "poststop"};
    struct json_writer *w = json_writer_new(JSON_OBJECT);
    cleanup_free char *self = realpath("/proc/self/exe", NULL);

    if (!w || !self)
        return -ENOMEM;
    json_write_begin(w, "root");
    json_write_string(w, "path", p->at);
    json_write_end(w);
    json_write_begin(w, "hooks");
    json_write_begin_array(w, "poststop");
    json_write_begin(w, NULL);
    json_write_string(w, "path", self);
    json_write_begin_array(w, "args");
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        json_write_string(w, NULL, args[i]);
        if (i == 0 && config_file) {
            json_write_string(w, NULL, "--config");
            json_write_string(w, NULL, config_file);
        }
    }
    json_write_end_array(w);
    json_write_end(w);
    json_write_end_array(w);
    json_write_end(w);
    return json_writer_finish(w, text, len);
}

static int write_document(int out, const struct json *doc, struct err *e)
{
    struct json_writer *w = json_writer_new(JSON_OBJECT);
    cleanup_free char *text = NULL;
    size_t len;
    int r = w ? 0 : -ENOMEM;

    if (w) {
        for (const struct json *v = doc->first; v; v = v->next)
            json_write_value(w, v->key, v);
        r = json_writer_finish(w, &text, &len);
    }
    if (r == 0)
        r = io_write_all(out, text, len);
    return r < 0 ? err_set(e, r, "write config.json") : 0;
}

static int change_config(int out, struct json *doc, const struct precreated *p,
                         const char *config_file, struct err *e)
{
    cleanup_free char *text = NULL;
    struct json *changes;
    size_t len;
    int r = write_changes(p, config_file, &text, &len);

    if (r < 0)
        return err_set(e, r, "changes of config.json");
    r = json_parse(text, len, &changes, e);
    if (r < 0)
        return r;
    json_merge(doc, changes);
    r = write_document(out, doc, e);
    /* The document is not looked at any more: its owner only frees it. */
    json_free(changes);
    return r;
}

/* podman does not start the container, nor run its poststop. */
static void release(const struct admin *admin, const char *id)
{
    cleanup_record_lock struct record_lock lock = RECORD_LOCK_NONE;
    struct record r;
    struct err e;

    if (record_lock(admin->state_directory, id, false, &lock, &e) < 0 ||
        record_read(&lock, &r, &e) < 0)
        return;
    if (teardown_all(&lock, &r, admin, &e) < 0)
        log_warn("container %s: %s", id, e.msg);
    record_release(&r);
}

static int shift_and_change(struct shift *s, int out, const char *config_file, struct err *e)
{
    struct prepare p = {.way = WAY_PRECREATE};
    struct precreated made = {0};
    int r = choose_id(&s->config, made.id, e);

    if (r == 0)
        r = choose_place(s, &made, e);
    if (r < 0) {
        free(made.at);
        return r;
    }
    /* podman itself: a container that it does not come to start needs nothing any more. */
    if (process_identify(getppid(), &p.creator) < 0)
        p.creator = (struct process){0};
    s->id = made.id;
    p.at = made.at;
    r = prepare_root(s, &p, e);
    if (r == 0) {
        record_unlock(&s->lock);
        r = change_config(out, s->config.doc, &made, config_file, e);
        if (r < 0)
            release(s->admin, made.id);
    }
    free(made.at);
    return r;
}

/*
 * podman 5, where the host's root is not mapped, mounts the rootfs at a place of that name later,
 * in a mount namespace of its own, and tells nobody where it is (getIntermediateMountpointUser() in
 * its libpod). What is there now is an empty directory.
 */
static int check_told(const struct oci_config *c, struct err *e)
{
    const char *name = strrchr(c->root_path, '/');

    if (c->root_path[0] != '/')
        return err_setx(e, -EINVAL,
                        "root.path: %s is relative to a bundle that precreate is not told",
                        c->root_path);
    if (!c->image && strncmp(name, "/intermediate-mountpoint-", 25) == 0)
        return err_setx(e, -EINVAL,
                        "root.path: %s is a place where podman will mount the image, which it does "
                        "not name: the annotation io.oci-shift.image has to",
                        c->root_path);
    return 0;
}

int precreate(int in, int out, const struct admin *admin, const char *config_file, struct err *e)
{
    struct shift s = SHIFT_INIT;
    cleanup_free char *buf = NULL;
    enum decision decision = DECISION_NOTHING;
    const char *why = "";
    size_t len;
    int r = io_read_all(in, JSON_MAX_BYTES, &buf, &len);

    if (r < 0)
        return err_set(e, r, "config.json on stdin");
    r = config_parse(buf, len, &s.config, e);
    if (r < 0)
        return err_prefix(e, "config.json on stdin");
    s.id = "to be";
    s.admin = admin;
    s.runtime_comes = true;
    if (s.config.user_namespace && s.config.mappings)
        r = check_told(&s.config, e);
    if (r == 0)
        r = shift_decide(&s, &decision, &why, e);
    if (r == 0 && decision == DECISION_NOTHING) {
        log_info("precreate: nothing to do: %s", why);
        r = io_write_all(out, buf, len);
        r = r < 0 ? err_set(e, r, "write config.json") : 0;
    } else if (r == 0) {
        r = shift_and_change(&s, out, config_file, e);
    }
    shift_release(&s);
    return r < 0 ? err_prefix(e, "precreate") : 0;
}
