/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict decimal numbers: digits only, no sign, no space, nothing behind, no silent wrap. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

/*
 * Reads all of s, max >= 10. Returns 0; -EINVAL where s is not a number; -ERANGE where it exceeds
 * max; *out is 0 then.
 */
int num_parse_u64(const char *s, uint64_t max, uint64_t *out);

int num_parse_u32(const char *s, uint32_t *out);

/* Reads digits up to the first other character and moves *s there. Errors as above. */
int num_take_u32(const char **s, uint32_t *out);

#endif
