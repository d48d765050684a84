/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files as one row of bytes, whole and damaged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "texts.h"

static const struct bl_source files[] = {
	{ .path = "/etc/bailiff/policy.d/a.json", .bytes = "{}\n", .len = 3 },
	{ .path = "/etc/bailiff/policy.d/b\nend\n.json", .bytes = "", .len = 0 },
	{ .path = "/c", .bytes = "x\0end\nfile 1 1\n", .len = 15 },
};
static struct bl_source list = { .path = "/etc/bailiff/list", .bytes = "/a\n/b", .len = 5 };

static uint8_t *write_sample(size_t *ret_len)
{
	struct bl_source *entries[] = { &list };
	const struct bl_policies policies = {
		.sources = (struct bl_source *)files,
		.count = 3,
		.entries = entries,
		.n_entries = 1,
	};
	uint8_t *bytes = NULL;

	assert_int_equal(bl_texts_write(&policies, &bytes, ret_len), 0);
	return bytes;
}

static void same(const struct bl_source *left, const struct bl_source *right)
{
	assert_string_equal(left->path, right->path);
	assert_int_equal(left->len, right->len);
	assert_memory_equal(left->bytes, right->bytes, right->len);
}

static void comes_back(void **state)
{
	struct bl_policies policies = { 0 };
	size_t len;
	uint8_t *bytes = write_sample(&len), *more = calloc(1, len + 100);

	/* In the kernel's map there is more behind. */
	memcpy(more, bytes, len);
	assert_int_equal(bl_texts_read(more, len + 100, &policies), 0);
	assert_int_equal(policies.count, 3);
	assert_int_equal(policies.n_entries, 1);
	for (size_t i = 0; i < 3; i++)
		same(&policies.sources[i], &files[i]);
	same(policies.entries[0], &list);
	bl_policies_clear(&policies);
	free(bytes);
	free(more);
}

static void none_at_all(void **state)
{
	const struct bl_policies none = { 0 };
	struct bl_policies policies = { 0 };
	uint8_t *bytes = NULL;
	size_t len;

	assert_int_equal(bl_texts_write(&none, &bytes, &len), 0);
	assert_int_equal(bl_texts_read(bytes, len, &policies), 0);
	assert_int_equal(policies.count, 0);
	free(bytes);
}

/* What was written in part, in memory of its own so that a sanitizer sees what is read beyond it. */
static void cut(void **state)
{
	size_t len;
	uint8_t *bytes = write_sample(&len);

	for (size_t i = 0; i < len; i++) {
		struct bl_policies policies = { 0 };
		uint8_t *part = malloc(i + 1);

		memcpy(part, bytes, i);
		assert_int_equal(bl_texts_read(part, i, &policies), -EBADMSG);
		free(part);
	}
	free(bytes);
}

static void damaged(void **state)
{
	static const char *const bad[] = {
		"",
		"bailiff-texts-2\nend\n",
		"bailiff-texts-1\nfile 1\nxend\n",
		"bailiff-texts-1\nfile 0 1\nxend\n",
		"bailiff-texts-1\nfile -1 1\nxend\n",
		"bailiff-texts-1\nfile 1 1 1\nxxend\n",
		"bailiff-texts-1\nfile  1 1\nxxend\n",
		"bailiff-texts-1\nfile 999999999999999999 1\nxxend\n",
		"bailiff-texts-1\nfile 1 18446744073709551615\nxxend\n",
		"bailiff-texts-1\nfile 5 5\nxxxxxend\n",
		"bailiff-texts-1\nlist 3 1\nxxend\n",
		"bailiff-texts-1\npipe 1 1\nxxend\n",
		"bailiff-texts-1\nfile 0000000000000000000000000000000000000000000000000000001 1\nxxend\n",
	};
	static const char zero[] = "bailiff-texts-1\nfile 2 1\nx\0xend\n";
	struct bl_policies policies = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bl_texts_read((const uint8_t *)bad[i], strlen(bad[i]), &policies),
				 -EBADMSG);
	assert_int_equal(bl_texts_read((const uint8_t *)zero, sizeof(zero) - 1, &policies),
			 -EBADMSG);
	assert_null(policies.sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(cut),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
