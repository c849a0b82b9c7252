/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file OPERATION FILE N: one way to read or write one file, N times. Prints how long it took.
 *
 *   seqread    reads the file from end to end, 128 KiB at a time
 *   randread   reads 4 KiB at a random place
 *   mmapread   maps the file, adds up all its words, and unmaps it
 *   seqwrite   makes the file anew with N MiB, 128 KiB at a time
 *   rewrite    writes 4 KiB over what is at a random place
 *
 * The random places are the same in each run.
 */
#include "bench/tools/clock.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 128 << 10, PAGE = 4096 };

static char buf[CHUNK];
static uint64_t sum;

static off_t size_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || st.st_size < PAGE)
        err(1, "a file of 4 KiB or more is needed");
    return st.st_size;
}

/* xorshift64: any fixed sequence will do. */
static off_t random_page(off_t pages)
{
    static uint64_t x = 88172645463325252U;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (off_t)(x % (uint64_t)pages) * PAGE;
}

static void seqread(int fd, unsigned long n)
{
    ssize_t r;

    for (; n > 0; n--) {
        if (lseek(fd, 0, SEEK_SET) < 0)
            err(1, "lseek");
        while ((r = read(fd, buf, CHUNK)) > 0)
            sum += (uint64_t)r;
        if (r < 0)
            err(1, "read");
    }
}

static void randread(int fd, unsigned long n)
{
    off_t pages = size_of(fd) / PAGE;

    for (; n > 0; n--)
        if (pread(fd, buf, PAGE, random_page(pages)) != PAGE)
            err(1, "pread");
}

static void mmapread(int fd, unsigned long n)
{
    size_t size = (size_t)size_of(fd), words = size / sizeof(uint64_t);

    for (; n > 0; n--) {
        uint64_t *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED)
            err(1, "mmap");
        for (size_t i = 0; i < words; i++)
            sum += p[i];
        munmap(p, size);
    }
}

static void seqwrite(int fd, unsigned long n)
{
    for (n *= (1 << 20) / CHUNK; n > 0; n--)
        if (write(fd, buf, CHUNK) != CHUNK)
            err(1, "write");
}

static void rewrite(int fd, unsigned long n)
{
    off_t pages = size_of(fd) / PAGE;

    for (; n > 0; n--)
        if (pwrite(fd, buf, PAGE, random_page(pages)) != PAGE)
            err(1, "pwrite");
}

static const struct operation {
    const char *name;
    void (*run)(int fd, unsigned long n);
    int flags;
} operations[] = {
    {"seqread", seqread, O_RDONLY},   {"randread", randread, O_RDONLY},
    {"mmapread", mmapread, O_RDONLY}, {"seqwrite", seqwrite, O_WRONLY | O_CREAT | O_TRUNC},
    {"rewrite", rewrite, O_WRONLY},
};

int main(int argc, char **argv)
{
    const struct operation *o = operations;
    const struct operation *end = operations + sizeof(operations) / sizeof(operations[0]);
    uint64_t start;
    int fd;

    if (argc != 4)
        errx(2, "usage: file OPERATION FILE N");
    while (o < end && strcmp(o->name, argv[1]) != 0)
        o++;
    if (o == end)
        errx(2, "no operation %s", argv[1]);
    memset(buf, 'x', sizeof(buf));
    fd = open(argv[2], o->flags | O_CLOEXEC, 0644);
    if (fd < 0)
        err(1, "%s", argv[2]);
    start = now_ns();
    o->run(fd, strtoul(argv[3], NULL, 10));
    start = now_ns() - start;
    printf("%" PRIu64 " bytes or sum, %" PRIu64 " ns\n", sum, start);
    return 0;
}
