/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: collects them, prints them as a compiler would, renders them as JSON. */
#include "diag.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base.h"
#include "policy.h"

#define EXCERPT_BYTES 160 /* longest part of a source line that is shown */
#define EXCERPT_LEFT  100 /* ... of it before the caret */

const char *bl_diag_level_name(enum bl_diag_level level)
{
	switch (level) {
	case BL_DIAG_ERROR:
		return "error";
	case BL_DIAG_WARNING:
		return "warning";
	case BL_DIAG_NOTE:
		return "note";
	}
	return "error";
}

static void diag_clear(struct bl_diag *diag)
{
	free(diag->file);
	free(diag->pointer);
	free(diag->message);
	free(diag->hint);
}

void bl_diags_clear(struct bl_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		diag_clear(&diags->items[i]);
	free(diags->items);
	*diags = (struct bl_diags){ 0 };
}

static BL_PRINTF(1, 0) char *format_printable(const char *fmt, va_list args)
{
	_cleanup_free_ char *raw = bl_vformat(fmt, args);

	return raw ? bl_printable(raw, strlen(raw)) : NULL;
}

/* Copies an optional string. */
static int copy(const char *text, char **ret)
{
	char *twin;

	if (!text)
		return 0;
	twin = strdup(text);
	if (!twin)
		return -ENOMEM;
	*ret = twin;
	return 0;
}

static BL_PRINTF(3, 0) int diag_fill(struct bl_diag *diag, const struct bl_diag_at *at,
				     const char *fmt, va_list args)
{
	diag->message = format_printable(fmt, args);
	if (!diag->message)
		return -ENOMEM;
	if (!at)
		return 0;
	diag->line = at->line;
	diag->column = at->column;
	if (copy(at->file, &diag->file) < 0 || copy(at->pointer, &diag->pointer) < 0)
		return -ENOMEM;
	return 0;
}

bool bl_diags_full(const struct bl_diags *diags, enum bl_diag_level level)
{
	return diags->count >= (level == BL_DIAG_ERROR ? BL_DIAGS_MAX : BL_DIAGS_MAX / 2);
}

struct bl_diag *bl_diag_add(struct bl_diags *diags, enum bl_diag_level level,
			    const struct bl_diag_at *at, const char *code, const char *fmt, ...)
{
	struct bl_diag diag = { .level = level, .code = code };
	va_list args;
	int r;

	if (level == BL_DIAG_ERROR)
		diags->errors++;
	if (bl_diags_full(diags, level) ||
	    bl_grow(&diags->items, &diags->capacity, diags->count + 1, sizeof(diag)) < 0) {
		diags->dropped++;
		return NULL;
	}
	va_start(args, fmt);
	r = diag_fill(&diag, at, fmt, args);
	va_end(args);
	if (r < 0) {
		diag_clear(&diag);
		diags->dropped++;
		return NULL;
	}
	diags->items[diags->count] = diag;
	return &diags->items[diags->count++];
}

void bl_diag_hint(struct bl_diag *diag, const char *fmt, ...)
{
	va_list args;
	char *hint;

	if (!diag)
		return;
	va_start(args, fmt);
	hint = format_printable(fmt, args);
	va_end(args);
	if (!hint)
		return;
	free(diag->hint);
	diag->hint = hint;
}

static int diag_compare(const struct bl_diag *a, const struct bl_diag *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return 0;
}

/* Insertion sort: stable, few items, and nearly in order as they are found. */
void bl_diags_sort(struct bl_diags *diags, size_t from)
{
	for (size_t i = from + 1; i < diags->count; i++) {
		struct bl_diag diag = diags->items[i];
		size_t at = i;

		while (at > from && diag_compare(&diags->items[at - 1], &diag) > 0) {
			diags->items[at] = diags->items[at - 1];
			at--;
		}
		diags->items[at] = diag;
	}
}

/* ---- as text ------------------------------------------------------------------------------ */

/* A line of a source; the next one that is asked for is mostly further down. */
struct cursor {
	const struct bl_source *source;
	uint32_t line;
	const char *start;
};

static const char *source_end(const struct bl_source *source)
{
	return source->bytes + source->len;
}

static const struct bl_source *source_find(const struct bl_source *sources, size_t n,
					   const char *path)
{
	for (size_t i = 0; path && i < n; i++) {
		if (sources[i].bytes && strcmp(sources[i].path, path) == 0)
			return &sources[i];
	}
	return NULL;
}

/* Moves the cursor to a line; returns false where the source has no such line. */
static bool cursor_seek(struct cursor *cursor, const struct bl_source *source, uint32_t line)
{
	if (cursor->source != source || cursor->line > line)
		*cursor = (struct cursor){ .source = source, .line = 1, .start = source->bytes };
	while (cursor->line < line) {
		const char *end = source_end(source);
		const char *newline = memchr(cursor->start, '\n', (size_t)(end - cursor->start));

		if (!newline)
			return false;
		cursor->start = newline + 1;
		cursor->line++;
	}
	return true;
}

/* Prints one character of a source line, one column wide; returns the bytes it has. */
static size_t print_character(const char *text, size_t len, FILE *out)
{
	size_t sequence = bl_utf8_length(text, len);
	uint8_t first = (uint8_t)text[0];
	bool control = first < 0x20 || first == 0x7f ||
		       (first == 0xc2 && sequence == 2 && (uint8_t)text[1] < 0xa0);

	if (sequence && !control)
		fwrite(text, 1, sequence, out);
	else
		fputc(first == '\t' || first == '\r' ? ' ' : '?', out);
	return sequence ? sequence : 1;
}

static void print_excerpt(const struct cursor *cursor, uint32_t column, FILE *out)
{
	const char *end = source_end(cursor->source);
	const char *newline = memchr(cursor->start, '\n', (size_t)(end - cursor->start));
	const char *text = cursor->start;
	size_t len = (size_t)((newline ? newline : end) - text), caret = 0, column_width = 0;
	size_t mark = BL_MIN((size_t)column - 1, len), from = 0, to;

	if (mark > EXCERPT_LEFT)
		from = mark - EXCERPT_LEFT;
	while (from && from < len && ((uint8_t)text[from] & 0xc0) == 0x80 && from < mark)
		from++;
	to = BL_MIN(len, from + EXCERPT_BYTES);
	fprintf(out, "%6u | %s", cursor->line, from ? "..." : "");
	for (size_t i = from; i < to; column_width++) {
		if (i <= mark)
			caret = column_width;
		i += print_character(text + i, len - i, out);
	}
	if (mark >= to)
		caret = column_width;
	fprintf(out, "%s\n%6s | %s%*s^\n", to < len ? "..." : "", "", from ? "   " : "", (int)caret,
		"");
}

static void print_head(const struct bl_diag *diag, FILE *out)
{
	if (diag->file) {
		_cleanup_free_ char *file = bl_printable(diag->file, strlen(diag->file));

		fprintf(out, "%s:", file ? file : "?");
		if (diag->line)
			fprintf(out, "%u:%u:", diag->line, diag->column);
		fputc(' ', out);
	}
	fprintf(out, "%s: %s [%s]\n", bl_diag_level_name(diag->level), diag->message, diag->code);
}

void bl_diags_print(const struct bl_diags *diags, const struct bl_source *sources, size_t n_sources,
		    FILE *out)
{
	struct cursor cursor = { 0 };

	for (size_t i = 0; i < diags->count; i++) {
		const struct bl_diag *diag = &diags->items[i];
		const struct bl_source *source = source_find(sources, n_sources, diag->file);

		print_head(diag, out);
		if (source && diag->line && diag->column &&
		    cursor_seek(&cursor, source, diag->line))
			print_excerpt(&cursor, diag->column, out);
		if (diag->hint)
			fprintf(out, "       hint: %s\n", diag->hint);
	}
	if (diags->dropped)
		fprintf(out, "... and %zu more\n", diags->dropped);
}

/* ---- as JSON ------------------------------------------------------------------------------ */

static int set_text(json_t *object, const char *key, const char *text)
{
	_cleanup_free_ char *shown = NULL;

	if (!text)
		return 0;
	/* A file's name may be no UTF-8; JSON text has to be. */
	shown = bl_printable(text, strlen(text));
	return shown && json_object_set_new(object, key, json_string(shown)) == 0 ? 0 : -ENOMEM;
}

static int set_number(json_t *object, const char *key, uint32_t number)
{
	if (!number)
		return 0;
	return json_object_set_new(object, key, json_integer(number)) == 0 ? 0 : -ENOMEM;
}

static int diag_to_json(const struct bl_diag *diag, json_t *array)
{
	json_t *object = json_object();

	/* The array owns the object from here on. */
	if (!object || json_array_append_new(array, object) < 0)
		return -ENOMEM;
	if (set_text(object, "level", bl_diag_level_name(diag->level)) < 0 ||
	    set_text(object, "file", diag->file) < 0 ||
	    set_number(object, "line", diag->line) < 0 ||
	    set_number(object, "column", diag->column) < 0 ||
	    set_text(object, "pointer", diag->pointer) < 0 ||
	    set_text(object, "code", diag->code) < 0 ||
	    set_text(object, "message", diag->message) < 0 ||
	    set_text(object, "hint", diag->hint) < 0)
		return -ENOMEM;
	return 0;
}

int bl_diags_json(const struct bl_diags *diags, char **ret)
{
	_cleanup_(json_decrefp) json_t *array = json_array();
	char *text;

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < diags->count; i++) {
		if (diag_to_json(&diags->items[i], array) < 0)
			return -ENOMEM;
	}
	text = json_dumps(array, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}
