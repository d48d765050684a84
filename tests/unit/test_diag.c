/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: collecting, printing with a caret, JSON; the base's helpers that they rest on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base.h"
#include "diag.h"
#include "policy.h"

static void add(struct bl_diags *diags, uint32_t line, uint32_t column, const char *message)
{
	struct bl_diag_at at = { .file = "p.json", .line = line, .column = column, .pointer = "/a" };

	bl_diag_add(diags, BL_DIAG_ERROR, &at, "code", "%s", message);
}

static char *print(const struct bl_diags *diags, const char *bytes, size_t len)
{
	struct bl_source source = { .path = "p.json", .bytes = bytes, .len = len };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	bl_diags_print(diags, &source, bytes ? 1 : 0, out);
	fclose(out);
	return text;
}

/* Prints one diagnostic at a place of a text. */
static void expect_print(const char *bytes, size_t len, uint32_t line, uint32_t column,
			 const char *expected)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	_cleanup_free_ char *text = NULL;

	add(&diags, line, column, "wrong");
	text = print(&diags, bytes, len);
	assert_string_equal(text, expected);
}

#define EXPECT_PRINT(bytes, line, column, expected) \
	expect_print(bytes, sizeof(bytes) - 1, line, column, expected)

static void test_print(void **state)
{
	EXPECT_PRINT("{\n  \"x\": 1\n}", 2, 3,
		     "p.json:2:3: error: wrong [code]\n"
		     "     2 |   \"x\": 1\n"
		     "       |   ^\n");
	/* at the end of the text, and of a line */
	EXPECT_PRINT("{\n", 2, 1, "p.json:2:1: error: wrong [code]\n     2 | \n       | ^\n");
	EXPECT_PRINT("[1\n]", 1, 3, "p.json:1:3: error: wrong [code]\n     1 | [1\n       |   ^\n");
	/* lines and columns that are not there */
	EXPECT_PRINT("{}", 3, 1, "p.json:3:1: error: wrong [code]\n");
	EXPECT_PRINT("{}", 1, 99, "p.json:1:99: error: wrong [code]\n     1 | {}\n       |   ^\n");
	EXPECT_PRINT("", 1, 1, "p.json:1:1: error: wrong [code]\n     1 | \n       | ^\n");
}

/* Columns count bytes, the caret characters. */
static void test_print_utf8(void **state)
{
	EXPECT_PRINT("\t\"\xc3\xa9\xe2\x82\xac\" x", 1, 10,
		     "p.json:1:10: error: wrong [code]\n"
		     "     1 |  \"\xc3\xa9\xe2\x82\xac\" x\n"
		     "       |       ^\n");
}

/* A policy file can't send control sequences to the terminal. */
static void test_print_controls(void **state)
{
	EXPECT_PRINT("\x1b[2J\xff\xc2\x9b\x7f\0z", 1, 1,
		     "p.json:1:1: error: wrong [code]\n"
		     "     1 | ?[2J????z\n"
		     "       | ^\n");
}

static void test_print_long_line(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *caret, *line;
	char bytes[4096];

	memset(bytes, 'a', sizeof(bytes));
	bytes[2000] = 'X';
	add(&diags, 1, 2001, "wrong");
	text = print(&diags, bytes, sizeof(bytes));
	line = strchr(text, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_true(strlen(line) < 500);
	assert_int_equal(strchr(caret, '^') - caret, strchr(line, 'X') - line);
	assert_memory_equal(line, "     1 | ...a", 13);
}

static void test_print_order_and_hints(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	_cleanup_free_ char *text = NULL;
	static const char bytes[] = "1\n2\n3\n";

	add(&diags, 3, 1, "third");
	bl_diag_hint(&diags.items[0], "do %s", "this");
	add(&diags, 1, 1, "first");
	bl_diag_add(&diags, BL_DIAG_NOTE, NULL, "set", "the whole set");
	text = print(&diags, bytes, strlen(bytes));
	assert_string_equal(text, "p.json:3:1: error: third [code]\n     3 | 3\n       | ^\n"
				  "       hint: do this\n"
				  "p.json:1:1: error: first [code]\n     1 | 1\n       | ^\n"
				  "note: the whole set [set]\n");
}

static void test_messages_are_printable(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	struct bl_diag_at at = { .file = "a\nb\xff.json", .line = 1, .column = 1 };
	_cleanup_free_ char *text = NULL;

	bl_diag_hint(bl_diag_add(&diags, BL_DIAG_WARNING, &at, "code", "x\x1b[1m\n%s", "\xff"),
		     "\r");
	assert_string_equal(diags.items[0].message, "x\\x1b[1m\\x0a\\xff");
	assert_string_equal(diags.items[0].hint, "\\x0d");
	text = print(&diags, NULL, 0);
	assert_string_equal(text, "a\\x0ab\\xff.json:1:1: warning: x\\x1b[1m\\x0a\\xff [code]\n"
				  "       hint: \\x0d\n");
}

static void test_sort(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	static const char *const expected[] = { "9:9", "1:5", "2:1", "2:1 again", "2:3" };

	add(&diags, 9, 9, "9:9");
	add(&diags, 2, 3, "2:3");
	add(&diags, 2, 1, "2:1");
	add(&diags, 1, 5, "1:5");
	add(&diags, 2, 1, "2:1 again");
	bl_diags_sort(&diags, 1);
	for (size_t i = 0; i < BL_ARRAY_SIZE(expected); i++)
		assert_string_equal(diags.items[i].message, expected[i]);
}

static void test_limit(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	_cleanup_free_ char *text = NULL;

	for (int i = 0; i < BL_DIAGS_MAX; i++)
		bl_diag_add(&diags, BL_DIAG_NOTE, NULL, "note", "%d", i);
	/* Notes leave room for errors. */
	assert_int_equal(diags.count, BL_DIAGS_MAX / 2);
	for (int i = 0; i < BL_DIAGS_MAX; i++)
		add(&diags, 1, 1, "wrong");
	assert_int_equal(diags.count, BL_DIAGS_MAX);
	assert_int_equal(diags.errors, BL_DIAGS_MAX);
	assert_int_equal(diags.dropped, BL_DIAGS_MAX);
	assert_null(bl_diag_add(&diags, BL_DIAG_ERROR, NULL, "code", "more"));
	bl_diag_hint(NULL, "nothing happens");
	text = print(&diags, NULL, 0);
	assert_non_null(strstr(text, "... and 1001 more\n"));
	bl_diags_clear(&diags);
	assert_int_equal(diags.count + diags.errors + diags.dropped, 0);
}

static void test_json(void **state)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	struct bl_diag_at at = { .file = "\xff.json", .line = 3, .column = 4, .pointer = "/a~1b/0" };
	_cleanup_free_ char *text = NULL;
	json_t *array, *first;

	bl_diag_hint(bl_diag_add(&diags, BL_DIAG_WARNING, &at, "some-code", "\"x\""), "try \"y\"");
	bl_diag_add(&diags, BL_DIAG_ERROR, NULL, "other", "all of it");
	assert_int_equal(bl_diags_json(&diags, &text), 0);
	array = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(array), 2);
	first = json_array_get(array, 0);
	assert_string_equal(json_string_value(json_object_get(first, "level")), "warning");
	assert_string_equal(json_string_value(json_object_get(first, "file")), "\\xff.json");
	assert_int_equal(json_integer_value(json_object_get(first, "line")), 3);
	assert_int_equal(json_integer_value(json_object_get(first, "column")), 4);
	assert_string_equal(json_string_value(json_object_get(first, "pointer")), "/a~1b/0");
	assert_string_equal(json_string_value(json_object_get(first, "code")), "some-code");
	assert_string_equal(json_string_value(json_object_get(first, "message")), "\"x\"");
	assert_string_equal(json_string_value(json_object_get(first, "hint")), "try \"y\"");
	assert_int_equal(json_object_size(json_array_get(array, 1)), 3);
	json_decref(array);
}

static void test_json_empty(void **state)
{
	struct bl_diags diags = { 0 };
	_cleanup_free_ char *text = NULL;

	assert_int_equal(bl_diags_json(&diags, &text), 0);
	assert_string_equal(text, "[]");
}

static void test_excerpt(void **state)
{
	char text[200];

	assert_string_equal(bl_excerpt("", 0).text, "");
	assert_string_equal(bl_excerpt("abc", 2).text, "ab");
	memset(text, 'a', sizeof(text));
	assert_int_equal(strlen(bl_excerpt(text, BL_EXCERPT_BYTES).text), BL_EXCERPT_BYTES);
	assert_int_equal(strlen(bl_excerpt(text, sizeof(text)).text), BL_EXCERPT_BYTES + 3);
	/* never within a character */
	memcpy(text + BL_EXCERPT_BYTES - 1, "\xe2\x82\xac", 3);
	assert_int_equal(strlen(bl_excerpt(text, sizeof(text)).text), BL_EXCERPT_BYTES - 1 + 3);
	/* ... even if there is none */
	memset(text, '\x80', sizeof(text));
	assert_int_equal(strlen(bl_excerpt(text, sizeof(text)).text), BL_EXCERPT_BYTES - 4 + 3);
}

static void test_strmap(void **state)
{
	_cleanup_(bl_strmap_freep) struct bl_strmap *map = bl_strmap_new();
	static char keys[3000][8];
	uint32_t value = 0;

	assert_false(bl_strmap_get(map, "x", 1, &value));
	for (uint32_t i = 0; i < BL_ARRAY_SIZE(keys); i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		assert_int_equal(bl_strmap_add(map, keys[i], strlen(keys[i]), i, &value), 0);
	}
	for (uint32_t i = 0; i < BL_ARRAY_SIZE(keys); i++) {
		assert_true(bl_strmap_get(map, keys[i], strlen(keys[i]), &value));
		assert_int_equal(value, i);
	}
	assert_int_equal(bl_strmap_add(map, "k77", 3, 1, &value), -EEXIST);
	assert_int_equal(value, 77);
	assert_false(bl_strmap_get(map, "k", 1, &value));
	assert_false(bl_strmap_get(map, "", 0, &value));
	assert_int_equal(bl_strmap_add(map, "", 0, 5, &value), 0);
	assert_true(bl_strmap_get(map, "", 0, &value));
}

static void test_arena(void **state)
{
	_cleanup_(bl_arena_freep) struct bl_arena *arena = bl_arena_new();

	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		unsigned char *bytes = bl_arena_alloc(arena, size, 1);

		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
	assert_null(bl_arena_alloc(arena, SIZE_MAX / 2, 4));
	assert_null(bl_arena_alloc(arena, SIZE_MAX, 1));
	assert_string_equal(bl_arena_strndup(arena, "abc", 2), "ab");
	assert_int_equal(bl_arena_adopt(arena, strdup("owned")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_utf8),
		cmocka_unit_test(test_print_controls),
		cmocka_unit_test(test_print_long_line),
		cmocka_unit_test(test_print_order_and_hints),
		cmocka_unit_test(test_messages_are_printable),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_empty),
		cmocka_unit_test(test_excerpt),
		cmocka_unit_test(test_strmap),
		cmocka_unit_test(test_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
