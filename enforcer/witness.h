/* SPDX-License-Identifier: Apache-2.0 */
/* The access that shows a difference: in words, and as a test of the language. */
#pragma once

#include <jansson.h>

#include "diff.h"

/*
 * In one line: "open read,write /etc/shadow by uid 33 gid 0", made printable. Returns a new string (free()
 * it) or NULL when memory is short.
 */
char *bl_witness_describe(const struct bl_difference *difference);

/*
 * A new test of the language, without what it expects. NULL: no test can have it (witness.testable is
 * false, or an argument is no text), or memory is short.
 */
json_t *bl_witness_test(const struct bl_difference *difference);

/* Who and what, also where no test can have it. NULL when memory is short. */
json_t *bl_witness_json(const struct bl_difference *difference);
