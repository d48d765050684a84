/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of policy files as one row of bytes: a line that names the format, of each file a line 'KIND PATH-BYTES
 * TEXT-BYTES' with both behind it, and a line 'end'. What was written in part only has no end.
 */
#define _GNU_SOURCE
#include "texts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAGIC	 "bailiff-texts-1\n"
#define END	 "end\n"
#define LINE_MAX_ 64

/* ---- writing ------------------------------------------------------------------------------ */

static void put(FILE *out, const char *kind, const struct bl_source *source)
{
	size_t path_len = strlen(source->path);

	fprintf(out, "%s %zu %zu\n", kind, path_len, source->len);
	fwrite(source->path, 1, path_len, out);
	fwrite(source->bytes, 1, source->len, out);
}

int bl_texts_write(const struct bl_policies *policies, uint8_t **ret, size_t *ret_len)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, ret_len);

	if (!out)
		return -ENOMEM;
	fputs(MAGIC, out);
	for (size_t i = 0; i < policies->count; i++)
		put(out, "file", &policies->sources[i]);
	for (size_t i = 0; i < policies->n_entries; i++)
		put(out, "list", policies->entries[i]);
	fputs(END, out);
	if (fclose(out) != 0) {
		free(bytes);
		return -ENOMEM;
	}
	*ret = (uint8_t *)bytes;
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
	const char *at, *end;
};

/* The next line, without its end, in buf. Returns 0 or -EBADMSG. */
static int take_line(struct reader *reader, char buf[static LINE_MAX_])
{
	size_t left = (size_t)(reader->end - reader->at);
	const char *end = memchr(reader->at, '\n', BL_MIN(left, (size_t)LINE_MAX_ - 1));

	if (!end)
		return -EBADMSG;
	memcpy(buf, reader->at, (size_t)(end - reader->at));
	buf[end - reader->at] = '\0';
	reader->at = end + 1;
	return 0;
}

/* A copy of the next bytes, with a NUL behind them. Returns NULL without memory. */
static char *take_bytes(struct reader *reader, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, reader->at, len);
	copy[len] = '\0';
	reader->at += len;
	return copy;
}

/* A number in digits alone, of at most what is left. Returns whether it is one. */
static bool parse_size(const struct reader *reader, const char **at, size_t *ret)
{
	size_t digits = strspn(*at, "0123456789");

	if (!digits || digits > 18)
		return false;
	*ret = strtoull(*at, NULL, 10);
	*at += digits;
	return *ret <= (size_t)(reader->end - reader->at);
}

static int parse_line(const struct reader *reader, const char *line, size_t *ret_path,
		      size_t *ret_text)
{
	const char *at = line + strlen("file ");

	if (!parse_size(reader, &at, ret_path) || *at++ != ' ' ||
	    !parse_size(reader, &at, ret_text) || *at || !*ret_path ||
	    *ret_path + *ret_text > (size_t)(reader->end - reader->at))
		return -EBADMSG;
	return 0;
}

static int take_source(struct reader *reader, const char *line, struct bl_source *ret)
{
	size_t path_len, len;
	char *path, *text;
	int r = parse_line(reader, line, &path_len, &len);

	if (r < 0)
		return r;
	if (memchr(reader->at, '\0', path_len))
		return -EBADMSG;
	path = take_bytes(reader, path_len);
	text = path ? take_bytes(reader, len) : NULL;
	if (!text) {
		free(path);
		return -ENOMEM;
	}
	*ret = (struct bl_source){ .path = path, .bytes = text, .len = len };
	return 0;
}

static int take_file(struct reader *reader, const char *line, struct bl_policies *policies,
		     size_t *capacity)
{
	int r = bl_grow(&policies->sources, capacity, policies->count + 1,
			sizeof(*policies->sources));

	if (r == 0)
		r = take_source(reader, line, &policies->sources[policies->count]);
	if (r == 0)
		policies->count++;
	return r;
}

static int take_list(struct reader *reader, const char *line, struct bl_policies *policies)
{
	struct bl_source *source;
	int r = bl_grow(&policies->entries, &policies->entries_capacity, policies->n_entries + 1,
			sizeof(*policies->entries));

	if (r < 0)
		return r;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	r = take_source(reader, line, source);
	if (r < 0)
		free(source);
	else
		policies->entries[policies->n_entries++] = source;
	return r;
}

static int take_all(struct reader *reader, struct bl_policies *policies)
{
	char line[LINE_MAX_];
	size_t capacity = 0;
	int r;

	while ((r = take_line(reader, line)) == 0) {
		if (strcmp(line, "end") == 0)
			return 0;
		if (strncmp(line, "file ", 5) == 0)
			r = take_file(reader, line, policies, &capacity);
		else if (strncmp(line, "list ", 5) == 0)
			r = take_list(reader, line, policies);
		else
			r = -EBADMSG;
		if (r < 0)
			return r;
	}
	return r;
}

int bl_texts_read(const uint8_t *bytes, size_t len, struct bl_policies *ret)
{
	struct reader reader = { .at = (const char *)bytes, .end = (const char *)bytes + len };
	struct bl_policies policies = { 0 };
	int r;

	if (len < strlen(MAGIC) || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return -EBADMSG;
	reader.at += strlen(MAGIC);
	r = take_all(&reader, &policies);
	if (r < 0)
		bl_policies_clear(&policies);
	else
		*ret = policies;
	return r;
}
