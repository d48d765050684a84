/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints and cuckoo tables. */
#include "hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "match.h"

#define KEY_SEED     0x6261696c6966660au /* "bailiff\n" */
#define KICKS_MAX    2000
#define BUCKETS_MAX  (1u << 24)
/* Tables are at most this full: nine in ten. Beyond it building takes long. */
#define FULL_PERCENT	60 /* fuller, and too many look-ups need both buckets */
#define SPARSE_BUCKETS	256 /* tables up to here are kept emptier still */
#define SPARSE_PERCENT	25

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void fill_key(uint64_t key[2][BL_HASH_WORDS], uint64_t state)
{
	for (int j = 0; j < 2; j++)
		for (int i = 0; i < BL_HASH_WORDS; i++)
			key[j][i] = splitmix64(&state);
}

void bl_key_default(uint64_t key[2][BL_HASH_WORDS])
{
	fill_key(key, KEY_SEED);
}

void bl_key_next(uint64_t key[2][BL_HASH_WORDS])
{
	uint64_t state = 1;

	for (int j = 0; j < 2; j++)
		for (int i = 0; i < BL_HASH_WORDS; i++)
			state = splitmix64(&state) ^ key[j][i];
	fill_key(key, state);
}

uint64_t bl_hash_edge(const struct bl_header *header, uint32_t node, const char *name, size_t len)
{
	char padded[BL_PATH_PAD] = {};

	memcpy(padded, name, BL_MIN(len, (size_t)BL_NAME_BYTES));
	return bl_fp_edge(header, node, padded, (uint32_t)len);
}

int bl_entries_add(struct bl_entries *entries, uint64_t fp, uint32_t value)
{
	int r = bl_grow(&entries->fps, &entries->fps_capacity, entries->count + 1,
			sizeof(*entries->fps));

	if (!r)
		r = bl_grow(&entries->values, &entries->values_capacity, entries->count + 1,
			    sizeof(*entries->values));
	if (r)
		return r;
	entries->fps[entries->count] = fp;
	entries->values[entries->count++] = value;
	return 0;
}

void bl_entries_clear(struct bl_entries *entries)
{
	free(entries->fps);
	free(entries->values);
	*entries = (struct bl_entries){};
}

/* ---- cuckoo ------------------------------------------------------------------------------- */

struct cuckoo {
	struct bl_bucket *buckets;
	uint32_t mask;
	uint64_t random;
};

static uint32_t first_bucket(const struct cuckoo *c, uint64_t fp)
{
	return (uint32_t)fp & c->mask;
}

static uint32_t second_bucket(const struct cuckoo *c, uint64_t fp)
{
	return (uint32_t)(fp >> 32) & c->mask;
}

static bool bucket_has(const struct bl_bucket *bucket, uint64_t fp)
{
	for (int i = 0; i < BL_BUCKET_SLOTS; i++)
		if (bucket->fp[i] == fp)
			return true;
	return false;
}

static bool bucket_put(struct bl_bucket *bucket, uint64_t fp, uint32_t value)
{
	for (int i = 0; i < BL_BUCKET_SLOTS; i++) {
		if (bucket->fp[i])
			continue;
		bucket->fp[i] = fp;
		bucket->value[i] = value;
		return true;
	}
	return false;
}

/* Takes an entry's place; the one that was there is left in *fp and *value. */
static void bucket_kick(struct bl_bucket *bucket, unsigned int slot, uint64_t *fp, uint32_t *value)
{
	uint64_t old_fp = bucket->fp[slot];
	uint32_t old_value = bucket->value[slot];

	bucket->fp[slot] = *fp;
	bucket->value[slot] = *value;
	*fp = old_fp;
	*value = old_value;
}

static int cuckoo_add(struct cuckoo *c, uint64_t fp, uint32_t value)
{
	uint32_t first = first_bucket(c, fp), second = second_bucket(c, fp), at;

	if (!fp || bucket_has(&c->buckets[first], fp) || bucket_has(&c->buckets[second], fp))
		return -EEXIST;
	if (bucket_put(&c->buckets[first], fp, value) || bucket_put(&c->buckets[second], fp, value))
		return 0;
	at = splitmix64(&c->random) & 1 ? second : first;
	for (int i = 0; i < KICKS_MAX; i++) {
		bucket_kick(&c->buckets[at], splitmix64(&c->random) % BL_BUCKET_SLOTS, &fp, &value);
		at = first_bucket(c, fp) == at ? second_bucket(c, fp) : first_bucket(c, fp);
		if (bucket_put(&c->buckets[at], fp, value))
			return 0;
	}
	return -EAGAIN;
}

static void mark_overflow(struct cuckoo *c)
{
	for (uint32_t b = 0; b <= c->mask; b++) {
		for (int i = 0; i < BL_BUCKET_SLOTS; i++) {
			uint64_t fp = c->buckets[b].fp[i];

			if (fp && first_bucket(c, fp) != b)
				c->buckets[first_bucket(c, fp)].overflow = 1;
		}
	}
}

static int cuckoo_fill(struct cuckoo *c, const struct bl_entries *entries)
{
	int r = 0;

	for (size_t i = 0; !r && i < entries->count; i++)
		r = cuckoo_add(c, entries->fps[i], entries->values[i]);
	if (!r)
		mark_overflow(c);
	return r;
}

int bl_cuckoo_build(const struct bl_entries *entries, struct bl_bucket **ret, uint32_t *ret_mask)
{
	size_t n = 1;

	while (n * BL_BUCKET_SLOTS * (n < SPARSE_BUCKETS ? SPARSE_PERCENT : FULL_PERCENT) / 100 <
	       entries->count)
		n *= 2;
	for (; n <= BUCKETS_MAX; n *= 2) {
		_cleanup_free_ struct bl_bucket *buckets = calloc(n, sizeof(*buckets));
		struct cuckoo c = { .buckets = buckets, .mask = (uint32_t)n - 1 };
		int r;

		if (!buckets)
			return -ENOMEM;
		r = cuckoo_fill(&c, entries);
		if (r == -EAGAIN)
			continue;
		if (r)
			return r;
		*ret = TAKE_PTR(buckets);
		*ret_mask = c.mask;
		return 0;
	}
	return -E2BIG;
}
