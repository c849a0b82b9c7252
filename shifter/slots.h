/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory behind the inode table: numbered slots, found by number or by the identity of the
 * inode they stand for. Slots come in chunks that never move, so a slot that is known to be in use
 * is read by its number without any lock; all else here is for one thread at a time. A chunk with
 * no slot in use takes no memory.
 */
#ifndef SHIFTER_SLOTS_H
#define SHIFTER_SLOTS_H

#include "shifter/dir_links.h"
#include "shifter/sys.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_SLOT 0u
#define FIRST_SLOT 1u

/* What an inode of the lower is known by. */
struct identity {
    uint64_t ino;
    uint16_t mount; /* index of its mount in the lower */
    uint16_t type;  /* S_IFMT bits */
    bool has_handle;
    uint64_t node; /* without a handle: what else tells it apart (lower_node_of()), or 0 */
    struct sys_handle handle;
};

/* What ext4, XFS, Btrfs, tmpfs, EROFS and SquashFS need; a longer one has memory of its own. */
#define SLOT_HANDLE_INLINE 24u

struct slot {
    uint64_t ino;
    uint64_t nlookup;
    uint32_t next;       /* the hash chain, or the list of free slots */
    uint32_t generation; /* grows each time the slot is given to another inode */
    uint16_t mount;
    uint16_t type;
    uint8_t handle_bytes; /* 0: `fd` is the way back */
    uint8_t handle_type;
    atomic_bool shown_set_id; /* the kernel was shown a set-id bit of this file */
    union {
        unsigned char handle[SLOT_HANDLE_INLINE];
        struct {
            union {
                unsigned char *long_handle; /* overlayfs, NFS */
                int fd;
            };
            uint64_t node;              /* with `fd` */
            union {                     /* not with a handle in this place */
                struct dir_links links; /* of a directory */
                struct slot_name *name; /* of a file, or NULL: inode_name.c; free() does */
            };
        };
    };
    uint32_t backing;       /* of a regular file: backing.h */
    atomic_int kept_fd;     /* with a handle: the way back once the inode has no name, or -1 */
    _Atomic uint64_t owner; /* shown to the kernel: shown_owner.h */
};

struct chunk;

struct slots {
    struct chunk *chunks;
    uint32_t *buckets; /* heads of the hash chains */
    uint32_t bucket_mask;
    uint32_t used;  /* slots in chains */
    uint32_t roomy; /* all chunks below this one are full */
    uint32_t generation;
};

int slots_init(struct slots *t); /* -ENOMEM; slots_release() is due either way */
void slots_release(struct slots *t);

struct slot *slots_at(const struct slots *t, uint64_t number);

/* True where the slot has room for `links` and `name`: for all inodes of an overlay. */
static inline bool slots_has_room(const struct slot *s)
{
    return s->handle_bytes == 0 || s->handle_bytes > SLOT_HANDLE_INLINE;
}

/* The handle of a slot that has one (handle_bytes > 0). */
void slots_handle(const struct slot *s, struct sys_handle *out);

/* The slot of this identity, or NO_SLOT. */
uint32_t slots_find(const struct slots *t, const struct identity *who);

/* A new slot for it. Without a handle it gets *fd (stolen). -ENFILE, -ENOMEM. */
int slots_add(struct slots *t, const struct identity *who, int *fd, uint32_t *out);

/* The slot is free again. What fds it has are the caller's. */
void slots_remove(struct slots *t, uint32_t number);

/* Calls fn for each slot in use. */
void slots_each(const struct slots *t, void (*fn)(uint32_t number, struct slot *s, void *arg),
                void *arg);

/* Slots in use besides the first, and the lookups that they hold. */
void slots_count(const struct slots *t, uint64_t *slots, uint64_t *lookups);

#endif
