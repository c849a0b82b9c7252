/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject PID: makes the main thread of a shifter do what somebody would who has taken it over, one
 * system call after the other, and says what came of each. It goes on with its own then. The calls
 * are the thread's own, so what is seen is its filter, its root, its capabilities, and its fds.
 * For x86-64: what a call is made with there is in inject_run(). inject_calls.c has the calls.
 */
#include "inject.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_INSTRUCTION 0x050fUL /* syscall */

struct victim {
    pid_t pid;
    struct user_regs_struct regs; /* as it was found: waiting in a system call */
};

static void stop_again(const struct victim *v)
{
    int status;

    if (waitpid(v->pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
        errx(1, "%d did not stop", (int)v->pid);
}

static void set_regs(const struct victim *v, struct user_regs_struct *regs)
{
    struct iovec iov = {regs, sizeof(*regs)};

    if (ptrace(PTRACE_SETREGSET, v->pid, NT_PRSTATUS, &iov) < 0)
        err(1, "set registers");
}

static void get_regs(const struct victim *v, struct user_regs_struct *regs)
{
    struct iovec iov = {regs, sizeof(*regs)};

    if (ptrace(PTRACE_GETREGSET, v->pid, NT_PRSTATUS, &iov) < 0)
        err(1, "get registers");
}

struct victim *inject_begin(pid_t pid)
{
    struct victim *v = calloc(1, sizeof(*v));
    long text;

    if (!v)
        err(1, "memory");
    v->pid = pid;
    if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
        ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
        err(1, "attach to %d", (int)pid);
    stop_again(v);
    get_regs(v, &v->regs);
    text = ptrace(PTRACE_PEEKTEXT, pid, v->regs.rip - 2, 0);
    if ((text & 0xffff) != CALL_INSTRUCTION)
        errx(1, "%d is not in a system call", (int)pid);
    return v;
}

/* Back to the call that it was found in. */
void inject_end(struct victim *v)
{
    v->regs.rip -= 2;
    v->regs.rax = v->regs.orig_rax;
    v->regs.orig_rax = (unsigned long)-1;
    set_regs(v, &v->regs);
    if (ptrace(PTRACE_DETACH, v->pid, 0, 0) < 0)
        err(1, "detach");
    free(v);
}

/* What arguments point to goes below the thread's stack, one after the other. */
static unsigned long put(const struct victim *v, unsigned long *at, const struct argument *a)
{
    struct iovec here = {(void *)(unsigned long)a->data, a->size};
    struct iovec there;

    if (!a->data)
        return a->number;
    *at = (*at - a->size) & ~15UL;
    there = (struct iovec){(void *)*at, a->size};
    if (process_vm_writev(v->pid, &here, 1, &there, 1, 0) != (ssize_t)a->size)
        err(1, "write to memory of %d", (int)v->pid);
    return *at;
}

long inject_run(const struct victim *v, const struct call *c)
{
    struct user_regs_struct regs = v->regs;
    unsigned long at = v->regs.rsp - 4096, arg[6];

    for (int i = 0; i < 6; i++)
        arg[i] = put(v, &at, &c->args[i]);
    regs.rip -= 2;
    regs.orig_rax = (unsigned long)-1;
    regs.rax = (unsigned long)c->number;
    regs.rdi = arg[0];
    regs.rsi = arg[1];
    regs.rdx = arg[2];
    regs.r10 = arg[3];
    regs.r8 = arg[4];
    regs.r9 = arg[5];
    set_regs(v, &regs);
    for (int side = 0; side < 2; side++) { /* into the call, and out of it */
        if (ptrace(PTRACE_SYSCALL, v->pid, 0, 0) < 0)
            err(1, "go on");
        stop_again(v);
    }
    get_regs(v, &regs);
    return (long)regs.rax;
}

int main(int argc, char **argv)
{
    struct victim *v;

    if (argc != 2)
        errx(2, "usage: inject PID");
    v = inject_begin(atoi(argv[1]));
    calls_outside_the_list(v);
    calls_with_other_arguments(v);
    calls_for_files(v, atoi(argv[1]));
    inject_end(v);
    return 0;
}
