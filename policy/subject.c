/* SPDX-License-Identifier: Apache-2.0 */
/* 'by' -> conditions, and ids -> conditions. */
#include "subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static int compare_ranges(const void *left, const void *right)
{
	const struct bl_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

/* Joins ranges that overlap or touch; returns how many are left. */
static size_t join_ranges(struct bl_range *ranges, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		struct bl_range *last = out ? &ranges[out - 1] : NULL;

		if (last && (last->last == UINT32_MAX || ranges[i].first <= last->last + 1))
			last->last = BL_MAX(last->last, ranges[i].last);
		else
			ranges[out++] = ranges[i];
	}
	return out;
}

/* Everything is as good as no condition; nothing (which no parser lets through) never holds. */
static int add_ranges(struct bl_subjects *subjects, const struct bl_ranges_in *in, uint32_t *ret)
{
	static const struct bl_range never = { .first = 1, .last = 0 };
	_cleanup_free_ struct bl_range *ranges = calloc(in->count + 1, sizeof(*ranges));
	size_t n = in->count;

	if (!ranges)
		return -ENOMEM;
	if (n)
		memcpy(ranges, in->items, n * sizeof(*ranges));
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	n = join_ranges(ranges, n);
	if (n == 1 && ranges[0].first == 0 && ranges[0].last == UINT32_MAX) {
		*ret = 0;
		return 0;
	}
	if (!n)
		ranges[n++] = never;
	return bl_intern(&subjects->ranges, (const uint32_t *)ranges, 2 * n, ret);
}

/* Nothing never holds, as of ranges; all of them are not everything: a process may have none. */
static int add_capabilities(struct bl_subjects *subjects, uint64_t capabilities, uint32_t *ret)
{
	struct bl_range ranges[BL_CAPS];
	struct bl_ranges_in in = { .items = ranges };

	for (uint32_t cap = 0; cap < BL_CAPS; cap++)
		if (capabilities >> cap & 1)
			ranges[in.count++] = (struct bl_range){ .first = cap, .last = cap };
	return add_ranges(subjects, &in, ret);
}

static bool is_somebody(const struct bl_cond *cond)
{
	return cond->exe || cond->parent || cond->ancestor || cond->uids || cond->gids ||
	       cond->logins || cond->caps || cond->names.units || cond->names.slices ||
	       cond->names.cgroups || cond->names.containers;
}

int bl_subjects_add(struct bl_subjects *subjects, const struct bl_match *match,
		    const struct bl_programs *programs, const struct bl_name_lists *names,
		    bool grant, uint32_t *ret_cond)
{
	struct bl_cond cond = {
		.exe = programs->of[BL_KIN_SELF],
		.parent = programs->of[BL_KIN_PARENT],
		.ancestor = programs->of[BL_KIN_ANCESTOR],
		.names = *names,
	};
	int r = 0;

	if (match->has_uids)
		r = add_ranges(subjects, &match->uids, &cond.uids);
	if (!r && match->has_gids)
		r = add_ranges(subjects, &match->gids, &cond.gids);
	if (!r && match->has_logins)
		r = add_ranges(subjects, &match->logins, &cond.logins);
	if (!r && match->has_capabilities)
		r = add_capabilities(subjects, match->capabilities, &cond.caps);
	if (r)
		return r;
	/* It matters where what is asked for may not be known, or may be forged. */
	cond.grant = grant && (cond.exe || cond.parent || cond.ancestor || names->units ||
			       names->slices || names->cgroups || names->containers);
	if (!is_somebody(&cond)) {
		*ret_cond = 0;
		return 0;
	}
	r = bl_intern(&subjects->conds, (const uint32_t *)&cond, sizeof(cond) / 4, ret_cond);
	if (!r && bl_subjects_count(subjects) > BL_COND_MAX)
		r = -E2BIG;
	return r;
}

struct bl_cond bl_subjects_get(const struct bl_subjects *subjects, uint32_t cond)
{
	struct bl_cond ret;
	size_t n;

	memcpy(&ret, bl_interned(&subjects->conds, cond, &n), sizeof(ret));
	return ret;
}

void bl_subjects_clear(struct bl_subjects *subjects)
{
	bl_interns_clear(&subjects->conds);
	bl_interns_clear(&subjects->ranges);
}

/* ---- tables ------------------------------------------------------------------------------- */

/* A condition begins or ceases to hold at an id. */
struct edge {
	uint32_t id;
	uint32_t cond;
};

struct edges {
	struct edge *items;
	size_t count, capacity;
};

static void edges_clear(struct edges *edges)
{
	free(edges->items);
}

static int add_edge(struct edges *edges, uint32_t id, uint32_t cond)
{
	int r = bl_grow(&edges->items, &edges->capacity, edges->count + 1, sizeof(*edges->items));

	if (!r)
		edges->items[edges->count++] = (struct edge){ .id = id, .cond = cond };
	return r;
}

static int compare_edges(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->cond < b->cond ? -1 : a->cond > b->cond;
}

static int add_cond_edges(const struct bl_subjects *subjects, struct edges *edges, uint32_t cond,
			  uint32_t ranges)
{
	size_t n;
	const uint32_t *words = bl_interned(&subjects->ranges, ranges, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i += 2) {
		if (words[i] > words[i + 1])
			continue;
		r = add_edge(edges, words[i], cond);
		if (!r && words[i + 1] != UINT32_MAX)
			r = add_edge(edges, words[i + 1] + 1, cond);
	}
	return r;
}

static void flip(uint64_t *bits, uint32_t cond)
{
	bits[cond / 64] ^= 1ull << (cond & 63);
}

static uint32_t ranges_of(const struct bl_cond *cond, enum bl_dimension dimension)
{
	switch (dimension) {
	case BL_DIMENSION_UID:
		return cond->uids;
	case BL_DIMENSION_GID:
		return cond->gids;
	case BL_DIMENSION_LOGIN:
		return cond->logins;
	case BL_DIMENSION_CAP:
		return cond->caps;
	}
	return 0;
}

/* The bits that hold for every id so far, and the edges of all others. */
static int collect(const struct bl_subjects *subjects, enum bl_dimension dimension, uint64_t *bits,
		   struct edges *edges)
{
	flip(bits, 0);
	for (uint32_t cond = 1; cond < bl_subjects_count(subjects); cond++) {
		struct bl_cond c = bl_subjects_get(subjects, cond);
		uint32_t ranges = ranges_of(&c, dimension);
		int r = 0;

		if (ranges)
			r = add_cond_edges(subjects, edges, cond, ranges);
		else
			flip(bits, cond);
		if (r)
			return r;
	}
	if (edges->count)
		qsort(edges->items, edges->count, sizeof(*edges->items), compare_edges);
	return 0;
}

static int add_range(struct bl_range_table *table, size_t *bits_capacity, size_t *firsts_capacity,
		     uint32_t first, const uint64_t *bits, size_t words)
{
	int r;

	if (table->count &&
	    !memcmp(table->bits + (table->count - 1) * words, bits, words * sizeof(*bits)))
		return 0;
	r = bl_grow(&table->firsts, firsts_capacity, table->count + 1, sizeof(*table->firsts));
	if (!r)
		r = bl_grow(&table->bits, bits_capacity, (table->count + 1) * words,
			    sizeof(*table->bits));
	if (r)
		return r;
	table->firsts[table->count] = first;
	memcpy(table->bits + table->count++ * words, bits, words * sizeof(*bits));
	return 0;
}

int bl_subjects_table(const struct bl_subjects *subjects, enum bl_dimension dimension,
		      struct bl_range_table *ret)
{
	_cleanup_(bl_range_table_clear) struct bl_range_table table = {};
	_cleanup_(edges_clear) struct edges edges = {};
	size_t words = bl_subjects_words(subjects), bits_capacity = 0, firsts_capacity = 0, i = 0;
	_cleanup_free_ uint64_t *bits = calloc(words, sizeof(*bits));
	uint32_t first = 0;
	int r;

	if (!bits)
		return -ENOMEM;
	r = collect(subjects, dimension, bits, &edges);
	while (!r) {
		for (; i < edges.count && edges.items[i].id == first; i++)
			flip(bits, edges.items[i].cond);
		r = add_range(&table, &bits_capacity, &firsts_capacity, first, bits, words);
		if (i == edges.count)
			break;
		first = edges.items[i].id;
	}
	if (r)
		return r;
	*ret = table;
	table = (struct bl_range_table){};
	return 0;
}

void bl_range_table_clear(struct bl_range_table *table)
{
	free(table->firsts);
	free(table->bits);
	*table = (struct bl_range_table){};
}
