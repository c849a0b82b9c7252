/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks for a difference between the kernel's idmapped mount and the shifter, at random:
 *
 *   twin [OPTION VALUE]... MOUNT_A MOUNT_B LOWER_A LOWER_B
 *
 *   --map MAP       the mapping of both mounts, INSIDE:OUTSIDE:SIZE[,...]
 *   --seed N        the first seed (1)
 *   --count K       how many seeds, one after the other (1)
 *   --seconds S     as many of them as fit into this time
 *   --steps M       operations for each seed (200)
 *   --replay FILE   the operations of a file instead, as a failure prints them
 *   --trace         print each operation and its answers
 *
 * At the first difference it prints the seed and the difference, cuts the sequence down to what is
 * needed for one, prints that in a form for --replay, and ends with 1. MOUNT_A and MOUNT_B must be
 * empty; the trees of each run stay below LOWER_A and LOWER_B.
 */
#include "twin.h"

#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

#define MAX_STEPS 5000
#define SHRINK_SECONDS 60 /* a difference that comes and goes is not worth more */

static struct sides sides;
static unsigned runs;
static bool trace;

/* Everyone forgets what is open and goes on in a new pair of trees. */
static void begin(char name[16])
{
    static struct answer answer;
    struct op op = {.kind = K_RESET};

    snprintf(name, 16, "t%u", runs++);
    tree_make(&sides, name);
    snprintf(op.p, sizeof(op.p), "%s", name);
    for (op.who = 0; op.who < n_who; op.who++)
        if (!caller_do(&op, &answer))
            errx(2, "%s cannot begin in %s", who_names[op.who], name);
}

static bool step_differs(struct looks *l, const struct op *op, struct text *report)
{
    static struct answer answer;

    if (!caller_do(op, &answer)) {
        op_print(stdout, op);
        errx(1, "no answer");
    }
    if (trace) {
        op_print(stdout, op);
        printf("    kernel  %s\n    shifter %s\n", answer.text[0], answer.text[1]);
    }
    if (strcmp(answer.text[0], answer.text[1]) != 0 && !known_difference(&sides, op, &answer)) {
        say(report, "  answered\n    kernel  %s\n    shifter %s\n", answer.text[0], answer.text[1]);
        return true;
    }
    looks_note(l, op, &answer);
    if (op->look == 0)
        return false;
    if (op->look == 2)
        return looks_differ_anywhere(l, report);
    return looks_differ_at(l, op, answer.text[0][0] == '0', report);
}

/*
 * Does the operations in fresh trees. Returns how many it took until something differed, where 0
 * says that nothing did, and n + 1 that only the look at the end found it.
 */
static unsigned differs(const struct op *ops, unsigned n, struct text *report)
{
    struct looks *l;
    bool holes_unclear = false;
    unsigned at = 0;
    char name[16];

    report->used = 0;
    report->buf[0] = '\0';
    begin(name);
    l = looks_new(&sides, name);
    looks_differ_anywhere(l, report); /* so that times are known */
    while (at < n &&
           (left_out_now(&sides, &ops[at], &holes_unclear) || !step_differs(l, &ops[at], report)))
        at++;
    if (at < n || looks_differ_anywhere(l, report) || lowers_differ(l, report))
        at++;
    else
        at = 0;
    looks_free(l);
    return at;
}

/* Without `count` operations from `at` on. */
static unsigned without(const struct op *ops, unsigned n, unsigned at, unsigned count,
                        struct op *out)
{
    memcpy(out, ops, at * sizeof(*ops));
    memcpy(out + at, ops + at + count, (n - at - count) * sizeof(*ops));
    return n - count;
}

/* Leaves out what the difference does not need: halves, quarters, ... and single operations, until
 * none can go. Returns how many are left. */
static unsigned shrink(struct op *ops, unsigned n, struct text *report)
{
    static struct op fewer[MAX_STEPS];
    unsigned chunk = n / 2, m, r;
    time_t until = time(NULL) + SHRINK_SECONDS;
    bool any = false;

    while (chunk > 0) {
        for (unsigned at = 0; at < n && time(NULL) < until;) {
            unsigned count = chunk < n - at ? chunk : n - at;

            m = without(ops, n, at, count, fewer);
            r = differs(fewer, m, report);
            if (r == 0) {
                at += count;
                continue;
            }
            n = r <= m ? r : m; /* what comes after the difference goes as well */
            memcpy(ops, fewer, n * sizeof(*ops));
            any = true;
        }
        if (chunk == 1 && any && time(NULL) < until) {
            any = false;
            continue;
        }
        chunk /= 2;
    }
    return n;
}

static void report_failure(struct op *ops, unsigned n, struct text *report)
{
    unsigned again = 0;

    printf("%s", report->buf);
    fflush(stdout);
    n = shrink(ops, n, report);
    for (unsigned i = 0; i < 3; i++)
        again += differs(ops, n, report) != 0;
    printf("cut down to %u operations, which differ %u times of 3:\n", n, again);
    for (unsigned i = 0; i < n; i++)
        op_print(stdout, &ops[i]);
    printf("%s", report->buf);
}

/* Returns true where a difference was found and reported. */
static bool try(struct op *ops, unsigned n, const char *what)
{
    static char buf[1 << 16];
    struct text report = {buf, sizeof(buf), 0};
    unsigned r = differs(ops, n, &report);

    if (r == 0)
        return false;
    printf("%s: a difference after %u of %u operations\n", what, r, n);
    if (r <= n)
        op_print(stdout, &ops[r - 1]);
    report_failure(ops, r <= n ? r : n, &report);
    return true;
}

static bool replay(const char *file)
{
    static struct op ops[MAX_STEPS];
    FILE *f = fopen(file, "re");
    char line[512];
    unsigned n = 0;

    if (!f)
        err(2, "%s", file);
    while (n < MAX_STEPS && fgets(line, sizeof(line), f))
        n += op_parse(line, &ops[n]);
    fclose(f);
    return try(ops, n, file);
}

static bool search(uint64_t seed, unsigned steps, unsigned count, time_t until)
{
    static struct op ops[MAX_STEPS];
    char what[64];
    unsigned i;

    for (i = 0; i < count && (until == 0 || time(NULL) < until); i++) {
        generate(seed + i, ops, steps);
        snprintf(what, sizeof(what), "seed %llu, %u steps", (unsigned long long)(seed + i), steps);
        if (try(ops, steps, what))
            return true;
    }
    printf("seeds %llu to %llu, %u steps each: no difference\n", (unsigned long long)seed,
           (unsigned long long)seed + i - 1, steps);
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"map", 1, NULL, 'm'},   {"seed", 1, NULL, 's'},    {"count", 1, NULL, 'c'},
        {"steps", 1, NULL, 'n'}, {"seconds", 1, NULL, 't'}, {"replay", 1, NULL, 'r'},
        {"trace", 0, NULL, 'v'}, {NULL, 0, NULL, 0},
    };
    unsigned count = 0, steps = 200;
    const char *file = NULL;
    uint64_t seed = 1;
    time_t until = 0;
    struct statfs fs;
    int c;

    sides.map = "0:100000:65536";
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'm')
            sides.map = optarg;
        else if (c == 's')
            seed = strtoull(optarg, NULL, 0);
        else if (c == 'c')
            count = (unsigned)strtoul(optarg, NULL, 0);
        else if (c == 'n')
            steps = (unsigned)strtoul(optarg, NULL, 0) % (MAX_STEPS + 1);
        else if (c == 't')
            until = time(NULL) + strtol(optarg, NULL, 0);
        else if (c == 'r')
            file = optarg;
        else if (c == 'v')
            trace = true;
        else
            return 2;
    }
    if (argc - optind != 4)
        errx(2, "usage: twin [OPTION VALUE]... MOUNT_A MOUNT_B LOWER_A LOWER_B");
    for (int i = 0; i < N_SIDES; i++) {
        sides.mount[i] = argv[optind + i];
        sides.lower[i] = argv[optind + 2 + i];
    }
    if (statfs(sides.lower[0], &fs) < 0)
        err(2, "%s", sides.lower[0]);
    sides.type = fs.f_type;
    if (count == 0)
        count = until ? 1U << 30 : 1;
    callers_start(&sides);
    return (file ? replay(file) : search(seed, steps, count, until)) ? 1 : 0;
}
