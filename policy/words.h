/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the policy language as tables, and the nearest one to a misspelt word. */
#pragma once

#include "base.h"

struct bl_word {
	const char *name;
	uint32_t value;
};

struct bl_words {
	const char *what; /* "an action" */
	const struct bl_word *items;
	size_t count;
};

extern const struct bl_words bl_words_on;	/* enum bl_op */
extern const struct bl_words bl_words_action;	/* enum bl_action */
extern const struct bl_words bl_words_severity; /* enum bl_severity */
extern const struct bl_words bl_words_mode;	/* enum bl_mode */
extern const struct bl_words bl_words_access;	/* BL_ACCESS_* masks */
extern const struct bl_words bl_words_file;	/* BL_FACT_* masks */
extern const struct bl_words bl_words_protocol; /* BL_PROTO_* */
extern const struct bl_words bl_words_family;	/* AF_* */
extern const struct bl_words bl_words_capability; /* CAP_*, as they are called in capabilities(7) */
extern const struct bl_words bl_words_expect;	/* enum bl_verdict */

/* Returns the word, or NULL. */
const struct bl_word *bl_words_find(const struct bl_words *words, const char *text);

/* The number of a capability by its name, in any of its ways to be written. */
bool bl_capability_find(const char *text, uint32_t *ret);

/* Keeps the nearest of the candidates that it is offered. Zero-initialise. */
struct bl_nearest {
	const char *name; /* NULL: none is near enough */
	size_t distance;
};

/*
 * Offers a candidate for a misspelt text. Distances are those of Damerau and Levenshtein with
 * adjacent transpositions; upper and lower case count as equal. A third of the letters may differ.
 */
void bl_nearest_offer(struct bl_nearest *nearest, const char *text, const char *candidate);
