/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "hook/cli/cli.h"
#include "hook/json.h"
#include "hook/users.h"

#include <getopt.h>
#include <string.h>

#define COLUMNS 10

static const char *const titles[COLUMNS] = {"CONTAINER", "WAY",     "PID",    "UIDS",     "MODE",
                                            "UPPER",     "SHIFTER", "MEMORY", "REQUESTS", "IMAGE"};

typedef char *row[COLUMNS];

static char *number(unsigned long v, bool known, const char *unit)
{
    char *text = NULL;

    if (!known)
        return strdup("-");
    return asprintf(&text, "%lu%s", v, unit) < 0 ? NULL : text;
}

static void fill(const struct record *r, row out)
{
    bool alive = process_alive(&r->shifter);
    pid_t user = users_find(r);
    unsigned long sum;
    bool counted = cli_requests(r, &sum);

    out[0] = strdup(r->id);
    out[1] = strdup(record_way_name(r->way));
    out[2] = number((unsigned long)user, user > 0, "");
    out[3] = strdup(r->uid_map);
    out[4] = strdup(r->read_only ? "ro" : "rw");
    out[5] = strdup(upper_mode_name(r->upper_mode));
    out[6] = alive ? number((unsigned long)r->shifter.pid, true, "") : strdup("dead");
    out[7] = number(cli_memory(r->shifter.pid), alive, "K");
    out[8] = number(sum, counted, "");
    out[9] = strdup(r->lower);
}

static const char *cell(row r, size_t column)
{
    /* Without memory for a word there is none. */
    return r[column] ? r[column] : "?";
}

static int print_table(struct record **records, size_t n, struct err *e)
{
    row *rows = calloc(n + 1, sizeof(*rows));
    int width[COLUMNS];

    if (!rows)
        return err_set(e, -ENOMEM, "list");
    for (size_t c = 0; c < COLUMNS; c++)
        width[c] = (int)strlen(titles[c]);
    for (size_t i = 0; i < n; i++) {
        fill(records[i], rows[i]);
        for (size_t c = 0; c < COLUMNS; c++)
            if ((int)strlen(cell(rows[i], c)) > width[c])
                width[c] = (int)strlen(cell(rows[i], c));
    }
    for (size_t c = 0; c < COLUMNS; c++)
        printf("%-*s%s", c + 1 < COLUMNS ? width[c] : 0, titles[c], c + 1 < COLUMNS ? "  " : "\n");
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            err_one_line(rows[i][c] ? rows[i][c] : (char[]){0});
            printf("%-*s%s", c + 1 < COLUMNS ? width[c] : 0, cell(rows[i], c),
                   c + 1 < COLUMNS ? "  " : "\n");
            free(rows[i][c]);
        }
    }
    free(rows);
    return 0;
}

static int print_json(struct record **records, size_t n, struct err *e)
{
    struct json_writer *w = json_writer_new(JSON_ARRAY);
    cleanup_free char *text = NULL;
    size_t len;
    int r;

    if (!w)
        return err_set(e, -ENOMEM, "list");
    for (size_t i = 0; i < n; i++) {
        json_write_begin(w, NULL);
        cli_describe(records[i], false, w);
        json_write_end(w);
    }
    r = json_writer_finish(w, &text, &len);
    if (r < 0)
        return err_set(e, r, "list");
    fwrite(text, 1, len, stdout);
    return 0;
}

int cli_list(int argc, char **argv, const struct admin *admin, struct err *e)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct record **records;
    bool json = false;
    size_t n;
    int c, r;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            return cli_help("list");
        if (c != 'j')
            return CLI_USAGE;
        json = true;
    }
    if (optind < argc) {
        err_setx(e, -EINVAL, "list: unexpected '%s'", argv[optind]);
        return CLI_USAGE;
    }
    if (cli_records(admin, &records, &n, e) < 0)
        return CLI_FAILED;
    r = json ? print_json(records, n, e) : print_table(records, n, e);
    cli_free_records(records, n);
    return r < 0 ? CLI_FAILED : CLI_OK;
}
