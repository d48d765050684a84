/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of a journal entry say; what was read is not trusted to be well-formed. */
#include "shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX	      "BAILIFF_"
#define DIGITS_MAX    19 /* of 2^63 - 1: what every reader of JSON can hold */
#define TIME_BYTES    40
#define US_PER_S      1000000
#define NS_PER_US     1000
#define MICRO_DIGITS  6

bool bl_shown_is_named(const struct bl_shown_field *field, const char *name)
{
	return field->name_len == strlen(name) && !memcmp(field->name, name, field->name_len);
}

const struct bl_shown_field *bl_shown_find(const struct bl_shown *entry, const char *name)
{
	for (size_t i = 0; i < entry->n_fields; i++) {
		if (bl_shown_is_named(&entry->fields[i], name))
			return &entry->fields[i];
	}
	return NULL;
}

bool bl_shown_has(const struct bl_shown *entry, const char *name, const char *value)
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);

	return field && field->value_len == strlen(value) &&
	       !memcmp(field->value, value, field->value_len);
}

bool bl_shown_is_ours(const struct bl_shown_field *field)
{
	size_t len = strlen(PREFIX);

	return field->name_len > len && !memcmp(field->name, PREFIX, len);
}

bool bl_shown_number_of(const struct bl_shown_field *field, uint64_t *ret)
{
	uint64_t number = 0;

	if (!field || !field->value_len || field->value_len > DIGITS_MAX ||
	    (field->value[0] == '0' && field->value_len > 1))
		return false;
	for (size_t i = 0; i < field->value_len; i++) {
		unsigned int digit = (unsigned int)(unsigned char)field->value[i] - '0';

		if (digit > 9 || number > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret = number;
	return true;
}

bool bl_shown_number(const struct bl_shown *entry, const char *name, uint64_t *ret)
{
	return bl_shown_number_of(bl_shown_find(entry, name), ret);
}

char *bl_shown_dup(const struct bl_shown *entry, const char *name)
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);
	char *copy = field ? malloc(field->value_len + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, field->value, field->value_len);
	copy[field->value_len] = '\0';
	return copy;
}

bool bl_shown_is_verdict(const struct bl_shown *entry)
{
	return bl_shown_find(entry, "BAILIFF_VERDICT") != NULL;
}

uint64_t bl_shown_times(const struct bl_shown *entry)
{
	uint64_t folded;

	return bl_shown_number(entry, "BAILIFF_FOLDED", &folded) ? folded + 1 : 1;
}

/* RFC 3339 in UTC with microseconds, as audit/fields.c writes it. */
static bool parse_time(const struct bl_shown_field *field, uint64_t *ret)
{
	struct tm tm = { .tm_isdst = 0 };
	char text[TIME_BYTES];
	unsigned int micro;
	const char *end;
	int used = 0;
	time_t seconds;

	if (!field || field->value_len >= sizeof(text))
		return false;
	memcpy(text, field->value, field->value_len);
	text[field->value_len] = '\0';
	end = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);
	if (!end || strspn(end, "0123456789") != MICRO_DIGITS ||
	    sscanf(end, "%6uZ%n", &micro, &used) != 1 || !used || end[used])
		return false;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*ret = (uint64_t)seconds * US_PER_S + micro;
	return true;
}

uint64_t bl_shown_time_us(const struct bl_shown *entry)
{
	uint64_t us;

	return parse_time(bl_shown_find(entry, "BAILIFF_TIME"), &us) ? us : entry->realtime_us;
}

bool bl_shown_start_us(const struct bl_shown *entry, uint64_t *ret)
{
	uint64_t start_ns, now_ns, now_us, age_us;

	if (!bl_shown_number(entry, "BAILIFF_START_NS", &start_ns) ||
	    !bl_shown_number(entry, "BAILIFF_TIME_BOOTTIME_NS", &now_ns) ||
	    !parse_time(bl_shown_find(entry, "BAILIFF_TIME"), &now_us) || start_ns > now_ns)
		return false;
	age_us = (now_ns - start_ns) / NS_PER_US;
	if (age_us > now_us)
		return false;
	*ret = now_us - age_us;
	return true;
}
