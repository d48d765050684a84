/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns: their syntax, and what the compiler makes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Checks a pattern's syntax. Returns 0, or -EINVAL with the offset of the offending byte in
 * *reterr_offset and what is wrong there in *reterr_what (static storage, no trailing dot).
 */
int bl_glob_check(const char *text, size_t len, size_t *reterr_offset, const char **reterr_what);

/* Whether a checked pattern has no unescaped glob character: it names exactly one path. */
bool bl_glob_is_literal(const char *text);
