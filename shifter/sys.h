/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls by which the shifter touches files of the lower, in one place. Every function
 * names a file by an fd, or by an fd of its directory and one name without "/"; none follows a
 * symlink of the image. All return -errno on failure and 0 or what is said otherwise.
 *
 * The working directory of every thread is /proc/self/fd (sandbox.h), so that the decimal name of
 * an fd is a path to it: the calls that know no AT_EMPTY_PATH (chmod, xattrs, open) use that.
 */
#ifndef SHIFTER_SYS_H
#define SHIFTER_SYS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* A file handle: name_to_handle_at(2). As long as the kernel makes them (MAX_HANDLE_SZ). */
#define SYS_HANDLE_MAX 128
struct sys_handle {
    int type;
    unsigned bytes;
    unsigned char data[SYS_HANDLE_MAX];
};

/* Everything stat(2) says, and what statx(2) adds to it. */
struct sys_stat {
    struct stat st;
    uint64_t mnt_id;       /* 0 where the kernel, before 5.8, is silent */
    struct timespec btime; /* birth */
    bool has_btime;
};

bool sys_name_ok(const char *name); /* one component, neither "." nor ".." */

int sys_open_path_at(int dir_fd, const char *name); /* an O_PATH fd of the object itself */
int sys_reopen(int fd, int flags);                  /* another open of what fd refers to */
int sys_stat(int fd, struct sys_stat *out);

/* The state of dir_fd/name itself. */
int sys_stat_at(int dir_fd, const char *name, struct sys_stat *out);

/* The handle of dir_fd/name itself, and the id of the mount it lies on. */
int sys_handle_at(int dir_fd, const char *name, struct sys_handle *out, uint64_t *mnt_id);

/*
 * True where the handle, of a form that is known, is one of inode number ino. A handle and a state
 * that were asked for by name, one after the other, are of one inode then, or the handle of one
 * that is gone: numbers are used again, but no two inodes have one at a time.
 */
bool sys_handle_has_ino(const struct sys_handle *h, uint64_t ino);

/* -EOPNOTSUPP where the file system has no handles, -EOVERFLOW where one is too long for us. */
int sys_handle_of(int fd, struct sys_handle *out);
/* The number by which another FUSE server knows the inode; 0 where the kernel does not tell. */
uint64_t sys_fuse_node_of(int fd);
int sys_open_handle(int mount_fd, const struct sys_handle *h, int flags);

/* True where the file system has blocks that only root gets, whom it knows by the fsuid. */
bool sys_keeps_blocks_for_root(int fd);

int sys_chmod(int fd, mode_t mode);
int sys_chown(int fd, uid_t uid, gid_t gid);
int sys_truncate(int fd, off_t size);
int sys_utimens(int fd, const struct timespec times[2]);
ssize_t sys_getxattr(int fd, const char *name, void *value, size_t size);
ssize_t sys_listxattr(int fd, char *list, size_t size);
int sys_setxattr(int fd, const char *name, const void *value, size_t size, int flags);
int sys_removexattr(int fd, const char *name);

/* renameat2(2) */
int sys_rename(int from_fd, const char *name, int to_fd, const char *new_name, unsigned flags);

/* Links the object behind fd, which may be an O_TMPFILE or an O_PATH fd. */
int sys_link(int fd, int dir_fd, const char *name);

#endif
