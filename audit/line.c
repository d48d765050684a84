/* SPDX-License-Identifier: Apache-2.0 */
/* Building the one line of a MESSAGE. */
#include "line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

#define VALUE_BYTES_MAX 2048
#define WORD_BYTES_MAX	64

static void put(struct bl_line *line, const char *bytes, size_t len)
{
	size_t room = sizeof(line->text) - line->len;

	if (len > room)
		len = room;
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

static void put_key(struct bl_line *line, const char *key)
{
	bl_line_words(line, key);
	put(line, "=", 1);
}

void bl_line_words(struct bl_line *line, const char *words)
{
	if (line->len)
		put(line, " ", 1);
	put(line, words, strlen(words));
}

void bl_line_quoted(struct bl_line *line, const char *key, const char *bytes, size_t len,
		    size_t limit)
{
	char value[VALUE_BYTES_MAX];
	size_t used, need = strlen(key) + 4;

	if (limit > sizeof(value))
		limit = sizeof(value);
	used = bl_escape_text(bytes, len, value, limit, NULL, NULL);
	/* A pair that does not fit whole would leave an open quote. */
	if (need + used > sizeof(line->text) - line->len)
		return;
	put_key(line, key);
	put(line, "\"", 1);
	put(line, value, used);
	put(line, "\"", 1);
}

void bl_line_number(struct bl_line *line, const char *key, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, value);

	put_key(line, key);
	put(line, digits, (size_t)len);
}

void bl_line_word(struct bl_line *line, const char *key, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(word);

	if (!len || len > WORD_BYTES_MAX || strspn(word, plain) != len) {
		bl_line_quoted(line, key, word, len, WORD_BYTES_MAX);
		return;
	}
	put_key(line, key);
	put(line, word, len);
}
