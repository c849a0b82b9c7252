/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/session.h"

#include "base/cleanup.h"
#include "base/counts.h"
#include "base/log.h"
#include "shifter/backing.h"
#include "shifter/device.h"
#include "shifter/ops.h"
#include "shifter/protocol.h"
#include "shifter/raw.h"
#include "shifter/worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

/*
 * Threads that stay although they have nothing to do, so that requests that come at a time find one
 * each without a new one being made: one for each processor, which may have a caller, and one. The
 * kernel wakes those that wait in turn, and so the fewer they are the more of what the next one
 * needs is still in a cache.
 */
#define MAX_KEEP_IDLE 8

static unsigned keep_idle(void)
{
    cpu_set_t cpus;
    int n = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : MAX_KEEP_IDLE;

    return n < MAX_KEEP_IDLE ? (unsigned)n + 1 : MAX_KEEP_IDLE;
}

struct session {
    struct fuse_session *se;
    struct shifter *sh;
    int dev_fd; /* libfuse's to close */
    struct session_options opt;
    /* Set while INIT is answered, before there is a second thread. */
    uint64_t init_unique;
    uint64_t kernel_flags;
    bool killpriv_v2, setxattr_ext, answered;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned keep_idle;
    atomic_uint idle; /* threads that wait for a request, or are about to */
    unsigned threads; /* lock */
    int error;        /* of the first thread: why the session ended, or 0 */
};

static void note_init(struct session *s, const struct fuse_init_in *arg, size_t size)
{
    s->kernel_flags = arg->flags;
    if ((arg->flags & FUSE_INIT_EXT) && size >= sizeof(*arg))
        s->kernel_flags |= (uint64_t)arg->flags2 << 32;
}

/* Of a request that libfuse will parse, what it does not pass on. */
static void peek(struct session *s, const void *buf, size_t size)
{
    const struct fuse_in_header *in = buf;
    const void *arg = in + 1;

    worker_set_keeps_privs(false);
    if (size < sizeof(*in) + sizeof(struct fuse_open_in))
        return;
    switch (in->opcode) {
    case FUSE_INIT:
        s->init_unique = in->unique;
        note_init(s, arg, size - sizeof(*in));
        break;
    case FUSE_WRITE:
        worker_set_keeps_privs(
            s->killpriv_v2 &&
            !(((const struct fuse_write_in *)arg)->write_flags & FUSE_WRITE_KILL_SUIDGID));
        break;
    case FUSE_SETATTR:
        worker_set_keeps_privs(
            s->killpriv_v2 && !(((const struct fuse_setattr_in *)arg)->valid & FATTR_KILL_SUIDGID));
        break;
    case FUSE_OPEN:
        worker_set_keeps_privs(s->killpriv_v2 && !(((const struct fuse_open_in *)arg)->open_flags &
                                                   FUSE_OPEN_KILL_SUIDGID));
        break;
    default:
        break;
    }
}

static ssize_t read_request(int fd, void *buf, size_t size, void *userdata)
{
    struct shifter *sh = userdata;
    ssize_t n = device_read(fd, buf, size);

    if (n >= (ssize_t)sizeof(struct fuse_in_header)) {
        counts_add(sh->counts, ((const struct fuse_in_header *)buf)->opcode);
        peek(sh->session, buf, (size_t)n);
    }
    return n;
}

/* Adds to libfuse's INIT reply what this libfuse cannot ask for itself. */
static void amend_init(struct session *s, struct iovec *iov, int count)
{
    struct protocol_init_out *out;

    if (count < 2 || iov[1].iov_len < sizeof(*out))
        return;
    out = iov[1].iov_base;
    out->flags |= (uint32_t)s->kernel_flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT);
    s->killpriv_v2 = s->kernel_flags & FUSE_HANDLE_KILLPRIV_V2;
    s->setxattr_ext = s->kernel_flags & FUSE_SETXATTR_EXT;
    if (!s->sh->passthrough)
        return;
    if (!(s->kernel_flags & FUSE_PASSTHROUGH)) {
        log_info("no passthrough, data is copied: the kernel (before 6.9) has none");
        return;
    }
    out->flags |= FUSE_INIT_EXT;
    out->flags2 |= FUSE_PASSTHROUGH >> 32;
    out->max_stack_depth = inode_table_stack_depth(s->sh->inodes);
    backing_enable(s->sh->files, s->dev_fd);
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    struct session *s = ((struct shifter *)userdata)->session;
    const struct fuse_out_header *out = iov[0].iov_base;
    bool init = !s->answered && s->init_unique != 0 && out->unique == s->init_unique;
    ssize_t n;

    if (init && out->error == 0)
        amend_init(s, iov, count);
    n = device_reply(fd, iov, count);
    if (init && n > 0 && out->error == 0) {
        s->answered = true;
        if (s->opt.ready)
            s->opt.ready(s->opt.ready_arg);
    }
    return n;
}

__attribute__((format(printf, 2, 0))) static void log_libfuse(enum fuse_log_level level,
                                                              const char *fmt, va_list ap)
{
    char text[512];

    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    log_line(level <= FUSE_LOG_ERR       ? LOG_LEVEL_ERROR
             : level == FUSE_LOG_WARNING ? LOG_LEVEL_WARN
             : level <= FUSE_LOG_INFO    ? LOG_LEVEL_INFO
                                         : LOG_LEVEL_DEBUG,
             "%s", text);
}

int session_new(struct shifter *sh, int dev_fd, const struct session_options *opt,
                struct session **out, struct err *e)
{
    static const struct fuse_custom_io io = {.writev = write_reply, .read = read_request};
    char *argv[] = {(char *)(uintptr_t) "oci-shifter", (char *)(uintptr_t) "-odebug", NULL};
    struct fuse_args args = FUSE_ARGS_INIT(opt->debug ? 2 : 1, argv);
    struct session *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return err_set(e, -ENOMEM, "session");
    s->sh = sh;
    s->opt = *opt;
    s->dev_fd = dev_fd;
    s->keep_idle = keep_idle();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    sh->session = s;
    fuse_set_log_func(log_libfuse);
    s->se = fuse_session_new(&args, &ops_table, sizeof(ops_table), sh);
    fuse_opt_free_args(&args); /* what libfuse made of them */
    if (!s->se) {
        session_free(s);
        return err_setx(e, -EINVAL, "libfuse refused to make a session");
    }
    r = fuse_session_custom_io(s->se, &io, dev_fd);
    if (r < 0) {
        session_free(s);
        return err_set(e, r, "libfuse's custom I/O");
    }
    *out = s;
    return 0;
}

static void *work(void *arg);

/* This thread got a request. If nobody is left to take the next one, somebody new is. */
static void took_request(struct session *s)
{
    pthread_t thread;
    pthread_attr_t attr;

    if (atomic_fetch_sub(&s->idle, 1) > 1 || !s->answered)
        return;
    pthread_mutex_lock(&s->lock);
    if (s->threads < s->opt.max_threads) {
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, 256 * 1024);
        /* Where there is no thread to be had, those that are there go on alone. */
        if (pthread_create(&thread, &attr, work, s) == 0) {
            s->threads++;
            atomic_fetch_add(&s->idle, 1);
        }
        pthread_attr_destroy(&attr);
    }
    pthread_mutex_unlock(&s->lock);
}

/* Back to waiting; false where enough others wait. The first thread always stays. */
static bool may_wait(struct session *s, bool first)
{
    if (atomic_fetch_add(&s->idle, 1) < s->keep_idle || first)
        return true;
    atomic_fetch_sub(&s->idle, 1);
    return false;
}

static void serve(struct session *s, bool first)
{
    struct fuse_buf buf = {.mem = NULL};

    while (!fuse_session_exited(s->se)) {
        int r = fuse_session_receive_buf(s->se, &buf);

        if (r == -EINTR || r == -EAGAIN)
            continue;
        if (r <= 0) {
            /* 0: unmounted, and the session knows. An error (no memory for a buffer, say) is of
             * this thread: the first one goes on serving, unless it is the first's own. */
            atomic_fetch_sub(&s->idle, 1);
            if (r < 0 && first)
                s->error = r;
            break;
        }
        took_request(s);
        if (!raw_handle(s->sh, s->dev_fd, s->setxattr_ext, buf.mem, buf.size))
            fuse_session_process_buf(s->se, &buf);
        if (!may_wait(s, first))
            break;
    }
    free(buf.mem);
    worker_release();
}

static void *work(void *arg)
{
    struct session *s = arg;
    /* The umask is of the thread from here on (creds.h). Without that the thread is no use. */
    bool useful = unshare(CLONE_FS) == 0;

    if (useful)
        serve(s, false);
    else
        log_error("a new thread cannot have its own umask: %s", strerror(errno));
    if (!useful)
        atomic_fetch_sub(&s->idle, 1);
    pthread_mutex_lock(&s->lock);
    s->threads--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int session_run(struct session *s)
{
    s->threads = 1;
    atomic_store(&s->idle, 1);
    serve(s, true);
    pthread_mutex_lock(&s->lock);
    /* After an error the others may wait in read(2) for good: they end with the process. */
    while (s->threads > 1 && s->error == 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return s->error;
}

void session_forget_attr(struct session *s, uint64_t node)
{
    /* Offset -1: no data. An error says that the kernel does not know the node, or is gone. */
    fuse_lowlevel_notify_inval_inode(s->se, node, -1, 0);
}

bool session_kernel_checks_file_flags(const struct session *s)
{
    return s->setxattr_ext; /* which came with the same version */
}

void session_free(struct session *s)
{
    if (s->se)
        fuse_session_destroy(s->se);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    s->sh->session = NULL;
    free(s);
}
