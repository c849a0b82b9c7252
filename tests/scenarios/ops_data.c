/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents, locks, files without a name, set-id bits. */
#include "ops.h"

#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

void case_data(void)
{
    int fd = file("f", 0644, "");
    struct stat st = {0};

    TRY(fallocate(fd, 0, 0, 1 << 20));
    show_fd(fd);
    TRY(pwrite(fd, "end", 3, (1 << 20) - 3));
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 19));
    TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1 << 19, 4096));
    TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 1 << 20, 4096));
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    TRY(fallocate(fd, 0, 0, 0));
    fstat(fd, &st);
    TRY(st.st_blocks < 2 * (1 << 20) / 512);
    show_fd(fd);
    close(fd);
    fd = file("sparse", 0644, "");
    TRY(pwrite(fd, "x", 1, 1 << 20));
    TRY(lseek(fd, 0, SEEK_DATA));
    TRY(lseek(fd, 0, SEEK_HOLE));
    TRY(lseek(fd, 1 << 20, SEEK_HOLE));
    TRY(lseek(fd, 2 << 20, SEEK_DATA));
}

void case_data_moved(void)
{
    int fd, from = file("from", 0644, "0123456789"), to;
    struct statvfs fs;
    void *page;

    TRY(to = open("to", O_RDWR | O_CREAT, 0644));
    TRY(copy_file_range(from, &(off_t){2}, to, &(off_t){3}, 100, 0));
    TRY(copy_file_range(from, &(off_t){10}, to, NULL, 100, 0));
    TRY(copy_file_range(from, &(off_t){0}, from, &(off_t){1}, 5, 0));
    show_data(to);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
    TRY(page != MAP_FAILED);
    if (page == MAP_FAILED)
        return;
    memcpy(page, "mapped", 6);
    TRY(msync(page, 4096, MS_SYNC));
    show_data(to);
    TRY(pwrite(to, "WRITTEN", 7, 0));
    TRY(memcmp(page, "WRITTEN", 7));
    TRY(munmap(page, 4096));
    TRY(fd = open("direct", O_RDWR | O_CREAT | O_DIRECT, 0644));
    TRY(posix_memalign(&page, 4096, 8192));
    memset(page, 'd', 8192);
    TRY(write(fd, page, 8192));
    TRY(pread(fd, page, 8192, 4096));
    show_fd(fd);
    REFUSED(fallocate(from, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
    TRY(fstatvfs(fd, &fs));
    TRY(fs.f_namemax);
    TRY(fs.f_bsize);
    TRY(fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks && fs.f_files > 0);
    TRY(ftruncate(fd, -1));
    TRY(truncate("to", (off_t)1 << 50));
    TRY(truncate("pre/secret", 0));
    TRY(truncate(".", 0));
}

/* What another process gets when it asks for the lock. */
static int locked(const char *name, int how)
{
    int status;

    if (fork() == 0) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        int fd = open(name, O_RDWR);

        if (how == 0)
            _exit(flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0);
        _exit(fcntl(fd, how, &l) < 0 ? errno : 0);
    }
    wait(&status);
    return WEXITSTATUS(status);
}

void case_sharing(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = file("f", 0644, "one"), add;

    TRY(flock(fd, LOCK_EX));
    TRY(locked("f", 0));
    TRY(flock(fd, LOCK_UN));
    TRY(locked("f", 0));
    TRY(fcntl(fd, F_SETLK, &l));
    TRY(locked("f", F_SETLK));
    l.l_type = F_UNLCK;
    TRY(fcntl(fd, F_SETLK, &l));
    l.l_type = F_WRLCK;
    TRY(fcntl(fd, F_OFD_SETLK, &l));
    TRY(locked("f", F_SETLK));
    TRY(add = open("f", O_WRONLY | O_APPEND));
    TRY(write(add, "+two", 4));
    show_data(fd);
    TRY(pwrite(add, "+three", 6, 0));
    show_data(fd);
    TRY(fcntl(add, F_SETFL, 0));
    TRY(pwrite(add, "ONE", 3, 0));
    show_data(fd);
    TRY(ftruncate(fd, 2));
    TRY(lseek(add, 0, SEEK_END));
    show_data(fd);
}

static int link_fd(int fd, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

void case_tmpfile(void)
{
    int fd;

    TRY(fd = open(".", O_TMPFILE | O_RDWR, 0640));
    show_fd(fd);
    TRY(write(fd, "temporary", 9));
    TRY(fchmod(fd, 0604));
    TRY(fchown(fd, getuid(), getgid()));
    TRY(fsetxattr(fd, "user.x", "y", 1, 0));
    TRY(link_fd(fd, "linked"));
    TRY(link_fd(fd, "linked"));
    show("linked");
    show_xattr("linked", "user.x");
    TRY(link_fd(fd, "again"));
    TRY(unlink("linked"));
    TRY(unlink("again"));
    TRY(link_fd(fd, "back"));
    show_data(fd);
    TRY(fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600));
    TRY(link_fd(fd, "never"));
    TRY(open(".", O_TMPFILE | O_RDONLY, 0600));
    TRY(fd = open("pre/sgid-dir", O_TMPFILE | O_WRONLY, 02775));
    show_fd(fd);
    TRY(open("pre/locked", O_TMPFILE | O_RDWR, 0600));
    umask(077);
    TRY(fd = open("pre/acl-dir", O_TMPFILE | O_RDWR, 0666));
    show_fd(fd);
    umask(022);
    TRY(count("."));
}

static void use_fd(int fd, const char *name)
{
    char buf[8];

    show_fd(fd);
    TRY(pwrite(fd, "after", 5, 0));
    TRY(pread(fd, buf, sizeof(buf), 0));
    TRY(ftruncate(fd, 3));
    TRY(fchmod(fd, 0600));
    TRY(fchown(fd, getuid(), getgid()));
    TRY(futimens(fd, NULL));
    TRY(fsetxattr(fd, "user.x", "y", 1, 0));
    TRY(fgetxattr(fd, "user.x", buf, sizeof(buf)));
    TRY(flistxattr(fd, buf, sizeof(buf)));
    TRY(fallocate(fd, 0, 0, 100));
    TRY(lseek(fd, 0, SEEK_DATA));
    TRY(fsync(fd));
    TRY(link_fd(fd, name));
    show_fd(fd);
}

static int reopen(int fd, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags);
}

void case_unlinked(void)
{
    int fd = file("f", 0644, "text"), path, link;
    struct stat st = {0};
    char *page;

    TRY(unlink("f"));
    use_fd(fd, "back");
    fd = file("g", 0644, "text");
    close(file("h", 0644, "other"));
    TRY(rename("h", "g"));
    use_fd(fd, "back");
    close(file("p", 0644, "text"));
    TRY(path = open("p", O_PATH));
    TRY(unlink("p"));
    show_fd(path);
    TRY(fd = reopen(path, O_RDWR));
    show_data(fd);
    close(fd);
    show_fd(path);
    symlink("target", "l");
    TRY(link = open("l", O_PATH | O_NOFOLLOW));
    TRY(unlink("l"));
    show_fd(link);
    TRY(readlinkat(link, "", (char[16]){0}, 16));
    fd = file("m", 0644, "mapped");
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return;
    TRY(unlink("m"));
    TRY(memcmp(page, "mapped", 6));
    page[0] = 'M';
    TRY(msync(page, 4096, MS_SYNC));
    TRY(madvise(page, 4096, MADV_DONTNEED));
    TRY(memcmp(page, "Mapped", 6));
    close(file("a", 0644, "a"));
    TRY(path = open("a", O_PATH));
    TRY(unlink("a"));
    close(file("a", 0600, "another"));
    show_fd(path);
    show("a");
    TRY(fstat(path, &st) || st.st_nlink);
}

void case_removed_directory(void)
{
    int fd, sub;

    mkdir("d", 0755);
    TRY(fd = open("d", O_RDONLY | O_DIRECTORY));
    TRY(chdir("d"));
    TRY(rmdir("../d"));
    show(".");
    show_fd(fd);
    TRY(count("."));
    TRY(creat("f", 0600));
    TRY(mkdir("sub", 0700));
    TRY(symlink("x", "l"));
    TRY(access("absent", F_OK));
    TRY(access(".", W_OK));
    TRY(chmod(".", 0700));
    TRY(fchown(fd, getuid(), getgid()));
    TRY(open(".", O_TMPFILE | O_RDWR, 0600));
    TRY(sub = open(".", O_RDONLY | O_DIRECTORY));
    TRY(fsync(sub));
    TRY(getcwd((char[256]){0}, 256) != NULL);
    TRY(open("..", O_RDONLY) > 0);
    TRY(chdir(".."));
    mkdir("e", 0755);
    mkdir("g", 0755);
    TRY(fd = open("g", O_PATH | O_DIRECTORY));
    TRY(rename("e", "g"));
    show_fd(fd);
    TRY(openat(fd, "f", O_CREAT | O_RDWR, 0600));
}

static int write_as_mapped(const char *name)
{
    int fd = open(name, O_RDWR);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int r;

    if (page == MAP_FAILED)
        return -1;
    page[0] = '#';
    r = msync(page, 4096, MS_SYNC);
    close(fd);
    return r;
}

/* The set-id bits that strangers' writes take away; pre/open-N are 06777 and root's. */
void case_set_id(void)
{
    int fd;

    show_mode("pre/open-1");
    TRY(fd = open("pre/open-1", O_RDWR));
    TRY(write(fd, "#", 1));
    show_mode("pre/open-1");
    show("pre/open-1");
    show_mode("pre/open-2");
    TRY(truncate("pre/open-2", 3));
    show_mode("pre/open-2");
    show_mode("pre/open-3");
    TRY(open("pre/open-3", O_WRONLY | O_TRUNC));
    show_mode("pre/open-3");
    show_mode("pre/open-4");
    TRY(fallocate(open("pre/open-4", O_RDWR), 0, 0, 8192));
    show_mode("pre/open-4");
    show_mode("pre/open-5");
    TRY(copy_file_range(open("pre/open-1", O_RDONLY), &(off_t){0}, open("pre/open-5", O_RDWR),
                        &(off_t){0}, 2, 0));
    show_mode("pre/open-5");
    show_mode("pre/open-6");
    TRY(write_as_mapped("pre/open-6"));
    show_mode("pre/open-6");
    show_mode("pre/open-7");
    TRY(write(open("pre/open-7", O_WRONLY), "", 0));
    show_mode("pre/open-7");
    TRY(write(open("pre/caps", O_WRONLY), "x", 1));
    show_xattr("pre/caps", "security.capability");
    TRY(truncate("pre/caps-2", 1));
    show_xattr("pre/caps-2", "security.capability");
    fd = file("own", 0777, "x");
    TRY(fchmod(fd, 06777));
    TRY(write(fd, "y", 1));
    show_mode("own");
    TRY(fchmod(fd, 06777));
    TRY(ftruncate(fd, 0));
    show_mode("own");
    TRY(chmod("own", 06777));
    TRY(chown("own", getuid(), getgid()));
    show_mode("own");
    TRY(chmod("own", 06777));
    TRY(chown("own", -1u, -1u));
    show_mode("own");
}
