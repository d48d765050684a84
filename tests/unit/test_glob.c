/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns: what is refused and where, literals, braces of literals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "glob.h"

/* ---- what is refused ---------------------------------------------------------------------- */

static const struct {
	const char *text;
	size_t offset;
	const char *what; /* a part of it */
} refused[] = {
	{ "", 0, "starts with" },
	{ "a", 0, "starts with" },
	{ "*", 0, "starts with" },
	{ "/a/", 2, "does not end with" },
	{ "//", 1, "empty path component" },
	{ "/a//b", 3, "empty path component" },
	{ "/.", 1, "not resolved" },
	{ "/a/..", 3, "not resolved" },
	{ "/a/./b", 3, "not resolved" },
	{ "/a/\\../b", 3, "not resolved" },
	{ "/a\\", 2, "escapes nothing" },
	{ "/\\x", 1, "two hexadecimal digits" },
	{ "/\\x4", 1, "two hexadecimal digits" },
	{ "/\\x4g", 1, "two hexadecimal digits" },
	{ "/\\x00", 1, "00 or 2f" },
	{ "/a\\x2f", 2, "00 or 2f" },
	{ "/[a", 1, "without its ']'" },
	{ "/[", 1, "without its ']'" },
	{ "/[]", 1, "empty class" },
	{ "/[!]", 1, "empty class" },
	{ "/[z-a]", 2, "backwards" },
	{ "/[a/b]", 3, "never matches '/'" },
	{ "/[\\x80]", 2, "ASCII" },
	{ "/[\xc3\xa4]", 2, "ASCII" },
	{ "/[^a]", 2, "[!...]" },
	{ "/{a", 1, "without its '}'" },
	{ "/{a,{b}", 1, "without its '}'" },
	{ "/a}", 2, "without its '{'" },
	{ "/{a}}", 4, "without its '{'" },
	{ "/{{{{{{{{{a}}}}}}}}}", 9, "too deeply" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(refused); i++) {
		const char *what = NULL;
		size_t offset = 999;

		print_message("# %s\n", refused[i].text);
		assert_int_equal(bl_glob_check(refused[i].text, strlen(refused[i].text), &offset,
					       &what),
				 -EINVAL);
		assert_int_equal(offset, refused[i].offset);
		assert_non_null(strstr(what, refused[i].what));
	}
}

static const char *const accepted[] = {
	"/",	    "/a",      "/**",	     "/*",    "/a/**/b",
	"/[a-z]",   "/[!a-z]", "/[-a]",	     "/[a-]", "/[\\]]",
	"/[\\^]",   "/[{},]",  "/{a,b}",     "/{,a}", "/{a/,}b",
	"/a,b",	    "/a]b",    "/...",	     "/..a",  "/\\x61",
	"/\\{a\\}", "/\xff",   "/{a,{b,c}}", "/a\\b", "/usr/{,s}bin/?*",
	"/{a}",	    "/a b\n",  "/***",
};

static void test_accepted(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(accepted); i++) {
		const char *what = "";
		size_t offset;

		print_message("# %s\n", accepted[i]);
		assert_int_equal(bl_glob_check(accepted[i], strlen(accepted[i]), &offset, &what),
				 0);
	}
}

static void test_nul_and_length(void **state)
{
	char text[5000];
	const char *what;
	size_t offset;

	assert_int_equal(bl_glob_check("/a\0b", 4, &offset, &what), -EINVAL);
	assert_int_equal(offset, 2);
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += 200)
		text[i] = '/';
	assert_int_equal(bl_glob_check(text, 4095, &offset, &what), 0);
	assert_int_equal(bl_glob_check(text, 4096, &offset, &what), -EINVAL);
	memset(text + 1, 'a', sizeof(text) - 1);
	assert_int_equal(bl_glob_check(text, 256, &offset, &what), 0);
	assert_int_equal(bl_glob_check(text, 257, &offset, &what), -EINVAL);
	assert_non_null(strstr(what, "255"));
}

/* ---- literals ----------------------------------------------------------------------------- */

static void test_literal(void **state)
{
	char buf[32];

	assert_true(bl_glob_is_literal("/a/b"));
	assert_true(bl_glob_is_literal("/a\\*b\\[\\{\\?"));
	assert_true(bl_glob_is_literal("/a]},"));
	assert_false(bl_glob_is_literal("/a*"));
	assert_false(bl_glob_is_literal("/a?"));
	assert_false(bl_glob_is_literal("/[a]"));
	assert_false(bl_glob_is_literal("/{a}"));
	assert_int_equal(bl_glob_unescape("/a\\*\\x41\\\\z", 11, buf), 6);
	assert_string_equal(buf, "/a*A\\z");
	assert_int_equal(bl_glob_unescape("/\\xfF", 5, buf), 2);
	assert_memory_equal(buf, "/\xff", 3);
}

struct collected {
	char text[8192];
	size_t count;
	size_t stop_after;
};

static int collect(void *userdata, const char *path, size_t len, bool below)
{
	struct collected *collected = userdata;

	snprintf(collected->text + strlen(collected->text),
		 sizeof(collected->text) - strlen(collected->text), "%.*s%s|", (int)len, path,
		 below ? ">" : "");
	return ++collected->count == collected->stop_after ? -ECANCELED : 0;
}

static int expand(const char *text, struct collected *ret)
{
	_cleanup_(bl_glob_clear) struct bl_glob glob = {};
	const char *what;
	size_t offset;

	ret->text[0] = '\0';
	ret->count = 0;
	assert_int_equal(bl_glob_parse(&glob, text, strlen(text), &offset, &what), 0);
	return bl_glob_expand(&glob, collect, ret);
}

static const struct {
	const char *text;
	const char *literals; /* NULL: a real glob */
} expansions[] = {
	{ "/a", "/a|" },
	{ "/", "|" },
	{ "/**", ">|" },
	{ "/a/**", "/a>|" },
	{ "/{a,b}", "/a|/b|" },
	{ "/{a,b}/{c,d}", "/a/c|/a/d|/b/c|/b/d|" },
	{ "/usr/{,local/}bin", "/usr/bin|/usr/local/bin|" },
	{ "/{a,b/**}", "/a|/b>|" },
	{ "/{a,b{c,d}}e", "/ae|/bce|/bde|" },
	{ "/{,a}", "|/a|" },
	{ "/x\\*\\x41", "/x*A|" },
	{ "/{a,b*}", NULL },
	{ "/a**", NULL },
	{ "/a/**/b", NULL },
	{ "/{a/**,b}/c", NULL },
	{ "/a?", NULL },
	{ "/[a]", NULL },
	{ "/{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}", NULL },
};

static void test_expand(void **state)
{
	struct collected collected = {};

	for (size_t i = 0; i < BL_ARRAY_SIZE(expansions); i++) {
		int r = expand(expansions[i].text, &collected);

		print_message("# %s -> %s\n", expansions[i].text, collected.text);
		assert_int_equal(r, expansions[i].literals ? 0 : -EDOM);
		assert_string_equal(collected.text,
				    expansions[i].literals ? expansions[i].literals : "");
	}
	assert_int_equal(expand("/{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}", &collected), 0);
	assert_int_equal(collected.count, BL_GLOB_EXPANSIONS_MAX);
	collected.stop_after = 2;
	assert_int_equal(expand("/{a,b,c}", &collected), -ECANCELED);
}

/* A tree that is used again forgets the earlier pattern. */
static void test_reuse(void **state)
{
	_cleanup_(bl_glob_clear) struct bl_glob glob = {};
	struct collected collected = {};
	const char *what;
	size_t offset;

	assert_int_equal(bl_glob_parse(&glob, "/{a,b}*[x]", 10, &offset, &what), 0);
	assert_int_equal(bl_glob_parse(&glob, "/{c", 3, &offset, &what), -EINVAL);
	assert_int_equal(bl_glob_parse(&glob, "/d", 2, &offset, &what), 0);
	assert_int_equal(glob.groups, 0);
	assert_int_equal(glob.n_sets, 0);
	assert_int_equal(bl_glob_expand(&glob, collect, &collected), 0);
	assert_string_equal(collected.text, "/d|");
}

/* What is seen at once to be a path is one to the parser as well, and means itself. */
static void test_plain(void **state)
{
	static const char *const plain[] = {
		"/a", "/a/b", "/.a/..b/...", "/a,b", "/a b\n", "/\xff"
	};
	static const char *const others[] = { "/",   "/*",     "/a?", "/[a]",
					      "/a]", "/{a,b}", "/a}", "/\\a" };
	char path[300] = "/";
	const char *what;
	size_t offset;

	for (size_t i = 0; i < BL_ARRAY_SIZE(plain); i++) {
		char out[16];

		print_message("# %s\n", plain[i]);
		assert_true(bl_glob_is_plain(plain[i], strlen(plain[i])));
		assert_int_equal(bl_glob_check(plain[i], strlen(plain[i]), &offset, &what), 0);
		assert_true(bl_glob_is_literal(plain[i]));
		bl_glob_unescape(plain[i], strlen(plain[i]), out);
		assert_string_equal(out, plain[i]);
	}
	for (size_t i = 0; i < BL_ARRAY_SIZE(others); i++)
		assert_false(bl_glob_is_plain(others[i], strlen(others[i])));
	for (size_t i = 0; i < BL_ARRAY_SIZE(refused); i++)
		assert_false(bl_glob_is_plain(refused[i].text, strlen(refused[i].text)));
	memset(path + 1, 'a', 255);
	assert_true(bl_glob_is_plain(path, 256));
	path[256] = 'a';
	assert_false(bl_glob_is_plain(path, 257));
	assert_false(bl_glob_is_plain("/a\0b", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_nul_and_length), cmocka_unit_test(test_literal),
		cmocka_unit_test(test_expand),	 cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
