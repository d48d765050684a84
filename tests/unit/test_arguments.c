/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of processes as one line, and what of them nobody is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arguments.h"

#define WORDS "password token api-key"

static void expect(const char *argv, size_t len, const char *wanted, bool redacted, bool ambiguous)
{
	struct bl_arguments line;

	bl_arguments_join((struct bl_text){ argv, len }, WORDS, &line);
	if (line.len != strlen(wanted) || memcmp(line.text, wanted, line.len))
		fail_msg("%.*s, not %s", (int)line.len, line.text, wanted);
	assert_int_equal(line.redacted, redacted);
	assert_int_equal(line.ambiguous, ambiguous);
}

/* With the NUL behind the last one. */
#define EXPECT(argv, ...) expect(argv, sizeof(argv), __VA_ARGS__)

static void plain(void **state)
{
	expect("", 0, "", false, false);
	EXPECT("cat", "cat", false, false);
	EXPECT("cat\0/etc/x", "cat /etc/x", false, false);
	EXPECT("cat\0a b", "cat a b", false, true);
	EXPECT("cat\0\0x", "cat  x", false, true);
	EXPECT("", "", false, true);
	/* Cut off: the last one has no NUL. */
	expect("cat\0abc", 7, "cat abc", false, false);
	expect("cat\0", 4, "cat", false, false);
}

static void redacted(void **state)
{
	EXPECT("x\0--password=geheim\0y", "x --password=*** y", true, false);
	EXPECT("x\0--password\0geheim\0y", "x --password *** y", true, false);
	EXPECT("x\0--PassWord\0geheim", "x --PassWord ***", true, false);
	EXPECT("env\0MY_TOKEN_2=a b=c\0run", "env MY_TOKEN_2=*** run", true, false);
	EXPECT("x\0--api-key=\0y", "x --api-key=*** y", true, false);
	/* An option follows, so there was no value; a word without a dash is no option. */
	EXPECT("x\0--password\0-v\0y", "x --password -v y", false, false);
	EXPECT("password\0y", "password y", false, false);
	/* The word is in the value. */
	EXPECT("x\0--mode=password", "x --mode=password", false, false);
	/* The value is cut off with the rest. */
	expect("x\0--password\0geh", 16, "x --password ***", true, false);
	expect("x\0--password", 12, "x --password", false, false);
}

static void no_words(void **state)
{
	static const char argv[] = "x\0--password=geheim";
	struct bl_arguments line;

	bl_arguments_join((struct bl_text){ argv, sizeof(argv) }, "", &line);
	assert_false(line.redacted);
	bl_arguments_join((struct bl_text){ argv, sizeof(argv) }, NULL, &line);
	assert_false(line.redacted);
	assert_int_equal(line.len, 19);
}

/* Each argument gains three bytes at most, and has a NUL and a '='. */
static void longest(void **state)
{
	char argv[BL_ARGV_BYTES];
	struct bl_arguments line;

	for (size_t i = 0; i < sizeof(argv); i++)
		argv[i] = "token="[i % 6];
	for (size_t i = 6; i < sizeof(argv); i += 7)
		memcpy(argv + i - 6, "token=", 6), argv[i] = '\0';
	bl_arguments_join((struct bl_text){ argv, sizeof(argv) }, WORDS, &line);
	assert_true(line.redacted);
	assert_true(line.len <= sizeof(line.text));
	for (size_t i = 0; i < sizeof(argv); i++)
		argv[i] = i & 1 ? '\0' : '=';
	bl_arguments_join((struct bl_text){ argv, sizeof(argv) }, WORDS, &line);
	assert_int_equal(line.len, sizeof(argv) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(redacted),
		cmocka_unit_test(no_words),
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
