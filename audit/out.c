/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON by dotted paths; values are escaped against whatever else can write to a journal. */
#include "out.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "escape.h"

#define US_PER_S	1000000
#define VALUE_BYTES_MAX 16384 /* the longest of ours is the hexadecimal form of a path: 8192 */

void bl_out_begin(struct bl_out *out, FILE *file)
{
	*out = (struct bl_out){ .file = file };
	fputc('{', file);
}

void bl_out_string(FILE *file, const char *bytes, size_t len)
{
	char text[VALUE_BYTES_MAX];
	size_t used = bl_escape_again(bytes, len, text, sizeof(text));

	/* No controls and no invalid UTF-8 are left: only these two need JSON's own escape. */
	fputc('"', file);
	for (size_t i = 0; i < used; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', file);
		fputc(text[i], file);
	}
	fputc('"', file);
}

static void close_one(struct bl_out *out)
{
	char *dot = strrchr(out->open, '.');

	fputc('}', out->file);
	out->comma = true;
	*(dot ? dot : out->open) = '\0';
}

/* Whether the object that is open is the parent (of len bytes) or holds it. */
static bool is_within(const char *open, const char *parent, size_t len)
{
	size_t n = strlen(open);

	return !n || (n <= len && !memcmp(open, parent, n) && (n == len || parent[n] == '.'));
}

static void put_name(struct bl_out *out, const char *name, size_t len)
{
	fprintf(out->file, "%s\"%.*s\":", out->comma ? "," : "", (int)len, name);
}

static void open_one(struct bl_out *out, const char *parent, size_t len)
{
	size_t n = strlen(out->open), from = n ? n + 1 : 0, end = from;

	while (end < len && parent[end] != '.')
		end++;
	if (end >= sizeof(out->open))
		return;
	put_name(out, parent + from, end - from);
	fputc('{', out->file);
	out->comma = false;
	memcpy(out->open, parent, end);
	out->open[end] = '\0';
}

void bl_out_key(struct bl_out *out, const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t len = dot ? (size_t)(dot - path) : 0;

	if (len >= sizeof(out->open))
		len = sizeof(out->open) - 1;
	while (!is_within(out->open, path, len))
		close_one(out);
	while (strlen(out->open) < len)
		open_one(out, path, len);
	put_name(out, dot ? dot + 1 : path, strlen(dot ? dot + 1 : path));
	out->comma = true;
}

int bl_out_end(struct bl_out *out)
{
	while (*out->open)
		close_one(out);
	fputc('}', out->file);
	return ferror(out->file) ? -EIO : 0;
}

void bl_out_text(struct bl_out *out, const char *path, const char *bytes, size_t len)
{
	bl_out_key(out, path);
	bl_out_string(out->file, bytes, len);
}

void bl_out_word(struct bl_out *out, const char *path, const char *word)
{
	bl_out_text(out, path, word, strlen(word));
}

void bl_out_number(struct bl_out *out, const char *path, uint64_t value)
{
	bl_out_key(out, path);
	fprintf(out->file, "%" PRIu64, value);
}

void bl_out_bool(struct bl_out *out, const char *path, bool value)
{
	bl_out_key(out, path);
	fputs(value ? "true" : "false", out->file);
}

void bl_out_time(struct bl_out *out, const char *path, uint64_t realtime_us)
{
	time_t seconds = (time_t)(realtime_us / US_PER_S);
	struct tm tm;
	char text[64];

	bl_out_key(out, path);
	if (gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%FT%T", &tm))
		fprintf(out->file, "\"%s.%06" PRIu64 "Z\"", text, realtime_us % US_PER_S);
	else
		fputs("null", out->file);
}

void bl_out_list(struct bl_out *out, const char *path, const char *bytes, size_t len,
		 char separator)
{
	size_t start = 0;

	bl_out_key(out, path);
	fputc('[', out->file);
	for (size_t i = 0; i <= len; i++) {
		if (i < len && bytes[i] != separator)
			continue;
		if (start)
			fputc(',', out->file);
		bl_out_string(out->file, bytes + start, i - start);
		start = i + 1;
	}
	fputc(']', out->file);
}
