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
	uint32_t order;	  /* of its file among the files; for bl_diags_sort() */
	char *file;	  /* as the user named it; may be NULL (a whole set) */
	uint32_t line;	  /* from 1; 0: unknown */
	uint32_t column;  /* from 1, in bytes */
	char *pointer;	  /* JSON pointer (RFC 6901), "" is the document; may be NULL */
	const char *code; /* stable word, e.g. "unknown-key"; static storage */
	char *message;	  /* one sentence, no trailing dot, no control bytes */
	char *hint;	  /* what to do; may be NULL */
};

/* A growing list of diagnostics. Zero-initialise; bl_diags_clear() frees its contents. */
struct bl_diags {
	struct bl_diag *items;
	size_t count;
	size_t capacity;
	size_t errors;	/* how many of them are BL_DIAG_ERROR */
	size_t dropped; /* not kept, because BL_DIAGS_MAX were there already */
};

#define BL_DIAGS_MAX 1000

/* Where a diagnostic points; zero what is not known. Strings are copied. */
struct bl_diag_at {
	const char *file;
	uint32_t line;
	uint32_t column;
	const char *pointer;
};

/*
 * Adds a diagnostic; at may be NULL (a whole set). The message is made printable. Returns the new
 * one, valid until the next is added, or NULL when it was counted but not kept: the list is full
 * (notes and warnings fill at most half of it) or memory is short.
 */
struct bl_diag *bl_diag_add(struct bl_diags *diags, enum bl_diag_level level,
			    const struct bl_diag_at *at, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Whether a diagnostic of this level would only be counted, so that no work need go into it. */
bool bl_diags_full(const struct bl_diags *diags, enum bl_diag_level level);

/* Gives a diagnostic its hint, in place of an earlier one; NULL is allowed. */
void bl_diag_hint(struct bl_diag *diag, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees all diagnostics; the list is as new. */
void bl_diags_clear(struct bl_diags *diags);

/* Puts the diagnostics from index 'from' on in the order of their files, lines and columns. */
void bl_diags_sort(struct bl_diags *diags, size_t from);

struct bl_source;

/*
 * Prints all diagnostics as compilers do: `file:line:column: error: message [code]`, the source
 * line with a caret, the hint. sources (may be NULL) are where the lines are taken from. What is
 * shown of them can't move the terminal's cursor.
 */
void bl_diags_print(const struct bl_diags *diags, const struct bl_source *sources, size_t n_sources,
		    FILE *out);

/*
 * Renders all diagnostics as a JSON array of objects {level, file, line, column, pointer, code,
 * message, hint}; what is not known is left out. Returns 0 and a new string in *ret (free() it),
 * or -ENOMEM.
 */
int bl_diags_json(const struct bl_diags *diags, char **ret);

/* "error", "warning", "note". */
const char *bl_diag_level_name(enum bl_diag_level level);
