/* SPDX-License-Identifier: Apache-2.0 */
/* Reading our entries back by libsystemd's journal API. */
#include "read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "export.h"
#include "message.h"

#define FIELDS_FIRST 128
#define US_PER_MS    1000
#define EVENT_ID_MAX 96 /* a match has room for it */
#define FIELD_NAME_MAX 80

struct bl_reader {
	struct bl_reader_options options;
	sd_journal *journal;
	struct bl_export *export; /* in place of a journal */
	const char *fault;
	bool here; /* the journal is at an entry that next() has not given yet */
	bool over;
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

static bool is_plain(const struct bl_reader_options *options)
{
	return !options->since_us && !options->until_us &&
	       (!options->pick || bl_pick_is_empty(options->pick));
}

static int seek_start(sd_journal *journal, const struct bl_reader_options *options)
{
	if (options->after_cursor)
		return seek_cursor(journal, options->after_cursor);
	if (options->at_cursor)
		return sd_journal_seek_cursor(journal, options->at_cursor);
	if (options->last && is_plain(options))
		return seek_last(journal, options->last);
	if (options->last)
		return options->until_us
			       ? sd_journal_seek_realtime_usec(journal, options->until_us + 1)
			       : sd_journal_seek_tail(journal);
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

/* What a journal file begins with. */
static bool is_journal(FILE *file)
{
	static const char signature[8] = { 'L', 'P', 'K', 'S', 'H', 'H', 'R', 'H' };
	char bytes[sizeof(signature)];
	bool is = fread(bytes, 1, sizeof(bytes), file) == sizeof(bytes) &&
		  !memcmp(bytes, signature, sizeof(bytes));

	rewind(file);
	return is;
}

/* Returns 1 where the files are no journals, but an exported one, which is open then. */
static int open_export(struct bl_reader *reader)
{
	const char **files = reader->options.files;
	FILE *file;

	if (!strcmp(files[0], "-"))
		file = stdin;
	else
		file = fopen(files[0], "re");
	if (!file)
		return -errno;
	if (file != stdin && is_journal(file)) {
		fclose(file);
		return 0;
	}
	if (files[1] || reader->options.last || reader->options.after_cursor ||
	    reader->options.at_cursor) {
		fclose(file);
		return -EOPNOTSUPP;
	}
	return bl_export_new(file, &reader->export) < 0 ? -ENOMEM : 1;
}

static int open_journal(const struct bl_reader_options *options, sd_journal **ret)
{
	int r;

	if (options->files)
		return sd_journal_open_files(ret, options->files, 0);
	if (options->directory)
		return sd_journal_open_directory(ret, options->directory, 0);
	r = sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	return r < 0 ? r : check_files(*ret);
}

static int find_last(struct bl_reader *reader);

static int start_journal(struct bl_reader *reader)
{
	const struct bl_reader_options *options = &reader->options;
	int r = open_journal(options, &reader->journal);

	if (r >= 0)
		r = match_ours(reader->journal, options->verdicts_only, options->event_id);
	if (r >= 0)
		r = seek_start(reader->journal, options);
	if (r >= 0 && options->last && !is_plain(options))
		r = find_last(reader);
	return r < 0 ? r : 0;
}

int bl_reader_new(const struct bl_reader_options *options, struct bl_reader **ret)
{
	struct bl_reader *reader = calloc(1, sizeof(*reader));
	int r = 0;

	if (!reader)
		return -ENOMEM;
	reader->options = *options;
	if (options->files)
		r = open_export(reader);
	if (r == 0)
		r = start_journal(reader);
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
	bl_export_free(reader->export);
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

/* What a journal's matches do, for entries of a file that has none. */
static bool is_ours(const struct bl_reader_options *options, const struct bl_shown *entry)
{
	const struct bl_shown_field *id = bl_shown_find(entry, "MESSAGE_ID");
	enum bl_message message = id ? bl_message_find(id->value, id->value_len) : 0;

	return message && (!options->verdicts_only || message < BL_MESSAGE_STARTED) &&
	       bl_shown_has(entry, "_UID", "0") &&
	       bl_shown_has(entry, "_SYSTEMD_UNIT", BL_READER_UNIT) &&
	       (!options->event_id || bl_shown_has(entry, "BAILIFF_EVENT_ID", options->event_id));
}

/* Returns 1: wanted, 0: not, or -ENOMEM. */
static int is_wanted(const struct bl_reader *reader, const struct bl_shown *entry)
{
	const struct bl_reader_options *options = &reader->options;

	if (entry->realtime_us < options->since_us)
		return 0;
	return options->pick ? bl_pick_match(options->pick, entry) : 1;
}

/* Goes back until the last so many wanted entries are ahead. */
static int find_last(struct bl_reader *reader)
{
	struct bl_shown entry;
	uint64_t found = 0;
	int r;

	while ((r = sd_journal_previous_skip(reader->journal, 1)) > 0) {
		r = read_entry(reader, &entry);
		if (r < 0)
			return r;
		if (entry.realtime_us < reader->options.since_us)
			return 0;
		r = is_wanted(reader, &entry);
		if (r < 0)
			return r;
		found += r > 0;
		reader->here = found == reader->options.last;
		if (reader->here)
			return 0;
	}
	return r < 0 ? r : sd_journal_seek_head(reader->journal);
}

static int next_of_journal(struct bl_reader *reader, struct bl_shown *ret)
{
	int r = reader->here ? 1 : sd_journal_next(reader->journal);

	reader->here = false;
	return r <= 0 ? r : read_entry(reader, ret);
}

static int next_of_export(struct bl_reader *reader, struct bl_shown *ret)
{
	int r;

	do {
		r = bl_export_next(reader->export, ret, &reader->fault);
	} while (r > 0 && !is_ours(&reader->options, ret));
	reader->over = r <= 0;
	return r;
}

int bl_reader_next(struct bl_reader *reader, struct bl_shown *ret)
{
	const uint64_t until_us = reader->options.until_us;
	struct bl_shown entry;
	int r, wanted = 0;

	while (!wanted && !reader->over) {
		r = reader->export ? next_of_export(reader, &entry)
				   : next_of_journal(reader, &entry);
		if (r <= 0)
			return r;
		/* Entries are in the order of time, but for a clock that was set. */
		if (until_us && entry.realtime_us > until_us) {
			reader->over = !reader->export;
			continue;
		}
		wanted = is_wanted(reader, &entry);
		if (wanted < 0)
			return wanted;
	}
	if (wanted)
		*ret = entry;
	return wanted;
}

bool bl_reader_is_over(const struct bl_reader *reader)
{
	return reader->over;
}

const char *bl_reader_fault(const struct bl_reader *reader)
{
	return reader->fault;
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

static const struct bl_shown_field *find_hex(const struct bl_shown *entry, const char *name)
{
	char hex[FIELD_NAME_MAX];

	snprintf(hex, sizeof(hex), "%s_HEX", name);
	return bl_shown_find(entry, hex);
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
	const struct bl_shown_field *hex = find_hex(entry, name);
	const struct bl_shown_field *field = hex ? hex : bl_shown_find(entry, name);
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
	int r = reader->journal ? sd_journal_wait(reader->journal, timeout_us) : -EOPNOTSUPP;

	return r < 0 ? r : 0;
}
