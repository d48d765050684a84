/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries: a row of fields in one growing buffer, and journald's native protocol. */
#include "entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 8192

void bl_entry_reset(struct bl_entry *entry)
{
	entry->n_fields = 0;
	entry->len = 0;
	entry->repeats = 0;
	entry->error = 0;
}

void bl_entry_clear(struct bl_entry *entry)
{
	free(entry->bytes);
	memset(entry, 0, sizeof(*entry));
}

int bl_entry_error(const struct bl_entry *entry)
{
	return entry->error;
}

static int reserve(struct bl_entry *entry, size_t more)
{
	size_t capacity = entry->capacity ? entry->capacity : FIRST_BYTES;
	char *bytes;

	if (more > BL_ENTRY_BYTES_MAX - entry->len)
		return -E2BIG;
	while (capacity - entry->len < more)
		capacity *= 2;
	if (capacity == entry->capacity)
		return 0;
	bytes = realloc(entry->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	entry->bytes = bytes;
	entry->capacity = capacity;
	return 0;
}

static const struct bl_entry_field *find(const struct bl_entry *entry, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < entry->n_fields; i++) {
		const struct bl_entry_field *field = &entry->fields[i];

		/* From the end: nearly all names start alike. */
		if (field->name_len == len && field->name[len - 1] == name[len - 1] &&
		    !memcmp(field->name, name, len))
			return field;
	}
	return NULL;
}

/* Makes the len bytes at the buffer's end a field. */
static int name_field(struct bl_entry *entry, const char *name, size_t len)
{
	if (entry->n_fields == BL_ENTRY_FIELDS_MAX)
		return -E2BIG;
	if (find(entry, name))
		return -EEXIST;
	entry->fields[entry->n_fields++] = (struct bl_entry_field){
		.name = name,
		.name_len = (uint32_t)strlen(name),
		.offset = (uint32_t)entry->len,
		.len = (uint32_t)len,
	};
	entry->len += len;
	return 0;
}

char *bl_entry_reserve(struct bl_entry *entry, size_t max)
{
	if (!entry->error)
		entry->error = reserve(entry, max);
	return entry->error ? NULL : entry->bytes + entry->len;
}

void bl_entry_commit(struct bl_entry *entry, const char *name, size_t len)
{
	if (!entry->error)
		entry->error = name_field(entry, name, len);
}

void bl_entry_add(struct bl_entry *entry, const char *name, const void *bytes, size_t len)
{
	char *room = bl_entry_reserve(entry, len);

	if (!room)
		return;
	if (len)
		memcpy(room, bytes, len);
	bl_entry_commit(entry, name, len);
}

void bl_entry_text(struct bl_entry *entry, const char *name, const char *text)
{
	bl_entry_add(entry, name, text, strlen(text));
}

void bl_entry_uint(struct bl_entry *entry, const char *name, uint64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	bl_entry_add(entry, name, digits + at, sizeof(digits) - at);
}

void bl_entry_format(struct bl_entry *entry, const char *name, const char *format, ...)
{
	char text[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		if (!entry->error)
			entry->error = -E2BIG;
		return;
	}
	bl_entry_add(entry, name, text, (size_t)len);
}

const char *bl_entry_get(const struct bl_entry *entry, const char *name, size_t *ret_len)
{
	const struct bl_entry_field *field = find(entry, name);

	if (!field)
		return NULL;
	if (ret_len)
		*ret_len = field->len;
	return field->len ? entry->bytes + field->offset : "";
}

static const char *field_value(const struct bl_entry *entry, const struct bl_entry_field *field)
{
	return field->len ? entry->bytes + field->offset : "";
}

static bool needs_length(const char *value, size_t len)
{
	return memchr(value, '\n', len) != NULL;
}

size_t bl_entry_wire_size(const struct bl_entry *entry)
{
	size_t size = 0;

	for (size_t i = 0; i < entry->n_fields; i++) {
		const struct bl_entry_field *field = &entry->fields[i];

		/* NAME=value\n or NAME\n, 64-bit length, value\n */
		size += field->name_len + 1 + field->len + 1;
		if (needs_length(field_value(entry, field), field->len))
			size += sizeof(uint64_t);
	}
	return size;
}

static char *put(char *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

static char *put_length(char *to, uint64_t len)
{
	for (unsigned int i = 0; i < sizeof(len); i++)
		*to++ = (char)(len >> (8 * i));
	return to;
}

size_t bl_entry_wire_write(const struct bl_entry *entry, void *buf)
{
	char *to = buf;

	for (size_t i = 0; i < entry->n_fields; i++) {
		const struct bl_entry_field *field = &entry->fields[i];
		const char *value = field_value(entry, field);

		to = put(to, field->name, field->name_len);
		if (needs_length(value, field->len)) {
			*to++ = '\n';
			to = put_length(to, field->len);
		} else {
			*to++ = '=';
		}
		to = put(to, value, field->len);
		*to++ = '\n';
	}
	return (size_t)(to - (char *)buf);
}
