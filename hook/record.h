/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hook leaves for teardown: one directory for each container below the state directory,
 * named by its escaped id, with record.json in it (schemas/record.schema.json). The file is
 * written whole or not at all. Its directory is locked (flock(2)) while anything is decided or
 * changed, so any number of hooks for one container may run at a time.
 */
#ifndef HOOK_RECORD_H
#define HOOK_RECORD_H

#include "base/err.h"
#include "hook/proc.h"
#include "hook/upper_mode.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Grows when a reader that does not know a member would leave something behind or end the wrong
 * thing. Version 1, which knew no uppers, and 2, which knew no way but the hook, are still read.
 */
#define RECORD_VERSION 3u
#define RECORD_FILE_NAME "record.json"

/* How the shifted root came to be. */
enum way {
    WAY_HOOK,      /* by prestart, in the container's mount namespace */
    WAY_PREPARE,   /* by oci-shift prepare: on the host until oci-shift release */
    WAY_PRECREATE, /* by podman's precreate: on the host until poststop */
    WAY_RUNTIME,   /* by oci-shift-runtime: in the mount namespace of the real runtime */
};

const char *record_way_name(enum way way);

struct record {
    enum way way;
    char *id;
    char *bundle;      /* NULL: nobody has told (precreate) */
    char *root;        /* where the shifted root hangs, in the container's mount namespace */
    char *mount_point; /* where it hangs on the host; NULL: nowhere */
    char *lower;       /* the unshifted image */
    bool read_only;
    enum upper_mode upper_mode;
    char *upper;              /* the place of the upper (upper.h); NULL where there is none */
    char *uid_map, *gid_map;  /* the text form of idmap.h */
    struct process container; /* pid 0: there is none yet */
    struct process creator;   /* who has asked, where it is to be released without that; or pid 0 */
    struct process shifter, keeper;
    uint64_t created;  /* seconds since the epoch */
    uint64_t mount_id; /* of the mount on the host, as in mountinfo; 0: there is none */
    uint32_t device_major, device_minor; /* st_dev of the shifted root */
};

/*
 * The directory below the state directory in which shifted roots hang that have no other place on
 * the host: each at RECORD_ROOT_NAME in a directory of its own, which has the name of the record's.
 * The caller's to free; NULL without memory.
 */
#define RECORD_ROOT_NAME "root"
char *record_roots(const char *state_directory);

/* Removes such a place, at which nothing hangs any more. 0 also where it is gone; or -errno. */
int record_remove_root(const char *at);

/* A container's place in the state directory, locked until record_unlock(). */
struct record_lock {
    int state_fd, dir_fd;
    char name[3 * 255 + 1]; /* the escaped id */
};

#define RECORD_LOCK_NONE ((struct record_lock){-1, -1, ""})

/*
 * Locks the place of id, waiting for whoever has it. With create, state directory and place are
 * made where they lack; without, -ENOENT.
 */
int record_lock(const char *state_directory, const char *id, bool create, struct record_lock *out,
                struct err *e);
void record_unlock(struct record_lock *l);
#define cleanup_record_lock __attribute__((cleanup(record_unlock)))

/* -ENOENT where there is none yet. record_release() is due on success. */
int record_read(const struct record_lock *l, struct record *out, struct err *e);
int record_write(const struct record_lock *l, const struct record *r, struct err *e);

/*
 * Calls fn for each record that can be read, without locks, until it says false. The order is that
 * of the directory. fn may not keep the record.
 */
void record_each(const char *state_directory, bool (*fn)(const struct record *, void *), void *arg);

/* Removes record and place. The lock stays to be released. */
int record_remove(const struct record_lock *l, struct err *e);

int record_parse(const char *buf, size_t len, struct record *out, struct err *e);
void record_release(struct record *r);

/* The document that record_parse() reads. *text is the caller's to free. 0, -EINVAL, -ENOMEM. */
int record_format(const struct record *r, char **text, size_t *len);

/* The name of id's directory: letters, digits and "_+-." stay, the rest becomes %XX. */
void record_escape(const char *id, char *out, size_t size);

#endif
