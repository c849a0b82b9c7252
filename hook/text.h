/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What yajl lets pass in the bytes of a document although other readers refuse it, or read another
 * string than yajl does.
 */
#ifndef HOOK_TEXT_H
#define HOOK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, up to U+10FFFF. */
bool text_is_utf8(const char *text, size_t len);

/* Whether one of a document's \uXXXX escapes is half of a surrogate pair: yajl makes "?" of it. */
bool text_has_half_pair(const char *buf, size_t len);

#endif
