/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE protocol: <linux/fuse.h>, and what the header of an older system (Debian 12 has protocol
 * 7.38) does not know yet. The kernel decides at run time what of it is used.
 */
#ifndef SHIFTER_PROTOCOL_H
#define SHIFTER_PROTOCOL_H

#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* 7.39, Linux 6.6: statx(2), for the birth time. */
#if FUSE_KERNEL_MINOR_VERSION < 39
#define FUSE_STATX 52

struct fuse_statx_in {
    uint32_t getattr_flags;
    uint32_t reserved;
    uint64_t fh;
    uint32_t sx_flags;
    uint32_t sx_mask;
};

struct fuse_sx_time {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};

struct fuse_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, spare0;
    uint64_t ino, size, blocks, attributes_mask;
    struct fuse_sx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare2[14];
};

struct fuse_statx_out {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec;
    uint32_t flags;
    uint64_t spare[2];
    struct fuse_statx stat;
};

_Static_assert(sizeof(struct fuse_statx) == 256, "the kernel's layout");
_Static_assert(sizeof(struct fuse_statx_out) == 288, "the kernel's layout");
#endif

/* 7.40, Linux 6.9: data that goes to and from the lower's file without the server. */
#if FUSE_KERNEL_MINOR_VERSION < 40
#define FUSE_PASSTHROUGH (1ULL << 37)
#define FOPEN_PASSTHROUGH (1 << 7)

struct fuse_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};

#define FUSE_DEV_IOC_BACKING_OPEN _IOW(FUSE_DEV_IOC_MAGIC, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t)
#endif

/* The replies' fields of 7.40, at their places in the older structures too. */
struct protocol_init_out {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth;
    uint32_t unused[6];
};

struct protocol_open_out {
    uint64_t fh;
    uint32_t open_flags;
    int32_t backing_id;
};

_Static_assert(sizeof(struct protocol_init_out) == sizeof(struct fuse_init_out), "one layout");
_Static_assert(sizeof(struct protocol_open_out) == sizeof(struct fuse_open_out), "one layout");

#endif
