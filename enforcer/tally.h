/* SPDX-License-Identifier: Apache-2.0 */
/* Counting entries by what some of their fields say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shown.h"

#define BL_TALLY_CELLS	  8
#define BL_TALLY_ROWS_MAX 50000u

struct bl_tally_row {
	char *cells[BL_TALLY_CELLS]; /* good to show; "" where the entry has none */
	char *key;
	uint64_t events; /* entries */
	uint64_t times;	 /* what they stand for */
	uint64_t first_us, last_us;
};

struct bl_tally {
	struct bl_strmap *map;
	struct bl_tally_row *rows;
	size_t n_rows, max_rows;
	uint64_t rest; /* what there was no row for any more */
};

int bl_tally_init(struct bl_tally *tally);
void bl_tally_done(struct bl_tally *tally);

/* Counts an entry in the row of these values of its fields, n of at most BL_TALLY_CELLS. Returns 0 or -ENOMEM. */
int bl_tally_add(struct bl_tally *tally, const struct bl_shown *entry, const char *const *values,
		 size_t n);

/* The same of what happened so many times at an instant, for who has no entry at hand. */
int bl_tally_count(struct bl_tally *tally, const char *const *values, size_t n, uint64_t at_us,
		   uint64_t times);

/* By times, the most first. The rows can't be added to after that. */
void bl_tally_sort(struct bl_tally *tally);

/*
 * The value of a field as a new string that is good to show (free() it): no controls, valid UTF-8. "" where there
 * is none; NULL without memory.
 */
char *bl_tally_value(const struct bl_shown *entry, const char *field);

/* What the entry is about in one text: the path, the address and port, the socket or the family. */
char *bl_tally_object(const struct bl_shown *entry);

/* Who acts: the program's path, or the name of a thread that has none. */
char *bl_tally_subject(const struct bl_shown *entry);
