/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/fusemount.h"
#include "base/io.h"
#include "hook/cli/cli.h"
#include "hook/probe.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>

/* What was found wrong so far. */
struct findings {
    unsigned bad;
};

static void say(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *what, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err_one_line(text);
    printf("%-18s %s\n", what, text);
}

static void check_kernel(struct findings *f)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    bool old;

    if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
        say("kernel", "unknown");
        return;
    }
    old = major < 5 || (major == 5 && minor < 12);
    say("kernel", "%s%s%s", u.release, old ? ": TOO OLD, the hook needs 5.12" : "",
        !old && (major < 6 || (major == 6 && minor < 9)) ? ": no FUSE passthrough (6.9)" : "");
    f->bad += old;
}

static bool check_fuse(struct findings *f)
{
    const struct fusemount_options mo = {.source = "oci-shift", .read_only = true};
    struct fusemount m = {-1, -1};
    struct err e;

    if (fusemount_create(&mo, &m, &e) < 0) {
        say("/dev/fuse", "NO: %s", e.msg);
        f->bad++;
        return false;
    }
    close_and_reset(&m.dev_fd);
    close_and_reset(&m.mnt_fd);
    say("/dev/fuse", "yes");
    return true;
}

/* "oci-shifter 0.1.0", "libfuse 3.14.0" */
static void check_shifter(const struct admin *admin, struct findings *f)
{
    cleanup_free char *text = NULL;
    cleanup_close int from = -1;
    size_t len;
    int p[2];
    pid_t child;

    if (pipe2(p, O_CLOEXEC) < 0)
        return;
    from = p[0];
    child = fork();
    if (child == 0) {
        dup2(p[1], STDOUT_FILENO);
        execl(admin->shifter, "oci-shifter", "--version", (char *)NULL);
        _exit(127);
    }
    close(p[1]);
    if (io_read_all(from, 4096, &text, &len) < 0 || len == 0) {
        say("shifter", "NO: %s does not run", admin->shifter);
        f->bad++;
    } else {
        char *second = strchr(text, '\n');

        if (second)
            *second++ = '\0';
        say("shifter", "%s, %.*s (%s)", text, (int)strcspn(second ? second : "", "\n"),
            second ? second : "", admin->shifter);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

static void check_upper(const struct admin *admin, int fd, const char *path)
{
    struct err e;

    if (probe_upper(admin, fd, path, &e) == 0)
        say("upper", "yes, in %s", admin->ephemeral_directory);
    else
        say("upper", "no: %s", e.msg);
}

static void check_shift(const struct admin *admin, int fd, const char *path, struct findings *f)
{
    struct probe_shift s;
    struct err e;

    if (probe_shift(admin, fd, path, &s, &e) < 0) {
        say("shifted", "NO: %s", e.msg);
        f->bad++;
        return;
    }
    say("shifted", "yes, ready after %.1f ms", s.ready_ms);
    if (!s.have_file)
        say("passthrough", "not tried: no file to read was found");
    else
        say("passthrough", "%s",
            s.reads_direct ? "yes: data is read without the shifter"
                           : "no: the shifter copies data (the system log says why)");
}

static void check_path(const struct admin *admin, const char *argument, struct findings *f)
{
    cleanup_free char *path = realpath(argument, NULL);
    cleanup_close int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    struct statfs fs;
    int idmapped;

    if (fd < 0 || fstatfs(fd, &fs) < 0) {
        say(argument, "NO: %s", strerror(errno));
        f->bad++;
        return;
    }
    printf("\n%s\n", path);
    say("file handles", "%s",
        probe_handles(fd) ? "yes"
                          : "no: the shifter holds an fd for each inode that "
                            "the kernel knows");
    idmapped = probe_idmapped(fd);
    if (idmapped == 0)
        say("idmapped mount", "yes: an engine that makes one needs no shifter here");
    else
        say("idmapped mount", "no: %s", strerror(-idmapped));
    check_upper(admin, fd, path);
    check_shift(admin, fd, path, f);
}

int cli_check(int argc, char **argv, const struct admin *admin, struct err *e)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct findings f = {0};
    bool fuse;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        return c == 'h' ? cli_help("check") : CLI_USAGE;
    if (argc - optind > 1) {
        err_setx(e, -EINVAL, "check: unexpected '%s'", argv[optind + 1]);
        return CLI_USAGE;
    }
    check_kernel(&f);
    if (geteuid() != 0) {
        err_setx(e, -EPERM, "check: the rest must be tried as root");
        return CLI_FAILED;
    }
    fuse = check_fuse(&f);
    check_shifter(admin, &f);
    if (optind < argc && fuse && f.bad == 0)
        check_path(admin, argv[optind], &f);
    return f.bad ? CLI_FAILED : CLI_OK;
}
