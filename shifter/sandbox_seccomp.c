/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of a serving shifter, each with its use. Anything else is answered EPERM and
 * logged by the kernel, never with a kill: a dead server is a hung container.
 */
#include "base/cleanup.h"
#include "shifter/protocol.h"
#include "shifter/sandbox.h"

#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

static const int allowed[] = {
    /* the device, and data of the lower */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(fallocate),
    SCMP_SYS(truncate), /* of a file that the caller did not open */
    SCMP_SYS(ftruncate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(copy_file_range),
    SCMP_SYS(getdents64),
    SCMP_SYS(close),
    /* names and inodes of the lower */
    SCMP_SYS(openat),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(statx),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(readlinkat),
    SCMP_SYS(mkdirat),
    SCMP_SYS(mknodat),
    SCMP_SYS(symlinkat),
    SCMP_SYS(linkat),
    SCMP_SYS(unlinkat),
    SCMP_SYS(renameat2),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmodat), /* what chmod(3) is on newer architectures */
    SCMP_SYS(fchownat),
    SCMP_SYS(utimensat),
    SCMP_SYS(getxattr),
    SCMP_SYS(setxattr),
    SCMP_SYS(listxattr),
    SCMP_SYS(removexattr),
    /* the caller's ids and umask (creds.c) */
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(umask),
    SCMP_SYS(capset),
    /* memory and threads */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clone3), /* answered by hide_clone3() */
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction), /* the first pthread_create(3) */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getrandom),         /* malloc's, in newer C libraries */
    SCMP_SYS(sched_getaffinity), /* malloc asks how many arenas are worth while */
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(wait4), /* with -f: for the process that attached the mount */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(tgkill), /* abort(3) */
    /* log lines: the time, and a datagram on the socket that was connected before */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(sendto),
};

/* Commands of ioctl(2); all others could reach more than files. */
static const unsigned ioctls[] = {
    FUSE_DEV_IOC_BACKING_OPEN, /* passthrough (backing.c) */
    FUSE_DEV_IOC_BACKING_CLOSE,
    FS_IOC_GETFLAGS, /* lsattr and chattr (ops_attr.c) */
    FS_IOC_SETFLAGS,
    FS_IOC_FSGETXATTR,
    FS_IOC_FSSETXATTR,
};

#define THREAD_FLAGS (CLONE_THREAD | CLONE_VM | CLONE_SIGHAND)
#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static int add_rules(scmp_filter_ctx ctx)
{
    int r = 0;

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    /* Memory is never executable, whatever was written there. */
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Threads, not processes, and no namespaces. */
    if (r == 0)
        r = seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS));
    /* A thread's own umask, no namespace. */
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1,
                             SCMP_A0(SCMP_CMP_EQ, CLONE_FS));
    return r;
}

/*
 * The flags of clone3(2) are in memory, where a filter cannot look: told that there is no such
 * call, the C library makes its threads with clone(2). A filter of its own, since it is not to be
 * logged.
 */
static int hide_clone3(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r;

    if (!ctx)
        return -ENOMEM;
    r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}

int sandbox_load_filter(struct err *e)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r = hide_clone3();

    if (!ctx)
        return err_setx(e, -ENOMEM, "seccomp: no filter");
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0); /* no_new_privs is set already */
    if (r == 0)
        r = add_rules(ctx);
    /* Where the kernel (before 4.14) cannot log, it filters all the same. */
    if (r == 0)
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    if (r == 0)
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: the list is long */
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r < 0 ? err_set(e, r, "seccomp filter") : 0;
}
