/* SPDX-License-Identifier: Apache-2.0 */
/* Names of rules as text: what is written is what is read, and no bytes are trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "handover.h"
#include "kept.h"

static struct bl_rule_meta rules[] = {
	{ .info = { .id = "one",
		    .policy = "web",
		    .message = "a sentence",
		    .severity = "high",
		    .attack = "T1059 T1105" },
	  .line = 7,
	  .file = 1,
	  .ops = 1 << BL_OP_OPEN,
	  .action = BL_ACTION_DENY },
	{ .info = { .id = "two", .severity = "low" },
	  .line = 1,
	  .file = 0,
	  .ops = 1 << BL_OP_EXEC,
	  .action = BL_ACTION_ALERT },
};

static struct bl_file_meta files[] = {
	{ .path = "/etc/bailiff/policy.d/a.json", .mode = BL_MODE_MONITOR, .rules = 1 },
	{ .path = "/etc/bailiff/policy.d/\xff.json",
	  .name = "web",
	  .mode = BL_MODE_ENFORCE,
	  .rules = 1 },
};

static const struct bl_generation sample = {
	.digest = "0123456789abcdef",
	.rules = rules,
	.n_rules = 2,
	.files = files,
	.n_files = 2,
	.bytes = 131072,
	.loaded_us = 1795165943220000,
};

static uint8_t *write_sample(size_t *ret_len)
{
	uint8_t *text = NULL;

	assert_int_equal(bl_kept_write(&sample, 9, BL_MODE_ENFORCE, &text, ret_len), 0);
	return text;
}

static void reads_what_was_written(void **state)
{
	struct bl_generation *read = NULL;
	struct bl_kept kept;
	size_t len;
	uint8_t *text = write_sample(&len);

	assert_int_equal(bl_kept_read(text, len, &kept, &read), 0);
	assert_false(kept.in_force);
	assert_int_equal(kept.ceiling, BL_MODE_ENFORCE);
	assert_int_equal(read->number, 9);
	assert_string_equal(read->digest, sample.digest);
	assert_int_equal(read->bytes, sample.bytes);
	assert_int_equal(read->loaded_us, sample.loaded_us);
	assert_int_equal(read->n_rules, 2);
	assert_string_equal(read->rules[0].info.id, "one");
	assert_string_equal(read->rules[0].info.policy, "web");
	assert_string_equal(read->rules[0].info.message, "a sentence");
	assert_string_equal(read->rules[0].info.severity, "high");
	assert_string_equal(read->rules[0].info.attack, "T1059 T1105");
	assert_int_equal(read->rules[0].line, 7);
	assert_int_equal(read->rules[0].action, BL_ACTION_DENY);
	assert_null(read->rules[1].info.message);
	assert_null(read->rules[1].info.policy);
	assert_int_equal(read->rules[1].ops, 1 << BL_OP_EXEC);
	assert_string_equal(read->files[1].path, files[1].path);
	assert_int_equal(read->files[1].mode, BL_MODE_ENFORCE);
	assert_int_equal(read->files[0].rules, 1);
	bl_generation_free(read);
	free(text);
}

/* Chunks have zeroes behind the text. */
static void knows_what_is_in_force(void **state)
{
	struct bl_generation *read = NULL;
	struct bl_kept kept;
	size_t len;
	uint8_t *text = write_sample(&len), *chunk = calloc(1, BL_CHUNK_BYTES);

	memcpy(chunk, text, len);
	*chunk = BL_LEFT_IN_FORCE;
	assert_int_equal(bl_kept_read(chunk, BL_CHUNK_BYTES, &kept, &read), 0);
	assert_true(kept.in_force);
	bl_generation_free(read);
	free(chunk);
	free(text);
}

static void refuses_what_is_cut(void **state)
{
	size_t len;
	uint8_t *text = write_sample(&len);

	for (size_t cut = 0; cut < len; cut++) {
		/* Of its own size, so that the sanitizer sees a read beyond it. */
		uint8_t *part = malloc(cut ? cut : 1);
		struct bl_generation *read = NULL;
		struct bl_kept kept;

		memcpy(part, text, cut);
		assert_int_equal(bl_kept_read(part, cut, &kept, &read), -EBADMSG);
		assert_null(read);
		free(part);
	}
	free(text);
}

/* Any byte may be another: what is read then has no index out of its arrays. */
static void trusts_no_byte(void **state)
{
	static const char others[] = { '\0', '9', '-', 'x' };
	size_t len;
	uint8_t *text = write_sample(&len);

	for (size_t at = 0; at < len * sizeof(others); at++) {
		uint8_t *byte = &text[at / sizeof(others)], before = *byte;
		struct bl_generation *read = NULL;
		struct bl_kept kept;

		*byte = (uint8_t)others[at % sizeof(others)];
		if (bl_kept_read(text, len, &kept, &read) == 0) {
			for (size_t i = 0; i < read->n_rules; i++)
				assert_true(read->rules[i].file < read->n_files &&
					    read->rules[i].action < _BL_ACTION_MAX);
			bl_generation_free(read);
		}
		*byte = before;
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(knows_what_is_in_force),
		cmocka_unit_test(refuses_what_is_cut),
		cmocka_unit_test(trusts_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
