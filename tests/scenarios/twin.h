/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the same random operations to two directories, one after the other, and compares what they
 * answer and what they look like: A is the kernel's own idmapped mount of one tree, B the shifter
 * over a twin of that tree. See twin.c for how it is called.
 *
 * An operation is plain data. A sequence of them can be printed, read back, and cut down: each run
 * of a sequence is in a fresh pair of trees below the two mounts.
 */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define N_SLOTS 4 /* open files of each caller */
#define N_SIDES 2 /* A and B */
#define PATH_ROOM 24
#define TEXT_ROOM 4096

enum kind {
    K_OPEN,
    K_TMPFILE,
    K_CLOSE,
    K_DUP,
    K_READ,
    K_WRITE,
    K_PREAD,
    K_PWRITE,
    K_TRUNCATE,
    K_FTRUNCATE,
    K_FALLOCATE,
    K_LSEEK,
    K_COPY,
    K_MMAP,
    K_FSYNC,
    K_MKDIR,
    K_RMDIR,
    K_UNLINK,
    K_RENAME,
    K_LINK,
    K_LINKFD,
    K_SYMLINK,
    K_READLINK,
    K_MKNOD,
    K_CHMOD,
    K_FCHMOD,
    K_CHOWN,
    K_FCHOWN,
    K_UTIMENS,
    K_FUTIMENS,
    K_SETXATTR,
    K_FSETXATTR,
    K_GETXATTR,
    K_FGETXATTR,
    K_LISTXATTR,
    K_REMOVEXATTR,
    K_ACCESS,
    K_READDIR,
    K_STAT,
    K_UMASK,
    N_KINDS,
    K_RESET = N_KINDS, /* to a caller: forget all, work in the trees that p names */
};

/* What the fields mean differs by kind: twin_do.c is the reference, twin_text.c prints it. */
struct op {
    enum kind kind;
    unsigned who;
    unsigned look; /* afterwards: 0 nothing, 1 what was named, 2 everything */
    unsigned slot, slot2;
    unsigned a, b;
    unsigned len;
    int64_t off;
    char p[PATH_ROOM], q[PATH_ROOM];
};

/* What a caller got, for each side. */
struct answer {
    char text[N_SIDES][TEXT_ROOM];
};

/* twin_text.c */
struct text {
    char *buf;
    size_t room, used;
};
__attribute__((format(printf, 2, 3))) void say(struct text *t, const char *fmt, ...);
void say_result(struct text *t, long r); /* a number, or the name of errno */
void say_bytes(struct text *t, const void *data, size_t size);
void op_print(FILE *to, const struct op *op);
bool op_parse(char *line, struct op *op); /* false for a line that is no operation */
const char *kind_name(enum kind k);

/* twin_tables.c */
extern const char *const who_names[];
extern const unsigned n_who;
enum { WHO_ROOT = 0, WHO_HOST = 4, HOST_BASE = 100000 };
extern const char *const xattr_names[];
extern const unsigned n_xattr_names;
enum { XATTR_ACL_ACCESS = 5, XATTR_ACL_DEFAULT = 6, XATTR_CAPABILITY = 4 };
/* A value for the name; `base` is what a container id is to the caller. */
size_t xattr_value(unsigned name, unsigned which, unsigned base, unsigned char *out);
/* After a getxattr that returned n: takes out what the two sides show otherwise on purpose. */
void xattr_alike(const char *name, unsigned char *value, ssize_t n);
#define XATTR_VALUE_ROOM 8192
#define N_XATTR_VALUES 14

/* twin_gen.c */
void generate(uint64_t seed, struct op *ops, unsigned n);

/* twin_caller.c: each caller is a process that does operations on A and then on B. */
struct sides {
    const char *mount[N_SIDES], *lower[N_SIDES], *map;
    long type; /* of the file system of the lowers, as statfs(2) has it */
};
bool caller_inside(unsigned who); /* of the container's user namespace */
void callers_start(const struct sides *s);
/* False if no answer came: the operation hangs or has ended the process. */
bool caller_do(const struct op *op, struct answer *out);

/* twin_do.c, twin_do_names.c: in the caller's process */
struct actor {
    unsigned who, base;
    int root;           /* directory in which names are looked up */
    int slots[N_SLOTS]; /* -1: closed */
    mode_t umask;
    const char *map; /* --map */
    bool mapped;     /* has an id that the mapping has */
    long type;       /* of the lower's file system */
};
void act(struct actor *a, const struct op *op, struct text *out);
bool act_names(struct actor *a, const struct op *op, struct text *out);
bool act_xattrs(struct actor *a, const struct op *op, struct text *out);

/* twin_known.c */
/* Does the mapping, as given to --map, have the id: a container id where it is `inside`, else one
 * of the host. */
bool is_mapped(const char *map, bool inside, unsigned id);
bool left_out(const struct actor *a, const struct op *op); /* in the caller's process */
/* With the flag of one run, false at first: an operation that is not compared after what was done.
 */
bool left_out_now(const struct sides *s, const struct op *op, bool *holes_unclear);
bool known_difference(const struct sides *s, const struct op *op, const struct answer *answer);

/* twin_tree.c: the trees of one run, named tN below the mounts and the lowers */
void tree_make(const struct sides *s, const char *name);

/* twin_look.c: how the trees look. Each returns true where they differ and fills `report`. */
struct looks;
struct looks *looks_new(const struct sides *s, const char *name);
void looks_free(struct looks *l);
void looks_note(struct looks *l, const struct op *op, const struct answer *answer);
bool looks_differ_at(struct looks *l, const struct op *op, bool done, struct text *report);
bool looks_differ_anywhere(struct looks *l, struct text *report);
bool lowers_differ(struct looks *l, struct text *report);

#endif
