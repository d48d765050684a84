/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base.h"
#include "tool.h"

#define SECOND_US 1000000ull

static const struct {
	const char *name;
	uint64_t us;
} units[] = {
	{ "s", SECOND_US },
	{ "sec", SECOND_US },
	{ "second", SECOND_US },
	{ "seconds", SECOND_US },
	{ "m", 60 * SECOND_US },
	{ "min", 60 * SECOND_US },
	{ "minute", 60 * SECOND_US },
	{ "minutes", 60 * SECOND_US },
	{ "h", 3600 * SECOND_US },
	{ "hour", 3600 * SECOND_US },
	{ "hours", 3600 * SECOND_US },
	{ "d", 86400 * SECOND_US },
	{ "day", 86400 * SECOND_US },
	{ "days", 86400 * SECOND_US },
	{ "w", 604800 * SECOND_US },
	{ "week", 604800 * SECOND_US },
	{ "weeks", 604800 * SECOND_US },
};

static uint64_t unit_us(const char *text, size_t len)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(units); i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, text, len) == 0)
			return units[i].us;
	}
	return 0;
}

/* '-2h', '30 min ago', '1h30min ago' */
static int parse_span(const char *text, uint64_t now_us, uint64_t *ret_us)
{
	bool minus = *text == '-';
	uint64_t sum = 0;

	text += minus;
	while (isdigit((unsigned char)*text)) {
		unsigned long long n;
		uint64_t us;
		size_t len;
		char *end;

		errno = 0;
		n = strtoull(text, &end, 10);
		text = end + strspn(end, " ");
		len = strcspn(text, " 0123456789");
		us = unit_us(text, len);
		if (errno || !us || n > UINT64_MAX / us || sum > UINT64_MAX - n * us)
			return -EINVAL;
		sum += n * us;
		text += len;
		text += strspn(text, " ");
	}
	if (!sum || (minus ? *text != '\0' : strcmp(text, "ago") != 0))
		return -EINVAL;
	*ret_us = sum < now_us ? now_us - sum : 0;
	return 0;
}

/* Midnight of a day that is so many days from today. */
static int day_start(uint64_t now_us, int days, uint64_t *ret_us)
{
	time_t now = (time_t)(now_us / SECOND_US);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	now = mktime(&tm);
	if (now < 0)
		return -EINVAL;
	*ret_us = (uint64_t)now * SECOND_US;
	return 0;
}

static int parse_date(const char *text, uint64_t *ret_us)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%dT%H:%M:%S" };

	for (size_t i = 0; i < BL_ARRAY_SIZE(formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);
		time_t at;

		if (!end || *end)
			continue;
		tm.tm_isdst = -1;
		at = mktime(&tm);
		if (at < 0)
			return -EINVAL;
		*ret_us = (uint64_t)at * SECOND_US;
		return 0;
	}
	return -EINVAL;
}

static int parse_epoch(const char *digits, uint64_t *ret_us)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return -EINVAL;
	errno = 0;
	n = strtoull(digits, &end, 10);
	if (errno || *end || n > UINT64_MAX / SECOND_US)
		return -EINVAL;
	*ret_us = n * SECOND_US;
	return 0;
}

int bl_since_parse(const char *text, uint64_t now_us, uint64_t *ret_us)
{
	if (*text == '@')
		return parse_epoch(text + 1, ret_us);
	if (strcmp(text, "today") == 0)
		return day_start(now_us, 0, ret_us);
	if (strcmp(text, "yesterday") == 0)
		return day_start(now_us, -1, ret_us);
	if (strcmp(text, "now") == 0) {
		*ret_us = now_us;
		return 0;
	}
	if (parse_date(text, ret_us) == 0)
		return 0;
	return parse_span(text, now_us, ret_us);
}
