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
#define VALUE_BYTES_MAX 16384 /* the longest of ours is the hexadecimal form of a path: 8192 */

#define COLOUR_BOLD_RED "\x1b[1;31m"
#define COLOUR_RED	"\x1b[31m"
#define COLOUR_YELLOW	"\x1b[33m"
#define COLOUR_BLUE	"\x1b[34m"
#define COLOUR_NONE	"\x1b[0m"

static bool is_named(const struct bl_shown_field *field, const char *name)
{
	return field->name_len == strlen(name) && !memcmp(field->name, name, field->name_len);
}

static const struct bl_shown_field *find(const struct bl_shown *entry, const char *name)
{
	for (size_t i = 0; i < entry->n_fields; i++) {
		if (is_named(&entry->fields[i], name))
			return &entry->fields[i];
	}
	return NULL;
}

static bool has_value(const struct bl_shown *entry, const char *name, const char *value)
{
	const struct bl_shown_field *field = find(entry, name);

	return field && field->value_len == strlen(value) &&
	       !memcmp(field->value, value, field->value_len);
}

/* ---- one line ----------------------------------------------------------------------------- */

static const char *colour_of(const struct bl_shown *entry)
{
	if (has_value(entry, "BAILIFF_VERDICT", "would-deny") ||
	    has_value(entry, "BAILIFF_VERDICT", "would-kill"))
		return COLOUR_YELLOW;
	if (has_value(entry, "BAILIFF_VERDICT", "alert"))
		return COLOUR_BLUE;
	if (has_value(entry, "PRIORITY", "3"))
		return COLOUR_BOLD_RED;
	return has_value(entry, "BAILIFF_VERDICT", "deny") ||
			       has_value(entry, "BAILIFF_VERDICT", "kill")
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
	const struct bl_shown_field *message = find(entry, "MESSAGE");
	const char *tint = colour ? colour_of(entry) : "";

	print_local_time(out, entry->realtime_us);
	fprintf(out, " %s", tint);
	if (message)
		print_value(out, message->value, message->value_len);
	fprintf(out, "%s\n", *tint ? COLOUR_NONE : "");
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void json_string(FILE *out, const char *value, size_t len)
{
	char text[VALUE_BYTES_MAX];
	size_t used = bl_escape_again(value, len, text, sizeof(text));

	/* No controls and no invalid UTF-8 are left: only these two need JSON's own escape. */
	fputc('"', out);
	for (size_t i = 0; i < used; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', out);
		fputc(text[i], out);
	}
	fputc('"', out);
}

static void json_list(FILE *out, const char *value, size_t len, char separator)
{
	size_t start = 0;

	fputc('[', out);
	for (size_t i = 0; i <= len; i++) {
		if (i < len && value[i] != separator)
			continue;
		if (start)
			fputc(',', out);
		json_string(out, value + start, i - start);
		start = i + 1;
	}
	fputc(']', out);
}

/* A number as JSON allows it: no leading zeros, no sign, of sensible length. */
static bool is_number(const char *value, size_t len)
{
	if (!len || len > 20 || (value[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
	}
	return true;
}

static bool is_number_field(const struct bl_shown_field *field)
{
	return bl_fields_is_number(field->name, field->name_len) ||
	       bl_report_is_number(field->name, field->name_len);
}

static void json_value(FILE *out, const struct bl_shown_field *field)
{
	if (is_named(field, "BAILIFF_ATTACK"))
		json_list(out, field->value, field->value_len, ' ');
	else if (is_named(field, "BAILIFF_ACCESS") || is_named(field, "BAILIFF_FILE") ||
		 is_named(field, "BAILIFF_TRUNCATED"))
		json_list(out, field->value, field->value_len, ',');
	else if (is_number_field(field) && is_number(field->value, field->value_len))
		fwrite(field->value, 1, field->value_len, out);
	else
		json_string(out, field->value, field->value_len);
}

static void json_time(FILE *out, const struct bl_shown *entry)
{
	const struct bl_shown_field *time_field = find(entry, "BAILIFF_TIME");
	time_t seconds = (time_t)(entry->realtime_us / US_PER_S);
	struct tm tm;
	char text[64];

	fputs("{\"time\":", out);
	if (time_field)
		json_string(out, time_field->value, time_field->value_len);
	else if (gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%FT%T", &tm))
		fprintf(out, "\"%s.%06" PRIu64 "Z\"", text, entry->realtime_us % US_PER_S);
	else
		fputs("null", out);
}

/* The fields that keep their meaning without the prefix's help. */
static void json_common(FILE *out, const struct bl_shown *entry)
{
	const struct bl_shown_field *message = find(entry, "MESSAGE");
	const struct bl_shown_field *id = find(entry, "MESSAGE_ID");
	const struct bl_shown_field *priority = find(entry, "PRIORITY");

	if (message) {
		fputs(",\"text\":", out);
		json_string(out, message->value, message->value_len);
	}
	if (id) {
		fputs(",\"message_id\":", out);
		json_string(out, id->value, id->value_len);
	}
	if (priority && is_number(priority->value, priority->value_len)) {
		fputs(",\"priority\":", out);
		fwrite(priority->value, 1, priority->value_len, out);
	}
}

static bool is_ours(const struct bl_shown_field *field)
{
	size_t len = strlen(PREFIX);

	return field->name_len > len && !memcmp(field->name, PREFIX, len) &&
	       !is_named(field, "BAILIFF_TIME");
}

static void json_key(FILE *out, const struct bl_shown_field *field)
{
	fputs(",\"", out);
	for (size_t i = strlen(PREFIX); i < field->name_len; i++) {
		char c = field->name[i];

		/* journald lets nothing else into a name; a journal file may be forged. */
		if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
			fputc(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c, out);
	}
	fputs("\":", out);
}

static int compare_names(const void *a, const void *b)
{
	const struct bl_shown_field *x = *(const struct bl_shown_field *const *)a;
	const struct bl_shown_field *y = *(const struct bl_shown_field *const *)b;
	size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, len);

	return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* journald keeps no order of fields: by name, so that the same entry prints the same. */
static void json_fields(FILE *out, const struct bl_shown_field **sorted, size_t n)
{
	qsort(sorted, n, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (i && !compare_names(&sorted[i - 1], &sorted[i]))
			continue;
		json_key(out, sorted[i]);
		json_value(out, sorted[i]);
	}
}

int bl_show_json(FILE *out, const struct bl_shown *entry)
{
	const struct bl_shown_field **sorted = calloc(entry->n_fields + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < entry->n_fields; i++) {
		if (is_ours(&entry->fields[i]))
			sorted[n++] = &entry->fields[i];
	}
	json_time(out, entry);
	json_common(out, entry);
	json_fields(out, sorted, n);
	fputs(",\"cursor\":", out);
	json_string(out, entry->cursor, strlen(entry->cursor));
	fputs("}\n", out);
	free(sorted);
	return ferror(out) ? -EIO : 0;
}
