/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/sanitizers.h"

#ifdef SANITIZED

#include "base/cleanup.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* What the run-time libraries look for in a program: it is never started with an environment. */
#define COMMON_OPTIONS "handle_abort=1:print_stacktrace=1"
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);

/* leak_check_at_exit=0: after an error of the session nothing is freed (session.h). Leaks are
 * looked for where all is. */
const char *__asan_default_options(void)
{
    return COMMON_OPTIONS ":leak_check_at_exit=0:detect_stack_use_after_return=1:"
                          "strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
    return COMMON_OPTIONS ":silence_unsigned_overflow=1";
}

/* io_sync=0: reads and writes of unrelated files are no order between threads. */
const char *__tsan_default_options(void)
{
    return COMMON_OPTIONS ":io_sync=0:atexit_sleep_ms=0:second_deadlock_stack=1:history_size=4";
}

/*
 * UBSan gets ready at the first thing that it finds, and then forgets where to report to. This is
 * a thing that it finds and, by its options, says nothing of: an unsigned sum that overflows. What
 * it is given is what the compiler lays out (ubsan_handlers.h).
 */
static void wake_ubsan(void *lib)
{
    static const struct {
        uint16_t kind, info; /* an integer; 2 to the 5 bits, unsigned */
        char name[16];
    } type = {0, 5 << 1, "'unsigned int'"};
    static struct {
        const char *file;
        uint32_t line, column;
        const void *type;
    } place = {__FILE__, __LINE__, 1, &type};
    void (*add_overflow)(void *, uintptr_t, uintptr_t);

    *(void **)&add_overflow = dlsym(lib, "__ubsan_handle_add_overflow");
    if (add_overflow)
        add_overflow(&place, UINT32_MAX, 1);
}

/* Each of the libraries has its own idea of where to report to. */
static int tell_library(struct dl_phdr_info *info, size_t size, void *arg)
{
    const int *fd = arg;
    /* The program itself has no name. */
    void *lib = dlopen(info->dlpi_name[0] ? info->dlpi_name : NULL, RTLD_LAZY | RTLD_NOLOAD);
    void (*set_report_fd)(void *);
    void (*symbolize)(void *, const char *, char *, size_t);
    char text[256];

    (void)size;
    if (!lib)
        return 0;
    /* ISO C knows no way from a void * to a function; dlsym(3) says to go through its place. */
    *(void **)&set_report_fd = dlsym(lib, "__sanitizer_set_report_fd");
    *(void **)&symbolize = dlsym(lib, "__sanitizer_symbolize_pc");
    wake_ubsan(lib);
    if (set_report_fd)
        set_report_fd((void *)(intptr_t)*fd);
    /* The lines of the sources are read now: later there is no file to read them from. */
    if (symbolize)
        symbolize(__builtin_return_address(0), "%F %L", text, sizeof(text));
    dlclose(lib);
    return 0;
}

int sanitizers_open_report(struct err *e)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(".report"));
    int fd;

    if (n < 0)
        return err_set(e, -errno, "/proc/self/exe");
    snprintf(path + n, sizeof(path) - (size_t)n, ".report");
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(e, -errno, "open %s", path);
    dl_iterate_phdr(tell_library, &fd); /* the fd stays open until the end */
    return 0;
}

int sanitizers_keep_proc(int root_mnt, struct err *e)
{
    cleanup_close int proc = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    /* In a user namespace with mounts over parts of /proc it cannot be had alone. */
    if (proc < 0)
        proc = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (proc < 0 || mkdirat(root_mnt, "proc", 0755) < 0 ||
        move_mount(proc, "", root_mnt, "proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(e, -errno, "sandbox: /proc for the sanitizers");
    return 0;
}

#ifdef __SANITIZE_THREAD__

void __tsan_acquire(void *place);
void __tsan_release(void *place);
static char device;

void sanitizers_before_reply(void)
{
    __tsan_release(&device);
}

void sanitizers_after_request(void)
{
    __tsan_acquire(&device);
}

void sanitizers_look_for_leaks(void)
{
}

#else

void __lsan_do_leak_check(void);

void sanitizers_before_reply(void)
{
}

void sanitizers_after_request(void)
{
}

void sanitizers_look_for_leaks(void)
{
    __lsan_do_leak_check();
}

#endif
#endif
