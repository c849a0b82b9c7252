/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define N(n)                                                                                       \
    {                                                                                              \
        .number = (unsigned long)(n)                                                               \
    }
#define TEXT(s)                                                                                    \
    {                                                                                              \
        .data = (s), .size = sizeof(s)                                                             \
    }
#define MEMORY(m)                                                                                  \
    {                                                                                              \
        .data = &(m), .size = sizeof(m)                                                            \
    }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define CALL(name) #name, SYS_##name

static char zeros[256];
#define ROOM                                                                                       \
    {                                                                                              \
        .data = zeros, .size = sizeof(zeros)                                                       \
    }

static void run(const struct victim *v, const struct call *c)
{
    long r = inject_run(v, c);

    if (r < 0 && r > -4096)
        printf("%s: %s\n", c->name, strerrorname_np((int)-r));
    else
        printf("%s = %ld\n", c->name, r);
    fflush(stdout);
}

/* What a way out would begin with, and what would do harm where one is. */
static const struct call outside[] = {
    {CALL(socket), {N(AF_INET), N(SOCK_STREAM)}},
    {CALL(socketpair), {N(AF_UNIX), N(SOCK_STREAM), N(0), ROOM}},
    {CALL(connect), {N(3), ROOM, N(16)}},
    {CALL(bind), {N(3), ROOM, N(16)}},
    {CALL(sendmsg), {N(3), ROOM}},
    {CALL(recvmsg), {N(3), ROOM}},
    {CALL(execve), {TEXT("/lower/sh"), ROOM, ROOM}},
    {CALL(execveat), {N(3), TEXT("sh"), ROOM, ROOM}},
    {CALL(fork), {N(0)}},
    {CALL(vfork), {N(0)}},
    {CALL(setns), {N(3)}},
    {CALL(chroot), {TEXT("/lower")}},
    {CALL(chdir), {TEXT("/lower")}},
    {CALL(fchdir), {N(3)}},
    {CALL(mount), {TEXT("none"), TEXT("/lower"), TEXT("tmpfs")}},
    {CALL(umount2), {TEXT("/lower"), N(2)}},
    {CALL(pivot_root), {TEXT("."), TEXT(".")}},
    {CALL(open_tree), {N(AT_FDCWD), TEXT("/"), N(1)}},
    {CALL(move_mount), {N(3), TEXT(""), N(AT_FDCWD), TEXT("/lower"), N(4)}},
    {CALL(fsopen), {TEXT("proc")}},
    {CALL(fsmount), {N(3)}},
    {CALL(mount_setattr), {N(3), TEXT(""), N(AT_EMPTY_PATH), ROOM, N(32)}},
    {CALL(ptrace), {N(PTRACE_SEIZE), N(1)}},
    {CALL(process_vm_readv), {N(1), ROOM, N(1), ROOM, N(1)}},
    {CALL(process_vm_writev), {N(1), ROOM, N(1), ROOM, N(1)}},
    {CALL(kill), {N(1), N(0)}},
    {CALL(tkill), {N(1), N(0)}},
    {CALL(rt_sigqueueinfo), {N(1), N(0), ROOM}},
    {CALL(pidfd_open), {N(1)}},
    {CALL(pidfd_getfd), {N(3), N(0)}},
    {CALL(pidfd_send_signal), {N(3), N(0)}},
    {CALL(kcmp), {N(1), N(1)}},
    {CALL(prlimit64), {N(1), N(7), N(0), ROOM}},
    {CALL(setpriority), {N(0), N(1), N(19)}},
    {CALL(sched_setaffinity), {N(1), N(8), ROOM}},
    {CALL(io_uring_setup), {N(1), ROOM}},
    {CALL(bpf), {N(0), ROOM, N(64)}},
    {CALL(perf_event_open), {ROOM, N(0), N(-1), N(-1)}},
    {CALL(userfaultfd), {N(0)}},
    {CALL(fanotify_init), {N(0)}},
    {CALL(inotify_init1), {N(0)}},
    {CALL(add_key), {TEXT("user"), TEXT("x"), TEXT("x"), N(1), N(-3)}},
    {CALL(keyctl), {N(0), N(-3)}},
    {CALL(request_key), {TEXT("user"), TEXT("x"), N(0), N(-3)}},
    {CALL(init_module), {ROOM, N(1), TEXT("")}},
    {CALL(finit_module), {N(3), TEXT("")}},
    {CALL(kexec_load), {N(0)}},
    {CALL(reboot), {N(0)}},
    {CALL(syslog), {N(10)}},
    {CALL(sethostname), {TEXT("x"), N(1)}},
    {CALL(clock_settime), {N(0), ROOM}},
    {CALL(acct), {N(0)}},
    {CALL(swapon), {TEXT("/lower/x")}},
    {CALL(quotactl), {N(0)}},
    {CALL(iopl), {N(3)}},
    {CALL(ioperm), {N(0), N(1), N(1)}},
    {CALL(modify_ldt), {N(0), ROOM, N(16)}},
    {CALL(personality), {N(0x0400000)}}, /* READ_IMPLIES_EXEC */
    {CALL(prctl), {N(PR_SET_DUMPABLE), N(1)}},
    {CALL(seccomp), {N(SECCOMP_SET_MODE_FILTER), N(0), ROOM}},
    {CALL(setuid), {N(0)}},
    {CALL(setresuid), {N(1), N(1), N(1)}},
    {CALL(setgroups), {N(1), ROOM}},
    {CALL(memfd_create), {TEXT("x"), N(0)}},
    {CALL(pkey_mprotect), {N(0), N(4096), N(PROT_EXEC), N(-1)}},
    {CALL(remap_file_pages), {N(0)}},
    {CALL(shmget), {N(0), N(4096), N(01700)}},
    {CALL(msgget), {N(0), N(01700)}},
    {CALL(dup), {N(0)}},
    {CALL(dup2), {N(0), N(1)}},
    {CALL(fcntl), {N(0), N(F_GETFD)}},
    {CALL(pipe2), {ROOM, N(0)}},
    {CALL(splice), {N(3), N(0), N(4), N(0), N(1)}},
    {CALL(sendfile), {N(3), N(4), N(0), N(1)}},
    {CALL(open), {TEXT("/lower"), N(0)}},
    {CALL(openat2), {N(3), TEXT("x"), ROOM, N(24)}},
    {"getpid of the x32 ABI", 0x40000000 | SYS_getpid, {N(0)}},
};

void calls_outside_the_list(const struct victim *v)
{
    for (size_t i = 0; i < COUNT(outside); i++)
        run(v, &outside[i]);
}

#define A_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* On the list, and not with these arguments. */
static const struct call arguments[] = {
    {"clone: a process", SYS_clone, {N(SIGCHLD)}},
    {"clone: a user namespace", SYS_clone, {N(CLONE_NEWUSER | SIGCHLD)}},
    {"clone: a thread in a PID namespace", SYS_clone, {N(A_THREAD | CLONE_NEWPID)}},
    {"clone3", SYS_clone3, {ROOM, N(64)}},
    {"unshare: a user namespace", SYS_unshare, {N(CLONE_NEWUSER)}},
    {"unshare: a mount namespace", SYS_unshare, {N(CLONE_NEWNS)}},
    {"mmap: executable",
     SYS_mmap,
     {N(0), N(4096), N(PROT_READ | PROT_EXEC), N(MAP_PRIVATE | MAP_ANONYMOUS), N(-1)}},
    {"mmap: writable and executable",
     SYS_mmap,
     {N(0), N(4096), N(PROT_WRITE | PROT_EXEC), N(MAP_PRIVATE | MAP_ANONYMOUS), N(-1)}},
    {"mprotect: executable", SYS_mprotect, {N(4096), N(4096), N(PROT_EXEC)}},
    {"madvise: broken memory", SYS_madvise, {N(4096), N(4096), N(MADV_HWPOISON)}},
    {"madvise: memory to be set aside", SYS_madvise, {N(4096), N(4096), N(101)}},
    {"tgkill: init", SYS_tgkill, {N(1), N(1), N(0)}},
    {"ioctl: a terminal's input", SYS_ioctl, {N(0), N(0x5412), TEXT("x")}},
    {"ioctl: freeze a file system", SYS_ioctl, {N(3), N(0xc0045877), ROOM}},
    {"ioctl: another file's blocks", SYS_ioctl, {N(3), N(1), ROOM}},
};

/* A datagram to whoever listens, by the socket that log lines go through. */
static void send_elsewhere(const struct victim *v)
{
    static const struct sockaddr_un to = {AF_UNIX, "\0somebody"};
    struct call c = {"sendto: an address",
                     SYS_sendto,
                     {N(3), TEXT("x"), N(1), N(MSG_NOSIGNAL), MEMORY(to), N(11)}};

    run(v, &c);
}

void calls_with_other_arguments(const struct victim *v)
{
    for (size_t i = 0; i < COUNT(arguments); i++)
        run(v, &arguments[i]);
    send_elsewhere(v);
}

static const struct call files[] = {
    {"open /etc/passwd", SYS_openat, {N(AT_FDCWD), TEXT("/etc/passwd"), N(O_RDONLY)}},
    {"open /proc", SYS_openat, {N(AT_FDCWD), TEXT("/proc/1/root"), N(O_RDONLY)}},
    {"open /dev/null", SYS_openat, {N(AT_FDCWD), TEXT("/dev/null"), N(O_RDONLY)}},
    {"open .. of its fds", SYS_openat, {N(AT_FDCWD), TEXT("../../1/root/etc"), N(O_RDONLY)}},
    {"open .. of the lower",
     SYS_openat,
     {N(AT_FDCWD), TEXT("/lower/../../../../../../etc"), N(O_RDONLY)}},
    {"open a symlink to the host",
     SYS_openat,
     {N(AT_FDCWD), TEXT("/lower/to-the-host"), N(O_RDONLY)}},
    {"open below one", SYS_openat, {N(AT_FDCWD), TEXT("/lower/to-the-host/etc"), N(O_RDONLY)}},
    {"open a device node of its own",
     SYS_openat,
     {N(AT_FDCWD), TEXT("/lower/node-null"), N(O_RDWR)}},
    {"make a file in its root", SYS_mknodat, {N(AT_FDCWD), TEXT("/new"), N(0100600)}},
    {"make a directory in its root", SYS_mkdirat, {N(AT_FDCWD), TEXT("/new"), N(0700)}},
};

/* The victim's fd on the device node `path`, or -1. */
static int fd_on(pid_t pid, const char *path)
{
    char dir[64];
    struct stat node, st;
    struct dirent *e;
    DIR *d;
    int found = -1;

    snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)pid);
    d = opendir(dir);
    if (!d || stat(path, &node) < 0)
        err(1, "%s, %s", dir, path);
    while ((e = readdir(d)))
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
            st.st_rdev == node.st_rdev)
            found = atoi(e->d_name);
    closedir(d);
    return found;
}

/*
 * Devices of the host, in the file system of the device nodes that it has open. The handle, of
 * which 32 bits at most are a secret, is given to it here.
 */
static void device_by_handle(const struct victim *v, pid_t pid, const char *open_node)
{
    struct {
        struct file_handle h;
        unsigned char room[MAX_HANDLE_SZ];
    } handle = {.h.handle_bytes = MAX_HANDLE_SZ};
    char name[64];
    int mount, fd = fd_on(pid, open_node);
    struct call c = {name, SYS_open_by_handle_at, {N(fd), MEMORY(handle), N(O_RDWR)}};

    snprintf(name, sizeof(name), "a device of the host, from %s", open_node);
    if (fd < 0)
        printf("%s: it is not open\n", name);
    else if (name_to_handle_at(AT_FDCWD, "/dev/full", &handle.h, &mount, 0) < 0)
        warn("handle of /dev/full");
    else
        run(v, &c);
}

void calls_for_files(const struct victim *v, pid_t pid)
{
    for (size_t i = 0; i < COUNT(files); i++)
        run(v, &files[i]);
    device_by_handle(v, pid, "/dev/fuse");
    device_by_handle(v, pid, "/dev/null");
}
