/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/reply.h"

#include <string.h>

void reply_make_valid(double timeout, uint64_t *sec, uint32_t *nsec)
{
    *sec = (uint64_t)timeout;
    *nsec = (uint32_t)((timeout - (double)*sec) * 1e9);
}

void reply_make_entry(const struct fuse_entry_param *e, struct fuse_entry_out *out)
{
    const struct stat *st = &e->attr;

    memset(out, 0, sizeof(*out));
    out->nodeid = e->ino;
    out->generation = e->generation;
    reply_make_valid(e->entry_timeout, &out->entry_valid, &out->entry_valid_nsec);
    reply_make_valid(e->attr_timeout, &out->attr_valid, &out->attr_valid_nsec);
    out->attr.ino = st->st_ino;
    out->attr.size = (uint64_t)st->st_size;
    out->attr.blocks = (uint64_t)st->st_blocks;
    out->attr.atime = (uint64_t)st->st_atim.tv_sec;
    out->attr.mtime = (uint64_t)st->st_mtim.tv_sec;
    out->attr.ctime = (uint64_t)st->st_ctim.tv_sec;
    out->attr.atimensec = (uint32_t)st->st_atim.tv_nsec;
    out->attr.mtimensec = (uint32_t)st->st_mtim.tv_nsec;
    out->attr.ctimensec = (uint32_t)st->st_ctim.tv_nsec;
    out->attr.mode = st->st_mode;
    out->attr.nlink = (uint32_t)st->st_nlink;
    out->attr.uid = st->st_uid;
    out->attr.gid = st->st_gid;
    out->attr.blksize = (uint32_t)st->st_blksize;
}

void reply_make_open(const struct shifter *sh, const struct backing_open *o,
                     struct protocol_open_out *out)
{
    *out = (struct protocol_open_out){.fh = o->fh, .backing_id = o->backing_id};
    /* The kernel refuses passthrough together with other flags. With CACHE_AUTO it drops pages by
     * itself once it sees another size or mtime. */
    if (o->backing_id > 0)
        out->open_flags = FOPEN_PASSTHROUGH;
    else if (sh->cache != CACHE_NEVER)
        out->open_flags = FOPEN_KEEP_CACHE;
}
