/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations. All follow from the seed: nothing that a run finds changes what comes next,
 * so a sequence can be cut down. Names are few, so that operations meet.
 */
#include "twin.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint64_t state;

static unsigned below(unsigned n)
{
    uint64_t x = (state += 0x9e3779b97f4a7c15ULL);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((x ^ (x >> 31)) >> 16) % n;
}

static bool one_in(unsigned n)
{
    return below(n) == 0;
}

#define PICK(table) ((table)[below(sizeof(table) / sizeof((table)[0]))])

static void random_path(char out[PATH_ROOM])
{
    static const char *const popular[] = {"f",     "g",   "h",    "a",    "a/f",  "a/g",  "a/h",
                                          "a/c",   "a/l", "l",    "sg",   "sg/g", "sg/x", "st/f",
                                          "st/x",  "ac",  "ac/f", "ac/x", "um/f", "pr/f", "x",
                                          "a/c/f", "a/x", "y",    "um",   "p",    "n",    "a/y"};
    static const char *const dirs[] = {"",    "a/",  "a/",  "a/c/", "sg/", "st/",
                                       "ac/", "um/", "pr/", "l/",   "x/",  "a/x/"};
    static const char *const names[] = {"f", "g", "h", "c", "l", "x", "y",
                                        "f", "g", "x", "y", "h", ".", ".."};

    if (!one_in(3))
        snprintf(out, PATH_ROOM, "%s", PICK(popular));
    else
        snprintf(out, PATH_ROOM, "%s%s", PICK(dirs), PICK(names));
}

static void random_dir(char out[PATH_ROOM])
{
    static const char *const dirs[] = {".", "a", "a", "a/c", "sg", "st", "ac", "um", "pr", "x"};

    snprintf(out, PATH_ROOM, "%s", PICK(dirs));
}

/* Of what is to be made: more often than not it is not there. */
static void random_new_path(char out[PATH_ROOM])
{
    static const char *const names[] = {"c", "x", "y", "z"};
    char dir[PATH_ROOM];

    random_dir(dir);
    if (one_in(4))
        random_path(out);
    else
        snprintf(out, PATH_ROOM, "%.16s/%s", dir, PICK(names));
}

/* Weights; what makes something that others need is likelier. */
static const unsigned char weights[N_KINDS] = {
    [K_OPEN] = 28,       [K_TMPFILE] = 4,   [K_CLOSE] = 3,    [K_DUP] = 2,       [K_READ] = 4,
    [K_WRITE] = 9,       [K_PREAD] = 4,     [K_PWRITE] = 7,   [K_TRUNCATE] = 5,  [K_FTRUNCATE] = 5,
    [K_FALLOCATE] = 5,   [K_LSEEK] = 7,     [K_COPY] = 5,     [K_MMAP] = 4,      [K_FSYNC] = 2,
    [K_MKDIR] = 7,       [K_RMDIR] = 4,     [K_UNLINK] = 8,   [K_RENAME] = 14,   [K_LINK] = 7,
    [K_LINKFD] = 5,      [K_SYMLINK] = 5,   [K_READLINK] = 2, [K_MKNOD] = 5,     [K_CHMOD] = 12,
    [K_FCHMOD] = 4,      [K_CHOWN] = 10,    [K_FCHOWN] = 4,   [K_UTIMENS] = 7,   [K_FUTIMENS] = 3,
    [K_SETXATTR] = 16,   [K_FSETXATTR] = 5, [K_GETXATTR] = 5, [K_FGETXATTR] = 2, [K_LISTXATTR] = 3,
    [K_REMOVEXATTR] = 6, [K_ACCESS] = 6,    [K_READDIR] = 5,  [K_STAT] = 4,      [K_UMASK] = 2,
};

static enum kind random_kind(void)
{
    unsigned sum = 0, at;

    for (unsigned k = 0; k < N_KINDS; k++)
        sum += weights[k];
    at = below(sum);
    for (unsigned k = 0;; k++) {
        if (at < weights[k])
            return (enum kind)k;
        at -= weights[k];
    }
}

static int64_t random_offset(void)
{
    static const int64_t offsets[] = {0,    0,    1,     5,     17,    100,     4095,
                                      4096, 4097, 8192,  10000, 12288, 16384,   20000,
                                      0,    -1,   65536, 4096,  3,     1 << 20, 8192};

    return PICK(offsets);
}

static unsigned random_size(void)
{
    static const unsigned sizes[] = {0, 1, 3, 10, 100, 4096, 4096, 5000, 8192, 12000, 20000};

    return PICK(sizes);
}

static unsigned random_mode(void)
{
    static const unsigned modes[] = {0644,  0666,  0600, 0777,  0755,  0,     02775, 02674, 04755,
                                     06777, 01777, 0640, 02755, 06711, 02770, 0444,  0400,  0666};

    return PICK(modes);
}

static unsigned random_id(void)
{
    static const unsigned ids[] = {0,    1000,  1001,  2000,         65534,        65535,
                                   1000, 70000, 65536, (unsigned)-1, (unsigned)-1, 1001};

    return PICK(ids);
}

static unsigned random_open_flags(void)
{
    static const unsigned access[] = {O_RDONLY, O_RDWR, O_RDWR, O_RDWR, O_WRONLY};
    unsigned flags = PICK(access);

    if (!one_in(3))
        flags |= one_in(4) ? O_CREAT | O_EXCL : O_CREAT;
    if (one_in(16))
        flags |= one_in(2) ? O_EXCL : O_DIRECTORY;
    if (one_in(4))
        flags |= O_TRUNC;
    if (one_in(4))
        flags |= O_APPEND;
    if (one_in(5))
        flags |= O_NOFOLLOW;
    if (one_in(12))
        flags = one_in(2) ? O_PATH : O_RDONLY | O_DIRECTORY;
    if (one_in(12))
        flags |= O_SYNC;
    return flags;
}

/* The slots that each caller has tried to open; whether it could is not known here. */
static unsigned opened[16];

static unsigned opened_slot(unsigned who)
{
    unsigned slot = below(N_SLOTS);

    while (opened[who] != 0 && !(opened[who] & (1U << slot)) && !one_in(16))
        slot = below(N_SLOTS);
    return slot;
}

static bool takes_slot(enum kind k)
{
    return (k <= K_FSYNC && k != K_OPEN && k != K_TMPFILE && k != K_TRUNCATE) || k == K_LINKFD ||
           k == K_FCHMOD || k == K_FCHOWN || k == K_FUTIMENS || k == K_FSETXATTR ||
           k == K_FGETXATTR;
}

static void random_slots(struct op *op)
{
    if (takes_slot(op->kind) && opened[op->who] == 0)
        op->kind = K_OPEN;
    if (op->kind == K_OPEN || op->kind == K_TMPFILE) {
        op->slot = below(N_SLOTS);
        opened[op->who] |= 1U << op->slot;
    } else if (takes_slot(op->kind)) {
        op->slot = opened_slot(op->who);
    }
    if (op->kind == K_CLOSE)
        opened[op->who] &= ~(1U << op->slot);
    if (op->kind == K_COPY)
        op->slot2 = opened_slot(op->who);
    if (op->kind == K_DUP) {
        op->slot2 = below(N_SLOTS);
        opened[op->who] |= 1U << op->slot2;
    }
}

/* What makes it unclear where holes are (left_out_now) is not in every sequence. */
static bool clear_holes;

static void fill_data(struct op *op)
{
    static const unsigned falloc[] = {
        0,
        FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_ZERO_RANGE,
        FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE,
    };
    static const unsigned whence[] = {SEEK_SET, SEEK_END, SEEK_DATA, SEEK_HOLE, SEEK_CUR};

    op->off = random_offset();
    op->len = random_size();
    op->b = below(200);
    if (op->kind == K_FALLOCATE)
        op->a = clear_holes ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : PICK(falloc);
    else if (op->kind == K_MMAP && clear_holes)
        op->len = 0;
    else if (op->kind == K_LSEEK)
        op->a = PICK(whence);
    else if (op->kind == K_COPY)
        op->a = (unsigned)random_offset() & 0xffff;
    else if (op->kind == K_FSYNC)
        op->a = below(2);
}

static void fill_names(struct op *op)
{
    static const unsigned rename[] = {0,
                                      0,
                                      0,
                                      RENAME_NOREPLACE,
                                      RENAME_EXCHANGE,
                                      RENAME_WHITEOUT,
                                      RENAME_WHITEOUT | RENAME_NOREPLACE,
                                      RENAME_EXCHANGE | RENAME_WHITEOUT};
    static const char *const targets[] = {"f", "a", "../f", "a/c", "nowhere", ".", "../a/g", "l"};

    op->b = random_mode();
    random_path(op->p);
    if (op->kind == K_RENAME)
        random_path(op->q);
    else if (op->kind == K_LINK || op->kind == K_LINKFD)
        random_new_path(op->q);
    else if (op->kind == K_MKDIR || op->kind == K_MKNOD || op->kind == K_SYMLINK)
        random_new_path(op->p);
    if (op->kind == K_LINKFD)
        op->p[0] = '\0';
    if (op->kind == K_SYMLINK)
        snprintf(op->q, PATH_ROOM, "%s", PICK(targets));
    if (op->kind == K_RENAME)
        op->a = PICK(rename);
    else if (op->kind == K_LINK || op->kind == K_LINKFD)
        op->a = below(2);
    else if (op->kind == K_MKNOD)
        op->a = below(6);
}

static void fill_attributes(struct op *op)
{
    static const unsigned lens[] = {0, 0, 0, XATTR_CREATE, XATTR_REPLACE};
    static const unsigned rooms[] = {0, 10, 20, 60, 8000, 8000, 8000};

    random_path(op->p);
    if (op->kind == K_READDIR)
        random_dir(op->p);
    op->off = one_in(4); /* do not follow a symlink at the end */
    switch (op->kind) {
    case K_CHOWN:
    case K_FCHOWN:
        op->a = random_id();
        op->b = random_id();
        break;
    case K_UTIMENS:
    case K_FUTIMENS:
        op->a = below(10);
        break;
    case K_ACCESS:
        op->a = below(8);
        op->b = (one_in(2) ? AT_EACCESS : 0) | (unsigned)(one_in(4) ? AT_SYMLINK_NOFOLLOW : 0);
        break;
    default: /* xattrs; ACLs and capabilities are what is shifted */
        op->a = one_in(2) ? XATTR_CAPABILITY + below(3) : below(n_xattr_names);
        op->b = one_in(2) ? below(5) : below(N_XATTR_VALUES);
        op->len = op->kind == K_SETXATTR || op->kind == K_FSETXATTR ? PICK(lens) : PICK(rooms);
        break;
    }
}

static void fill(struct op *op)
{
    switch (op->kind) {
    case K_OPEN:
    case K_TMPFILE:
        random_path(op->p);
        op->a = random_open_flags();
        op->b = random_mode();
        if (op->kind == K_TMPFILE) {
            random_dir(op->p);
            op->a = (op->a & (O_ACCMODE | O_EXCL)) | (one_in(2) ? O_RDWR : 0);
            op->a = (op->a & O_ACCMODE) == O_ACCMODE ? O_RDWR : op->a;
        }
        break;
    case K_TRUNCATE:
        random_path(op->p);
        op->off = random_offset();
        break;
    case K_UMASK:
        op->b = one_in(2) ? 022 : below(0100);
        break;
    case K_FCHMOD:
        op->b = random_mode();
        break;
    case K_CHOWN:
    case K_FCHOWN:
    case K_UTIMENS:
    case K_FUTIMENS:
    case K_SETXATTR:
    case K_FSETXATTR:
    case K_GETXATTR:
    case K_FGETXATTR:
    case K_LISTXATTR:
    case K_REMOVEXATTR:
    case K_ACCESS:
    case K_READDIR:
    case K_STAT:
        fill_attributes(op);
        break;
    default:
        if (op->kind <= K_FSYNC)
            fill_data(op);
        else
            fill_names(op);
    }
}

/* At first everyone opens two files that there are or that can be made. */
static void first_open(struct op *op, unsigned i)
{
    static const char *const paths[] = {"f", "x", "a/x", "a/h", "st/x", "ac/x", "sg/x", "y"};

    op->kind = K_OPEN;
    op->who = i % n_who;
    op->slot = i / n_who;
    op->a = O_RDWR | O_CREAT;
    op->b = random_mode();
    snprintf(op->p, PATH_ROOM, "%s", PICK(paths));
    opened[op->who] |= 1U << op->slot;
}

static void any(struct op *op)
{
    static const unsigned char who[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4};

    op->kind = random_kind();
    op->who = PICK(who);
    op->look = one_in(4) ? 0 : one_in(10) ? 2 : 1;
    random_slots(op);
    fill(op);
    if (takes_slot(op->kind))
        op->p[0] = '\0';
}

void generate(uint64_t seed, struct op *ops, unsigned n)
{
    state = seed * 0xd1342543de82ef95ULL + 1;
    memset(opened, 0, sizeof(opened));
    clear_holes = seed % 2 == 0;
    for (unsigned i = 0; i < n; i++) {
        memset(&ops[i], 0, sizeof(ops[i]));
        if (i < 2 * n_who)
            first_open(&ops[i], i);
        else
            any(&ops[i]);
    }
}
