/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations as text that can be replayed, and results as text that can be compared. */
#include "twin.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (t->used + 1 >= t->room)
        return;
    va_start(ap, fmt);
    n = vsnprintf(t->buf + t->used, t->room - t->used, fmt, ap);
    va_end(ap);
    t->used += (size_t)n < t->room - t->used ? (size_t)n : t->room - t->used - 1;
}

void say_result(struct text *t, long r)
{
    if (r == -1)
        say(t, "%s", strerrorname_np(errno));
    else
        say(t, "%ld", r);
}

void say_bytes(struct text *t, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325ULL;

    if (size <= 64) {
        for (size_t i = 0; i < size; i++)
            say(t, "%02x", p[i]);
        return;
    }
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3ULL;
    say(t, "%zu bytes, sum %016llx", size, (unsigned long long)h);
}

static const char *const kind_names[N_KINDS] = {
    [K_OPEN] = "open",           [K_TMPFILE] = "tmpfile",
    [K_CLOSE] = "close",         [K_DUP] = "dup",
    [K_READ] = "read",           [K_WRITE] = "write",
    [K_PREAD] = "pread",         [K_PWRITE] = "pwrite",
    [K_TRUNCATE] = "truncate",   [K_FTRUNCATE] = "ftruncate",
    [K_FALLOCATE] = "fallocate", [K_LSEEK] = "lseek",
    [K_COPY] = "copy",           [K_MMAP] = "mmap",
    [K_FSYNC] = "fsync",         [K_MKDIR] = "mkdir",
    [K_RMDIR] = "rmdir",         [K_UNLINK] = "unlink",
    [K_RENAME] = "rename",       [K_LINK] = "link",
    [K_LINKFD] = "linkfd",       [K_SYMLINK] = "symlink",
    [K_READLINK] = "readlink",   [K_MKNOD] = "mknod",
    [K_CHMOD] = "chmod",         [K_FCHMOD] = "fchmod",
    [K_CHOWN] = "chown",         [K_FCHOWN] = "fchown",
    [K_UTIMENS] = "utimens",     [K_FUTIMENS] = "futimens",
    [K_SETXATTR] = "setxattr",   [K_FSETXATTR] = "fsetxattr",
    [K_GETXATTR] = "getxattr",   [K_FGETXATTR] = "fgetxattr",
    [K_LISTXATTR] = "listxattr", [K_REMOVEXATTR] = "removexattr",
    [K_ACCESS] = "access",       [K_READDIR] = "readdir",
    [K_STAT] = "stat",           [K_UMASK] = "umask",
};

const char *kind_name(enum kind k)
{
    return kind_names[k];
}

static void print_open_flags(FILE *to, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {
        {O_CREAT, "O_CREAT"},   {O_EXCL, "O_EXCL"},         {O_TRUNC, "O_TRUNC"},
        {O_APPEND, "O_APPEND"}, {O_NOFOLLOW, "O_NOFOLLOW"}, {O_DIRECTORY, "O_DIRECTORY"},
        {O_PATH, "O_PATH"},     {O_SYNC, "O_SYNC"},
    };

    fprintf(to, "%s", flags & O_RDWR ? "O_RDWR" : flags & O_WRONLY ? "O_WRONLY" : "O_RDONLY");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if ((flags & names[i].flag) == names[i].flag)
            fprintf(to, "|%s", names[i].name);
}

/* Behind a '#', for people: what the numbers stand for. */
static void print_remark(FILE *to, const struct op *op)
{
    unsigned char value[XATTR_VALUE_ROOM];

    switch (op->kind) {
    case K_OPEN:
        fprintf(to, " # ");
        print_open_flags(to, op->a);
        break;
    case K_SETXATTR:
    case K_FSETXATTR:
        fprintf(to, " # %s, %zu bytes", xattr_names[op->a % n_xattr_names],
                xattr_value(op->a % n_xattr_names, op->b, 0, value));
        break;
    case K_GETXATTR:
    case K_FGETXATTR:
    case K_REMOVEXATTR:
        fprintf(to, " # %s", xattr_names[op->a % n_xattr_names]);
        break;
    case K_CHOWN:
    case K_FCHOWN:
        fprintf(to, " # to %d:%d", (int)op->a, (int)op->b);
        break;
    default:
        break;
    }
}

void op_print(FILE *to, const struct op *op)
{
    fprintf(to, "%s %s", who_names[op->who], kind_names[op->kind]);
    if (op->p[0])
        fprintf(to, " p=%s", op->p);
    if (op->q[0])
        fprintf(to, " q=%s", op->q);
    if (op->slot)
        fprintf(to, " slot=%u", op->slot);
    if (op->slot2)
        fprintf(to, " slot2=%u", op->slot2);
    if (op->a)
        fprintf(to, " a=%#o", op->a);
    if (op->b)
        fprintf(to, " b=%#o", op->b);
    if (op->off)
        fprintf(to, " off=%lld", (long long)op->off);
    if (op->len)
        fprintf(to, " len=%u", op->len);
    fprintf(to, " look=%u", op->look);
    print_remark(to, op);
    fprintf(to, "\n");
}

static bool parse_field(struct op *op, const char *word)
{
    const char *value = strchr(word, '=');
    size_t n = value ? (size_t)(value - word) : 0;
    long long number = value ? strtoll(value + 1, NULL, 0) : 0;

    if (n == 1 && (word[0] == 'p' || word[0] == 'q'))
        snprintf(word[0] == 'p' ? op->p : op->q, PATH_ROOM, "%s", value + 1);
    else if (n == 1 && word[0] == 'a')
        op->a = (unsigned)number;
    else if (n == 1 && word[0] == 'b')
        op->b = (unsigned)number;
    else if (n == 4 && strncmp(word, "slot", n) == 0)
        op->slot = (unsigned)number % N_SLOTS;
    else if (n == 5 && strncmp(word, "slot2", n) == 0)
        op->slot2 = (unsigned)number % N_SLOTS;
    else if (n == 3 && strncmp(word, "off", n) == 0)
        op->off = number;
    else if (n == 3 && strncmp(word, "len", n) == 0)
        op->len = (unsigned)number;
    else if (n == 4 && strncmp(word, "look", n) == 0)
        op->look = (unsigned)number;
    else
        return false;
    return true;
}

bool op_parse(char *line, struct op *op)
{
    char *save = NULL, *who, *kind, *word;
    unsigned w = 0, k = 0;

    line[strcspn(line, "#\n")] = '\0';
    who = strtok_r(line, " \t", &save);
    kind = strtok_r(NULL, " \t", &save);
    if (!who || !kind)
        return false;
    memset(op, 0, sizeof(*op));
    while (w < n_who && strcmp(who_names[w], who) != 0)
        w++;
    while (k < N_KINDS && strcmp(kind_names[k], kind) != 0)
        k++;
    if (w == n_who || k == N_KINDS)
        return false;
    op->who = w;
    op->kind = (enum kind)k;
    op->look = 1;
    while ((word = strtok_r(NULL, " \t", &save)))
        if (!parse_field(op, word))
            return false;
    return true;
}
