/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oci-shifter(1): one FUSE mount that shows a directory tree with shifted owners. */
#include "base/cleanup.h"
#include "base/counts.h"
#include "base/device.h"
#include "base/fds.h"
#include "base/fusemount.h"
#include "base/io.h"
#include "base/log.h"
#include "shifter/attach.h"
#include "shifter/audit.h"
#include "shifter/backing.h"
#include "shifter/creds.h"
#include "shifter/dir_ends.h"
#include "shifter/layers.h"
#include "shifter/options.h"
#include "shifter/sandbox.h"
#include "shifter/sanitizers.h"
#include "shifter/session.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* "For good": what fuse-overlayfs and the kernel's own limits make of it (31 years). */
#define TIMEOUT_FOREVER 1e9
#define TIMEOUT_AUTO 1.0

static const char usage[] =
    "usage: oci-shifter SOURCE MOUNTPOINT -o uidmapping=MAP,gidmapping=MAP[,OPTION...]\n"
    "       oci-shifter -o lowerdir=LAYERS[,upperdir=DIR,workdir=DIR][,OPTION...] MOUNTPOINT\n"
    "\n"
    "Shows SOURCE at MOUNTPOINT with the owners of its files shifted.\n"
    "\n"
    "  MAP                    CONTAINER:HOST:SIZE[:CONTAINER:HOST:SIZE...]: ids stored in SOURCE,\n"
    "                         ids shown at MOUNTPOINT, how many\n"
    "  ro, nosuid, noexec, noatime\n"
    "  squash_to_root, squash_to_uid=UID, squash_to_gid=GID\n"
    "  cache=auto|always|never, timeout=SECONDS, passthrough=on|off, threads=N\n"
    "  lowerdir=LAYER[:LAYER...],upperdir=DIR,workdir=DIR and the other options of fuse-overlayfs\n"
    "  -f  stay in the foreground    -d  the same, with a log of requests\n"
    "  -h, --help    -V, --version\n"
    "\n"
    "Unmount with umount(8). Man page: oci-shifter(1).\n";

/* A process in a user namespace cannot open handles, nor does it need to drop what it lacks. */
static bool in_initial_userns(void)
{
    cleanup_free char *map = NULL;
    size_t len;
    unsigned first, host, size;

    if (io_read_file_at(AT_FDCWD, "/proc/self/uid_map", 4096, &map, &len) < 0)
        return false;
    return sscanf(map, "%u %u %u", &first, &host, &size) == 3 && first == 0 && host == 0 &&
           size == UINT32_MAX;
}

/* As much as we may have. */
static void raise_limit(__rlimit_resource_t what, rlim_t enough)
{
    struct rlimit lim;

    if (getrlimit(what, &lim) < 0 || (lim.rlim_cur >= enough && lim.rlim_max >= enough))
        return;
    if (lim.rlim_max < enough) {
        struct rlimit more = {enough, enough};

        if (setrlimit(what, &more) == 0)
            return;
    }
    lim.rlim_cur = lim.rlim_max < enough ? lim.rlim_max : enough;
    setrlimit(what, &lim);
}

/*
 * The limits of whoever started us are not the container's: each file it has open is an fd here,
 * and its files may be of any size. Where a limit stays, the caller gets the error that goes with
 * it, and the server does not get the signal.
 */
static void leave_limits_behind(void)
{
    raise_limit(RLIMIT_NOFILE, 1u << 20);
    raise_limit(RLIMIT_FSIZE, RLIM_INFINITY);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/*
 * When memory runs short the server is not what should go: its container would hang on it. Only
 * the host's root may ask for that.
 */
static void avoid_oom_killer(void)
{
    cleanup_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && io_write_all(fd, "-800", 4) < 0)
        log_debug("oom_score_adj stays as it is");
}

/* With -f it still says what it does. */
static int detach_from_terminal(bool foreground, struct err *e)
{
    cleanup_close int null = device_open("/dev/null", e);

    if (null < 0)
        return null;
    for (int fd = 0; fd <= (foreground ? 0 : 2); fd++)
        if (dup2(null, fd) < 0)
            return err_set(e, -errno, "dup2 /dev/null");
    if (!foreground)
        setsid(); /* fails only where this is a session's leader already */
    return 0;
}

/* What is told through the ready pipe: "ready", or one line that says why not. */
static void tell(int fd, const char *word)
{
    if (fd >= 0)
        io_write_all(fd, word, strlen(word));
}

static void tell_ready(void *arg)
{
    int *fd = arg;

    tell(*fd, "ready\n");
    close_and_reset(fd);
}

static double timeout_of(const struct options *o)
{
    if (o->timeout >= 0)
        return o->timeout;
    return o->cache == CACHE_ALWAYS ? TIMEOUT_FOREVER : o->cache == CACHE_NEVER ? 0 : TIMEOUT_AUTO;
}

/*
 * Files that stay open for the next reader. Each keeps the disk space of a file that somebody may
 * remove behind the mount, so they are few where that can be.
 */
static unsigned max_idle(enum cache_mode cache)
{
    return cache == CACHE_ALWAYS ? 1024 : cache == CACHE_AUTO ? 64 : 0;
}

static int serve_inside(struct shifter *sh, const struct options *o, int dev_fd, int *ready_fd,
                        bool initial_userns, struct err *e)
{
    struct session_options so = {o->threads, o->debug, tell_ready, ready_fd};
    struct session *session;
    uint64_t slots, lookups;
    bool no_root;
    int r = session_new(sh, dev_fd, &so, &session, e);

    if (r < 0)
        return r;
    r = sandbox_drop_privileges(initial_userns, e);
    if (r == 0) {
        /* Elsewhere the uid stays: a server behind the file system (NFS) may go by it. */
        no_root = initial_userns && sys_keeps_blocks_for_root(sh->root_fd);
        creds_init_ids(no_root ? &sh->shift.uid : NULL, &sh->shift.gid);
    }
    if (r == 0)
        sh->files = backing_new(sh->fds, max_idle(sh->cache));
    if (r == 0)
        sh->dir_ends = dir_ends_new();
    if (r == 0 && (!sh->files || !sh->dir_ends))
        r = err_set(e, -ENOMEM, "tables");
    if (r == 0)
        r = inode_table_new(
            &(struct inode_table_setup){
                .root_fd = sh->root_fd,
                .outside_fd = sh->outside_fd,
                .by_handle = initial_userns,
                .split_links = o->split_links,
                .short_inos = o->short_inos,
                .keep_names = !o->read_only,
                .count_links = o->lowerdir && !o->static_nlink,
                .fds = sh->fds,
                .files = sh->files,
                .override = &sh->override,
            },
            &sh->inodes, e);
    if (r == 0) {
        log_debug("serving with %s", inode_table_has_handles(sh->inodes) ? "handles" : "fds");
        r = session_run(session);
        if (r < 0)
            return err_set(e, r, "session");
        audit_check(sh->inodes);
        inode_table_count(sh->inodes, &slots, &lookups);
        log_debug("ended with %llu inodes, %llu lookups", (unsigned long long)slots,
                  (unsigned long long)lookups);
        inode_table_free(sh->inodes);
    }
    backing_free(sh->files);
    dir_ends_free(sh->dir_ends);
    session_free(session);
    sanitizers_look_for_leaks();
    return r;
}

/* The server proper: from here on this process only answers requests. */
static int serve(const struct options *o, int dev_fd, int lower_fd, int ready_fd)
{
    struct fd_budget fds;
    struct shifter sh = {
        .shift = {o->uidmap, o->gidmap, o->nodev, o->squash_uid, o->squash_gid},
        .override = o->override,
        .fds = &fds,
        .root_fd = -1,
        .outside_fd = -1,
        .cache = o->cache,
        .timeout = timeout_of(o),
        .passthrough = o->passthrough && (o->read_only || !override_writes(&o->override)),
        .read_only = o->read_only,
        .static_nlink = o->static_nlink,
        .no_acl = o->no_acl || o->no_xattrs || o->override.read != 0,
        .no_xattrs = o->no_xattrs,
        .split_links = o->split_links,
        .no_fsync = !o->fsync || o->volatile_upper,
        .hide_markers = o->lowerdir != NULL,
        .counts = o->count_fd >= 0 ? counts_map(o->count_fd) : NULL,
        .host_root_is_root = o->lowerdir != NULL,
    };
    struct err e = {0};
    bool initial = in_initial_userns();
    int r;

    if (o->read_only)
        sh.override.write = OVERRIDE_NONE;
    /* What is mapped needs no fd any more. */
    if (o->count_fd >= 0)
        close(o->count_fd);
    umask(0);
    leave_limits_behind();
    fd_budget_init(&fds, o->threads);
    avoid_oom_killer();
    r = sanitizers_open_report(&e);
    if (r == 0)
        r = detach_from_terminal(o->foreground, &e);
    if (r == 0)
        r = sandbox_enter_mounts(lower_fd, o->read_only, &sh.root_fd, &sh.outside_fd, &e);
    if (!o->entry)
        close_and_reset(&sh.outside_fd);
    close(lower_fd);
    if (r == 0)
        r = override_locks_new(&sh.override) < 0 ? err_set(&e, -ENOMEM, "locks") : 0;
    if (r == 0)
        r = serve_inside(&sh, o, dev_fd, &ready_fd, initial, &e);
    if (r < 0) {
        log_error("%s", e.msg);
        tell(ready_fd, e.msg);
    }
    override_locks_free(&sh.override);
    close_and_reset(&sh.root_fd);
    close_and_reset(&sh.outside_fd);
    return r;
}

/* What mountinfo has as the source. The kernel takes 255 bytes. */
static const char *source_name(const struct options *o)
{
    return o->source && strlen(o->source) < 256 ? o->source : "oci-shifter";
}

/*
 * With paths: one process serves, the other attaches the mount once the server answers. In the
 * background it is the child that serves, with -f the parent, whose pid the caller knows; the child
 * then stays until it is gone.
 */
static int mount_and_serve(struct options *o, struct err *e)
{
    struct fusemount_options mo = {.source = source_name(o),
                                   .context = o->context,
                                   .read_only = o->read_only,
                                   .nosuid = o->nosuid,
                                   .noexec = o->noexec,
                                   .noatime = o->noatime};
    struct fusemount m = {-1, -1};
    cleanup_close int lower = -1, upper = -1;
    uint64_t mnt_id;
    int ready[2], alive[2];
    pid_t child;
    int r = layers_open(o, &lower, &upper, e);

    if (r == 0)
        r = fusemount_create(&mo, &m, e);
    if (r < 0)
        return r;
    o->entry = fusemount_can_enter(&m);
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(alive, O_CLOEXEC) < 0)
        return err_set(e, -errno, "pipe");
    child = fork();
    if (child < 0)
        return err_set(e, -errno, "fork");
    if ((child == 0) != o->foreground) {
        close(m.mnt_fd);
        close(ready[0]);
        close(alive[0]);
        if (!o->foreground)
            close_and_reset(&alive[1]);
        r = serve(o, m.dev_fd, steal_fd(&lower), ready[1]);
        close_and_reset(&alive[1]);
        /* serve() has said why; with -f, the child why there is no mount. */
        _exit(r < 0 || (child > 0 && attach_failed(child)) ? 1 : 0);
    }
    close(m.dev_fd);
    close(ready[1]);
    close(alive[1]);
    r = attach_when_ready(ready[0], &m.mnt_fd, o->entry, o->mountpoint, &mnt_id, e);
    if (r == 0 && o->foreground) {
        /* Whatever the caller waits for the end of is not for this process to keep open. */
        fds_close_others(&alive[0], 1);
        attach_stay(alive[0], o->mountpoint, mnt_id);
    }
    return r;
}

/*
 * A caller's pipes do not stay open in a daemon: engines wait for their end of file. All that is
 * kept is what the command line names.
 */
static void close_inherited(const struct options *o)
{
    int keep[] = {o->fuse_fd, o->lower_fd, o->ready_fd, o->count_fd};

    fds_close_others(keep, 4);
}

int main(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    int r;

    fds_open_standard();
    log_setup("oci-shifter", LOG_LEVEL_INFO, true, false);
    r = options_parse(&o, argc, argv, &e);
    if (r == 0 && (o.help || o.version)) {
        if (o.help)
            fputs(usage, stdout);
        else
            printf("oci-shifter " VERSION "\nlibfuse %s\n", fuse_pkgversion());
    } else if (r == 0 && !o.fake) {
        close_inherited(&o);
        log_setup("oci-shifter", o.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, true, !o.foreground);
        if (o.fuse_fd >= 0) {
            r = layers_override_one(&o, o.lower_fd, &e);
            if (r == 0)
                r = serve(&o, o.fuse_fd, o.lower_fd, o.ready_fd);
        } else
            r = mount_and_serve(&o, &e);
    }
    if (r < 0 && e.msg[0])
        log_error("%s", e.msg);
    options_release(&o);
    return r < 0 ? 1 : 0;
}
