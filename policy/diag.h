/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: what is wrong with a policy, where, and what to do about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum bl_diag_level {
	BL_DIAG_ERROR = 1,
	BL_DIAG_WARNING,
	BL_DIAG_NOTE,
};

struct bl_diag {
	enum bl_diag_level level;
	char *file;	 /* as the user named it; may be NULL (a whole set) */
	uint32_t line;	 /* from 1; 0: unknown */
	uint32_t column; /* from 1, in bytes */
	char *pointer;	 /* JSON pointer (RFC 6901), "" is the document; may be NULL */
	const char *code; /* stable word, e.g. "unknown-key"; static storage */
	char *message;	 /* one sentence, no trailing dot, no control bytes */
	char *hint;	 /* what to do; may be NULL */
};

/* A growing list of diagnostics. Zero-initialise; bl_diags_clear() frees its contents. */
struct bl_diags {
	struct bl_diag *items;
	size_t count;
	size_t capacity;
	size_t errors;	 /* how many of them are BL_DIAG_ERROR */
	size_t dropped;	 /* not kept, because BL_DIAGS_MAX were there already */
};

#define BL_DIAGS_MAX 1000
