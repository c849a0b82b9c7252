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
#include <unistd.h>

static const int allowed[] = {
    /* the device, and data of the lower */
    SCMP_SYS(read),            /* requests */
    SCMP_SYS(writev),          /* replies, and word that attributes are to be forgotten */
    SCMP_SYS(write),           /* "ready" down the pipe; log lines with -f */
    SCMP_SYS(pread64),         /* READ */
    SCMP_SYS(pwritev2),        /* WRITE, also behind the end whatever it is by then (RWF_APPEND) */
    SCMP_SYS(truncate),        /* SETATTR of the size, of a file that the caller did not open */
    SCMP_SYS(ftruncate),       /* the same, of one that it did */
    SCMP_SYS(fallocate),       /* FALLOCATE */
    SCMP_SYS(copy_file_range), /* COPY_FILE_RANGE */
    SCMP_SYS(lseek),           /* LSEEK; a directory that is read from an offset */
    SCMP_SYS(fsync),           /* FSYNC, FSYNCDIR */
    SCMP_SYS(fdatasync),       /* the same, of data */
    SCMP_SYS(getdents64),      /* READDIR, READDIRPLUS */
    SCMP_SYS(close),           /* RELEASE, RELEASEDIR, and what an operation has opened */
    /* names and inodes of the lower */
    SCMP_SYS(openat), /* LOOKUP, CREATE, TMPFILE; another open of an fd by /proc/self/fd */
    SCMP_SYS(name_to_handle_at), /* what an inode is known by, where there are handles */
    SCMP_SYS(statx),             /* attributes, with the birth time and the mount */
    SCMP_SYS(fstatfs),           /* STATFS; which file system a mount of the lower is of */
    SCMP_SYS(readlinkat),        /* READLINK */
    SCMP_SYS(mkdirat),           /* MKDIR */
    SCMP_SYS(mknodat),           /* MKNOD */
    SCMP_SYS(symlinkat),         /* SYMLINK */
    SCMP_SYS(linkat),            /* LINK */
    SCMP_SYS(unlinkat),          /* UNLINK, RMDIR */
    SCMP_SYS(renameat2),         /* RENAME, RENAME2 */
    SCMP_SYS(chmod),             /* SETATTR of the mode */
    SCMP_SYS(fchmodat),          /* what chmod(3) is on newer architectures */
    SCMP_SYS(fchownat),          /* SETATTR of the owners */
    SCMP_SYS(utimensat),         /* SETATTR of the times */
    SCMP_SYS(getxattr),          /* GETXATTR */
    SCMP_SYS(setxattr),          /* SETXATTR */
    SCMP_SYS(listxattr),         /* LISTXATTR */
    SCMP_SYS(removexattr),       /* REMOVEXATTR */
    /* the caller's ids and umask (creds.c) */
    SCMP_SYS(setfsuid), /* the owner of what is made */
    SCMP_SYS(setfsgid), /* its group */
    SCMP_SYS(umask),    /* the mode of what is made */
    SCMP_SYS(capset),   /* CAP_FSETID, CAP_FOWNER for the time of one request */
    /* memory and threads */
    SCMP_SYS(brk),               /* malloc(3) of the first thread */
    SCMP_SYS(munmap),            /* free(3); the stack of a thread that has ended */
    SCMP_SYS(mremap),            /* realloc(3) of large tables */
    SCMP_SYS(futex),             /* mutexes, and waiting for threads */
    SCMP_SYS(clone3),            /* answered by hide_clone3() */
    SCMP_SYS(set_robust_list),   /* a new thread's first act in the C library */
    SCMP_SYS(rseq),              /* its second */
    SCMP_SYS(rt_sigprocmask),    /* signals wait while a thread is made */
    SCMP_SYS(rt_sigaction),      /* the first pthread_create(3) */
    SCMP_SYS(sched_getaffinity), /* malloc(3) asks how many arenas are worth while */
    SCMP_SYS(exit),              /* a thread that is not needed */
    SCMP_SYS(exit_group),        /* the end, when the mount is gone */
    SCMP_SYS(wait4),             /* with -f: for the process that attached the mount */
    /* log lines, and what abort(3) needs to say so */
    SCMP_SYS(clock_gettime), /* the time, where the vDSO has none */
    SCMP_SYS(getpid),        /* of a log line */
    SCMP_SYS(gettid),        /* of the thread that aborts */
#ifdef SANITIZED
    /* what the run-time libraries of sanitizers need (sanitizers.h) */
    SCMP_SYS(sigaltstack),
    SCMP_SYS(prlimit64),
    SCMP_SYS(nanosleep), /* the background thread of TSan */
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(mmap), /* with any protection */
    SCMP_SYS(mprotect),
    SCMP_SYS(pipe), /* which memory can be read: by write(2) into one */
    SCMP_SYS(pipe2),
    SCMP_SYS(open), /* files of /proc/self */
    SCMP_SYS(getdents),
    SCMP_SYS(readlink),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(access),
    SCMP_SYS(ioctl), /* is the report a terminal? */
    SCMP_SYS(clone), /* the process that stops all threads to look for leaks */
    SCMP_SYS(ptrace),
    SCMP_SYS(prctl),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(getppid),
    SCMP_SYS(fcntl),
    SCMP_SYS(getrusage),
    SCMP_SYS(uname),
    SCMP_SYS(madvise),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(pwrite64),
#endif
};

/* Commands of ioctl(2); all others could reach more than files. */
static const unsigned ioctls[] = {
    FUSE_DEV_IOC_BACKING_OPEN,  /* passthrough (backing.c): a file that the kernel is to use */
    FUSE_DEV_IOC_BACKING_CLOSE, /* and that it has done so */
    FS_IOC_GETFLAGS,            /* lsattr(1) (ops_attr.c) */
    FS_IOC_SETFLAGS,            /* chattr(1) */
    FS_IOC_FSGETXATTR,          /* lsattr -p */
    FS_IOC_FSSETXATTR,          /* chattr -p */
};

#define THREAD_FLAGS (CLONE_THREAD | CLONE_VM | CLONE_SIGHAND)
#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* What of its own memory a thread may say: that it is done with it, or that it is a guard page. */
static const int advice[] = {
    MADV_DONTNEED, /* free(3), the stack of a thread that has ended, an empty chunk of slots */
    MADV_FREE,     /* the same, in other C libraries */
    102,           /* MADV_GUARD_INSTALL: below the stack of a new thread, from glibc 2.42 on */
    103,           /* MADV_GUARD_REMOVE: when another thread gets that stack */
};

/* Those of which one argument counts. */
static int add_narrow_rules(scmp_filter_ctx ctx)
{
    const struct {
        int call;
        struct scmp_arg_cmp arg;
    } narrow[] = {
        /* Memory is never executable, whatever was written there: tables, buffers, stacks. */
        {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        /* Threads, not processes, and no namespaces. */
        {SCMP_SYS(clone),
         SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)},
        /* A thread's own umask, no namespace. */
        {SCMP_SYS(unshare), SCMP_A0(SCMP_CMP_EQ, CLONE_FS)},
        /* The way back to an inode. From a directory of ours: other numbers stand for the file
         * systems of processes and namespaces (FD_PIDFS_ROOT, FD_NSFS_ROOT). */
        {SCMP_SYS(open_by_handle_at), SCMP_A0(SCMP_CMP_MASKED_EQ, 1u << 31, 0)},
        /* A log line, to the socket that was connected before and to no other: that one is of the
         * host's network namespace, where an address would reach others. */
        {SCMP_SYS(sendto), SCMP_A4(SCMP_CMP_EQ, 0)},
        /* abort(3). As root of the host's user namespace it could end any process of root's. */
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())},
    };
    int r = 0;

    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, narrow[i].call, 1, narrow[i].arg);
    return r;
}

static int add_rules(scmp_filter_ctx ctx)
{
    int r = 0;

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    /* With CAP_SYS_ADMIN, others (MADV_HWPOISON) take pages of memory from the whole machine. */
    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]) && r == 0; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)advice[i]));
    return r < 0 ? r : add_narrow_rules(ctx);
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
    /* Calls of other ABIs are for the other filter: by default they would kill here. */
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
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
