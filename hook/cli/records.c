/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records, and what the processes that they name say of themselves now. */
#include "base/cleanup.h"
#include "base/counts.h"
#include "base/io.h"
#include "hook/cli/cli.h"
#include "hook/cli/opcodes.h"
#include "hook/json.h"
#include "hook/users.h"

#include <fcntl.h>
#include <string.h>

struct collection {
    struct record **records;
    size_t n, room;
    const struct admin *admin;
    struct err *e;
    int code;
};

static struct record *copy(const struct record *r)
{
    cleanup_free char *text = NULL;
    struct record *out = malloc(sizeof(*out));
    struct err ignored;
    size_t len;

    if (out && (record_format(r, &text, &len) < 0 || record_parse(text, len, out, &ignored) < 0)) {
        free(out);
        out = NULL;
    }
    return out;
}

static bool collect(const struct record *r, void *arg)
{
    struct collection *c = arg;

    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        struct record **more = reallocarray(c->records, room, sizeof(*more));

        if (!more) {
            c->code = err_set(c->e, -ENOMEM, "records");
            return false;
        }
        c->records = more;
        c->room = room;
    }
    c->records[c->n] = copy(r);
    if (!c->records[c->n]) {
        c->code = err_set(c->e, -ENOMEM, "records");
        return false;
    }
    c->n++;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct record *const *)a)->id, (*(struct record *const *)b)->id);
}

int cli_records(const struct admin *admin, struct record ***out, size_t *n, struct err *e)
{
    struct collection c = {.admin = admin, .e = e};

    record_each(admin->state_directory, collect, &c);
    if (c.code < 0) {
        cli_free_records(c.records, c.n);
        return c.code;
    }
    if (c.n > 0)
        qsort(c.records, c.n, sizeof(struct record *), by_id);
    *out = c.records;
    *n = c.n;
    return 0;
}

void cli_free_records(struct record **records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        record_release(records[i]);
        free(records[i]);
    }
    free(records);
}

static bool read_counts(const struct record *r, struct counts *out)
{
    char path[64];
    cleanup_close int fd = -1;

    if (!process_alive(&r->keeper))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r->keeper.pid, COUNTS_KEEPER_FD);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && counts_read(fd, out) == 0;
}

bool cli_requests(const struct record *r, unsigned long *sum)
{
    struct counts counts;

    *sum = 0;
    if (!read_counts(r, &counts))
        return false;
    for (size_t i = 0; i < COUNTS_OPCODES; i++)
        *sum += counts.requests[i];
    return true;
}

unsigned long cli_memory(pid_t pid)
{
    cleanup_free char *text = NULL;
    char path[64];
    const char *line;
    unsigned long kib = 0;
    size_t len;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (io_read_file_at(AT_FDCWD, path, 65536, &text, &len) < 0)
        return 0;
    line = strstr(text, "\nRssAnon:");
    if (line && sscanf(line, "\nRssAnon: %lu", &kib) != 1)
        kib = 0;
    return kib;
}

static void describe_requests(const struct record *r, struct json_writer *w)
{
    struct counts counts;
    char number[16];

    if (!read_counts(r, &counts))
        return;
    json_write_begin(w, "requests");
    for (unsigned i = 0; i < COUNTS_OPCODES; i++) {
        const char *name = opcode_name(i);

        snprintf(number, sizeof(number), "opcode %u", i);
        if (counts.requests[i] > 0)
            json_write_number(w, name ? name : number, counts.requests[i]);
    }
    json_write_end(w);
}

void cli_describe(const struct record *r, bool with_requests, struct json_writer *w)
{
    bool alive = process_alive(&r->shifter);
    pid_t user = users_find(r);
    unsigned long sum;

    json_write_string(w, "id", r->id);
    json_write_string(w, "way", record_way_name(r->way));
    json_write_number(w, "created", r->created);
    if (user > 0)
        json_write_number(w, "containerPid", (uint64_t)user);
    if (r->bundle)
        json_write_string(w, "bundle", r->bundle);
    json_write_string(w, "root", r->root);
    if (r->mount_point)
        json_write_string(w, "mountPoint", r->mount_point);
    json_write_string(w, "lower", r->lower);
    json_write_string(w, "upperMode", upper_mode_name(r->upper_mode));
    if (r->upper)
        json_write_string(w, "upper", r->upper);
    json_write_bool(w, "readOnly", r->read_only);
    json_write_string(w, "uidMappings", r->uid_map);
    json_write_string(w, "gidMappings", r->gid_map);
    json_write_bool(w, "alive", alive);
    json_write_number(w, "shifterPid", (uint64_t)r->shifter.pid);
    if (alive)
        json_write_number(w, "memoryKiB", cli_memory(r->shifter.pid));
    if (with_requests)
        describe_requests(r, w);
    else if (cli_requests(r, &sum))
        json_write_number(w, "requests", sum);
}
