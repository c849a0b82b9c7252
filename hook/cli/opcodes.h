/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of FUSE requests (linux/fuse.h). */
#ifndef HOOK_CLI_OPCODES_H
#define HOOK_CLI_OPCODES_H

/* NULL where it has none. */
const char *opcode_name(unsigned opcode);

#endif
