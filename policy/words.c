/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the policy language as tables, and the nearest one to a misspelt word. */
#include "words.h"

#include <assert.h>
#include <string.h>

#include "policy.h"

#define WORD_BYTES_MAX 64 /* longer texts are no misspelt words */

#define WORDS(name, text)                                                \
	const struct bl_words bl_words_##name = { .what = text,          \
						  .items = name##_words, \
						  .count = BL_ARRAY_SIZE(name##_words) }

static const struct bl_word on_words[] = {
	{ .name = "exec", .value = BL_OP_EXEC },
	{ .name = "open", .value = BL_OP_OPEN },
	{ .name = "connect", .value = BL_OP_CONNECT },
};
static_assert(BL_ARRAY_SIZE(on_words) == _BL_OP_MAX - 1, "every operation has a word");
WORDS(on, "an operation");

static const struct bl_word action_words[] = {
	{ .name = "deny", .value = BL_ACTION_DENY },
	{ .name = "alert", .value = BL_ACTION_ALERT },
	{ .name = "kill", .value = BL_ACTION_KILL },
};
WORDS(action, "an action");

static const struct bl_word severity_words[] = {
	{ .name = "info", .value = BL_SEVERITY_INFO },
	{ .name = "low", .value = BL_SEVERITY_LOW },
	{ .name = "medium", .value = BL_SEVERITY_MEDIUM },
	{ .name = "high", .value = BL_SEVERITY_HIGH },
	{ .name = "critical", .value = BL_SEVERITY_CRITICAL },
};
static_assert(BL_ARRAY_SIZE(severity_words) == _BL_SEVERITY_MAX - 1, "every severity has a word");
WORDS(severity, "a severity");

static const struct bl_word mode_words[] = {
	{ .name = "monitor", .value = BL_MODE_MONITOR },
	{ .name = "enforce", .value = BL_MODE_ENFORCE },
};
static_assert(BL_ARRAY_SIZE(mode_words) == _BL_MODE_MAX - 1, "every mode has a word");
WORDS(mode, "a mode");

static const struct bl_word access_words[] = {
	{ .name = "read", .value = BL_ACCESS_READ },
	{ .name = "write", .value = BL_ACCESS_WRITE },
	{ .name = "create", .value = BL_ACCESS_CREATE },
	{ .name = "delete", .value = BL_ACCESS_DELETE },
	{ .name = "attributes", .value = BL_ACCESS_ATTRIBUTES },
	{ .name = "modify", .value = BL_ACCESS_MODIFY },
};
WORDS(access, "an access");

static const struct bl_word file_words[] = {
	{ .name = "memfd", .value = BL_FACT_MEMFD },
	{ .name = "deleted", .value = BL_FACT_DELETED },
	{ .name = "tmpfs", .value = BL_FACT_TMPFS },
	{ .name = "setuid", .value = BL_FACT_SETUID },
	{ .name = "writable-by-others", .value = BL_FACT_WRITABLE },
	{ .name = "script", .value = BL_FACT_SCRIPT },
};
WORDS(file, "a fact about a file");

static const struct bl_word protocol_words[] = {
	{ .name = "tcp", .value = BL_PROTO_TCP },   { .name = "udp", .value = BL_PROTO_UDP },
	{ .name = "sctp", .value = BL_PROTO_SCTP }, { .name = "dccp", .value = BL_PROTO_DCCP },
	{ .name = "icmp", .value = BL_PROTO_ICMP }, { .name = "other", .value = BL_PROTO_OTHER },
	{ .name = "raw", .value = BL_PROTO_RAW },
};
WORDS(protocol, "a protocol");

static const struct bl_word expect_words[] = {
	{ .name = "allow", .value = BL_VERDICT_ALLOW },
	{ .name = "alert", .value = BL_VERDICT_ALERT },
	{ .name = "would-deny", .value = BL_VERDICT_WOULD_DENY },
	{ .name = "would-kill", .value = BL_VERDICT_WOULD_KILL },
	{ .name = "deny", .value = BL_VERDICT_DENY },
	{ .name = "kill", .value = BL_VERDICT_KILL },
};
static_assert(BL_ARRAY_SIZE(expect_words) == _BL_VERDICT_MAX - 1, "every verdict has a word");
WORDS(expect, "a verdict");

const struct bl_word *bl_words_find(const struct bl_words *words, const char *text)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *name = words->items[i].name;

		if (name[0] == text[0] && strcmp(name, text) == 0)
			return &words->items[i];
	}
	return NULL;
}

static const char *word_name(const struct bl_words *words, uint32_t value)
{
	for (size_t i = 0; i < words->count; i++) {
		if (words->items[i].value == value)
			return words->items[i].name;
	}
	return NULL;
}

const char *bl_op_name(enum bl_op op)
{
	return word_name(&bl_words_on, op);
}

const char *bl_verdict_name(enum bl_verdict verdict)
{
	return word_name(&bl_words_expect, verdict);
}

const char *bl_severity_name(enum bl_severity severity)
{
	return word_name(&bl_words_severity, severity);
}

const char *bl_mode_name(enum bl_mode mode)
{
	return word_name(&bl_words_mode, mode);
}

const char *bl_action_name(enum bl_action action)
{
	return word_name(&bl_words_action, action);
}

/* ---- the nearest word --------------------------------------------------------------------- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	return BL_MIN(BL_MIN(a, b), c);
}

/* Optimal string alignment: three rows of the usual table are enough for transpositions. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_BYTES_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		before[j] = above[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			char ca = lower(a[i - 1]), cb = lower(b[j - 1]);

			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) && cb == lower(a[i - 2]))
				row[j] = BL_MIN(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_len];
}

void bl_nearest_offer(struct bl_nearest *nearest, const char *text, const char *candidate)
{
	size_t text_len = strlen(text), len = strlen(candidate), tolerated, d;

	if (text_len > WORD_BYTES_MAX || len > WORD_BYTES_MAX)
		return;
	tolerated = BL_MAX(BL_MAX(text_len, len) / 3, (size_t)1);
	if (BL_MAX(text_len, len) - BL_MIN(text_len, len) > tolerated)
		return;
	d = distance(text, text_len, candidate, len);
	if (d > tolerated || d >= BL_MAX(text_len, len) ||
	    (nearest->name && d >= nearest->distance))
		return;
	nearest->name = candidate;
	nearest->distance = d;
}
