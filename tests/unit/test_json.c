/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON parser: what it accepts, and where it points when it does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "json.h"

static int parse(const char *bytes, size_t len, struct bl_diags *diags, struct bl_json **ret)
{
	static struct bl_source source;

	source = (struct bl_source){ .path = "p.json", .bytes = bytes, .len = len };
	return bl_json_parse(&source, diags, ret);
}

static struct bl_json *parse_good(const char *text)
{
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;

	assert_int_equal(parse(text, strlen(text), &diags, &json), 0);
	assert_int_equal(diags.count, 0);
	assert_non_null(json);
	return json;
}

struct bad {
	const char *text;
	size_t len; /* 0: strlen(text) */
	const char *code;
	uint32_t line, column;
	const char *pointer;
};

static const struct bad bad[] = {
	/* no document at all */
	{ "", 0, "empty-file", 1, 1, "" },
	{ " \n\t\r\n ", 0, "empty-file", 3, 2, "" },
	{ "\xef\xbb\xbf{}", 0, "byte-order-mark", 1, 1, "" },
	{ "\xff\xfe{\0}\0", 6, "not-utf8", 1, 1, "" },
	{ "\xfe\xff\0{\0}", 6, "not-utf8", 1, 1, "" },
	{ "\0", 1, "syntax", 1, 1, "" },
	/* cut off */
	{ "{", 0, "truncated", 1, 2, "" },
	{ "{\n \"rules\": [\n  {\"id\": \"a\"", 0, "truncated", 3, 13, "/rules/0/id" },
	{ "{\"a\"", 0, "truncated", 1, 5, "/a" },
	{ "{\"a\":", 0, "truncated", 1, 6, "/a" },
	{ "[1,", 0, "truncated", 1, 4, "/1" },
	{ "[1", 0, "truncated", 1, 3, "/1" },
	{ "{\"a\": \"b", 0, "truncated", 1, 9, "/a" },
	{ "{\"a\": \"b\\", 0, "bad-escape", 1, 9, "/a" },
	{ "{\"a\": \"b\\u12", 0, "bad-escape", 1, 9, "/a" },
	/* more than one document */
	{ "{} x", 0, "trailing-garbage", 1, 4, "" },
	{ "{}\n{}", 0, "trailing-garbage", 2, 1, "" },
	{ "{}\0", 3, "trailing-garbage", 1, 3, "" },
	/* what other languages allow */
	{ "{\"a\": 1,}", 0, "syntax", 1, 9, "/a" },
	{ "[1, ]", 0, "syntax", 1, 5, "/1" },
	{ "[,1]", 0, "syntax", 1, 2, "/0" },
	{ "{\"a\" 1}", 0, "syntax", 1, 6, "/a" },
	{ "{\"a\": 1 \"b\": 2}", 0, "syntax", 1, 9, "/a" },
	{ "[1 2]", 0, "syntax", 1, 4, "/1" },
	{ "{a: 1}", 0, "syntax", 1, 2, "" },
	{ "{'a': 1}", 0, "syntax", 1, 2, "" },
	{ "// x\n{}", 0, "syntax", 1, 1, "" },
	{ "{ # x\n}", 0, "syntax", 1, 3, "" },
	{ "[True]", 0, "syntax", 1, 2, "/0" },
	{ "[tru]", 0, "syntax", 1, 2, "/0" },
	{ "[nul", 0, "syntax", 1, 2, "/0" },
	{ "[NaN]", 0, "syntax", 1, 2, "/0" },
	{ "]", 0, "syntax", 1, 1, "" },
	{ "{]", 0, "syntax", 1, 2, "" },
	{ "[}", 0, "syntax", 1, 2, "/0" },
	/* numbers */
	{ "[01]", 0, "bad-number", 1, 3, "/0" },
	{ "[-]", 0, "bad-number", 1, 3, "/0" },
	{ "[-01]", 0, "bad-number", 1, 4, "/0" },
	{ "[1.]", 0, "bad-number", 1, 4, "/0" },
	{ "[1e]", 0, "bad-number", 1, 4, "/0" },
	{ "[1e+]", 0, "bad-number", 1, 5, "/0" },
	{ "[+1]", 0, "syntax", 1, 2, "/0" },
	{ "[.5]", 0, "syntax", 1, 2, "/0" },
	{ "[0x10]", 0, "syntax", 1, 3, "/1" },
	/* strings */
	{ "[\"a\nb\"]", 0, "bad-string", 1, 4, "/0" },
	{ "[\"a\tb\"]", 0, "bad-string", 1, 4, "/0" },
	{ "[\"a\0b\"]", 7, "bad-string", 1, 4, "/0" },
	{ "[\"\\x41\"]", 0, "bad-escape", 1, 3, "/0" },
	{ "[\"\\u12g4\"]", 0, "bad-escape", 1, 3, "/0" },
	{ "[\"a\\u0000\"]", 0, "nul-character", 1, 4, "/0" },
	{ "{\"\\u0000\": 1}", 0, "nul-character", 1, 3, "" },
	{ "[\"\\ud800\"]", 0, "lone-surrogate", 1, 3, "/0" },
	{ "[\"\\ud800x\"]", 0, "lone-surrogate", 1, 3, "/0" },
	{ "[\"\\ud800\\n\"]", 0, "lone-surrogate", 1, 3, "/0" },
	{ "[\"\\ud800\\ud800\"]", 0, "lone-surrogate", 1, 3, "/0" },
	{ "[\"\\udc00\"]", 0, "lone-surrogate", 1, 3, "/0" },
	/* bytes that are no UTF-8 */
	{ "[\"\xff\"]", 0, "not-utf8", 1, 3, "/0" },
	{ "[\"ab\xc3\"]", 0, "not-utf8", 1, 5, "/0" },
	{ "[\"\xc0\xaf\"]", 0, "not-utf8", 1, 3, "/0" },
	{ "[\"\xe0\x80\xaf\"]", 0, "not-utf8", 1, 3, "/0" },
	{ "[\"\xed\xa0\x80\"]", 0, "not-utf8", 1, 3, "/0" },
	{ "[\"\xf4\x90\x80\x80\"]", 0, "not-utf8", 1, 3, "/0" },
	{ "[\"\xf0\x9f\x98", 0, "not-utf8", 1, 3, "/0" },
	{ "{\"\xe9\": 1}", 0, "not-utf8", 1, 3, "" },
	{ "[\x80]", 0, "not-utf8", 1, 2, "/0" },
	/* pointers escape */
	{ "{\"a/b~c\": [0, x]}", 0, "syntax", 1, 15, "/a~1b~0c/1" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(bad); i++) {
		const struct bad *t = &bad[i];
		size_t len = t->len ? t->len : strlen(t->text);
		/* At the end of a block of its own: a sanitizer sees any read beyond. */
		_cleanup_free_ char *bytes = malloc(len ? len : 1);
		struct bl_json *json = (struct bl_json *)1;
		struct bl_diags diags = { 0 };

		memcpy(bytes, t->text, len);
		assert_int_equal(parse(bytes, len, &diags, &json), -EINVAL);
		assert_ptr_equal(json, (struct bl_json *)1);
		assert_int_equal(diags.count, 1);
		if (strcmp(diags.items[0].code, t->code) != 0 || diags.items[0].line != t->line ||
		    diags.items[0].column != t->column ||
		    strcmp(diags.items[0].pointer, t->pointer) != 0)
			fail_msg("%s: %s at %u:%u \"%s\", not %s at %u:%u \"%s\"", t->text,
				 diags.items[0].code, diags.items[0].line, diags.items[0].column,
				 diags.items[0].pointer, t->code, t->line, t->column, t->pointer);
		assert_string_equal(diags.items[0].file, "p.json");
		bl_diags_clear(&diags);
	}
}

static void test_positions(void **state)
{
	struct bl_json *json = parse_good("{\n  \"a\": [1, true],\r\n\t\"b\\n\\u00e9\": "
					  "{\"c\": null}\n}\n");
	static const struct {
		uint32_t line, column, next;
		enum bl_json_kind kind;
		uint32_t len;
	} expected[] = {
		{ 1, 1, 9, BL_JSON_OBJECT, 2 },	 { 2, 3, 2, BL_JSON_STRING, 1 },
		{ 2, 8, 5, BL_JSON_ARRAY, 2 },	 { 2, 9, 4, BL_JSON_NUMBER, 1 },
		{ 2, 12, 5, BL_JSON_TRUE, 0 },	 { 3, 2, 6, BL_JSON_STRING, 4 },
		{ 3, 15, 9, BL_JSON_OBJECT, 1 }, { 3, 16, 8, BL_JSON_STRING, 1 },
		{ 3, 21, 9, BL_JSON_NULL, 0 },
	};

	assert_int_equal(json->n_nodes, BL_ARRAY_SIZE(expected));
	for (size_t i = 0; i < json->n_nodes; i++) {
		const struct bl_json_node *node = &json->nodes[i];

		assert_int_equal(node->line, expected[i].line);
		assert_int_equal(node->column, expected[i].column);
		assert_int_equal(node->next, expected[i].next);
		assert_int_equal(node->kind, expected[i].kind);
		assert_int_equal(node->len, expected[i].len);
	}
	assert_string_equal(bl_json_text(json, 5), "b\n\xc3\xa9");
	bl_json_free(json);
}

static void test_pointers(void **state)
{
	static const char *const expected[] = { "",	  "/a",	    "/a",     "/a/0", "/a/1",
						"/a/1/0", "/x~1~0", "/x~1~0", "/",    "/" };
	struct bl_json *json = parse_good("{\"a\": [1, [2]], \"x/~\": 3, \"\": 4}");

	assert_int_equal(json->n_nodes, BL_ARRAY_SIZE(expected));
	for (uint32_t i = 0; i < json->n_nodes; i++) {
		_cleanup_free_ char *pointer = bl_json_pointer(json, i);

		assert_string_equal(pointer, expected[i]);
	}
	bl_json_free(json);
}

static void test_strings(void **state)
{
	struct bl_json *json = parse_good("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u0041\\u00e9\\u20AC"
					  "\\uD83D\\uDE00\", \"\xf0\x9f\x98\x80\x7f\", \"\"]");

	assert_string_equal(bl_json_text(json, 1), "\"\\/\b\f\n\r\t");
	assert_string_equal(bl_json_text(json, 2), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(bl_json_text(json, 3), "\xf0\x9f\x98\x80\x7f");
	assert_string_equal(bl_json_text(json, 4), "");
	bl_json_free(json);
}

static void test_numbers(void **state)
{
	struct bl_json *json = parse_good("[0, 65535, 18446744073709551615, 18446744073709551616, "
					  "-1, -0, 1.0, 1e3, 1E-3, 99999999999999999999999999]");
	static const int expected[] = { 0,	 0,	  0,	   -ERANGE, -EINVAL,
					-EINVAL, -EINVAL, -EINVAL, -EINVAL, -ERANGE };
	uint64_t value = 7;

	for (uint32_t i = 0; i < BL_ARRAY_SIZE(expected); i++)
		assert_int_equal(bl_json_uint(json, i + 1, &value), expected[i]);
	assert_int_equal(bl_json_uint(json, 3, &value), 0);
	assert_true(value == UINT64_MAX);
	bl_json_free(json);
}

/* Writes "[[[...]]]" with so many levels. */
static void nested(char *text, size_t levels)
{
	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	text[2 * levels] = '\0';
}

static void test_depth(void **state)
{
	char text[2 * BL_JSON_DEPTH_MAX + 3];
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;

	nested(text, BL_JSON_DEPTH_MAX);
	bl_json_free(parse_good(text));
	nested(text, BL_JSON_DEPTH_MAX + 1);
	assert_int_equal(parse(text, strlen(text), &diags, &json), -EINVAL);
	assert_string_equal(diags.items[0].code, "too-deep");
	assert_int_equal(diags.items[0].column, BL_JSON_DEPTH_MAX + 1);
	bl_diags_clear(&diags);
}

static void test_size(void **state)
{
	/* Not read, so that it need not be there. */
	static const char small[] = "{}";
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;

	assert_int_equal(parse(small, BL_FILE_BYTES_MAX + 1ul, &diags, &json), -EINVAL);
	assert_string_equal(diags.items[0].code, "too-large");
	bl_diags_clear(&diags);
}

/* Duplicate keys are errors, but what else is in the file can still be told. */
static void test_duplicates(void **state)
{
	static const char text[] =
		"{\"a\": 1,\n \"b\": {\"c\": 1, \"\\u0063\": 2},\n \"a\": [{\"d\": 0, "
		"\"d\": 1, \"d\": 2}]}";
	static const struct {
		uint32_t line, column;
		const char *pointer;
	} expected[] = {
		{ 2, 16, "/b/c" }, { 3, 17, "/a/0/d" }, { 3, 25, "/a/0/d" }, { 3, 2, "/a" }
	};
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;

	assert_int_equal(parse(text, strlen(text), &diags, &json), 0);
	assert_non_null(json);
	assert_int_equal(diags.errors, BL_ARRAY_SIZE(expected));
	for (size_t i = 0; i < diags.count; i++) {
		assert_string_equal(diags.items[i].code, "duplicate-key");
		assert_int_equal(diags.items[i].line, expected[i].line);
		assert_int_equal(diags.items[i].column, expected[i].column);
		assert_string_equal(diags.items[i].pointer, expected[i].pointer);
	}
	assert_non_null(strstr(diags.items[3].hint, "line 1, column 2"));
	bl_diags_clear(&diags);
	bl_json_free(json);
}

static void test_many_keys(void **state)
{
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputc('{', out);
	for (int i = 0; i < 5000; i++)
		fprintf(out, "\"key-%d\": %d,\n", i, i);
	fputs("\"key-4000\": 0}", out);
	fclose(out);
	assert_int_equal(parse(text, size, &diags, &json), 0);
	assert_int_equal(diags.errors, 1);
	assert_int_equal(diags.items[0].line, 5001);
	assert_non_null(strstr(diags.items[0].hint, "line 4001, column 1"));
	assert_int_equal(json->nodes[0].len, 5001);
	bl_diags_clear(&diags);
	bl_json_free(json);
	free(text);
}

/* Wherever in a text it stands: most of them are read eight bytes at a time. */
static void test_special_bytes(void **state)
{
	static const struct {
		const char *written, *read;
	} specials[] = {
		{ "\\\"", "\"" },	  { "\\\\", "\\" },     { "\\u0001", "\x01" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "\x7f", "\x7f" }, { " ", " " },
		{ "\x1f", NULL },	  { "\x01", NULL },   { "\xff", NULL },
		{ "\x80", NULL },	  { "\n", NULL },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(specials) * 20; i++) {
		const char *written = specials[i / 20].written, *read = specials[i / 20].read;
		int before = (int)(i % 20);
		char text[64], wanted[64];
		struct bl_diags diags = { 0 };
		struct bl_json *json = NULL;
		int r;

		snprintf(text, sizeof(text), "\"%.*s%sxyz\"", before, "abcdefghijklmnopqrstuvwxyz",
			 written);
		r = parse(text, strlen(text), &diags, &json);
		assert_int_equal(r, read ? 0 : -EINVAL);
		if (read) {
			snprintf(wanted, sizeof(wanted), "%.*s%sxyz", before,
				 "abcdefghijklmnopqrstuvwxyz", read);
			assert_string_equal(bl_json_text(json, 0), wanted);
		} else {
			assert_int_equal(diags.items[0].column, before + 2);
		}
		bl_diags_clear(&diags);
		bl_json_free(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	  cmocka_unit_test(test_positions),
		cmocka_unit_test(test_pointers),  cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),	  cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_keys), cmocka_unit_test(test_special_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
