/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/overlay_upper.h"

#include "base/cleanup.h"
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define VOLATILE "work/incompat/volatile"
#define BOOT_ID_SIZE 36
#define HANDLE_MAX 128

static const char *const boot_names[] = {"trusted.oci-shift.volatile", "user.oci-shift.volatile"};

/* The work directory may be an O_PATH fd, which has no fsetxattr(2). */
static int open_work(const struct overlay *o)
{
    return openat(o->work, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool boot_id(char out[BOOT_ID_SIZE])
{
    cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, out, BOOT_ID_SIZE) == BOOT_ID_SIZE;
}

static bool was_of_this_boot(int work)
{
    char now[BOOT_ID_SIZE], then[BOOT_ID_SIZE];
    ssize_t n = fgetxattr(work, boot_names[0], then, sizeof(then));

    if (n < 0)
        n = fgetxattr(work, boot_names[1], then, sizeof(then));
    return n == BOOT_ID_SIZE && boot_id(now) && memcmp(now, then, BOOT_ID_SIZE) == 0;
}

void overlay_upper_clear_volatile(const struct overlay *o)
{
    cleanup_close int work = open_work(o);

    if (work < 0 || faccessat(work, VOLATILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
        !was_of_this_boot(work))
        return;
    if (!o->volatile_upper && syncfs(work) < 0)
        return;
    unlinkat(work, VOLATILE "/dirty", 0);
    if (unlinkat(work, VOLATILE, AT_REMOVEDIR) == 0)
        unlinkat(work, "work/incompat", AT_REMOVEDIR);
}

void overlay_upper_note_volatile(const struct overlay *o)
{
    cleanup_close int work = open_work(o);
    char now[BOOT_ID_SIZE];

    if (work >= 0 && boot_id(now) && fsetxattr(work, boot_names[0], now, sizeof(now), 0) < 0)
        fsetxattr(work, boot_names[1], now, sizeof(now), 0);
}

/* A handle as overlayfs stores it: struct ovl_fb in fs/overlayfs/overlayfs.h. */
struct stored {
    uint8_t version, magic, len, flags, type;
    uint8_t uuid[16];
    uint8_t fid[HANDLE_MAX];
} __attribute__((packed));
#define STORED_HEAD offsetof(struct stored, fid)

struct handle {
    struct file_handle h;
    uint8_t room[HANDLE_MAX];
};

static bool read_stored(const struct stored *s, size_t size, struct handle *out)
{
    if (size <= STORED_HEAD || s->version != 0 || s->magic != 0xfb || s->len != size)
        return false;
    out->h.handle_bytes = (unsigned)(size - STORED_HEAD);
    out->h.handle_type = s->type;
    memcpy(out->h.f_handle, s->fid, size - STORED_HEAD);
    return true;
}

/* The handle of the upper that the index is of. */
static bool upper_of_index(int index, struct handle *out)
{
    struct stored s;
    ssize_t n = fgetxattr(index, "trusted.overlay.upper", &s, sizeof(s));

    return n > 0 && read_stored(&s, (size_t)n, out);
}

static bool is_of(const struct handle *h, int fd)
{
    struct handle own = {.h.handle_bytes = HANDLE_MAX};
    int mnt_id;

    return name_to_handle_at(fd, "", &own.h, &mnt_id, AT_EMPTY_PATH) == 0 &&
           own.h.handle_type == h->h.handle_type && own.h.handle_bytes == h->h.handle_bytes &&
           memcmp(own.h.f_handle, h->h.f_handle, h->h.handle_bytes) == 0;
}

/* Removed, if some process may still have it open: the server of its last mount, that is ending. */
static bool is_gone(int fs_fd, struct handle *h)
{
    cleanup_close int fd = open_by_handle_at(fs_fd, &h->h, O_PATH | O_CLOEXEC);
    struct stat st;

    return fd < 0 ? errno == ESTALE : fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* The name of an entry is the handle of the lower's inode, in hexadecimal digits. */
static bool handle_of_name(const char *name, struct handle *out)
{
    struct stored s;
    size_t n = strlen(name) / 2;

    if (n > sizeof(s) || strlen(name) % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {name[2 * i], name[2 * i + 1], 0}, *end;

        ((uint8_t *)&s)[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end)
            return false;
    }
    return read_stored(&s, n, out);
}

/* An fd of the file system that all layers are of, or -1. */
static int open_lower_fs(const struct overlay *o)
{
    struct stat first, st;

    if (fstat(o->lowers[0], &first) < 0)
        return -1;
    for (size_t i = 1; i < o->n_lowers; i++)
        if (fstat(o->lowers[i], &st) < 0 || st.st_dev != first.st_dev)
            return -1;
    return openat(o->lowers[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* An entry without a name in the upper, of an inode that had none but the one: it was taken away.
 */
static bool is_left_over(int lower_fs, const char *name, const struct stat *st)
{
    cleanup_close int fd = -1;
    struct handle h;
    struct stat lower;

    if (st->st_nlink > 1 || lower_fs < 0 || !handle_of_name(name, &h))
        return false;
    fd = open_by_handle_at(lower_fs, &h.h, O_PATH | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &lower) == 0 && lower.st_nlink == 1;
}

static bool is_to_go(int lower_fs, const char *name, const struct stat *st)
{
    return S_ISDIR(st->st_mode) || (S_ISCHR(st->st_mode) && st->st_rdev == 0) ||
           is_left_over(lower_fs, name, st);
}

struct sweep {
    int lower_fs;
    bool all;
    bool went; /* anything */
};

static int remove_if_due(int index, const struct dirent64 *d, void *arg)
{
    struct sweep *s = arg;
    struct stat st;

    if (fstatat(index, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (s->all || is_to_go(s->lower_fs, d->d_name, &st))) {
        unlinkat(index, d->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
        s->went = true;
    }
    return 0;
}

static int open_index(const struct overlay *o)
{
    return openat(o->work, "index", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool overlay_upper_sweep_index(const struct overlay *o)
{
    cleanup_close int index = open_index(o), lower_fs = -1;
    struct sweep s = {0};
    struct handle upper;

    if (index < 0 || !upper_of_index(index, &upper) || !is_of(&upper, o->upper))
        return false;
    lower_fs = open_lower_fs(o);
    s.lower_fs = lower_fs;
    io_each_name(index, ".", remove_if_due, &s);
    return s.went;
}

bool overlay_upper_drop_index(const struct overlay *o)
{
    cleanup_close int index = open_index(o);
    struct sweep s = {.lower_fs = -1, .all = true};
    struct handle upper;

    if (index < 0 || !upper_of_index(index, &upper) || is_of(&upper, o->upper) ||
        !is_gone(index, &upper))
        return false;
    io_each_name(index, ".", remove_if_due, &s);
    return unlinkat(o->work, "index", AT_REMOVEDIR) == 0;
}
