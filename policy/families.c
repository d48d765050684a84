/* SPDX-License-Identifier: Apache-2.0 */
/* The names of socket families as words of the language. */
#include "abi.h"
#include "words.h"

#define FAMILY_WORD(number, text) { .name = (text), .value = (number) },

static const struct bl_word family_words[] = { BL_FAMILIES_EACH(FAMILY_WORD) };

const struct bl_words bl_words_family = {
	.what = "a family of sockets",
	.items = family_words,
	.count = BL_ARRAY_SIZE(family_words),
};
