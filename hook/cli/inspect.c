/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "hook/cli/cli.h"
#include "hook/json.h"

#include <getopt.h>
#include <string.h>

static const struct record *find(struct record **records, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(records[i]->id, id) == 0)
            return records[i];
    return NULL;
}

static int inspect(struct record **records, size_t n, char **ids, struct err *e)
{
    struct json_writer *w = json_writer_new(JSON_ARRAY);
    cleanup_free char *text = NULL;
    int status = CLI_OK;
    size_t len;
    int r;

    if (!w)
        return err_set(e, -ENOMEM, "inspect") < 0 ? CLI_FAILED : CLI_OK;
    for (; *ids; ids++) {
        const struct record *found = find(records, n, *ids);

        if (!found) {
            err_setx(e, -ENOENT, "nothing is shifted under the id %s", *ids);
            status = CLI_UNKNOWN;
            continue;
        }
        json_write_begin(w, NULL);
        cli_describe(found, true, w);
        json_write_end(w);
    }
    r = json_writer_finish(w, &text, &len);
    if (r < 0) {
        err_set(e, r, "inspect");
        return CLI_FAILED;
    }
    fwrite(text, 1, len, stdout);
    return status;
}

int cli_inspect(int argc, char **argv, const struct admin *admin, struct err *e)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct record **records;
    size_t n;
    int c, status;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        return c == 'h' ? cli_help("inspect") : CLI_USAGE;
    if (optind == argc) {
        err_setx(e, -EINVAL, "inspect: an ID is missing");
        return CLI_USAGE;
    }
    if (cli_records(admin, &records, &n, e) < 0)
        return CLI_FAILED;
    status = inspect(records, n, argv + optind, e);
    cli_free_records(records, n);
    return status;
}
