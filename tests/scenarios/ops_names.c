/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, kinds, modes, owners and times. */
#include "ops.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

void case_files(void)
{
    int fd;

    TRY(fd = open("f", O_CREAT | O_EXCL | O_RDWR, 0640));
    TRY(open("f", O_CREAT | O_EXCL | O_RDWR, 0640));
    TRY(write(fd, "hello world", 11));
    TRY(pwrite(fd, "HELLO", 5, 0));
    show_data(fd);
    TRY(ftruncate(fd, 5));
    TRY(truncate("f", 8));
    show_data(fd);
    close(fd);
    TRY(fd = open("f", O_WRONLY | O_APPEND));
    TRY(write(fd, "+tail", 5));
    TRY(lseek(fd, 0, SEEK_CUR));
    TRY(read(fd, &fd, 1));
    close(fd);
    show("f");
    TRY(fd = open("f", O_RDWR | O_TRUNC));
    show_fd(fd);
    TRY(fsync(fd));
    TRY(fdatasync(fd));
    close(fd);
    TRY(open("f", O_RDONLY | O_DIRECTORY));
    TRY(open("absent", O_RDONLY));
    TRY(open("f/below", O_RDONLY));
    TRY(open(".", O_WRONLY));
    TRY(open("pre/secret", O_RDONLY));
    TRY(access("pre/secret", R_OK));
    TRY(access("f", R_OK | W_OK));
    TRY(access("f", X_OK));
    TRY(open("new-dir/f", O_CREAT | O_RDWR, 0600));
    TRY(creat("special", 07777));
    show("special");
}

void case_directories(void)
{
    TRY(mkdir("d", 0750));
    TRY(mkdir("d", 0750));
    TRY(mkdir("d/e", 01777));
    TRY(mkdir("d/s", 02755));
    show("d");
    show("d/e");
    show("d/s");
    TRY(rmdir("d"));
    TRY(unlink("d"));
    TRY(rmdir("d/e"));
    TRY(rmdir("d/e/."));
    TRY(rmdir("d/absent"));
    TRY(rmdir("pre/secret"));
    show("d");
    TRY(mkdir("pre/sgid-dir/d", 0755));
    TRY(creat("pre/sgid-dir/f", 0755));
    TRY(creat("pre/sgid-dir/sx", 02755));
    TRY(creat("pre/sgid-dir/s", 02745));
    TRY(symlink("x", "pre/sgid-dir/l"));
    TRY(mknod("pre/sgid-dir/p", S_IFIFO | 02755, 0));
    show("pre/sgid-dir/d");
    show("pre/sgid-dir/f");
    show("pre/sgid-dir/sx");
    show("pre/sgid-dir/s");
    show("pre/sgid-dir/l");
    show("pre/sgid-dir/p");
    TRY(unlink("pre/sticky/of-998"));
    TRY(rename("pre/sticky/of-998", "pre/sticky/mine"));
    TRY(creat("pre/sticky/new", 0600));
    TRY(unlink("pre/sticky/new"));
    TRY(creat("pre/sticky/of-998", 0600));
    TRY(open("pre/sticky/of-998", O_RDWR | O_CREAT, 0600));
    TRY(open("pre/sticky/fifo-998", O_RDWR | O_CREAT | O_NONBLOCK, 0600));
}

void case_rename(void)
{
    close(file("a", 0600, "a"));
    close(file("b", 0600, "bb"));
    mkdir("d", 0700);
    mkdir("full", 0700);
    close(file("full/f", 0600, ""));
    TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    show("b");
    show("c");
    TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_EXCHANGE));
    TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "absent", RENAME_EXCHANGE));
    TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
    show("b");
    show("d");
    TRY(renameat2(AT_FDCWD, "c", AT_FDCWD, "moved", RENAME_WHITEOUT));
    show("c");
    show("moved");
    TRY(rename("b", "full"));
    TRY(rename("moved", "b"));
    TRY(rename("b", "b/c"));
    TRY(rename("full", "b"));
    TRY(rename("full", "empty"));
    TRY(rename("d", "empty"));
    TRY(rename("absent", "d"));
    TRY(rename("d", "pre/locked/d"));
    TRY(rename("pre/secret", "pre/new-name"));
    show("pre/new-name");
    TRY(count("."));
}

void case_links(void)
{
    char target[64] = "";
    struct stat a, b;

    close(file("f", 0644, "x"));
    TRY(link("f", "g"));
    TRY(link("f", "g"));
    TRY(link("pre", "h"));
    lstat("f", &a);
    lstat("g", &b);
    TRY(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    show("g");
    TRY(unlink("f"));
    show("g");
    TRY(symlink("../target", "l"));
    TRY(symlink("../target", "l"));
    show("l");
    TRY(readlink("l", target, sizeof(target)));
    TRY(readlink("l", target, 4));
    TRY(readlink("g", target, sizeof(target)));
    puts(target);
    TRY(open("l", O_RDONLY | O_NOFOLLOW));
    TRY(link("l", "l2"));
    show("l2");
    TRY(lchown("l", ID(3), ID(4)));
    show("l");
    TRY(fchownat(AT_FDCWD, "g", getuid(), getgid(), AT_SYMLINK_NOFOLLOW));
    TRY(link("pre/secret", "stolen"));
    TRY(link("pre/unmapped", "taken"));
    TRY(symlink("", "none"));
    TRY(chmod("pre/absolute", 0600)); /* a link to /nonexistent */
}

void case_nodes(void)
{
    struct sockaddr_un addr = {AF_UNIX, "sock"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    int fd;

    TRY(mkfifo("p", 0622));
    show("p");
    TRY(fd = open("p", O_RDWR));
    TRY(write(fd, "x", 1));
    TRY(unlink("p"));
    show_fd(fd);
    TRY(fchmod(fd, 0600));
    show_fd(fd);
    close(fd);
    TRY(bind(s, (struct sockaddr *)&addr, sizeof(addr)));
    show("sock");
    TRY(mknod("s", S_IFSOCK | 0600, 0));
    TRY(mknod("reg", S_IFREG | 0640, 0));
    show("reg");
    TRY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
    TRY(mknod("loop", S_IFBLK | 0666, makedev(7, 0)));
    TRY(mknod("whiteout", S_IFCHR | 0600, 0));
    show("null");
    show("loop");
    show("whiteout");
    TRY(open("pre/null", O_RDONLY));
    TRY(open("pre/fifo", O_WRONLY | O_NONBLOCK));
    show("pre/null");
}

void case_mode_and_owner(void)
{
    int fd = file("f", 0644, "x");

    TRY(chmod("f", 0600));
    TRY(fchmod(fd, 06711));
    show("f");
    TRY(chown("f", getuid(), (gid_t)-1));
    show("f");
    TRY(chmod("f", 06711));
    TRY(chown("f", ID(5), ID(6)));
    show("f");
    TRY(fchown(fd, (uid_t)-1, ID(50)));
    TRY(chmod("f", 02755));
    show("f");
    REFUSED(chown("f", UNMAPPED, (gid_t)-1));
    REFUSED(chown("f", ID(7), UNMAPPED));
    TRY(chown("f", ID(65535), ID(65535)));
    TRY(chown("f", ID(0), ID(0)));
    show("f");
    TRY(chmod("pre/secret", 0777));
    TRY(chown("pre/secret", getuid(), getgid()));
    show("pre/unmapped");
    TRY(chmod("pre/unmapped", 0777));
    TRY(chown("pre/unmapped", ID(1), ID(1)));
    TRY(open("pre/unmapped", O_RDWR));
    TRY(open("pre/unmapped", O_RDONLY));
    TRY(creat("pre/unmapped-dir/f", 0600));
    TRY(unlink("pre/unmapped-dir/old"));
    TRY(rename("pre/unmapped-dir/old", "pre/unmapped-dir/new"));
    TRY(setxattr("pre/unmapped", "user.a", "x", 1, 0));
    show("pre/unmapped-dir");
    show("pre/unmapped-group");
    TRY(chmod("pre/unmapped-group", 0600));
    umask(077);
    TRY(creat("masked", 0666));
    TRY(mkdir("masked-dir", 0777));
    TRY(mkdir("pre/acl-dir/d", 0777));
    TRY(creat("pre/acl-dir/f", 0666));
    show("masked");
    show("masked-dir");
    show("pre/acl-dir/d");
    show("pre/acl-dir/f");
    umask(022);
}

static void show_times(const char *path)
{
    struct stat st = {0};

    if (lstat(path, &st) < 0)
        report(path, -1);
    else
        printf("  %s: %ld.%09ld %ld.%09ld\n", path, (long)st.st_atime, st.st_atim.tv_nsec,
               (long)st.st_mtime, st.st_mtim.tv_nsec);
}

/* A chown(2) that leaves both owners as they are sets the time of change. */
static int empty_chown(const char *path)
{
    struct stat before = {0}, after = {0};

    if (lstat(path, &before) < 0 || usleep(20000) < 0 || lchown(path, -1u, -1u) < 0 ||
        lstat(path, &after) < 0)
        return -1;
    return memcmp(&before.st_ctim, &after.st_ctim, sizeof(after.st_ctim)) != 0;
}

void case_times(void)
{
    struct timespec both[2] = {{1000000001, 123456789}, {1000000002, 987654321}};
    struct timespec omit[2] = {{0, UTIME_OMIT}, {-1, 1}};
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    struct timespec far[2] = {{8000000000, 5}, {0, 0}};
    struct stat st = {0};
    int fd = file("f", 0444, "x");

    symlink("f", "l");
    TRY(utimensat(AT_FDCWD, "f", both, 0));
    show_times("f");
    TRY(futimens(fd, omit));
    show_times("f");
    TRY(utimensat(AT_FDCWD, "l", both, AT_SYMLINK_NOFOLLOW));
    show_times("l");
    TRY(utimensat(AT_FDCWD, "f", far, 0));
    show_times("f");
    TRY(utimensat(AT_FDCWD, "f", now, 0));
    lstat("f", &st);
    TRY(st.st_atime > 1600000000 && st.st_atime < 8000000000);
    TRY(utimensat(AT_FDCWD, "f", NULL, 0));
    TRY(utimensat(AT_FDCWD, "pre/open-1", NULL, 0));
    TRY(utimensat(AT_FDCWD, "pre/open-1", both, 0));
    TRY(utimensat(AT_FDCWD, "pre/secret", NULL, 0));
    TRY(utimensat(AT_FDCWD, "pre/unmapped", NULL, 0));
    TRY(empty_chown("f"));
    TRY(empty_chown("l"));
    TRY(empty_chown("pre"));
    TRY(empty_chown("pre/secret"));
    TRY(empty_chown("pre/unmapped"));
}
