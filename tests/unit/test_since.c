/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them, in a time zone that has summer time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base.h"
#include "tool.h"

#define NOW 1795176000000000ull /* 2026-11-20 12:00:00 UTC, 13:00 in Vienna */
#define SEC 1000000ull

static void good(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} cases[] = {
		{ "now", NOW },
		{ "today", NOW - 13 * 3600 * SEC },
		{ "yesterday", NOW - 37 * 3600 * SEC },
		{ "-2h", NOW - 7200 * SEC },
		{ "2 hours ago", NOW - 7200 * SEC },
		{ "1h30min ago", NOW - 5400 * SEC },
		{ "1h 30 min ago", NOW - 5400 * SEC },
		{ "-90s", NOW - 90 * SEC },
		{ "1w ago", NOW - 604800 * SEC },
		{ "9999999 weeks ago", 0 },
		{ "2026-11-20", NOW - 13 * 3600 * SEC },
		{ "2026-11-20 12:30", NOW - 1800 * SEC },
		{ "2026-11-20 12:30:15", NOW - 1785 * SEC },
		{ "2026-11-20T12:30:15", NOW - 1785 * SEC },
		{ "2026-07-01", 1782856800 * SEC }, /* summer: two hours from UTC */
		{ "@1795176000", NOW },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		uint64_t us = 1;

		if (bl_since_parse(cases[i].text, NOW, &us) != 0 || us != cases[i].us)
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)us);
	}
}

static void bad(void **state)
{
	static const char *const texts[] = {
		"",
		"2h",
		"ago",
		"-",
		"-2",
		"-2x",
		"2 hours agone",
		"2026-13-01",
		"2026-11-20 25:00",
		"@",
		"@-1",
		"@1x",
		"-2h x",
		"tomorrow",
		"99999999999999999999s ago",
		"-99999999999999999w",
		"@99999999999999999999",
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(texts); i++) {
		uint64_t us = 7;

		if (bl_since_parse(texts[i], NOW, &us) != -EINVAL || us != 7)
			fail_msg("'%s' was taken for %llu", texts[i], (unsigned long long)us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
