/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inodes that the kernel knows, and how to get at each of them again.
 *
 * A node id is the number of a slot in this table; the root's is FUSE_ROOT_ID. A slot keeps the
 * identity of one inode of the lower (device, number, and which mount of the lower it was seen
 * through) and a way back to it: a file handle where the lower's file system gives them out and
 * the server may open them (CAP_DAC_READ_SEARCH), which costs no fd, or else an O_PATH fd.
 *
 * The lookup count of a slot is the kernel's: every entry that a reply hands out adds one, FORGET
 * takes them back, and at zero the slot is free. While the kernel sends requests for a node it
 * holds a count, so what a slot says about its inode does not change under a request.
 *
 * Where the lower has mounts of other file systems below it, two inodes may have the same number,
 * and FUSE has but one device number for all of them (the kernel has submounts for virtiofs only:
 * fs/fuse/virtio_fs.c). tar(1) and its like would take them for links of one file. So the numbers
 * of inodes of such a mount are shown with a mark in their upper 16 bits.
 *
 * Thread-safe. Functions return 0 or -errno.
 */
#ifndef SHIFTER_INODE_H
#define SHIFTER_INODE_H

#include "base/err.h"
#include "shifter/dir_links.h"
#include "shifter/inode_fd.h"
#include "shifter/override.h"
#include "shifter/shown_owner.h"
#include "shifter/sys.h"

#include <stdbool.h>
#include <stdint.h>

struct backing_table;
struct fd_budget;
struct inode_table;

/* What the fds and pointers are to stays the caller's, and must outlive the table. */
struct inode_table_setup {
    int root_fd;      /* a directory of the lower opened for reading */
    int outside_fd;   /* the directory that it is in, where that is the root of the FUSE mount
                         (base/fusemount.h), or -1 */
    bool by_handle;   /* the server may open handles */
    bool split_links; /* lower_new() */
    bool short_inos;  /* lower_show_short_inos() */
    bool keep_names;  /* inode_note_name(): the mount is writable */
    bool count_links; /* of directories for which the lower, an overlay, does not know them */
    struct fd_budget *fds;
    struct backing_table *files;
    const struct override *override; /* what states are shown with */
};
int inode_table_new(const struct inode_table_setup *setup, struct inode_table **out, struct err *e);
void inode_table_free(struct inode_table *t);

/* True where the root's file system gave a handle that could be opened: for the log. */
bool inode_table_has_handles(const struct inode_table *t);

/*
 * What a FUSE file system that passes the lower's files through has to say of itself: how many file
 * systems it may lie upon. 1 leaves room for an overlay above the mount, 2 none; 2 is needed where
 * the lower itself lies upon others.
 */
unsigned inode_table_stack_depth(const struct inode_table *t);

/*
 * Finds or makes the slot of what fd refers to, and counts one lookup. fd stays the caller's.
 * *id and *generation are what the kernel is to know it by; *st is its fresh state. -ENFILE where
 * the table or the process's fds are full.
 */
int inode_get(struct inode_table *t, int fd, uint64_t *id, uint64_t *generation,
              struct sys_stat *st);

/*
 * The fresh state of the node, which fd refers to, for a reply to the kernel. What replies show of
 * set-id bits is remembered: inode_take_shown_set_id() is true once after it.
 */
int inode_stat(struct inode_table *t, uint64_t id, int fd, struct sys_stat *st);
bool inode_take_shown_set_id(struct inode_table *t, uint64_t id);
bool inode_shown_set_id(const struct inode_table *t, uint64_t id); /* the same, and stays so */

/* Whose it is to the kernel: shown_owner.h. All that is shown by the functions here is noted. */
_Atomic uint64_t *inode_shown_owner(struct inode_table *t, uint64_t id);

/* What the open files of the node are known by (backing.h). */
uint32_t *inode_backing(struct inode_table *t, uint64_t id);

/* The same for dir_fd/name, where name is one component (sys_name_ok()). */
int inode_get_at(struct inode_table *t, int dir_fd, const char *name, uint64_t *id,
                 uint64_t *generation, struct sys_stat *st);

mode_t inode_type(const struct inode_table *t, uint64_t id); /* its S_IFMT bits */

/* How the number `ino` of an inode on the same mount as the directory `dir` is shown. */
ino_t inode_shown_ino(const struct inode_table *t, uint64_t dir, ino_t ino);

/*
 * After a name of what *fd (O_PATH) refers to was removed: if it was the last one and the kernel
 * still knows the node, *fd is stolen and kept for as long. No handle leads to an inode that has
 * neither a name nor anyone who has it open, and the kernel may have it as somebody's working
 * directory, as an open FIFO or behind an O_PATH fd of a container.
 */
void inode_keep(struct inode_table *t, int *fd);

/*
 * inode_name.c. Overlayfs copies a file up by the name that it is come to by, and what is stored is
 * for others to read who know names only: what was changed by one name is to be stored by that. A
 * node has several, and a handle leads to any. So the last one that was looked up is kept of a file
 * with several on an overlay, if inode_keeps_names(); it is to be looked up each time, then. What
 * changes the file goes by that name: inode_open() for writing, and the fd to change it with.
 */
bool inode_keeps_names(const struct inode_table *t, const struct stat *st);
void inode_note_name(struct inode_table *t, uint64_t id, uint64_t parent, const char *name);
bool inode_has_name(struct inode_table *t, uint64_t id);
int inode_open_name(struct inode_table *t, uint64_t id); /* O_PATH; -ENOENT where none is kept */
int inode_path_fd_to_change(struct inode_table *t, uint64_t id, struct inode_fd *out);

/* Where the links of a directory are counted, or NULL. */
struct dir_links *inode_dir_links(struct inode_table *t, uint64_t id);

/* The kernel forgets n lookups of the node. */
void inode_forget(struct inode_table *t, uint64_t id, uint64_t n);

/* An O_PATH fd, or any other, that stands for the inode: good for the *at calls and for stat. */
int inode_path_fd(struct inode_table *t, uint64_t id, struct inode_fd *out);

/*
 * Opens a regular file or directory with access flags of open(2): a new fd, the caller's.
 * Anything else is refused with -ELOOP (a symlink), -ENXIO (a FIFO, socket or device): no such
 * file of an image is ever opened by the server.
 */
int inode_open(struct inode_table *t, uint64_t id, int flags);

/* Once no thread is at work any more: how many slots but the root's, and lookups of them. */
void inode_table_count(const struct inode_table *t, uint64_t *slots, uint64_t *lookups);

/* All slots, the root's too, once no thread is at work any more: for audit.h. */
struct slot;
void inode_table_each(const struct inode_table *t,
                      void (*fn)(uint32_t id, struct slot *s, void *arg), void *arg);

#endif
