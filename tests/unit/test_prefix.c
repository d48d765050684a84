/* SPDX-License-Identifier: Apache-2.0 */
/* Longest-prefix match: the search of match.h over what was made, against a plain scan. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "prefix.h"

struct random {
	uint64_t state;
};

static uint32_t pick(struct random *random, uint32_t n)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random->state >> 33) % n;
}

struct given {
	uint8_t addr[16];
	uint8_t len;
	uint32_t atom;
};

static bool in_prefix(const uint8_t *addr, const uint8_t *prefix, unsigned int len)
{
	for (unsigned int bit = 0; bit < len; bit++)
		if ((addr[bit / 8] ^ prefix[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

/* What abi.h says: probe the middle length; a hit goes on with longer ones, a miss with shorter. */
static uint32_t search(const struct bl_prefixes *prefixes, const uint8_t addr[16])
{
	uint32_t low = 0, high = prefixes->n_lens, best = 0;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const struct bl_prefix_item *hit = NULL;

		for (size_t i = 0; !hit && i < prefixes->count; i++)
			if (prefixes->items[i].len == prefixes->lens[middle] &&
			    in_prefix(addr, prefixes->items[i].addr, prefixes->items[i].len))
				hit = &prefixes->items[i];
		if (hit) {
			best = hit->set;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return best;
}

static void expect(const struct bl_prefixes *prefixes, const struct bl_interns *sets,
		   const struct given *given, size_t n, const uint8_t addr[16])
{
	uint32_t wanted[512];
	size_t n_wanted = 0, n_found;
	const uint32_t *found = bl_interned(sets, search(prefixes, addr), &n_found);

	for (size_t i = 0; i < n; i++)
		if (in_prefix(addr, given[i].addr, given[i].len))
			wanted[n_wanted++] = given[i].atom;
	n_wanted = bl_words_sort(wanted, n_wanted);
	assert_int_equal(n_found, n_wanted);
	for (size_t i = 0; i < n_wanted; i++)
		assert_int_equal(found[i], wanted[i]);
}

static void random_addr(struct random *random, uint8_t addr[16], size_t bytes)
{
	memset(addr, 0, 16);
	for (size_t i = 0; i < bytes; i++)
		addr[i] = (uint8_t)(pick(random, 4) * 85);
}

static void round_of(struct random *random, size_t bytes, size_t n)
{
	_cleanup_(bl_prefixes_clear) struct bl_prefixes prefixes = {};
	_cleanup_(bl_interns_clear) struct bl_interns sets = {};
	struct given given[300];
	uint8_t addr[16];

	for (size_t i = 0; i < n; i++) {
		random_addr(random, given[i].addr, bytes);
		given[i].len = (uint8_t)pick(random, (uint32_t)bytes * 8 + 1);
		given[i].atom = pick(random, 20);
		assert_int_equal(bl_prefixes_add(&prefixes, given[i].addr, bytes, given[i].len,
						 given[i].atom),
				 0);
	}
	assert_int_equal(bl_prefixes_finish(&prefixes, &sets), 0);
	assert_in_range(prefixes.n_lens, 1, BL_PREFIX_LENS_MAX);
	for (size_t i = 1; i < prefixes.n_lens; i++)
		assert_true(prefixes.lens[i - 1] < prefixes.lens[i]);
	for (size_t i = 0; i < 100; i++) {
		random_addr(random, addr, bytes);
		expect(&prefixes, &sets, given, n, addr);
		memcpy(addr, given[pick(random, (uint32_t)n)].addr, 16);
		expect(&prefixes, &sets, given, n, addr);
	}
}

static void test_random(void **state)
{
	struct random random = { .state = 3 };

	for (int i = 0; i < 60; i++)
		round_of(&random, 4, 1 + pick(&random, 40));
	for (int i = 0; i < 30; i++)
		round_of(&random, 16, 1 + pick(&random, 20));
}

/* All 33 lengths of IPv4 are one too many: the cheapest is written out as the next. */
static void test_all_lengths(void **state)
{
	_cleanup_(bl_prefixes_clear) struct bl_prefixes prefixes = {};
	_cleanup_(bl_interns_clear) struct bl_interns sets = {};
	static const uint8_t base[16] = { 170, 170, 170, 170 };
	struct random random = { .state = 5 };
	struct given given[33];

	for (uint8_t len = 0; len <= 32; len++) {
		memcpy(given[len].addr, base, sizeof(base));
		given[len].len = len;
		given[len].atom = len;
		assert_int_equal(bl_prefixes_add(&prefixes, base, 4, len, len), 0);
	}
	assert_int_equal(bl_prefixes_finish(&prefixes, &sets), 0);
	assert_int_equal(prefixes.n_lens, 32);
	for (int i = 0; i < 500; i++) {
		uint8_t addr[16] = { 170, 170, 170, 170 };
		uint32_t bit = pick(&random, 33);

		if (bit < 32)
			addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		expect(&prefixes, &sets, given, 33, addr);
	}
}

/* IPv6 with every length: groups of neighbouring lengths are written out. */
static void test_many_lengths(void **state)
{
	_cleanup_(bl_prefixes_clear) struct bl_prefixes prefixes = {};
	_cleanup_(bl_interns_clear) struct bl_interns sets = {};
	struct random random = { .state = 9 };
	struct given given[129];

	for (uint32_t len = 0; len <= 128; len++) {
		random_addr(&random, given[len].addr, 16);
		given[len].len = (uint8_t)len;
		given[len].atom = len;
		assert_int_equal(bl_prefixes_add(&prefixes, given[len].addr, 16, (uint8_t)len, len),
				 0);
	}
	assert_int_equal(bl_prefixes_finish(&prefixes, &sets), 0);
	assert_int_equal(prefixes.n_lens, 32);
	for (uint32_t i = 0; i <= 128; i++)
		expect(&prefixes, &sets, given, 129, given[i].addr);
}

/* Too many to write out is said. */
static void test_too_many(void **state)
{
	_cleanup_(bl_prefixes_clear) struct bl_prefixes prefixes = {};
	_cleanup_(bl_interns_clear) struct bl_interns sets = {};
	uint8_t addr[16] = {};

	for (uint32_t len = 0; len <= 128; len++) {
		for (uint32_t i = 0; i < 8000; i++) {
			addr[0] = (uint8_t)i;
			addr[1] = (uint8_t)(i >> 8);
			addr[2] = (uint8_t)len;
			addr[15] = (uint8_t)i;
			addr[14] = (uint8_t)(i >> 8);
			assert_int_equal(bl_prefixes_add(&prefixes, addr, 16, (uint8_t)len, 1), 0);
		}
	}
	assert_int_equal(bl_prefixes_finish(&prefixes, &sets), -E2BIG);
}

static void test_empty(void **state)
{
	_cleanup_(bl_prefixes_clear) struct bl_prefixes prefixes = {};
	_cleanup_(bl_interns_clear) struct bl_interns sets = {};

	assert_int_equal(bl_prefixes_finish(&prefixes, &sets), 0);
	assert_int_equal(prefixes.n_lens, 0);
	assert_int_equal(prefixes.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	     cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_many_lengths), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
