/* SPDX-License-Identifier: Apache-2.0 */
/* Reading entries back, from a journal of the test's own: its functions stand for libsystemd's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base.h"
#include "message.h"
#include "read.h"

#define ENTRIES	   5
#define FIELDS_MAX 400
#define BIG	   100000

struct fake_field {
	char *data;
	size_t len;
};

struct fake_entry {
	struct fake_field fields[FIELDS_MAX];
	size_t n_fields;
};

struct sd_journal {
	int at; /* -1: before the first */
	size_t field;
	int closed;
};

static struct sd_journal fake;
static struct fake_entry entries[ENTRIES];
static int has_files, open_r, match_r, data_r, waited_r;
static uint64_t waited_us;
static char matches[4096];
static int cursor_gone; /* what a cursor names is in the journal no more */

int sd_journal_open(sd_journal **ret, int flags)
{
	assert_int_equal(flags, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	*ret = &fake;
	return open_r;
}

int sd_journal_open_directory(sd_journal **ret, const char *path, int flags)
{
	assert_int_equal(flags, 0);
	assert_string_equal(path, "/a/directory");
	*ret = &fake;
	return open_r;
}

void sd_journal_close(sd_journal *journal)
{
	journal->closed = 1;
}

int sd_journal_has_runtime_files(sd_journal *journal)
{
	return has_files & 1;
}

int sd_journal_has_persistent_files(sd_journal *journal)
{
	return has_files >> 1;
}

int sd_journal_add_match(sd_journal *journal, const void *data, size_t size)
{
	size_t used = strlen(matches);

	assert_true(used + size + 2 < sizeof(matches));
	memcpy(matches + used, data, size);
	memcpy(matches + used + size, "\n", 2);
	return match_r;
}

int sd_journal_seek_head(sd_journal *journal)
{
	journal->at = -1;
	return 0;
}

int sd_journal_seek_tail(sd_journal *journal)
{
	journal->at = ENTRIES;
	return 0;
}

int sd_journal_seek_realtime_usec(sd_journal *journal, uint64_t us)
{
	journal->at = us ? (int)us - 1 : -1;
	return 0;
}

int sd_journal_seek_cursor(sd_journal *journal, const char *cursor)
{
	if (strncmp(cursor, "cursor-", 7) != 0)
		return -EINVAL;
	journal->at = atoi(cursor + 7) - 1;
	return 0;
}

int sd_journal_test_cursor(sd_journal *journal, const char *cursor)
{
	return !cursor_gone && journal->at == atoi(cursor + 7);
}

int sd_journal_previous_skip(sd_journal *journal, uint64_t skip)
{
	int moved = skip > (uint64_t)journal->at ? journal->at : (int)skip;

	journal->at -= moved;
	return moved;
}

int sd_journal_next(sd_journal *journal)
{
	if (journal->at >= ENTRIES - 1)
		return 0;
	journal->at++;
	return 1;
}

int sd_journal_get_realtime_usec(sd_journal *journal, uint64_t *ret)
{
	*ret = 1000 + (uint64_t)journal->at;
	return 0;
}

int sd_journal_get_cursor(sd_journal *journal, char **ret)
{
	return asprintf(ret, "cursor-%d", journal->at) < 0 ? -ENOMEM : 0;
}

void sd_journal_restart_data(sd_journal *journal)
{
	journal->field = 0;
}

int sd_journal_enumerate_available_data(sd_journal *journal, const void **data, size_t *len)
{
	static char lent[BIG + 64];
	const struct fake_entry *entry = &entries[journal->at];

	if (data_r < 0)
		return data_r;
	if (journal->field >= entry->n_fields)
		return 0;
	/* What it gave before is overwritten, as libsystemd may do. */
	memset(lent, '#', sizeof(lent));
	memcpy(lent, entry->fields[journal->field].data, entry->fields[journal->field].len);
	*data = lent;
	*len = entry->fields[journal->field].len;
	journal->field++;
	return 1;
}

int sd_journal_wait(sd_journal *journal, uint64_t timeout_us)
{
	waited_us = timeout_us;
	return waited_r;
}

static void add(size_t entry, const void *data, size_t len)
{
	struct fake_field *field = &entries[entry].fields[entries[entry].n_fields++];

	field->data = malloc(len);
	assert_non_null(field->data);
	memcpy(field->data, data, len);
	field->len = len;
}

static int set_up(void **state)
{
	char text[32];

	memset(&fake, 0, sizeof(fake));
	fake.at = -1;
	matches[0] = 0;
	cursor_gone = open_r = match_r = data_r = waited_r = 0;
	has_files = 3;
	for (size_t i = 0; i < ENTRIES; i++)
		add(i, text, (size_t)snprintf(text, sizeof(text), "NUMBER=%zu", i));
	return 0;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		for (size_t j = 0; j < entries[i].n_fields; j++)
			free(entries[i].fields[j].data);
		entries[i].n_fields = 0;
	}
	return 0;
}

static struct bl_reader *open_with(struct bl_reader_options options)
{
	struct bl_reader *reader = NULL;

	assert_int_equal(bl_reader_new(&options, &reader), 0);
	assert_non_null(reader);
	return reader;
}

/* The number of the next entry, -1 when there is none. */
static int next_number(struct bl_reader *reader)
{
	struct bl_shown shown;
	char text[32];
	int r = bl_reader_next(reader, &shown), number;

	if (r == 0)
		return -1;
	assert_int_equal(r, 1);
	assert_int_equal(shown.fields[0].name_len, strlen("NUMBER"));
	assert_memory_equal(shown.fields[0].name, "NUMBER", strlen("NUMBER"));
	snprintf(text, sizeof(text), "%.*s", (int)shown.fields[0].value_len, shown.fields[0].value);
	number = atoi(text);
	assert_int_equal(shown.realtime_us, 1000 + number);
	snprintf(text, sizeof(text), "cursor-%d", number);
	assert_string_equal(shown.cursor, text);
	return number;
}

static void expect_from(struct bl_reader_options options, int first)
{
	struct bl_reader *reader;

	matches[0] = 0;
	reader = open_with(options);
	for (int i = first; i < ENTRIES; i++)
		assert_int_equal(next_number(reader), i);
	assert_int_equal(next_number(reader), -1);
	bl_reader_free(reader);
	assert_int_equal(fake.closed, 1);
}

static void only_what_journald_vouches_for(void **state)
{
	char line[64];

	bl_reader_free(open_with((struct bl_reader_options){}));
	assert_non_null(strstr(matches, "_UID=0\n"));
	assert_non_null(strstr(matches, "_SYSTEMD_UNIT=bailiffd.service\n"));
	for (unsigned int i = 1; i < _BL_MESSAGE_MAX; i++) {
		snprintf(line, sizeof(line), "MESSAGE_ID=%s\n", bl_message_id(i));
		assert_non_null(strstr(matches, line));
	}
	matches[0] = 0;
	bl_reader_free(open_with((struct bl_reader_options){ .verdicts_only = true }));
	assert_non_null(strstr(matches, "_UID=0\n"));
	for (unsigned int i = 1; i < _BL_MESSAGE_MAX; i++) {
		snprintf(line, sizeof(line), "MESSAGE_ID=%s\n", bl_message_id(i));
		assert_int_equal(strstr(matches, line) != NULL, i < BL_MESSAGE_STARTED);
	}
}

static void where_it_starts(void **state)
{
	expect_from((struct bl_reader_options){}, 0);
	expect_from((struct bl_reader_options){ .directory = "/a/directory" }, 0);
	expect_from((struct bl_reader_options){ .since_us = 2 }, 2);
	expect_from((struct bl_reader_options){ .last = 1 }, ENTRIES - 1);
	expect_from((struct bl_reader_options){ .last = 3 }, ENTRIES - 3);
	expect_from((struct bl_reader_options){ .last = ENTRIES }, 0);
	expect_from((struct bl_reader_options){ .last = UINT32_MAX }, 0);
	expect_from((struct bl_reader_options){ .after_cursor = "cursor-1" }, 2);
	expect_from((struct bl_reader_options){ .after_cursor = "cursor-4" }, ENTRIES);
	/* The entry has been removed: what follows it is not skipped. */
	cursor_gone = 1;
	expect_from((struct bl_reader_options){ .after_cursor = "cursor-1" }, 1);
}

static void fields_of_all_kinds(void **state)
{
	struct bl_reader *reader;
	struct bl_shown shown;
	char *big = malloc(BIG);
	char text[32];

	assert_non_null(big);
	memset(big, 'x', BIG);
	memcpy(big, "BIG=", 4);
	add(0, "BINARY=a\0b\nc=d", 14);
	add(0, "no name and no value", 20);
	add(0, "EMPTY=", 6);
	add(0, big, BIG);
	for (int i = 0; i < 300; i++)
		add(0, text, (size_t)snprintf(text, sizeof(text), "F%d=%d", i, i * 7));
	free(big);
	reader = open_with((struct bl_reader_options){});
	assert_int_equal(bl_reader_next(reader, &shown), 1);
	assert_int_equal(shown.n_fields, 1 + 3 + 300);
	assert_int_equal(shown.fields[1].name_len, 6);
	assert_int_equal(shown.fields[1].value_len, 7);
	assert_memory_equal(shown.fields[1].value, "a\0b\nc=d", 7);
	assert_int_equal(shown.fields[2].value_len, 0);
	assert_int_equal(shown.fields[3].value_len, BIG - 4);
	assert_int_equal(shown.fields[3].value[BIG - 5], 'x');
	for (int i = 0; i < 300; i++) {
		const struct bl_shown_field *field = &shown.fields[4 + i];
		int len = snprintf(text, sizeof(text), "F%d=%d", i, i * 7);

		assert_int_equal(field->name_len + 1 + field->value_len, len);
		assert_memory_equal(field->name, text, (size_t)len);
	}
	/* Nothing of an entry is left in the next one. */
	assert_int_equal(bl_reader_next(reader, &shown), 1);
	assert_int_equal(shown.n_fields, 1);
	bl_reader_free(reader);
}

static void one_verdict(void **state)
{
	struct bl_reader *reader = NULL;
	struct bl_shown shown;
	char id[200];

	/* By its cursor: this entry, and not the one that is in its place. */
	assert_int_equal(bl_reader_find("/a/directory", "cursor-2;s=", &reader, &shown), 1);
	assert_string_equal(shown.cursor, "cursor-2");
	bl_reader_free(reader);
	assert_null(strstr(matches, "BAILIFF_EVENT_ID"));
	cursor_gone = 1;
	assert_int_equal(bl_reader_find(NULL, "cursor-2;s=", &reader, &shown), 0);
	assert_int_equal(bl_reader_find(NULL, "nonsense;s=", &reader, &shown), -EINVAL);
	/* By its id, beside all that makes an entry ours. */
	matches[0] = 0;
	assert_int_equal(bl_reader_find(NULL, "0123-4", &reader, &shown), 1);
	assert_string_equal(shown.cursor, "cursor-0");
	bl_reader_free(reader);
	assert_non_null(strstr(matches, "_UID=0\n"));
	assert_non_null(strstr(matches, "_SYSTEMD_UNIT=bailiffd.service\n"));
	assert_non_null(strstr(matches, "BAILIFF_EVENT_ID=0123-4\n"));
	assert_null(strstr(matches, bl_message_id(BL_MESSAGE_STARTED)));
	/* No event has such ids. */
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = 0;
	assert_int_equal(bl_reader_find(NULL, id, &reader, &shown), 0);
	assert_int_equal(bl_reader_find(NULL, "", &reader, &shown), 0);
	has_files = 0;
	assert_int_equal(bl_reader_find(NULL, "1", &reader, &shown), geteuid() ? -EACCES : -ENOENT);
	assert_int_equal(fake.closed, 1);
}

static void expect_bytes(const struct bl_shown *shown, const char *name, const void *bytes,
			 size_t len)
{
	size_t got;
	char *text = bl_reader_bytes(shown, name, &got);

	assert_non_null(text);
	assert_int_equal(got, len);
	assert_memory_equal(text, bytes, len);
	assert_int_equal(text[len], 0);
	free(text);
}

static void the_bytes_of_a_field(void **state)
{
	struct bl_reader *reader;
	struct bl_shown shown;
	size_t len;

	add(0, "PLAIN=a b", 9);
	add(0, "SHOWN=\\xff", 10);
	add(0, "SHOWN_HEX=ff002f", 16);
	add(0, "EMPTY=", 6);
	add(0, "ODD_HEX=ff0", 11);
	add(0, "UPPER_HEX=FF", 12);
	reader = open_with((struct bl_reader_options){});
	assert_int_equal(bl_reader_next(reader, &shown), 1);
	expect_bytes(&shown, "PLAIN", "a b", 3);
	expect_bytes(&shown, "SHOWN", "\xff\0/", 3);
	expect_bytes(&shown, "EMPTY", "", 0);
	assert_null(bl_reader_bytes(&shown, "ODD", &len));
	assert_null(bl_reader_bytes(&shown, "UPPER", &len));
	assert_null(bl_reader_bytes(&shown, "PLAI", &len));
	assert_null(bl_reader_bytes(&shown, "PLAIN_", &len));
	bl_reader_free(reader);
}

static void failures_are_told(void **state)
{
	struct bl_reader_options options = { .after_cursor = "nonsense" };
	struct bl_reader *reader = NULL;
	struct bl_shown shown;

	assert_int_equal(bl_reader_new(&options, &reader), -EINVAL);
	options.after_cursor = NULL;
	has_files = 0;
	assert_int_equal(bl_reader_new(&options, &reader), geteuid() ? -EACCES : -ENOENT);
	has_files = 1;
	open_r = -EMFILE;
	assert_int_equal(bl_reader_new(&options, &reader), -EMFILE);
	open_r = 0;
	match_r = -ENOMEM;
	assert_int_equal(bl_reader_new(&options, &reader), -ENOMEM);
	assert_null(reader);
	match_r = 0;
	reader = open_with(options);
	data_r = -EBADMSG;
	assert_int_equal(bl_reader_next(reader, &shown), -EBADMSG);
	bl_reader_free(reader);
	bl_reader_free(NULL);
}

static void waiting(void **state)
{
	struct bl_reader *reader = open_with((struct bl_reader_options){});

	assert_int_equal(bl_reader_wait(reader, 250), 0);
	assert_int_equal(waited_us, 250000);
	assert_int_equal(bl_reader_wait(reader, 0), 0);
	assert_int_equal(waited_us, 0);
	waited_r = SD_JOURNAL_APPEND;
	assert_int_equal(bl_reader_wait(reader, -1), 0);
	assert_true(waited_us == UINT64_MAX);
	waited_r = -EBADF;
	assert_int_equal(bl_reader_wait(reader, 1), -EBADF);
	bl_reader_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_journald_vouches_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_it_starts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fields_of_all_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_verdict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_bytes_of_a_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waiting, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
