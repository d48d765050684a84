/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries on a terminal or as JSON; what was read is not trusted to be well-formed. */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "escape.h"
#include "fields.h"
#include "report.h"

#define US_PER_S	1000000
#define PREFIX		"BAILIFF_"
#define NAME_BYTES_MAX	64 /* as journald has it */
#define VALUE_BYTES_MAX 16384 /* the longest of ours is the hexadecimal form of a path: 8192 */

#define COLOUR_BOLD_RED "\x1b[1;31m"
#define COLOUR_RED	"\x1b[31m"
#define COLOUR_YELLOW	"\x1b[33m"
#define COLOUR_BLUE	"\x1b[34m"
#define COLOUR_NONE	"\x1b[0m"

/* ---- one line ----------------------------------------------------------------------------- */

static const char *colour_of(const struct bl_shown *entry)
{
	if (bl_shown_has(entry, "BAILIFF_VERDICT", "would-deny") ||
	    bl_shown_has(entry, "BAILIFF_VERDICT", "would-kill"))
		return COLOUR_YELLOW;
	if (bl_shown_has(entry, "BAILIFF_VERDICT", "alert"))
		return COLOUR_BLUE;
	if (bl_shown_has(entry, "PRIORITY", "3"))
		return COLOUR_BOLD_RED;
	return bl_shown_has(entry, "BAILIFF_VERDICT", "deny") ||
			       bl_shown_has(entry, "BAILIFF_VERDICT", "kill")
		       ? COLOUR_RED
		       : "";
}

static void print_local_time(FILE *out, uint64_t realtime_us)
{
	time_t seconds = (time_t)(realtime_us / US_PER_S);
	struct tm tm;
	char text[64];

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		fputs(text, out);
}

static void print_value(FILE *out, const char *value, size_t len)
{
	char text[VALUE_BYTES_MAX];

	fwrite(text, 1, bl_escape_again(value, len, text, sizeof(text)), out);
}

int bl_show_line(FILE *out, const struct bl_shown *entry, bool colour)
{
	const struct bl_shown_field *message = bl_shown_find(entry, "MESSAGE");
	const char *tint = colour ? colour_of(entry) : "";

	print_local_time(out, entry->realtime_us);
	fprintf(out, " %s", tint);
	if (message)
		print_value(out, message->value, message->value_len);
	fprintf(out, "%s\n", *tint ? COLOUR_NONE : "");
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static bool is_number_field(const struct bl_shown_field *field)
{
	return bl_fields_is_number(field->name, field->name_len) ||
	       bl_report_is_number(field->name, field->name_len);
}

static bool is_list(const struct bl_shown_field *field)
{
	return bl_shown_is_named(field, "BAILIFF_ACCESS") ||
	       bl_shown_is_named(field, "BAILIFF_FILE") ||
	       bl_shown_is_named(field, "BAILIFF_TRUNCATED");
}

static void put_value(struct bl_out *out, const char *path, const struct bl_shown_field *field)
{
	uint64_t number;

	if (bl_shown_is_named(field, "BAILIFF_ATTACK"))
		bl_out_list(out, path, field->value, field->value_len, ' ');
	else if (is_list(field))
		bl_out_list(out, path, field->value, field->value_len, ',');
	else if (is_number_field(field) && bl_shown_number_of(field, &number))
		bl_out_number(out, path, number);
	else
		bl_out_text(out, path, field->value, field->value_len);
}

/* journald lets nothing else into a name; a journal file may be forged. */
static bool is_name(const struct bl_shown_field *field)
{
	for (size_t i = 0; i < field->name_len; i++) {
		char c = field->name[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return field->name_len <= NAME_BYTES_MAX;
}

/* Keys of bl_show_json() that are of other fields; no field of ours has such a name. */
static bool is_taken(const struct bl_shown_field *field)
{
	static const char *const taken[] = { "BAILIFF_TIME", "BAILIFF_TEXT", "BAILIFF_MESSAGE_ID",
					     "BAILIFF_PRIORITY", "BAILIFF_CURSOR" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		if (bl_shown_is_named(field, taken[i]))
			return true;
	}
	return false;
}

static void put_field(struct bl_out *out, const char *parent, const struct bl_shown_field *field)
{
	char path[NAME_BYTES_MAX + 32];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s%s", parent, *parent ? "." : "");

	for (size_t i = strlen(PREFIX); i < field->name_len; i++) {
		char c = field->name[i];

		path[used++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	path[used] = '\0';
	put_value(out, path, field);
}

static int compare_names(const void *a, const void *b)
{
	const struct bl_shown_field *x = *(const struct bl_shown_field *const *)a;
	const struct bl_shown_field *y = *(const struct bl_shown_field *const *)b;
	size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, len);

	return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

int bl_show_fields(struct bl_out *out, const char *parent, const struct bl_shown *entry)
{
	const struct bl_shown_field **sorted = calloc(entry->n_fields + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < entry->n_fields; i++) {
		const struct bl_shown_field *field = &entry->fields[i];

		if (bl_shown_is_ours(field) && is_name(field) && (*parent || !is_taken(field)))
			sorted[n++] = field;
	}
	/* journald keeps no order of fields: by name, so that the same entry prints the same. */
	qsort(sorted, n, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (!i || compare_names(&sorted[i - 1], &sorted[i]))
			put_field(out, parent, sorted[i]);
	}
	free(sorted);
	return 0;
}

void bl_show_text(struct bl_out *out, const char *path, const struct bl_shown *entry,
		  const char *name)
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);

	if (field)
		bl_out_text(out, path, field->value, field->value_len);
}

void bl_show_number(struct bl_out *out, const char *path, const struct bl_shown *entry,
		    const char *name)
{
	uint64_t number;

	if (bl_shown_number(entry, name, &number))
		bl_out_number(out, path, number);
}

int bl_show_end(struct bl_out *out)
{
	int r = bl_out_end(out);

	fputc('\n', out->file);
	return ferror(out->file) ? -EIO : r;
}

int bl_show_json(FILE *file, const struct bl_shown *entry)
{
	struct bl_out out;
	int r;

	bl_out_begin(&out, file);
	if (bl_shown_find(entry, "BAILIFF_TIME"))
		bl_show_text(&out, "time", entry, "BAILIFF_TIME");
	else
		bl_out_time(&out, "time", entry->realtime_us);
	/* The fields that keep their meaning without the prefix's help. */
	bl_show_text(&out, "text", entry, "MESSAGE");
	bl_show_text(&out, "message_id", entry, "MESSAGE_ID");
	bl_show_number(&out, "priority", entry, "PRIORITY");
	r = bl_show_fields(&out, "", entry);
	bl_out_word(&out, "cursor", entry->cursor);
	return bl_show_end(&out) < 0 ? -EIO : r;
}
