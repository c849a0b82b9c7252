/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "shifter/backing.h"
#include "shifter/ops.h"
#include "shifter/worker.h"

#include <stdbool.h>
#include <sys/uio.h>

/* What is written to is always open; what is only read need not be (ops_open.c). */
static int fh_fd(const struct fuse_file_info *fi)
{
    return backing_fd(fi->fh);
}

static int read_fd(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, int *own)
{
    return ops_open_fd(ops_shifter(req), ino, fi->fh, O_RDONLY, own);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    char *buf = worker_scratch(size);
    cleanup_close int own = -1;
    int fd = read_fd(req, ino, fi, &own);
    size_t got = 0;

    if (!buf || fd < 0) {
        fuse_reply_err(req, buf ? -fd : ENOMEM);
        return;
    }
    while (got < size) {
        ssize_t n = pread(fd, buf + got, size - got, off + (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && got == 0) {
            fuse_reply_err(req, errno);
            return;
        }
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    fuse_reply_buf(req, buf, got);
}

/* The bytes written, or -errno where that is none. */
static ssize_t write_at(int fd, const char *buf, size_t size, off_t off, bool append)
{
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {(void *)(uintptr_t)(buf + done), size - done};
        ssize_t n = pwritev2(fd, &iov, 1, off + (off_t)done, append ? RWF_APPEND : 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return done > 0 ? (ssize_t)done : -errno;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t off,
                  struct fuse_file_info *fi)
{
    cleanup_creds struct creds_scope scope = CREDS_SCOPE_NONE;
    /* A write(2) on an O_APPEND file appends even if another mount made the file longer; pages of
     * a shared mapping (writepage) belong where they are. */
    bool append = (fi->flags & O_APPEND) && !fi->writepage;
    ssize_t n;

    if (worker_keeps_privs())
        creds_raise_fsetid(&scope);
    n = ops_content_changes(ops_shifter(req), fh_fd(fi));
    if (n == 0)
        n = write_at(fh_fd(fi), in->buf[0].mem, in->buf[0].size, off, append);
    ops_content_changed(ops_shifter(req), ino);
    if (n < 0)
        fuse_reply_err(req, (int)-n);
    else
        fuse_reply_write(req, (size_t)n);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    /* Nothing is held back here: ENOSYS tells the kernel not to ask again. */
    fuse_reply_err(req, ENOSYS);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    cleanup_close int own = -1;
    int fd = -1, r = 0;

    if (ops_shifter(req)->no_fsync) {
        /* The kernel asks no more, and tells the caller that all is well. */
        fuse_reply_err(req, ENOSYS);
        return;
    }
    fd = read_fd(req, ino, fi, &own);
    r = fd < 0 ? fd : 0;
    if (r == 0 && (datasync ? fdatasync(fd) : fsync(fd)) < 0)
        r = -errno;
    fuse_reply_err(req, -r);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
                  struct fuse_file_info *fi)
{
    int r = ops_content_changes(ops_shifter(req), fh_fd(fi));

    if (r == 0 && fallocate(fh_fd(fi), mode, off, len) < 0)
        r = -errno;
    ops_content_changed(ops_shifter(req), ino);
    fuse_reply_err(req, -r);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
    cleanup_close int own = -1;
    int fd = read_fd(req, ino, fi, &own);
    off_t r = fd < 0 ? fd : lseek(fd, off, whence);

    if (fd >= 0 && r < 0)
        r = -errno;
    if (r < 0)
        fuse_reply_err(req, (int)-r);
    else
        fuse_reply_lseek(req, r);
}

/*
 * Of a copy that the lower cannot make by sharing blocks, this is done in a second or so. The
 * kernel asks for up to 4 GiB at a time, and until it is answered a caller that was killed does not
 * end, and the thread does nothing else. Callers go on where a copy has stopped:
 * copy_file_range(2).
 */
#define COPY_AT_ONCE (128u << 20)

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
                        struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
                        struct fuse_file_info *fi_out, size_t len, int flags)
{
    ssize_t n = ops_content_changes(ops_shifter(req), fh_fd(fi_out));

    (void)ino_in;
    if (n == 0) {
        n = copy_file_range(fh_fd(fi_in), &off_in, fh_fd(fi_out), &off_out,
                            len < COPY_AT_ONCE ? len : COPY_AT_ONCE, (unsigned)flags);
        n = n < 0 ? -errno : n;
    }
    ops_content_changed(ops_shifter(req), ino_out);
    if (n < 0)
        fuse_reply_err(req, (int)-n);
    else
        fuse_reply_write(req, (size_t)n);
}
