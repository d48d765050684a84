/* SPDX-License-Identifier: Apache-2.0 */
/* Printing journal entries of bailiff: one safe line for terminals, or one JSON object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

/*
 * Prints one line: local time, then MESSAGE, escaped again against whatever else can
 * write to a journal. colour: by verdict and severity, with ANSI sequences.
 * Returns 0 or -EIO.
 */
int bl_show_line(FILE *out, const struct bl_shown *entry, bool colour);

/*
 * Prints one JSON object and a newline. Keys: "time" (of the event where it has one, else of the
 * entry; UTC, RFC 3339), "text" (MESSAGE), "message_id", "priority", then every BAILIFF_ field by
 * its name without that prefix in lower case ("message" is the rule's), sorted, and "cursor".
 * Numbers are JSON numbers where the field is always one; "attack", "access", "file" and "truncated" are
 * arrays. Returns 0, -EIO or -ENOMEM.
 */
int bl_show_json(FILE *out, const struct bl_shown *entry);
