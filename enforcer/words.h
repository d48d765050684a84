/* SPDX-License-Identifier: Apache-2.0 */
/* Words: the nearest one to what was written. */
#pragma once

#include <stddef.h>

/*
 * The word with the fewest edits (insert, delete, replace, swap of neighbours) from text; NULL
 * where none is near enough to be meant: more than a third of its letters differ.
 */
const char *bl_words_nearest(const char *text, const char *const *words, size_t n_words);
