/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical layout of policies: one order of keys, one way to break lines and to write strings. */
#pragma once

#include "json.h"

#define BL_CANON_COLUMNS 100 /* lines are broken beyond it, where they can be */

enum bl_canon_root {
	BL_CANON_POLICY = 1,
	BL_CANON_RULE,
};

/*
 * Prints a document in the canonical layout. Nothing is lost: every string, number and list keeps its value
 * (numbers as they are written), keys of objects are put in order, those that are unknown behind the
 * others; the names of lists stay in theirs. What is printed comes out the same when it is printed again.
 * Returns 0 and a new string in *ret (free() it), or -ENOMEM.
 */
int bl_canon_print(const struct bl_json *json, enum bl_canon_root root, char **ret,
		   size_t *ret_len);

/* Prints a text (UTF-8 without U+0000) as a JSON string in the canonical way. */
void bl_canon_string(const char *text, size_t len, FILE *out);
