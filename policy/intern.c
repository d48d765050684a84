/* SPDX-License-Identifier: Apache-2.0 */
/* Hash-consing of word sequences, and sorted sets of words. */
#include "intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

#define INTERN_SLOTS_MIN 64
#define SORT_SMALL	 24

static uint32_t hash_words(const uint32_t *words, size_t n)
{
	uint64_t hash = 0x9e3779b97f4a7c15u ^ n;

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ words[i]) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	return (uint32_t)(hash ^ hash >> 29);
}

const uint32_t *bl_interned(const struct bl_interns *interns, uint32_t id, size_t *ret_n)
{
	uint32_t start;

	if (!id) {
		*ret_n = 0;
		return interns->words;
	}
	start = id > 1 ? interns->ends[id - 2] : 0;
	*ret_n = interns->ends[id - 1] - start;
	return interns->words + start;
}

static int grow_slots(struct bl_interns *interns)
{
	size_t n_slots = interns->n_slots ? interns->n_slots * 2 : INTERN_SLOTS_MIN;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t id = 1; id <= interns->count; id++) {
		size_t slot = interns->hashes[id - 1] & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = (uint32_t)id;
	}
	free(interns->slots);
	interns->slots = slots;
	interns->n_slots = n_slots;
	return 0;
}

static int append(struct bl_interns *interns, const uint32_t *words, size_t n, uint32_t hash)
{
	int r;

	if (n > UINT32_MAX - interns->n_words || interns->count >= UINT32_MAX - 1)
		return -E2BIG;
	r = bl_grow(&interns->words, &interns->words_capacity, interns->n_words + n,
		    sizeof(*interns->words));
	if (!r)
		r = bl_grow(&interns->ends, &interns->ends_capacity, interns->count + 1,
			    sizeof(*interns->ends));
	if (!r)
		r = bl_grow(&interns->hashes, &interns->hashes_capacity, interns->count + 1,
			    sizeof(*interns->hashes));
	if (r)
		return r;
	memcpy(interns->words + interns->n_words, words, n * sizeof(*words));
	interns->n_words += n;
	interns->hashes[interns->count] = hash;
	interns->ends[interns->count++] = (uint32_t)interns->n_words;
	return 0;
}

/* The slot of a sequence: it holds its number, or 0 where that should go. */
static size_t find_slot(const struct bl_interns *interns, const uint32_t *words, size_t n,
			uint32_t hash)
{
	size_t slot = hash & (interns->n_slots - 1), len;
	uint32_t id;

	while ((id = interns->slots[slot])) {
		const uint32_t *old = bl_interned(interns, id, &len);

		if (interns->hashes[id - 1] == hash && len == n &&
		    !memcmp(old, words, n * sizeof(*words)))
			break;
		slot = (slot + 1) & (interns->n_slots - 1);
	}
	return slot;
}

bool bl_interns_has(const struct bl_interns *interns, const uint32_t *words, size_t n)
{
	if (!n || !interns->n_slots)
		return !n;
	return interns->slots[find_slot(interns, words, n, hash_words(words, n))];
}

int bl_intern(struct bl_interns *interns, const uint32_t *words, size_t n, uint32_t *ret_id)
{
	uint32_t hash;
	size_t slot;
	int r;

	if (!n) {
		*ret_id = 0;
		return 0;
	}
	if (interns->count * 2 >= interns->n_slots) {
		r = grow_slots(interns);
		if (r)
			return r;
	}
	hash = hash_words(words, n);
	slot = find_slot(interns, words, n, hash);
	if (interns->slots[slot]) {
		*ret_id = interns->slots[slot];
		return 0;
	}
	r = append(interns, words, n, hash);
	if (r)
		return r;
	interns->slots[slot] = (uint32_t)interns->count;
	*ret_id = (uint32_t)interns->count;
	return 0;
}

void bl_interns_clear(struct bl_interns *interns)
{
	free(interns->words);
	free(interns->ends);
	free(interns->hashes);
	free(interns->slots);
	*interns = (struct bl_interns){};
}

static int compare_words(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_small(uint32_t *words, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t word = words[i];
		size_t k = i;

		for (; k && words[k - 1] > word; k--)
			words[k] = words[k - 1];
		words[k] = word;
	}
}

/* Most callers' sets are sorted already: that is looked at first. */
size_t bl_words_sort(uint32_t *words, size_t n)
{
	size_t sorted = 1, kept = 1;

	if (n < 2)
		return n;
	while (sorted < n && words[sorted - 1] < words[sorted])
		sorted++;
	if (sorted == n)
		return n;
	if (n <= SORT_SMALL)
		sort_small(words, n);
	else
		qsort(words, n, sizeof(*words), compare_words);
	for (size_t i = 1; i < n; i++)
		if (words[i] != words[kept - 1])
			words[kept++] = words[i];
	return kept;
}
