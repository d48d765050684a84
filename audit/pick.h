/* SPDX-License-Identifier: Apache-2.0 */
/* Which verdicts are wanted: patterns of rules, units and programs, and words. */
#pragma once

#include "shown.h"

enum bl_pick_key {
	BL_PICK_RULE = 0,
	BL_PICK_UNIT, /* the system's or the user's; without a suffix '.service' is meant */
	BL_PICK_EXE,
	BL_PICK_VERDICT,
	BL_PICK_ON,
	BL_PICK_SEVERITY, /* this one or a higher one */
	_BL_PICK_MAX,
};

#define BL_PICK_WORDS_MAX 32

/* Zero-initialised it wants everything. Words are not owned. */
struct bl_pick {
	const char *words[_BL_PICK_MAX][BL_PICK_WORDS_MAX];
	size_t n_words[_BL_PICK_MAX];
};

/*
 * Adds a word: a pattern as in glob(7), in which '*' stands for '/' as well, of rule, unit and exe; one of the words of
 * docs/events.md of the others. Words of one key are alternatives. Returns 0, -EINVAL: there is no such word, or
 * -E2BIG.
 */
int bl_pick_add(struct bl_pick *pick, enum bl_pick_key key, const char *word);

bool bl_pick_is_empty(const struct bl_pick *pick);

/* Returns 1: wanted, 0: not, or -ENOMEM. */
int bl_pick_match(const struct bl_pick *pick, const struct bl_shown *entry);
