/* SPDX-License-Identifier: Apache-2.0 */
/* journald's side of the native protocol, written from its documentation, not from our writer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_FIELDS_MAX 1024

struct wire_field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

struct wire {
	struct wire_field fields[WIRE_FIELDS_MAX];
	size_t n;
};

static inline bool wire_name_is_valid(const char *name, size_t len)
{
	if (!len || len > 64 || name[0] == '_' || (name[0] >= '0' && name[0] <= '9'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') &&
		    name[i] != '_')
			return false;
	}
	return true;
}

/* Reads the value after "NAME\n": 64 bits of length, little-endian, the bytes, a newline. */
static inline bool wire_framed(const char **at, const char *end, struct wire_field *field)
{
	uint64_t len = 0;

	if (end - *at < 8)
		return false;
	for (unsigned int i = 0; i < 8; i++)
		len |= (uint64_t)(unsigned char)(*at)[i] << (8 * i);
	*at += 8;
	if ((uint64_t)(end - *at) < len + 1 || (*at)[len] != '\n')
		return false;
	field->value = *at;
	field->value_len = len;
	*at += len + 1;
	return true;
}

/* Splits a datagram into its fields; false where it is malformed. */
static inline bool wire_parse(const char *bytes, size_t len, struct wire *ret)
{
	const char *at = bytes, *end = bytes + len;

	ret->n = 0;
	while (at < end) {
		struct wire_field *field = &ret->fields[ret->n];
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *equals;

		if (!newline || ret->n == WIRE_FIELDS_MAX)
			return false;
		field->name = at;
		equals = memchr(at, '=', (size_t)(newline - at));
		field->name_len = (size_t)((equals ? equals : newline) - at);
		at = newline + 1;
		if (equals) {
			field->value = equals + 1;
			field->value_len = (size_t)(newline - equals - 1);
		} else if (!wire_framed(&at, end, field)) {
			return false;
		}
		if (!wire_name_is_valid(field->name, field->name_len))
			return false;
		ret->n++;
	}
	return true;
}

/* How often a name is there; the last one in *ret where it is. */
static inline size_t wire_find(const struct wire *wire, const char *name, struct wire_field *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < wire->n; i++) {
		if (wire->fields[i].name_len != strlen(name) ||
		    memcmp(wire->fields[i].name, name, strlen(name)))
			continue;
		*ret = wire->fields[i];
		found++;
	}
	return found;
}
