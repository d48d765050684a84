/* SPDX-License-Identifier: Apache-2.0 */
/* Printing entries: the two forms, and entries that were made to act on a terminal or a parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "show.h"

#define FIELD(name, value)                                                   \
	{                                                                    \
		name, sizeof(name) - 1, "" value "", sizeof("" value "") - 1 \
	}

#define SHOWN(list)                                                                          \
	{                                                                                    \
		.fields = list, .n_fields = sizeof(list) / sizeof(list[0]), .cursor = "s=1", \
		.realtime_us = 1767323045000007ull                                           \
	}

static const struct bl_shown_field denied[] = {
	FIELD("_UID", "0"),
	FIELD("PRIORITY", "3"),
	FIELD("BAILIFF_VERDICT", "deny"),
	FIELD("BAILIFF_PID", "812"),
	FIELD("BAILIFF_COMM", "7"),
	FIELD("BAILIFF_PATH", "/tmp/\\\"x\\x0a"),
	FIELD("BAILIFF_ATTACK", "T1059.004 T1505.003"),
	FIELD("BAILIFF_ACCESS", "read,write"),
	FIELD("BAILIFF_TIME", "2026-01-02T03:04:05.000006Z"),
	FIELD("MESSAGE", "denied exec path=\"/tmp/\\\"x\\x0a\""),
	FIELD("MESSAGE_ID", "605187a6e04c4b72b24d4698f4b97985"),
};

static char *print(const struct bl_shown *entry, bool json, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(json ? bl_show_json(out, entry) : bl_show_line(out, entry, colour), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void expect(const struct bl_shown *entry, bool json, bool colour, const char *wanted)
{
	char *text = print(entry, json, colour);

	assert_string_equal(text, wanted);
	free(text);
}

static void one_line(void **state)
{
	struct bl_shown entry = SHOWN(denied);

	setenv("TZ", "UTC", 1);
	expect(&entry, false, false, "2026-01-02 03:04:05 denied exec path=\"/tmp/\\\"x\\x0a\"\n");
	expect(&entry, false, true,
	       "2026-01-02 03:04:05 \x1b[1;31mdenied exec path=\"/tmp/\\\"x\\x0a\"\x1b[0m\n");
}

static void one_object(void **state)
{
	struct bl_shown entry = SHOWN(denied);

	expect(&entry, true, false,
	       "{\"time\":\"2026-01-02T03:04:05.000006Z\","
	       "\"text\":\"denied exec path=\\\"/tmp/\\\\\\\"x\\\\x0a\\\"\","
	       "\"message_id\":\"605187a6e04c4b72b24d4698f4b97985\",\"priority\":3,"
	       "\"access\":[\"read\",\"write\"],\"attack\":[\"T1059.004\",\"T1505.003\"],"
	       "\"comm\":\"7\",\"path\":\"/tmp/\\\\\\\"x\\\\x0a\",\"pid\":812,"
	       "\"verdict\":\"deny\",\"cursor\":\"s=1\"}\n");
}

static void entry_without_fields(void **state)
{
	struct bl_shown entry = { .cursor = "s=2", .realtime_us = 1767323045000007ull };

	expect(&entry, true, false,
	       "{\"time\":\"2026-01-02T03:04:05.000007Z\",\"cursor\":\"s=2\"}\n");
	expect(&entry, false, true, "2026-01-02 03:04:05 \n");
}

/* Journal files can be forged: nothing in them may act on a terminal or break the JSON. */
static void forged_entry(void **state)
{
	static const struct bl_shown_field forged[] = {
		FIELD("MESSAGE", "a\n2026 denied\x1b[2J\xff"),
		FIELD("PRIORITY", "3,\"x\":1"),
		FIELD("BAILIFF_PID", "1,\"verdict\":\"deny\""),
		FIELD("BAILIFF_UID", "007"),
		FIELD("BAILIFF_SEQ", ""),
		FIELD("BAILIFF_PATH\":1,\"", "x"),
		FIELD("BAILIFF_ATTACK", ""),
		FIELD("BAILIFF_UID", "0"),
		FIELD("BAILIFF_", "nothing"),
	};
	struct bl_shown entry = SHOWN(forged);

	expect(&entry, false, false, "2026-01-02 03:04:05 a\\x0a2026 denied\\x1b[2J\\xff\n");
	expect(&entry, true, false,
	       "{\"time\":\"2026-01-02T03:04:05.000007Z\","
	       "\"text\":\"a\\\\x0a2026 denied\\\\x1b[2J\\\\xff\",\"attack\":[\"\"],"
	       "\"pid\":\"1,\\\"verdict\\\":\\\"deny\\\"\",\"seq\":\"\",\"uid\":\"007\","
	       "\"cursor\":\"s=1\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(one_object),
		cmocka_unit_test(entry_without_fields),
		cmocka_unit_test(forged_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
