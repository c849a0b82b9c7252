/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/sys.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FD_NAME_SIZE 12

/* Linux 6.5: a handle that says which inode it is, and need not lead back to it. */
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif

/* Linux 5.8; glibc before 2.37 lacks the field's name but has its place. */
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

static const char *fd_name(int fd, char buf[FD_NAME_SIZE])
{
    snprintf(buf, FD_NAME_SIZE, "%d", fd);
    return buf;
}

static int result(int r)
{
    return r < 0 ? -errno : r;
}

bool sys_name_ok(const char *name)
{
    if (name[0] == '\0' || strchr(name, '/'))
        return false;
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int sys_open_path_at(int dir_fd, const char *name)
{
    return result(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

int sys_reopen(int fd, int flags)
{
    char name[FD_NAME_SIZE];

    /* O_NOFOLLOW would refuse the magic link itself. */
    return result(openat(AT_FDCWD, fd_name(fd, name), (flags & ~O_NOFOLLOW) | O_CLOEXEC));
}

static void from_statx(const struct statx *x, struct sys_stat *out)
{
    struct stat *st = &out->st;

    memset(out, 0, sizeof(*out));
    st->st_dev = makedev(x->stx_dev_major, x->stx_dev_minor);
    st->st_ino = x->stx_ino;
    st->st_mode = x->stx_mode;
    st->st_nlink = x->stx_nlink;
    st->st_uid = x->stx_uid;
    st->st_gid = x->stx_gid;
    st->st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor);
    st->st_size = (off_t)x->stx_size;
    st->st_blksize = (blksize_t)x->stx_blksize;
    st->st_blocks = (blkcnt_t)x->stx_blocks;
    st->st_atim = (struct timespec){x->stx_atime.tv_sec, x->stx_atime.tv_nsec};
    st->st_mtim = (struct timespec){x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec};
    st->st_ctim = (struct timespec){x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec};
    if (x->stx_mask & STATX_MNT_ID)
        out->mnt_id = x->stx_mnt_id;
    out->has_btime = x->stx_mask & STATX_BTIME;
    out->btime = (struct timespec){x->stx_btime.tv_sec, x->stx_btime.tv_nsec};
}

int sys_stat_at(int dir_fd, const char *name, struct sys_stat *out)
{
    struct statx x;

    if (statx(dir_fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &x) < 0)
        return -errno;
    from_statx(&x, out);
    return 0;
}

int sys_stat(int fd, struct sys_stat *out)
{
    return sys_stat_at(fd, "", out);
}

union handle_room {
    struct file_handle h;
    unsigned char room[sizeof(struct file_handle) + SYS_HANDLE_MAX];
};

int sys_handle_at(int dir_fd, const char *name, struct sys_handle *out, uint64_t *mnt_id)
{
    union handle_room u;
    int mnt;

    u.h.handle_bytes = SYS_HANDLE_MAX;
    if (name_to_handle_at(dir_fd, name, &u.h, &mnt, AT_EMPTY_PATH) < 0)
        return -errno;
    *mnt_id = (uint64_t)mnt;
    out->type = u.h.handle_type;
    out->bytes = u.h.handle_bytes;
    memcpy(out->data, u.room + sizeof(struct file_handle), out->bytes);
    return 0;
}

int sys_handle_of(int fd, struct sys_handle *out)
{
    uint64_t mnt_id;

    return sys_handle_at(fd, "", out, &mnt_id);
}

/* include/linux/exportfs.h, enum fid_type */
#define INO32_GEN 0x01 /* ext4, XFS, SquashFS: number, generation; tmpfs: generation, number */
#define BTRFS_FID 0x4d /* number, subvolume, generation */
#define INO64_GEN 0x81 /* XFS, EROFS: number, generation */

bool sys_handle_has_ino(const struct sys_handle *h, uint64_t ino)
{
    uint32_t low;
    uint64_t number;

    switch (h->type) {
    case INO32_GEN:
        if (h->bytes == 8) {
            memcpy(&low, h->data, sizeof(low));
            return low == ino;
        }
        memcpy(&number, h->data + 4, sizeof(number));
        return h->bytes == 12 && number == ino;
    case BTRFS_FID:
        memcpy(&number, h->data, sizeof(number));
        return h->bytes == 20 && number == ino;
    case INO64_GEN:
        memcpy(&number, h->data, sizeof(number));
        return h->bytes == 12 && number == ino;
    default:
        return false;
    }
}

uint64_t sys_fuse_node_of(int fd)
{
    union handle_room u;
    uint32_t half[2];
    int mnt;

    u.h.handle_bytes = SYS_HANDLE_MAX;
    if (name_to_handle_at(fd, "", &u.h, &mnt, AT_EMPTY_PATH | AT_HANDLE_FID) < 0 ||
        u.h.handle_bytes < sizeof(half))
        return 0;
    memcpy(half, u.room + sizeof(struct file_handle), sizeof(half));
    return (uint64_t)half[0] << 32 | half[1];
}

int sys_open_handle(int mount_fd, const struct sys_handle *h, int flags)
{
    union handle_room u;

    u.h.handle_type = h->type;
    u.h.handle_bytes = h->bytes;
    memcpy(u.room + sizeof(struct file_handle), h->data, h->bytes);
    return result(open_by_handle_at(mount_fd, &u.h, flags | O_CLOEXEC));
}

int sys_chmod(int fd, mode_t mode)
{
    char name[FD_NAME_SIZE];

    return result(chmod(fd_name(fd, name), mode));
}

int sys_chown(int fd, uid_t uid, gid_t gid)
{
    return result(fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int sys_truncate(int fd, off_t size)
{
    char name[FD_NAME_SIZE];

    return result(truncate(fd_name(fd, name), size));
}

int sys_utimens(int fd, const struct timespec times[2])
{
    char name[FD_NAME_SIZE];

    return result(utimensat(AT_FDCWD, fd_name(fd, name), times, 0));
}

bool sys_keeps_blocks_for_root(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 &&
           (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == F2FS_SUPER_MAGIC);
}

ssize_t sys_getxattr(int fd, const char *name, void *value, size_t size)
{
    char path[FD_NAME_SIZE];
    ssize_t n = getxattr(fd_name(fd, path), name, value, size);

    return n < 0 ? -errno : n;
}

ssize_t sys_listxattr(int fd, char *list, size_t size)
{
    char path[FD_NAME_SIZE];
    ssize_t n = listxattr(fd_name(fd, path), list, size);

    return n < 0 ? -errno : n;
}

int sys_setxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
    char path[FD_NAME_SIZE];

    return result(setxattr(fd_name(fd, path), name, value, size, flags));
}

int sys_removexattr(int fd, const char *name)
{
    char path[FD_NAME_SIZE];

    return result(removexattr(fd_name(fd, path), name));
}

int sys_rename(int from_fd, const char *name, int to_fd, const char *new_name, unsigned flags)
{
    /* The C library's renameat2() without flags is renameat(2), which the sandbox does not know. */
    return result((int)syscall(SYS_renameat2, from_fd, name, to_fd, new_name, flags));
}

int sys_link(int fd, int dir_fd, const char *name)
{
    char path[FD_NAME_SIZE];

    /* The magic link is followed to the object, which may itself be a symlink and is not. */
    return result(linkat(AT_FDCWD, fd_name(fd, path), dir_fd, name, AT_SYMLINK_FOLLOW));
}
