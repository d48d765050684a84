/* SPDX-License-Identifier: Apache-2.0 */
/* One journal entry as it was read, and what its fields say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One field as read from a journal; nothing is NUL-terminated. */
struct bl_shown_field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* One entry as read from a journal. */
struct bl_shown {
	const struct bl_shown_field *fields;
	size_t n_fields;
	const char *cursor;   /* NUL-terminated */
	uint64_t realtime_us; /* when journald took it */
};

/* The first field of this name, or NULL. */
const struct bl_shown_field *bl_shown_find(const struct bl_shown *entry, const char *name);

/* Whether the entry has a field of this name and value. */
bool bl_shown_has(const struct bl_shown *entry, const char *name, const char *value);

/* Whether a field has this name. */
bool bl_shown_is_named(const struct bl_shown_field *field, const char *name);

/* Whether a field is one of those that are bailiff's own. */
bool bl_shown_is_ours(const struct bl_shown_field *field);

/* A decimal number below 2^63 without sign or leading zeros: returns whether it is one, and it in *ret. */
bool bl_shown_number_of(const struct bl_shown_field *field, uint64_t *ret);

/* The same of the field with this name. */
bool bl_shown_number(const struct bl_shown *entry, const char *name, uint64_t *ret);

/* The value of a field as a new string (free() it), NULL where there is none or memory is short. */
char *bl_shown_dup(const struct bl_shown *entry, const char *name);

/* Whether the entry is a verdict, and no message about the daemon itself. */
bool bl_shown_is_verdict(const struct bl_shown *entry);

/* How many times it happened: once, and as often again as repeats were folded into the entry. */
uint64_t bl_shown_times(const struct bl_shown *entry);

/*
 * When it happened, in microseconds of CLOCK_REALTIME: BAILIFF_TIME where the entry has one that can be read, else
 * when journald took the entry.
 */
uint64_t bl_shown_time_us(const struct bl_shown *entry);

/* When the process started, by the same clock; false where the entry does not say. */
bool bl_shown_start_us(const struct bl_shown *entry, uint64_t *ret);
