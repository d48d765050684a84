/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a MESSAGE: one line of words and key="value" pairs in a fixed buffer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Under 4096 with the field's name, so that `journalctl -o json` shows it. */
#define BL_LINE_BYTES 4000

struct bl_line {
	char text[BL_LINE_BYTES]; /* not NUL-terminated */
	size_t len;
};

/* Adds words that we wrote ourselves, with a space before them. What does not fit is left out. */
void bl_line_words(struct bl_line *line, const char *words);

/* Adds key="value", the value escaped and cut in its middle to 'limit' bytes (at least 32). */
void bl_line_quoted(struct bl_line *line, const char *key, const char *bytes, size_t len,
		    size_t limit);

/* Adds key=value. */
void bl_line_number(struct bl_line *line, const char *key, uint64_t value);

/* Adds key=word, quoted only where the word is more than letters, digits, '.', '_' and '-'. */
void bl_line_word(struct bl_line *line, const char *key, const char *word);
