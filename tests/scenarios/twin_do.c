/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a caller's process: the operations on open files and on data. */
#include "twin.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_ROOM 32768

static int slot_fd(const struct actor *a, unsigned slot)
{
    return a->slots[slot % N_SLOTS];
}

static void put_slot(struct actor *a, unsigned slot, int fd)
{
    int *s = &a->slots[slot % N_SLOTS];

    if (*s >= 0)
        close(*s);
    *s = fd;
}

/* The pattern says where it was written, so that a byte in the wrong place shows. */
static const void *pattern(const struct op *op)
{
    static unsigned char data[DATA_ROOM];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(op->b + i / 7 + 1);
    return data;
}

static size_t data_len(const struct op *op)
{
    return op->len < DATA_ROOM ? op->len : DATA_ROOM;
}

static void do_open(struct actor *a, const struct op *op, struct text *out)
{
    /* O_NONBLOCK is for FIFOs, and means nothing to the rest. */
    int fd = op->kind == K_OPEN ? open(op->p, (int)op->a | O_NONBLOCK | O_CLOEXEC, op->b & 07777)
                                : open(op->p, (int)op->a | O_TMPFILE | O_CLOEXEC, op->b & 07777);

    say_result(out, fd < 0 ? -1 : 0);
    /* What the slot had before stays open if this failed: that is one more state to be in. */
    if (fd >= 0)
        put_slot(a, op->slot, fd);
}

static void do_read(const struct actor *a, const struct op *op, struct text *out)
{
    static unsigned char data[DATA_ROOM];
    int fd = slot_fd(a, op->slot);
    ssize_t n =
        op->kind == K_READ ? read(fd, data, data_len(op)) : pread(fd, data, data_len(op), op->off);

    say_result(out, n);
    say(out, " ");
    if (n > 0)
        say_bytes(out, data, (size_t)n);
}

static void do_copy(const struct actor *a, const struct op *op, struct text *out)
{
    off_t from = op->off, to = op->a;
    ssize_t n =
        copy_file_range(slot_fd(a, op->slot), &from, slot_fd(a, op->slot2), &to, op->len, 0);

    say_result(out, n);
    say(out, " at %lld %lld", (long long)from, (long long)to);
}

static sigjmp_buf bus;

static void on_bus(int sig)
{
    (void)sig;
    siglongjmp(bus, 1);
}

/* Reads what is there, writes op->len bytes, and brings them to the file. */
static void do_mmap(const struct actor *a, const struct op *op, struct text *out)
{
    const size_t room = 16384;
    size_t at = (size_t)op->off % room;
    size_t n = op->len < room - at ? op->len : room - at;
    int prot = op->len > 0 ? PROT_READ | PROT_WRITE : PROT_READ;
    unsigned char *map = mmap(NULL, room, prot, MAP_SHARED, slot_fd(a, op->slot), 0);
    struct stat st;

    if (map == MAP_FAILED) {
        say_result(out, -1);
        return;
    }
    signal(SIGBUS, on_bus);
    if (sigsetjmp(bus, 1) == 0) {
        if (fstat(slot_fd(a, op->slot), &st) == 0)
            say_bytes(out, map, (size_t)st.st_size < room ? (size_t)st.st_size : room);
        if (n > 0)
            memcpy(map + at, pattern(op), n);
        say(out, " written");
    } else {
        say(out, " SIGBUS");
    }
    signal(SIGBUS, SIG_DFL);
    say(out, " msync ");
    say_result(out, msync(map, room, MS_SYNC));
    munmap(map, room);
}

static bool act_data(struct actor *a, const struct op *op, struct text *out)
{
    int fd = slot_fd(a, op->slot);

    switch (op->kind) {
    case K_READ:
    case K_PREAD:
        do_read(a, op, out);
        return true;
    case K_WRITE:
        say_result(out, write(fd, pattern(op), data_len(op)));
        return true;
    case K_PWRITE:
        say_result(out, pwrite(fd, pattern(op), data_len(op), op->off));
        return true;
    case K_FTRUNCATE:
        say_result(out, ftruncate(fd, op->off));
        return true;
    case K_FALLOCATE:
        say_result(out, fallocate(fd, (int)op->a, op->off, op->len));
        return true;
    case K_LSEEK:
        say_result(out, lseek(fd, op->off, (int)op->a));
        return true;
    case K_COPY:
        do_copy(a, op, out);
        return true;
    case K_MMAP:
        do_mmap(a, op, out);
        return true;
    case K_FSYNC:
        say_result(out, op->a ? fdatasync(fd) : fsync(fd));
        return true;
    default:
        return false;
    }
}

static bool act_slots(struct actor *a, const struct op *op, struct text *out)
{
    int fd = slot_fd(a, op->slot);

    switch (op->kind) {
    case K_OPEN:
    case K_TMPFILE:
        do_open(a, op, out);
        return true;
    case K_CLOSE:
        say_result(out, fd < 0 ? -1 : close(fd));
        a->slots[op->slot % N_SLOTS] = -1;
        return true;
    case K_DUP:
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        say_result(out, fd < 0 ? -1 : 0);
        if (fd >= 0)
            put_slot(a, op->slot2, fd);
        return true;
    default:
        return false;
    }
}

static bool uses_slot(enum kind k)
{
    return k <= K_FSYNC ? k != K_CLOSE && k != K_TRUNCATE
                        : k == K_LINKFD || k == K_FCHMOD || k == K_FCHOWN || k == K_FUTIMENS ||
                              k == K_FSETXATTR || k == K_FGETXATTR;
}

void act(struct actor *a, const struct op *op, struct text *out)
{
    struct stat st;

    if (left_out(a, op)) {
        say(out, "left out");
        return;
    }
    errno = 0;
    if (!act_slots(a, op, out) && !act_data(a, op, out) && !act_names(a, op, out) &&
        !act_xattrs(a, op, out))
        say(out, "no such operation");
    if (op->look == 0 || !uses_slot(op->kind) || fstat(slot_fd(a, op->slot), &st) < 0)
        return;
    say(out, "; the file: %06o links %lu owner %u:%u", st.st_mode, (unsigned long)st.st_nlink,
        st.st_uid, st.st_gid);
    if (!S_ISDIR(st.st_mode))
        say(out, " size %lld dev %lx offset %lld", (long long)st.st_size, (unsigned long)st.st_rdev,
            (long long)lseek(slot_fd(a, op->slot), 0, SEEK_CUR));
}
