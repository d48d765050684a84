/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in journald's export format (systemd.io/JOURNAL_EXPORT_FORMATS): nothing in it is trusted. */
#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 1024u		/* journald takes no more either */
#define ENTRY_MAX  ((size_t)64 << 20) /* bytes; ours have some kilobytes */
#define SIZE_BYTES 8

struct place {
	size_t name, value, name_len, value_len; /* offsets: the bytes may still move */
};

struct bl_export {
	FILE *file;
	char *bytes;
	size_t used, room;
	struct place places[FIELDS_MAX];
	struct bl_shown_field fields[FIELDS_MAX];
	size_t n_fields;
	char *line;
	size_t line_room;
	char *cursor;
	uint64_t realtime_us;
};

int bl_export_new(FILE *file, struct bl_export **ret)
{
	struct bl_export *export = calloc(1, sizeof(*export));

	if (!export) {
		fclose(file);
		return -ENOMEM;
	}
	export->file = file;
	*ret = export;
	return 0;
}

void bl_export_free(struct bl_export *export)
{
	if (!export)
		return;
	fclose(export->file);
	free(export->bytes);
	free(export->line);
	free(export->cursor);
	free(export);
}

/* Room for len bytes more. Returns 0, -ENOMEM or -EFBIG. */
static int make_room(struct bl_export *export, size_t len)
{
	size_t room = export->room ? export->room : BUFSIZ;
	char *moved;

	if (len > ENTRY_MAX || export->used > ENTRY_MAX - len)
		return -EFBIG;
	while (room - export->used < len)
		room *= 2;
	if (room == export->room)
		return 0;
	moved = realloc(export->bytes, room);
	if (!moved)
		return -ENOMEM;
	export->bytes = moved;
	export->room = room;
	return 0;
}

static int append(struct bl_export *export, const char *bytes, size_t len, size_t *ret_at)
{
	int r = make_room(export, len);

	if (r < 0)
		return r;
	*ret_at = export->used;
	if (len)
		memcpy(export->bytes + export->used, bytes, len);
	export->used += len;
	return 0;
}

/* Fields of two underscores are the entry's address and no fields. Returns whether it is one. */
static bool take_address(struct bl_export *export, const char *line, size_t name_len, size_t len)
{
	static const char cursor[] = "__CURSOR", realtime[] = "__REALTIME_TIMESTAMP";
	const struct bl_shown_field field = { line, name_len, line + name_len + 1,
					      len - name_len - 1 };

	if (name_len < 2 || memcmp(line, "__", 2) != 0)
		return false;
	if (bl_shown_is_named(&field, cursor) && !export->cursor)
		export->cursor = strndup(field.value, field.value_len);
	if (bl_shown_is_named(&field, realtime) &&
	    !bl_shown_number_of(&field, &export->realtime_us))
		export->realtime_us = 0;
	return true;
}

static int add_text(struct bl_export *export, const char *line, size_t name_len, size_t len)
{
	struct place *place = &export->places[export->n_fields];
	int r;

	if (take_address(export, line, name_len, len))
		return 0;
	if (export->n_fields >= FIELDS_MAX)
		return -EFBIG;
	r = append(export, line, len, &place->name);
	if (r < 0)
		return r;
	place->name_len = name_len;
	place->value = place->name + name_len + 1;
	place->value_len = len - name_len - 1;
	export->n_fields++;
	return 0;
}

static int read_size(FILE *file, uint64_t *ret)
{
	unsigned char bytes[SIZE_BYTES];
	uint64_t size = 0;

	if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(bytes); i++)
		size |= (uint64_t)bytes[i] << (8 * i);
	*ret = size;
	return 0;
}

/* A name, then a line feed, a size in little endian, so many bytes and a line feed. */
static int add_binary(struct bl_export *export, const char *name, size_t name_len)
{
	struct place *place = &export->places[export->n_fields];
	uint64_t size;
	int r;

	if (export->n_fields >= FIELDS_MAX)
		return -EFBIG;
	r = read_size(export->file, &size);
	if (r < 0)
		return r;
	if (size > ENTRY_MAX)
		return -EFBIG;
	r = append(export, name, name_len, &place->name);
	if (r == 0)
		r = make_room(export, (size_t)size);
	if (r < 0)
		return r;
	place->value = export->used;
	if (fread(export->bytes + export->used, 1, (size_t)size, export->file) != size ||
	    getc(export->file) != '\n')
		return -EBADMSG;
	export->used += (size_t)size;
	place->name_len = name_len;
	place->value_len = (size_t)size;
	export->n_fields++;
	return 0;
}

static int add_line(struct bl_export *export, size_t len)
{
	const char *equals = memchr(export->line, '=', len);

	return equals ? add_text(export, export->line, (size_t)(equals - export->line), len)
		      : add_binary(export, export->line, len);
}

static void resolve(struct bl_export *export)
{
	for (size_t i = 0; i < export->n_fields; i++) {
		const struct place *place = &export->places[i];

		export->fields[i] = (struct bl_shown_field){
			.name = export->bytes + place->name,
			.name_len = place->name_len,
			.value = export->bytes + place->value,
			.value_len = place->value_len,
		};
	}
}

static void reset(struct bl_export *export)
{
	free(export->cursor);
	export->cursor = NULL;
	export->realtime_us = 0;
	export->n_fields = 0;
	export->used = 0;
}

/* Returns 1 at the end of an entry, 0 at the end of the file, or -errno. */
static int read_lines(struct bl_export *export)
{
	bool any = false;
	ssize_t len;
	int r;

	while ((len = getline(&export->line, &export->line_room, export->file)) >= 0) {
		if (export->line[len - 1] != '\n')
			return -EBADMSG;
		if (len == 1 && !any)
			continue;
		if (len == 1)
			return 1;
		any = true;
		r = add_line(export, (size_t)len - 1);
		if (r < 0)
			return r;
	}
	if (ferror(export->file))
		return -EIO;
	return any ? -EBADMSG : 0;
}

int bl_export_next(struct bl_export *export, struct bl_shown *ret, const char **reterr_why)
{
	int r;

	reset(export);
	r = read_lines(export);
	if (r < 0 && reterr_why)
		*reterr_why = r == -EBADMSG ? "it is no journal in the export format, or it ends "
					      "within an entry"
			      : r == -EFBIG ? "an entry has more than 1024 fields or 64 MiB"
					    : NULL;
	if (r <= 0)
		return r == -EFBIG ? -EBADMSG : r;
	resolve(export);
	*ret = (struct bl_shown){
		.fields = export->fields,
		.n_fields = export->n_fields,
		.cursor = export->cursor ? export->cursor : "",
		.realtime_us = export->realtime_us,
	};
	return 1;
}
