/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record: whatever can be read can be written, and says the same when it is read again. */
#include "hook/record.h"
#include "tests/fuzz/fuzz.h"

static void must_be_same_path(const char *a, const char *b)
{
    must(a ? b && strcmp(a, b) == 0 : !b);
}

/* Without a pid there is none, and nothing of it is written. */
static void must_be_same_process(const struct process *a, const struct process *b)
{
    must(a->pid == b->pid && (a->pid == 0 || a->start == b->start));
}

static void must_be_same(const struct record *a, const struct record *b)
{
    must(strcmp(a->id, b->id) == 0 && a->way == b->way && a->created == b->created);
    must_be_same_path(a->bundle, b->bundle);
    must_be_same_path(a->mount_point, b->mount_point);
    must(a->mount_id == b->mount_id);
    must(strcmp(a->root, b->root) == 0 && strcmp(a->lower, b->lower) == 0);
    must(strcmp(a->uid_map, b->uid_map) == 0 && strcmp(a->gid_map, b->gid_map) == 0);
    must(a->read_only == b->read_only && a->upper_mode == b->upper_mode);
    must_be_same_path(a->upper, b->upper);
    must_be_same_process(&a->container, &b->container);
    must_be_same_process(&a->creator, &b->creator);
    must(a->shifter.pid == b->shifter.pid && a->shifter.start == b->shifter.start);
    must(a->keeper.pid == b->keeper.pid && a->keeper.start == b->keeper.start);
    must(a->device_major == b->device_major && a->device_minor == b->device_minor);
}

static void check(const struct record *r)
{
    /* What would be signalled is a process, or none: 0 and less are many to kill(2). */
    must(r->container.pid >= 0 && r->creator.pid >= 0 && r->shifter.pid >= 0 && r->keeper.pid >= 0);
    /* What would be removed is named in full. */
    must(r->upper_mode == UPPER_NONE ? !r->upper : r->upper[0] == '/');
    must(!r->bundle || r->bundle[0] == '/');
    must(!r->mount_point || r->mount_point[0] == '/');
    must(r->id[0] && r->root[0] == '/' && r->lower[0] == '/');
}

static void check_written(const struct record *r)
{
    struct record again;
    struct err e = {0};
    char *text = NULL;
    size_t len = 0;

    must(record_format(r, &text, &len) == 0);
    must(record_parse(text, len, &again, &e) == 0);
    must_be_same(r, &again);
    record_release(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_bytes(data, size);
    struct record r;
    struct err e = {0};
    int code = record_parse(text, size, &r, &e);

    free(text);
    if (code < 0) {
        must_be_refused(code, &e);
        must(!r.id && !r.lower && !r.gid_map);
        return 0;
    }
    check(&r);
    check_written(&r);
    record_release(&r);
    return 0;
}
