/* SPDX-License-Identifier: Apache-2.0 */
/* Reading our entries back by libsystemd's journal API. */
#include "read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "message.h"

#define FIELDS_FIRST 128
#define US_PER_MS    1000
#define EVENT_ID_MAX 96 /* a match has room for it */

struct bl_reader {
	sd_journal *journal;
	struct bl_shown_field *fields;
	char *bytes; /* copies: libsystemd's own are good for one call only */
	size_t n_fields;
	size_t max_fields;
	size_t used;
	size_t max_bytes;
	char *cursor;
};

static int match(sd_journal *journal, const char *name, const char *value)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%s=%s", name, value);

	return sd_journal_add_match(journal, text, (size_t)len);
}

/* Values of one name are alternatives, different names must all hold. */
static int match_ours(sd_journal *journal, bool verdicts_only, const char *event_id)
{
	int r = match(journal, "_UID", "0");

	if (r >= 0 && event_id)
		r = match(journal, "BAILIFF_EVENT_ID", event_id);

	if (r >= 0)
		r = match(journal, "_SYSTEMD_UNIT", BL_READER_UNIT);
	for (unsigned int i = 1; r >= 0 && i < _BL_MESSAGE_MAX; i++) {
		if (!verdicts_only || i < BL_MESSAGE_STARTED)
			r = match(journal, "MESSAGE_ID", bl_message_id(i));
	}
	return r < 0 ? r : 0;
}

/* Goes to the last 'n' entries: the next call of next gives the first of them. */
static int seek_last(sd_journal *journal, uint64_t n)
{
	int r = sd_journal_seek_tail(journal);

	/* One further back, since next() moves before it reads; 0 at the start: all are wanted. */
	if (r >= 0)
		r = sd_journal_previous_skip(journal, n + 1);
	if (r >= 0 && (uint64_t)r < n + 1)
		r = sd_journal_seek_head(journal);
	return r;
}

/* After the entry of this cursor, or where it would be if it is no longer there. */
static int seek_cursor(sd_journal *journal, const char *cursor)
{
	int r = sd_journal_seek_cursor(journal, cursor);

	if (r >= 0)
		r = sd_journal_next(journal);
	if (r > 0)
		r = sd_journal_test_cursor(journal, cursor);
	/* On another entry than that one: next() must give it. */
	return r == 0 ? sd_journal_seek_cursor(journal, cursor) : r;
}

static int seek_start(sd_journal *journal, const struct bl_reader_options *options)
{
	if (options->after_cursor)
		return seek_cursor(journal, options->after_cursor);
	if (options->at_cursor)
		return sd_journal_seek_cursor(journal, options->at_cursor);
	if (options->last)
		return seek_last(journal, options->last);
	if (options->since_us)
		return sd_journal_seek_realtime_usec(journal, options->since_us);
	return sd_journal_seek_head(journal);
}

/* libsystemd opens a journal of which it may read no file without a word. */
static int check_files(sd_journal *journal)
{
	if (sd_journal_has_runtime_files(journal) > 0 ||
	    sd_journal_has_persistent_files(journal) > 0)
		return 0;
	return geteuid() ? -EACCES : -ENOENT;
}

static int open_journal(const struct bl_reader_options *options, sd_journal **ret)
{
	int r;

	if (options->directory)
		return sd_journal_open_directory(ret, options->directory, 0);
	r = sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	return r < 0 ? r : check_files(*ret);
}

int bl_reader_new(const struct bl_reader_options *options, struct bl_reader **ret)
{
	struct bl_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	r = open_journal(options, &reader->journal);
	if (r >= 0)
		r = match_ours(reader->journal, options->verdicts_only, options->event_id);
	if (r >= 0)
		r = seek_start(reader->journal, options);
	if (r < 0) {
		bl_reader_free(reader);
		return r;
	}
	*ret = reader;
	return 0;
}

void bl_reader_free(struct bl_reader *reader)
{
	if (!reader)
		return;
	if (reader->journal)
		sd_journal_close(reader->journal);
	free(reader->fields);
	free(reader->bytes);
	free(reader->cursor);
	free(reader);
}

static int make_room(struct bl_reader *reader, size_t len)
{
	size_t fields = reader->max_fields ? reader->max_fields : FIELDS_FIRST;
	size_t bytes = reader->max_bytes ? reader->max_bytes : BUFSIZ;
	void *moved;

	while (fields <= reader->n_fields)
		fields *= 2;
	while (bytes - reader->used < len)
		bytes *= 2;
	if (fields != reader->max_fields) {
		moved = realloc(reader->fields, fields * sizeof(*reader->fields));
		if (!moved)
			return -ENOMEM;
		reader->fields = moved;
		reader->max_fields = fields;
	}
	if (bytes != reader->max_bytes) {
		moved = realloc(reader->bytes, bytes);
		if (!moved)
			return -ENOMEM;
		reader->bytes = moved;
		reader->max_bytes = bytes;
	}
	return 0;
}

/* Offsets come first, because the buffer may still move; see resolve(). */
static int keep(struct bl_reader *reader, const char *data, size_t len)
{
	const char *equals = memchr(data, '=', len);
	struct bl_shown_field *field;
	int r;

	if (!equals)
		return 0;
	r = make_room(reader, len);
	if (r < 0)
		return r;
	memcpy(reader->bytes + reader->used, data, len);
	field = &reader->fields[reader->n_fields++];
	field->name_len = (size_t)(equals - data);
	field->value_len = len - field->name_len - 1;
	reader->used += len;
	return 0;
}

static void resolve(struct bl_reader *reader)
{
	const char *at = reader->bytes;

	for (size_t i = 0; i < reader->n_fields; i++) {
		struct bl_shown_field *field = &reader->fields[i];

		field->name = at;
		field->value = at + field->name_len + 1;
		at = field->value + field->value_len;
	}
}

static int read_fields(struct bl_reader *reader)
{
	const void *data;
	size_t len;
	int r;

	reader->n_fields = 0;
	reader->used = 0;
	sd_journal_restart_data(reader->journal);
	while ((r = sd_journal_enumerate_available_data(reader->journal, &data, &len)) > 0) {
		r = keep(reader, data, len);
		if (r < 0)
			return r;
	}
	resolve(reader);
	return r;
}

static int read_entry(struct bl_reader *reader, struct bl_shown *ret)
{
	uint64_t realtime_us;
	char *cursor;
	int r = sd_journal_get_realtime_usec(reader->journal, &realtime_us);

	if (r >= 0)
		r = read_fields(reader);
	if (r >= 0)
		r = sd_journal_get_cursor(reader->journal, &cursor);
	if (r < 0)
		return r;
	free(reader->cursor);
	reader->cursor = cursor;
	*ret = (struct bl_shown){
		.fields = reader->fields,
		.n_fields = reader->n_fields,
		.cursor = cursor,
		.realtime_us = realtime_us,
	};
	return 1;
}

int bl_reader_next(struct bl_reader *reader, struct bl_shown *ret)
{
	int r = sd_journal_next(reader->journal);

	return r <= 0 ? r : read_entry(reader, ret);
}

/* As sd_journal_get_cursor(3) makes them: fields of one letter. */
static bool is_cursor(const char *name)
{
	return strchr(name, ';') && strchr(name, '=');
}

int bl_reader_find(const char *directory, const char *name, struct bl_reader **ret,
		   struct bl_shown *ret_entry)
{
	struct bl_reader_options options = { .directory = directory, .verdicts_only = true };
	struct bl_reader *reader;
	int r;

	if (is_cursor(name))
		options.at_cursor = name;
	else if (*name && strlen(name) < EVENT_ID_MAX)
		options.event_id = name;
	else
		return 0;
	r = bl_reader_new(&options, &reader);
	if (r < 0)
		return r;
	r = bl_reader_next(reader, ret_entry);
	if (r > 0 && options.at_cursor)
		r = sd_journal_test_cursor(reader->journal, name);
	if (r > 0)
		*ret = reader;
	else
		bl_reader_free(reader);
	return r;
}

static const struct bl_shown_field *find_field(const struct bl_shown *entry, const char *name,
					       const char *suffix)
{
	size_t len = strlen(name), all = len + strlen(suffix);

	for (size_t i = 0; i < entry->n_fields; i++) {
		const struct bl_shown_field *field = &entry->fields[i];

		if (field->name_len == all && !memcmp(field->name, name, len) &&
		    !memcmp(field->name + len, suffix, all - len))
			return field;
	}
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. Returns whether it was hexadecimal. */
static bool decode_hex(char *text, size_t *len)
{
	for (size_t i = 0; i + 1 < *len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		text[i / 2] = (char)(high << 4 | low);
	}
	if (*len % 2)
		return false;
	*len /= 2;
	text[*len] = '\0';
	return true;
}

char *bl_reader_bytes(const struct bl_shown *entry, const char *name, size_t *ret_len)
{
	const struct bl_shown_field *hex = find_field(entry, name, "_HEX");
	const struct bl_shown_field *field = hex ? hex : find_field(entry, name, "");
	char *bytes = field ? malloc(field->value_len + 1) : NULL;
	size_t len = field ? field->value_len : 0;

	if (!bytes)
		return NULL;
	memcpy(bytes, field->value, len);
	bytes[len] = '\0';
	if (hex && !decode_hex(bytes, &len)) {
		free(bytes);
		return NULL;
	}
	*ret_len = len;
	return bytes;
}

int bl_reader_wait(struct bl_reader *reader, int timeout_ms)
{
	uint64_t timeout_us = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * US_PER_MS;
	int r = sd_journal_wait(reader->journal, timeout_us);

	return r < 0 ? r : 0;
}
