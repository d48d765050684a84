/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints as abi.h words them, and cuckoo tables as the kernel searches them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "hash.h"
#include "match.h"

static void test_default_key(void **state)
{
	uint64_t key[2][BL_HASH_WORDS], again[2][BL_HASH_WORDS];

	bl_key_default(key);
	bl_key_default(again);
	assert_memory_equal(key, again, sizeof(key));
	/* computed apart, in another language */
	assert_true(key[0][0] == 0xf1d1621899cce056u);
	assert_true(key[1][64] == 0x19bbd2c077b1a884u);
}

/* The formula of abi.h, written down once more. */
static uint64_t reference(const struct bl_header *header, const uint8_t *name, size_t len,
			  uint32_t node)
{
	uint64_t h[2] = {}, fp;

	for (int j = 0; j < 2; j++) {
		for (size_t i = 0; i < len; i++)
			h[j] += header->key[j][i / 4] * ((uint64_t)name[i] << (8 * (i % 4)));
		h[j] += header->key[j][64] * node;
	}
	fp = (h[0] >> 32) << 32 | h[1] >> 32;
	return fp ? fp : 1;
}

static void test_edge(void **state)
{
	struct bl_header header = {};
	char name[256];

	bl_key_default((uint64_t(*)[BL_HASH_WORDS])header.key);
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = (char)(i * 7 + 1);
	for (size_t len = 1; len <= BL_NAME_BYTES; len++)
		assert_true(bl_hash_edge(&header, (uint32_t)len * 99, name, len) ==
			    reference(&header, (const uint8_t *)name, len, (uint32_t)len * 99));
	assert_true(bl_hash_edge(&header, 1, "ab", 2) != bl_hash_edge(&header, 2, "ab", 2));
	assert_true(bl_hash_edge(&header, 1, "ab", 2) != bl_hash_edge(&header, 1, "ba", 2));
}

/* A header in front of buckets, as an image has them. */
struct table {
	uint8_t *image;
	struct bl_hash hash;
};

static void table_clear(struct table *table)
{
	free(table->image);
}

static int build(const struct bl_entries *entries, struct table *ret)
{
	_cleanup_free_ struct bl_bucket *buckets = NULL;
	size_t bytes;
	int r = bl_cuckoo_build(entries, &buckets, &ret->hash.mask);

	if (r)
		return r;
	bytes = ((size_t)ret->hash.mask + 1) * sizeof(*buckets);
	ret->image = malloc(BL_CHUNK_BYTES + bytes);
	ret->hash.offset = BL_CHUNK_BYTES;
	memcpy(ret->image + BL_CHUNK_BYTES, buckets, bytes);
	return 0;
}

static struct bl_matcher matcher_of(const struct table *table)
{
	return (struct bl_matcher){ .image = table->image,
				    .header = (const struct bl_header *)table->image };
}

static uint64_t fingerprint(uint64_t i)
{
	i = (i + 1) * 0x9e3779b97f4a7c15u;
	i ^= i >> 29;
	return (i * 0xbf58476d1ce4e5b9u) | 1;
}

static void test_cuckoo(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 14, 15, 100, 1000, 58000, 59000 };

	for (size_t s = 0; s < BL_ARRAY_SIZE(sizes); s++) {
		_cleanup_(bl_entries_clear) struct bl_entries entries = {};
		_cleanup_(table_clear) struct table table = {};
		struct bl_matcher matcher;

		for (uint32_t i = 0; i < sizes[s]; i++)
			assert_int_equal(bl_entries_add(&entries, fingerprint(i), i + 1), 0);
		assert_int_equal(build(&entries, &table), 0);
		matcher = matcher_of(&table);
		for (uint32_t i = 0; i < sizes[s]; i++)
			assert_int_equal(bl_hash_find(&matcher, &table.hash, fingerprint(i)),
					 i + 1);
		for (uint32_t i = sizes[s]; i < 2 * sizes[s]; i++)
			assert_int_equal(bl_hash_find(&matcher, &table.hash, fingerprint(i)), 0);
		assert_true(((size_t)table.hash.mask + 1) * BL_BUCKET_SLOTS <
			    8 * (size_t)sizes[s] + 8);
	}
}

static void test_collision(void **state)
{
	_cleanup_(bl_entries_clear) struct bl_entries entries = {};
	struct bl_bucket *buckets;
	uint32_t mask;

	assert_int_equal(bl_entries_add(&entries, 5, 1), 0);
	assert_int_equal(bl_entries_add(&entries, 6, 2), 0);
	assert_int_equal(bl_entries_add(&entries, 5, 3), 0);
	assert_int_equal(bl_cuckoo_build(&entries, &buckets, &mask), -EEXIST);
}

/* Nine entries that want the same two buckets: no size helps, and it is said and not tried on. */
static void test_hopeless(void **state)
{
	_cleanup_(bl_entries_clear) struct bl_entries entries = {};
	_cleanup_(table_clear) struct table table = {};
	struct bl_matcher matcher;

	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(bl_entries_add(&entries, (uint64_t)(i << 6) << 32 | 1, i + 1), 0);
	assert_int_equal(build(&entries, &table), 0);
	matcher = matcher_of(&table);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(bl_hash_find(&matcher, &table.hash, (uint64_t)(i << 6) << 32 | 1),
				 i + 1);
	assert_true(table.hash.mask >= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_key), cmocka_unit_test(test_edge),
		cmocka_unit_test(test_cuckoo),	    cmocka_unit_test(test_collision),
		cmocka_unit_test(test_hopeless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
