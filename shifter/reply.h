/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies in the protocol's own words, where libfuse has none for what is to be said: a backing id,
 * and the requests that raw.c answers.
 */
#ifndef SHIFTER_REPLY_H
#define SHIFTER_REPLY_H

#include "shifter/backing.h"
#include "shifter/protocol.h"
#include "shifter/shifter.h"

#include <fuse_lowlevel.h>

/* The parts of a reply. */
void reply_make_entry(const struct fuse_entry_param *e, struct fuse_entry_out *out);
void reply_make_open(const struct shifter *sh, const struct backing_open *o,
                     struct protocol_open_out *out);
void reply_make_valid(double timeout, uint64_t *sec, uint32_t *nsec);

/* What CREATE and TMPFILE are answered with. */
struct reply_create {
    struct fuse_entry_out entry;
    struct protocol_open_out open;
};

#endif
