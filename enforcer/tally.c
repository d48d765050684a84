/* SPDX-License-Identifier: Apache-2.0 */
/* Counting entries by what some of their fields say. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "base.h"
#include "escape.h"
#include "tally.h"

#define VALUE_BYTES_MAX 4096
#define SEPARATOR	"\x1f" /* in no value: they are good to show */

int bl_tally_init(struct bl_tally *tally)
{
	*tally = (struct bl_tally){ .map = bl_strmap_new() };
	return tally->map ? 0 : -ENOMEM;
}

static void clear_row(struct bl_tally_row *row)
{
	for (size_t i = 0; i < BL_TALLY_CELLS; i++)
		free(row->cells[i]);
	free(row->key);
}

void bl_tally_done(struct bl_tally *tally)
{
	for (size_t i = 0; i < tally->n_rows; i++)
		clear_row(&tally->rows[i]);
	free(tally->rows);
	bl_strmap_free(tally->map);
	*tally = (struct bl_tally){ 0 };
}

static char *make_key(const char *const *values, size_t n)
{
	char *key = NULL;
	size_t size;
	FILE *out = open_memstream(&key, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? SEPARATOR : "", values[i]);
	if (fclose(out) != 0) {
		free(key);
		return NULL;
	}
	return key;
}

/* Takes the key over. */
static struct bl_tally_row *new_row(struct bl_tally *tally, char *key, const char *const *values,
				    size_t n)
{
	struct bl_tally_row row = { .key = key, .first_us = UINT64_MAX };

	for (size_t i = 0; i < n; i++) {
		row.cells[i] = strdup(values[i]);
		if (!row.cells[i])
			goto fail;
	}
	if (bl_grow(&tally->rows, &tally->max_rows, tally->n_rows + 1, sizeof(row)) < 0 ||
	    bl_strmap_add(tally->map, key, strlen(key), (uint32_t)tally->n_rows, NULL) < 0)
		goto fail;
	tally->rows[tally->n_rows] = row;
	return &tally->rows[tally->n_rows++];
fail:
	clear_row(&row);
	return NULL;
}

int bl_tally_count(struct bl_tally *tally, const char *const *values, size_t n, uint64_t at_us,
		   uint64_t times)
{
	_cleanup_free_ char *key = make_key(values, n);
	struct bl_tally_row *row = NULL;
	uint32_t at;

	if (!key)
		return -ENOMEM;
	if (bl_strmap_get(tally->map, key, strlen(key), &at)) {
		row = &tally->rows[at];
	} else if (tally->n_rows < BL_TALLY_ROWS_MAX) {
		row = new_row(tally, TAKE_PTR(key), values, n);
		if (!row)
			return -ENOMEM;
	} else {
		tally->rest += times;
		return 0;
	}
	row->events++;
	row->times += times;
	row->first_us = BL_MIN(row->first_us, at_us);
	row->last_us = BL_MAX(row->last_us, at_us);
	return 0;
}

int bl_tally_add(struct bl_tally *tally, const struct bl_shown *entry, const char *const *values,
		 size_t n)
{
	return bl_tally_count(tally, values, n, bl_shown_time_us(entry), bl_shown_times(entry));
}

static int compare_rows(const void *a, const void *b)
{
	const struct bl_tally_row *x = a, *y = b;

	if (x->times != y->times)
		return x->times < y->times ? 1 : -1;
	return strcmp(x->key, y->key);
}

void bl_tally_sort(struct bl_tally *tally)
{
	if (tally->n_rows)
		qsort(tally->rows, tally->n_rows, sizeof(*tally->rows), compare_rows);
}

/* ---- values ------------------------------------------------------------------------------- */

char *bl_tally_value(const struct bl_shown *entry, const char *name)
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);
	char text[VALUE_BYTES_MAX + 1];

	if (!field)
		return strdup("");
	text[bl_escape_again(field->value, field->value_len, text, VALUE_BYTES_MAX)] = '\0';
	return strdup(text);
}

char *bl_tally_object(const struct bl_shown *entry)
{
	static const char *const names[] = { "BAILIFF_PATH", "BAILIFF_SOCKET", "BAILIFF_FAMILY" };
	_cleanup_free_ char *address = bl_tally_value(entry, "BAILIFF_ADDRESS");
	_cleanup_free_ char *port = bl_tally_value(entry, "BAILIFF_PORT");

	if (!address || !port)
		return NULL;
	if (*address)
		return bl_format(strchr(address, ':') ? "[%s]:%s" : "%s:%s", address, port);
	for (size_t i = 0; i < BL_ARRAY_SIZE(names); i++) {
		if (bl_shown_find(entry, names[i]))
			return bl_tally_value(entry, names[i]);
	}
	return strdup("");
}

char *bl_tally_subject(const struct bl_shown *entry)
{
	_cleanup_free_ char *comm = NULL;

	if (bl_shown_find(entry, "BAILIFF_EXE"))
		return bl_tally_value(entry, "BAILIFF_EXE");
	comm = bl_tally_value(entry, "BAILIFF_COMM");
	return comm ? bl_format("[%s]", comm) : NULL;
}
