/* SPDX-License-Identifier: Apache-2.0 */
/* A journal entry under construction: fields in order, and their native-protocol bytes. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define BL_ENTRY_FIELDS_MAX 128
#define BL_ENTRY_BYTES_MAX  (1u << 20) /* of all values together */

struct bl_entry_field {
	const char *name; /* static storage: never made of foreign bytes */
	uint32_t name_len;
	uint32_t offset; /* of the value in bl_entry.bytes */
	uint32_t len;
};

/*
 * One entry. Zero-initialise; bl_entry_reset() makes it ready for the next entry and keeps its
 * memory, bl_entry_clear() frees it. The first failure sticks: bl_entry_error() gives it, later
 * calls do nothing, so that a row of additions needs one check at its end.
 */
struct bl_entry {
	struct bl_entry_field fields[BL_ENTRY_FIELDS_MAX];
	size_t n_fields;
	char *bytes;
	size_t len;
	size_t capacity;
	uint64_t repeats; /* that it tells of besides: what is lost with it */
	int error;
};

void bl_entry_reset(struct bl_entry *entry);
void bl_entry_clear(struct bl_entry *entry);

/* 0, or the -errno of the first failure: -ENOMEM, -E2BIG (too many fields or bytes), -EEXIST. */
int bl_entry_error(const struct bl_entry *entry);

/*
 * Adds a field. name: [A-Z][A-Z0-9_]*, at most 64 bytes, static storage; one that is there already
 * is an error (-EEXIST), because readers turn repeated fields into arrays.
 */
void bl_entry_add(struct bl_entry *entry, const char *name, const void *bytes, size_t len);

/*
 * The same without a copy: room for max bytes (NULL after a failure), to be filled and then named
 * by bl_entry_commit() with the length that was used, before anything else is added.
 */
char *bl_entry_reserve(struct bl_entry *entry, size_t max);
void bl_entry_commit(struct bl_entry *entry, const char *name, size_t len);

void bl_entry_text(struct bl_entry *entry, const char *name, const char *text);
void bl_entry_uint(struct bl_entry *entry, const char *name, uint64_t value);
void bl_entry_format(struct bl_entry *entry, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The value of a field and its length in *ret_len (may be NULL), or NULL. Not NUL-terminated. */
const char *bl_entry_get(const struct bl_entry *entry, const char *name, size_t *ret_len);

/* Size of the entry in journald's native protocol. */
size_t bl_entry_wire_size(const struct bl_entry *entry);

/*
 * Writes the entry in the native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) to buf, which holds
 * bl_entry_wire_size() bytes; returns their number. Values with a newline (any value may hold
 * one) are framed by length, so that no value can pass for a field.
 */
size_t bl_entry_wire_write(const struct bl_entry *entry, void *buf);
