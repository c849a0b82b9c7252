/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing a document, for who has to pass it on with all that they do not know of it. */
#ifndef HOOK_JSON_MERGE_H
#define HOOK_JSON_MERGE_H

#include "hook/json.h"

/*
 * Puts what `more` has into doc: members of objects one by one, elements of arrays behind those
 * that are there, anything else, and what is null, in the place of what is there. Both are
 * documents of json_parse(); parts of `more` are parts of both then, so it is to be freed after doc
 * was last looked at.
 */
void json_merge(struct json *doc, struct json *more);

#endif
