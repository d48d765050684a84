/* SPDX-License-Identifier: Apache-2.0 */
/* Display escaping: nothing that is shown can be mistaken for anything else. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "escape.h"

static void expect(const char *bytes, size_t len, const char *shown)
{
	char buf[512];
	bool cut, changed;
	size_t used = bl_escape_text(bytes, len, buf, sizeof(buf), &cut, &changed);

	assert_int_equal(used, strlen(shown));
	assert_memory_equal(buf, shown, used);
	assert_false(cut);
	assert_int_equal(changed, used != len || memcmp(buf, bytes, len) != 0);
}

#define EXPECT(bytes, shown) expect(bytes, sizeof(bytes) - 1, shown)

static void plain_text_stays(void **state)
{
	EXPECT("", "");
	EXPECT("/usr/bin/python3.11", "/usr/bin/python3.11");
	EXPECT("/home/a b/[x]=$'~#", "/home/a b/[x]=$'~#");
	EXPECT("/srv/\xc3\xa9t\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80",
	       "/srv/\xc3\xa9t\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80");
}

static void quotes_and_backslashes(void **state)
{
	EXPECT("a\"b", "a\\\"b");
	EXPECT("a\\b", "a\\\\b");
	EXPECT("\\x41", "\\\\x41");
	EXPECT("\\...", "\\\\...");
}

static void controls(void **state)
{
	EXPECT("a\nFAKE=1\n", "a\\x0aFAKE=1\\x0a");
	EXPECT("\0", "\\x00");
	EXPECT("\x1b[2J\x07\t\r\x7f", "\\x1b[2J\\x07\\x09\\x0d\\x7f");
	EXPECT("\xc2\x9b;m", "\\xc2\\x9b;m"); /* C1: CSI */
}

static void invisible_and_reordering(void **state)
{
	EXPECT("\xe2\x80\xae", "\\xe2\\x80\\xae");	    /* U+202E right-to-left override */
	EXPECT("\xe2\x81\xa6", "\\xe2\\x81\\xa6");	    /* U+2066 isolate */
	EXPECT("\xe2\x80\x8b", "\\xe2\\x80\\x8b");	    /* U+200B zero-width space */
	EXPECT("\xe2\x80\xa8", "\\xe2\\x80\\xa8");	    /* U+2028 line separator */
	EXPECT("\xef\xbb\xbf", "\\xef\\xbb\\xbf");	    /* U+FEFF */
	EXPECT("\xc2\xa0", "\\xc2\\xa0");		    /* no-break space */
	EXPECT("\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"); /* U+E0041 tag */
	EXPECT("\xee\x80\x80", "\\xee\\x80\\x80");	    /* U+E000 private use */
	EXPECT("\xef\xbf\xbf", "\\xef\\xbf\\xbf");	    /* U+FFFF */
	EXPECT("\xf4\x8f\xbf\xbf", "\\xf4\\x8f\\xbf\\xbf"); /* U+10FFFF */
	EXPECT("\xef\xbf\xbd", "\xef\xbf\xbd");		    /* U+FFFD is visible */
}

static void invalid_utf8(void **state)
{
	EXPECT("\x80", "\\x80");
	EXPECT("\xff\xfe", "\\xff\\xfe");
	EXPECT("\xc0\xaf", "\\xc0\\xaf");		    /* overlong '/' */
	EXPECT("\xe0\x80\xaf", "\\xe0\\x80\\xaf");	    /* the same in three bytes */
	EXPECT("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"); /* and in four */
	EXPECT("\xed\xa0\x80", "\\xed\\xa0\\x80");	    /* surrogate */
	EXPECT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	EXPECT("\xc3", "\\xc3");
	EXPECT("\xe6\x97", "\\xe6\\x97");
	EXPECT("\xc3\"", "\\xc3\\\"");
	EXPECT("\xe6\x97/\xc3\xa9", "\\xe6\\x97/\xc3\xa9");
}

static void cut_in_the_middle(void **state)
{
	char bytes[200], buf[64];
	bool cut, changed;
	size_t used;

	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes + sizeof(bytes) - 5, "/evil", 5);
	bytes[0] = '/';
	used = bl_escape_text(bytes, sizeof(bytes), buf, sizeof(buf), &cut, &changed);
	assert_true(cut);
	assert_true(changed);
	assert_true(used <= sizeof(buf));
	assert_memory_equal(buf, "/aaa", 4);
	assert_memory_equal(buf + used - 5, "/evil", 5);
	assert_non_null(memmem(buf, used, BL_ESCAPE_CUT, strlen(BL_ESCAPE_CUT)));
}

static void exact_fit_is_not_cut(void **state)
{
	char bytes[64], buf[64];
	bool cut;

	memset(bytes, 'b', sizeof(bytes));
	assert_int_equal(bl_escape_text(bytes, 64, buf, 64, &cut, NULL), 64);
	assert_false(cut);
	bl_escape_text(bytes, 64, buf, 63, &cut, NULL);
	assert_true(cut);
}

/* Turns a display form back into bytes; -1 where it is none. */
static int unescape(const char *text, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char pair[3] = { 0 };

		if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == 0x7f)
			return -1;
		if (text[i] != '\\') {
			out[n++] = (uint8_t)text[i];
			continue;
		}
		if (++i == len)
			return -1;
		if (text[i] == '"' || text[i] == '\\') {
			out[n++] = (uint8_t)text[i];
			continue;
		}
		if (text[i] != 'x' || len - i < 3)
			return -1;
		memcpy(pair, text + i + 1, 2);
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
		i += 2;
	}
	return (int)n;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void whole_display_is_lossless(void **state)
{
	static const uint8_t likely[] = { '"',	'\\', 'x',  '\n', 0xc2, 0xe2, 0x80,
					  0xae, 0xf0, 0x9f, 0x98, 0xff, 'a',  0 };
	uint8_t bytes[40], back[40];
	char buf[160];
	uint32_t seed = 20240229;

	for (unsigned int round = 0; round < 200000; round++) {
		size_t len = next_random(&seed) % (sizeof(bytes) + 1), used;

		for (size_t i = 0; i < len; i++) {
			uint32_t dice = next_random(&seed);

			bytes[i] = dice & 1 ? likely[(dice >> 8) % sizeof(likely)]
					    : (uint8_t)(dice >> 8);
		}
		used = bl_escape_text((char *)bytes, len, buf, sizeof(buf), NULL, NULL);
		assert_int_equal(unescape(buf, used, back), len);
		assert_memory_equal(back, bytes, len);
	}
}

static void cut_display_keeps_the_limit(void **state)
{
	uint8_t bytes[300];
	char buf[128];
	uint32_t seed = 7;

	for (unsigned int round = 0; round < 50000; round++) {
		size_t len = next_random(&seed) % (sizeof(bytes) + 1);
		size_t limit = 32 + next_random(&seed) % (sizeof(buf) - 32 + 1), used;
		bool cut;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		memset(buf, 0x55, sizeof(buf));
		used = bl_escape_text((char *)bytes, len, buf, limit, &cut, NULL);
		assert_true(used <= limit);
		for (size_t i = limit; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0x55);
		for (size_t i = 0; i < used; i++)
			assert_true((unsigned char)buf[i] >= 0x20 && buf[i] != 0x7f);
	}
}

static void again_keeps_what_is_escaped(void **state)
{
	static const char text[] = "path=\"/a\\x0a\\\"\" by";
	char buf[64];
	size_t used = bl_escape_again(text, sizeof(text) - 1, buf, sizeof(buf));

	assert_int_equal(used, sizeof(text) - 1);
	assert_memory_equal(buf, text, used);
	used = bl_escape_again("\x1b[31m\xff", 6, buf, sizeof(buf));
	assert_int_equal(used, 12);
	assert_memory_equal(buf, "\\x1b[31m\\xff", used);
}

static void hexadecimal(void **state)
{
	char buf[8];

	assert_int_equal(bl_escape_hex("\x00\xff\x1a", 3, buf), 6);
	assert_memory_equal(buf, "00ff1a", 6);
	assert_int_equal(bl_escape_hex("", 0, buf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(quotes_and_backslashes),
		cmocka_unit_test(controls),
		cmocka_unit_test(invisible_and_reordering),
		cmocka_unit_test(invalid_utf8),
		cmocka_unit_test(cut_in_the_middle),
		cmocka_unit_test(exact_fit_is_not_cut),
		cmocka_unit_test(whole_display_is_lossless),
		cmocka_unit_test(cut_display_keeps_the_limit),
		cmocka_unit_test(again_keeps_what_is_escaped),
		cmocka_unit_test(hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
