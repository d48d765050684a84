/* SPDX-License-Identifier: Apache-2.0 */
/* Address prefixes -> sets of atoms, lengths and markers. */
#include "prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

#define LENS 129

static int add_item(struct bl_prefixes *prefixes, const struct bl_prefix_item *item)
{
	int r = bl_grow(&prefixes->items, &prefixes->capacity, prefixes->count + 1, sizeof(*item));

	if (!r)
		prefixes->items[prefixes->count++] = *item;
	return r;
}

static void cut(uint8_t addr[16], uint8_t len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}

int bl_prefixes_add(struct bl_prefixes *prefixes, const uint8_t *addr, size_t addr_len, uint8_t len,
		    uint32_t atom)
{
	struct bl_prefix_item item = { .len = len, .given = len, .set = atom };

	memcpy(item.addr, addr, addr_len);
	cut(item.addr, len);
	return add_item(prefixes, &item);
}

void bl_prefixes_clear(struct bl_prefixes *prefixes)
{
	free(prefixes->items);
	*prefixes = (struct bl_prefixes){};
}

/* By address, then from short to long: a prefix comes right before all that it covers. */
static int compare_place(const struct bl_prefix_item *a, const struct bl_prefix_item *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : a->len - b->len;
}

/* Of equal ones the first is to be kept: a real prefix before a marker, a longer one as it was
 * given before one that was written out. */
static int compare(const void *left, const void *right)
{
	const struct bl_prefix_item *a = left, *b = right;
	int order = compare_place(a, b);

	if (order)
		return order;
	if (a->marker != b->marker)
		return a->marker - b->marker;
	if (a->given != b->given)
		return b->given - a->given;
	return a->set < b->set ? -1 : a->set > b->set;
}

static void sort(struct bl_prefixes *prefixes)
{
	if (prefixes->count)
		qsort(prefixes->items, prefixes->count, sizeof(*prefixes->items), compare);
}

static bool covers(const struct bl_prefix_item *a, const struct bl_prefix_item *b)
{
	uint8_t addr[16];

	if (a->len > b->len)
		return false;
	memcpy(addr, b->addr, sizeof(addr));
	cut(addr, a->len);
	return !memcmp(addr, a->addr, sizeof(addr));
}

/* ---- sets --------------------------------------------------------------------------------- */

/* Prefixes that cover the one at hand, shortest first, as indexes of items. */
struct cover {
	size_t stack[LENS + 1];
	size_t depth;
};

static void uncover(struct cover *cover, const struct bl_prefixes *prefixes,
		    const struct bl_prefix_item *item)
{
	while (cover->depth && !covers(&prefixes->items[cover->stack[cover->depth - 1]], item))
		cover->depth--;
}

struct united {
	uint32_t *words;
	size_t capacity;
};

static void united_clear(struct united *united)
{
	free(united->words);
}

/* The set of the atoms of n items at one place, and of what covers them. */
static int unite(struct bl_interns *sets, struct united *work, uint32_t inherited,
		 const struct bl_prefix_item *items, size_t n, uint32_t *ret)
{
	size_t known;
	const uint32_t *words = bl_interned(sets, inherited, &known);
	int r = bl_grow(&work->words, &work->capacity, known + n, sizeof(*work->words));

	if (r)
		return r;
	if (known)
		memcpy(work->words, words, known * sizeof(*words));
	for (size_t i = 0; i < n; i++)
		work->words[known + i] = items[i].set;
	return bl_intern(sets, work->words, bl_words_sort(work->words, known + n), ret);
}

/* Makes one item of all that are at one place, with the set of all that cover it. */
static int make_sets(struct bl_prefixes *prefixes, struct bl_interns *sets)
{
	_cleanup_(united_clear) struct united work = {};
	struct cover cover = {};
	size_t out = 0;

	for (size_t i = 0, n; i < prefixes->count; i += n, out++) {
		struct bl_prefix_item item = prefixes->items[i];
		uint32_t inherited;
		int r;

		for (n = 1; i + n < prefixes->count; n++)
			if (compare_place(&item, &prefixes->items[i + n]))
				break;
		uncover(&cover, prefixes, &item);
		inherited = cover.depth ? prefixes->items[cover.stack[cover.depth - 1]].set : 0;
		r = unite(sets, &work, inherited, &prefixes->items[i], n, &item.set);
		if (r)
			return r;
		prefixes->items[out] = item;
		cover.stack[cover.depth++] = out;
	}
	prefixes->count = out;
	return 0;
}

/* ---- lengths ------------------------------------------------------------------------------ */

static size_t count_lens(const struct bl_prefixes *prefixes, size_t counts[LENS])
{
	size_t n = 0;

	memset(counts, 0, LENS * sizeof(*counts));
	for (size_t i = 0; i < prefixes->count; i++)
		if (!counts[prefixes->items[i].len]++)
			n++;
	return n;
}

static unsigned int next_len(const size_t counts[LENS], unsigned int len)
{
	for (len++; len < LENS && !counts[len]; len++)
		;
	return len;
}

/* The length that is cheapest to write out as the next longer one. */
static unsigned int cheapest_len(const size_t counts[LENS])
{
	size_t least = SIZE_MAX;
	unsigned int best = 0;

	for (unsigned int len = 0; len < LENS; len++) {
		unsigned int longer = next_len(counts, len);

		if (!counts[len] || longer >= LENS || longer - len > 24)
			continue;
		if (counts[len] << (longer - len) < least) {
			best = len;
			least = counts[len] << (longer - len);
		}
	}
	return best;
}

/* Decides as what length each one is written out; counts are what will be, at most. */
static int choose_lens(size_t counts[LENS], size_t n_lens, uint8_t becomes[LENS])
{
	size_t total = 0;

	for (unsigned int len = 0; len < LENS; len++)
		becomes[len] = (uint8_t)len;
	for (; n_lens > BL_PREFIX_LENS_MAX; n_lens--) {
		unsigned int len = cheapest_len(counts), longer = next_len(counts, len);

		counts[longer] += counts[len] << (longer - len);
		counts[len] = 0;
		for (unsigned int i = 0; i < LENS; i++)
			if (becomes[i] == len)
				becomes[i] = (uint8_t)longer;
		if (counts[longer] > BL_PREFIXES_MAX)
			return -E2BIG;
	}
	for (unsigned int len = 0; len < LENS; len++)
		total += counts[len];
	return total > BL_PREFIXES_MAX ? -E2BIG : 0;
}

static void set_bits(uint8_t addr[16], unsigned int first, unsigned int end, size_t value)
{
	for (unsigned int bit = end; bit-- > first; value >>= 1)
		if (value & 1)
			addr[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
}

/* A prefix becomes all prefixes of a longer length that it covers. */
static int write_out(struct bl_prefixes *prefixes, size_t index, unsigned int longer)
{
	struct bl_prefix_item item = prefixes->items[index];
	unsigned int len = item.len;
	int r = 0;

	item.len = (uint8_t)longer;
	prefixes->items[index] = item;
	for (size_t k = 1; !r && k < (size_t)1 << (longer - len); k++) {
		struct bl_prefix_item part = item;

		set_bits(part.addr, len, longer, k);
		r = add_item(prefixes, &part);
	}
	return r;
}

/* Of equal prefixes the first is kept: the most specific one, whose set holds the others'. */
static void drop_repeated(struct bl_prefixes *prefixes)
{
	size_t out = 0;

	sort(prefixes);
	for (size_t i = 0; i < prefixes->count; i++) {
		if (out && !compare_place(&prefixes->items[out - 1], &prefixes->items[i]))
			continue;
		prefixes->items[out++] = prefixes->items[i];
	}
	prefixes->count = out;
}

static int reduce_lens(struct bl_prefixes *prefixes)
{
	size_t counts[LENS], n_lens = count_lens(prefixes, counts), n = prefixes->count;
	uint8_t becomes[LENS];
	int r;

	if (n_lens <= BL_PREFIX_LENS_MAX)
		return 0;
	r = choose_lens(counts, n_lens, becomes);
	for (size_t i = 0; !r && i < n; i++)
		r = write_out(prefixes, i, becomes[prefixes->items[i].len]);
	if (!r)
		drop_repeated(prefixes);
	return r;
}

/* ---- markers ------------------------------------------------------------------------------ */

static void list_lens(struct bl_prefixes *prefixes)
{
	size_t counts[LENS];

	prefixes->n_lens = 0;
	count_lens(prefixes, counts);
	for (unsigned int len = 0; len < LENS; len++)
		if (counts[len])
			prefixes->lens[prefixes->n_lens++] = (uint8_t)len;
}

/* The last marker of each length: in sorted order equal ones follow each other. */
struct latest {
	uint8_t addr[LENS][16];
	bool known[LENS];
};

static int add_marker(struct bl_prefixes *prefixes, struct latest *latest,
		      const struct bl_prefix_item *marker)
{
	if (latest->known[marker->len] &&
	    !memcmp(latest->addr[marker->len], marker->addr, sizeof(marker->addr)))
		return 0;
	latest->known[marker->len] = true;
	memcpy(latest->addr[marker->len], marker->addr, sizeof(marker->addr));
	return add_item(prefixes, marker);
}

/* Leaves a marker wherever the search for an item's length turns to longer ones. */
static int add_markers_for(struct bl_prefixes *prefixes, struct latest *latest, size_t index)
{
	unsigned int low = 0, high = prefixes->n_lens;
	int r = 0;

	while (!r && low < high) {
		unsigned int middle = (low + high) / 2;
		struct bl_prefix_item marker = prefixes->items[index];

		if (prefixes->lens[middle] == marker.len)
			return 0;
		if (prefixes->lens[middle] > marker.len) {
			high = middle;
			continue;
		}
		marker.len = prefixes->lens[middle];
		marker.marker = true;
		marker.set = 0;
		cut(marker.addr, marker.len);
		r = add_marker(prefixes, latest, &marker);
		low = middle + 1;
	}
	return r;
}

/* A marker answers with the longest real prefix that covers it. */
static void fill_markers(struct bl_prefixes *prefixes)
{
	struct cover cover = {};

	for (size_t i = 0; i < prefixes->count; i++) {
		struct bl_prefix_item *item = &prefixes->items[i];

		uncover(&cover, prefixes, item);
		if (!item->marker)
			cover.stack[cover.depth++] = i;
		else if (cover.depth)
			item->set = prefixes->items[cover.stack[cover.depth - 1]].set;
	}
}

static int add_markers(struct bl_prefixes *prefixes)
{
	struct latest latest = {};
	size_t n = prefixes->count;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = add_markers_for(prefixes, &latest, i);
	if (r)
		return r;
	drop_repeated(prefixes);
	fill_markers(prefixes);
	return 0;
}

int bl_prefixes_finish(struct bl_prefixes *prefixes, struct bl_interns *sets)
{
	int r;

	sort(prefixes);
	r = make_sets(prefixes, sets);
	if (!r)
		r = reduce_lens(prefixes);
	if (r)
		return r;
	list_lens(prefixes);
	return add_markers(prefixes);
}
