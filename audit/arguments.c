/* SPDX-License-Identifier: Apache-2.0 */
/* A process's arguments as one line, without what is nobody's business. */
#include "arguments.h"

#include <string.h>
#include <strings.h>

static bool has_word(struct bl_text name, const char *word, size_t len)
{
	for (size_t i = 0; len && i + len <= name.len; i++) {
		if (!strncasecmp(name.bytes + i, word, len))
			return true;
	}
	return false;
}

static bool is_secret(struct bl_text name, const char *words)
{
	while (words && *words) {
		size_t len = strcspn(words, " ");

		if (has_word(name, words, len))
			return true;
		words += len;
		words += strspn(words, " ");
	}
	return false;
}

static void add(struct bl_arguments *line, const char *bytes, size_t len)
{
	if (len > sizeof(line->text) - line->len)
		len = sizeof(line->text) - line->len;
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

static void add_redacted(struct bl_arguments *line)
{
	add(line, BL_REDACTED, strlen(BL_REDACTED));
	line->redacted = true;
}

/* Adds an argument; follows: it comes after an option that takes a secret. Returns whether it is such an option. */
static bool add_argument(struct bl_arguments *line, struct bl_text argument, const char *words,
			 bool follows)
{
	const char *equals = memchr(argument.bytes, '=', argument.len);
	struct bl_text name = argument;
	bool option = argument.len && argument.bytes[0] == '-';

	if (equals)
		name.len = (size_t)(equals - argument.bytes);
	if (follows && !option) {
		add_redacted(line);
		return false;
	}
	if (equals && is_secret(name, words)) {
		add(line, argument.bytes, name.len + 1);
		add_redacted(line);
		return false;
	}
	if (!argument.len || memchr(argument.bytes, ' ', argument.len))
		line->ambiguous = true;
	add(line, argument.bytes, argument.len);
	return option && !equals && is_secret(name, words);
}

void bl_arguments_join(struct bl_text argv, const char *words, struct bl_arguments *ret)
{
	bool follows = false;

	ret->len = 0;
	ret->redacted = ret->ambiguous = false;
	for (size_t at = 0; at < argv.len;) {
		struct bl_text argument = { argv.bytes + at,
					    strnlen(argv.bytes + at, argv.len - at) };

		if (at)
			add(ret, " ", 1);
		follows = add_argument(ret, argument, words, follows);
		at += argument.len + 1;
	}
}
