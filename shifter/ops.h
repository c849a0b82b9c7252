/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE operations, one file for each family, and what they share. Each replies exactly once,
 * on any thread. Node ids are slots of the inode table; a file handle (fi->fh) is the number of
 * an fd of the lower.
 */
#ifndef SHIFTER_OPS_H
#define SHIFTER_OPS_H

#include "shifter/creds.h"
#include "shifter/shifter.h"

#include <fuse_lowlevel.h>

/* The table for fuse_session_new(). */
extern const struct fuse_lowlevel_ops ops_table;

static inline struct shifter *ops_shifter(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/*
 * Fills an entry for what fd refers to and counts the lookup it stands for: a reply that does not
 * reach the kernel must be followed by inode_forget(). fd stays the caller's.
 */
int ops_make_entry(struct shifter *sh, int fd, struct fuse_entry_param *out);
int ops_make_entry_at(struct shifter *sh, int dir_fd, const char *name,
                      struct fuse_entry_param *out);

/*
 * Replies with the entry of dir_fd/name, which is to be of the type in the S_IFMT bits of `type`,
 * or with -r as the error where r < 0.
 */
void ops_reply_entry_at(fuse_req_t req, int r, int dir_fd, const char *name, mode_t type);

/*
 * Opens the parent directory `parent` for *at calls and checks the name, which is not a hidden one.
 * Returns 0 or -errno; *dir is released by the caller.
 */
int ops_parent(struct shifter *sh, fuse_ino_t parent, const char *name, struct inode_fd *dir);

/* ops_marker.c. Names that are not shown, and not to be made. */
bool ops_is_hidden(const struct shifter *sh, const char *name);

/* Files that are not shown: st as it is on the lower; name, of type DT_*, as a directory has it. */
bool ops_is_whiteout(const struct shifter *sh, const struct stat *st);
bool ops_is_hidden_at(const struct shifter *sh, int dir_fd, const char *name, unsigned char type);

/*
 * After -ENOTEMPTY: makes the directory dir_fd/name empty where it looks so, by removing what is
 * hidden in it. -ENOTEMPTY where it does not look so.
 */
int ops_empty_hidden(const struct shifter *sh, int dir_fd, const char *name);

/* Who asks, in mount ids, as the request says. */
struct ops_caller {
    uint32_t uid, gid;
    mode_t umask;
};

static inline struct ops_caller ops_caller_of(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);

    return (struct ops_caller){ctx->uid, ctx->gid, ctx->umask};
}

/* The caller's disk ids and umask for the scope. -EOVERFLOW where the caller is not mapped. */
int ops_become_caller(fuse_req_t req, struct creds_scope *scope);
int ops_check_caller(fuse_req_t req); /* the same refusal, and nothing else */
int ops_caller_on_disk(const struct shifter *sh, const struct ops_caller *who, struct disk_id *uid,
                       struct disk_id *gid);

/*
 * ops_owner.c. Around what only the owner of a file may do (inode_owner_or_capable() in the
 * kernel): chmod, chown, setting times, an ACL or flags. The kernel has looked who may, but by the
 * owner that it was shown, and that may be an old one: the source was changed behind the mount, or
 * through another name that is another node (split_links). -EPERM where the caller is not the owner
 * any more. The owner's work is then done as the owner, so that the lower looks again; where owners
 * are in attributes, override_change() does, by `uid`.
 */
struct ops_owner {
    struct creds_scope scope;
    bool is_owner; /* and nothing else */
    struct disk_id uid;
};
#define OPS_OWNER_NONE ((struct ops_owner){.scope = CREDS_SCOPE_NONE})
#define cleanup_owner __attribute__((cleanup(ops_owner_end)))
int ops_owner_begin(struct shifter *sh, const struct ops_caller *who, fuse_ino_t ino, int fd,
                    struct ops_owner *o);
static inline void ops_owner_end(struct ops_owner *o)
{
    creds_leave(&o->scope);
}

/*
 * ops_new.c. A new file is made between the two: as the caller, so that the lower gives it its
 * owner, or as the server, and then told in its attribute whose it is (override.h).
 */
struct ops_new {
    mode_t mode; /* to make it with */
    struct creds_scope scope;
    bool by_attribute;
    bool is_callers; /* in its inode, where the rest has attributes */
    struct disk_id uid, gid;
    mode_t shown_mode;
};
#define OPS_NEW_NONE ((struct ops_new){.scope = CREDS_SCOPE_NONE})
#define cleanup_new __attribute__((cleanup(ops_new_release)))

/* mode has the type, too; dir is the directory that it is made in. */
int ops_new_begin(struct shifter *sh, const struct ops_caller *who, uint64_t dir, mode_t mode,
                  struct ops_new *n);
int ops_new_begin_for(fuse_req_t req, uint64_t dir, mode_t mode, struct ops_new *n);

/* It was made, or not where r < 0, which is what is returned then. A file that cannot be told whose
 * it is is removed again. */
int ops_new_end(const struct shifter *sh, struct ops_new *n, int r, int dir_fd, const char *name);
int ops_new_end_fd(const struct shifter *sh, struct ops_new *n, int fd); /* one without a name */
void ops_new_release(struct ops_new *n);

/*
 * The fd of an open file or directory, by its handle. What was never opened, since the kernel was
 * told that it need not be, has the handle 0: for that *own is opened with flags, and is the
 * caller's to close. -errno where it cannot be.
 */
int ops_open_fd(struct shifter *sh, fuse_ino_t ino, uint64_t fh, int flags, int *own);

/* What the mount shows of a state of the lower: owners, and what options say. */
void ops_shift_stat(const struct shifter *sh, struct stat *st);

/* For how long (in seconds) the kernel may go by what it is shown of the node. */
double ops_attr_timeout(const struct shifter *sh, uint64_t id, const struct stat *st);

/*
 * Before a write, a truncating open or the like, which fails where this does: takes set-id bits and
 * file capabilities that are in attributes. The lower knows nothing of these.
 */
int ops_content_changes(struct shifter *sh, int fd);

/*
 * After it, before its reply: the set-id bits of the file are gone, but the kernel goes on with the
 * mode it was shown, and would execute by it.
 */
void ops_content_changed(struct shifter *sh, fuse_ino_t ino);

/* ops_lookup.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);

/* ops_attr.c */
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                struct fuse_file_info *fi);

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi,
              unsigned flags, const void *in, size_t in_size, size_t out_size);

/* ops_name.c */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);

/* ops_open.c */
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* A new unnamed file in the directory dir: its entry, counted, and its open. */
struct protocol_open_out;
int ops_make_tmpfile(struct shifter *sh, const struct ops_caller *who, uint64_t dir, int flags,
                     mode_t mode, struct fuse_entry_param *entry, struct protocol_open_out *out);

/* ops_io.c */
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t off,
                  struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* of a file or a directory */
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
                  struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
                        struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
                        struct fuse_file_info *fi_out, size_t len, int flags);

/* ops_dir.c */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi);

/* ops_xattr.c */
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags);
struct ops_xattr {
    const char *name;
    const void *value;
    size_t size;
    int flags;      /* of setxattr(2) */
    bool keep_sgid; /* the set-group-id bit stays when an ACL is written */
};
int ops_apply_setxattr(struct shifter *sh, const struct ops_caller *who, uint64_t ino,
                       const struct ops_xattr *x);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
