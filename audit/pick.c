/* SPDX-License-Identifier: Apache-2.0 */
/* Which verdicts are wanted; patterns are held against the bytes of a name, not what is shown of it. */
#include "pick.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "read.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define UNIT_BYTES	  320

static const char *const severities[] = { "info", "low", "medium", "high", "critical" };

static bool is_verdict(const char *word)
{
	for (unsigned int i = 0; i < _BL_VERDICT_MAX; i++) {
		const char *name = bl_event_verdict_name(i);

		if (i >= BL_VERDICT_ALERT && name && strcmp(name, word) == 0)
			return true;
	}
	return false;
}

static bool is_operation(const char *word)
{
	for (unsigned int i = 1; i < _BL_OP_MAX; i++) {
		if (strcmp(bl_event_op_name(i), word) == 0)
			return true;
	}
	return false;
}

/* Its place among the severities, -1: none. */
static int severity_of(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
		if (strlen(severities[i]) == len && !memcmp(severities[i], word, len))
			return (int)i;
	}
	return -1;
}

static bool is_word(enum bl_pick_key key, const char *word)
{
	switch (key) {
	case BL_PICK_VERDICT:
		return is_verdict(word);
	case BL_PICK_ON:
		return is_operation(word);
	case BL_PICK_SEVERITY:
		return severity_of(word, strlen(word)) >= 0;
	case BL_PICK_UNIT:
		return strlen(word) < UNIT_BYTES - strlen(".service");
	case BL_PICK_RULE:
	case BL_PICK_EXE:
	case _BL_PICK_MAX:
		break;
	}
	return true;
}

int bl_pick_add(struct bl_pick *pick, enum bl_pick_key key, const char *word)
{
	if (!*word || !is_word(key, word))
		return -EINVAL;
	if (pick->n_words[key] >= BL_PICK_WORDS_MAX)
		return -E2BIG;
	pick->words[key][pick->n_words[key]++] = word;
	return 0;
}

bool bl_pick_is_empty(const struct bl_pick *pick)
{
	for (size_t i = 0; i < _BL_PICK_MAX; i++) {
		if (pick->n_words[i])
			return false;
	}
	return true;
}

/* Whether the bytes of a field fit a pattern. Returns 1, 0 or -ENOMEM. */
static int fits(const struct bl_shown *entry, const char *field, const char *pattern)
{
	size_t len;
	char *bytes;
	int r;

	if (!bl_shown_find(entry, field))
		return 0;
	bytes = bl_reader_bytes(entry, field, &len);
	if (!bytes)
		return -ENOMEM;
	r = strlen(bytes) == len && fnmatch(pattern, bytes, 0) == 0;
	free(bytes);
	return r;
}

static int fits_unit(const struct bl_shown *entry, const char *word)
{
	char pattern[UNIT_BYTES];
	int r;

	strcpy(pattern, word);
	if (!strpbrk(word, ".*?["))
		strcat(pattern, ".service");
	r = fits(entry, "BAILIFF_UNIT", pattern);
	return r ? r : fits(entry, "BAILIFF_USER_UNIT", pattern);
}

static int fits_severity(const struct bl_shown *entry, const char *word)
{
	const struct bl_shown_field *field = bl_shown_find(entry, "BAILIFF_SEVERITY");
	int least = severity_of(word, strlen(word));

	return field && severity_of(field->value, field->value_len) >= least;
}

static int fits_key(const struct bl_shown *entry, enum bl_pick_key key, const char *word)
{
	switch (key) {
	case BL_PICK_RULE:
		return fits(entry, "BAILIFF_RULE", word);
	case BL_PICK_UNIT:
		return fits_unit(entry, word);
	case BL_PICK_EXE:
		return fits(entry, "BAILIFF_EXE", word);
	case BL_PICK_VERDICT:
		return bl_shown_has(entry, "BAILIFF_VERDICT", word);
	case BL_PICK_ON:
		return bl_shown_has(entry, "BAILIFF_ON", word);
	case BL_PICK_SEVERITY:
		return fits_severity(entry, word);
	case _BL_PICK_MAX:
		break;
	}
	return 0;
}

int bl_pick_match(const struct bl_pick *pick, const struct bl_shown *entry)
{
	for (unsigned int key = 0; key < _BL_PICK_MAX; key++) {
		int r = !pick->n_words[key];

		for (size_t i = 0; !r && i < pick->n_words[key]; i++)
			r = fits_key(entry, key, pick->words[key][i]);
		if (r <= 0)
			return r;
	}
	return 1;
}
