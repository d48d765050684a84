/* SPDX-License-Identifier: Apache-2.0 */
/* Subject conditions: which are one, and which ids leave which of them open. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "subject.h"

static struct bl_range root[] = { { 0, 0 } };
static struct bl_range people[] = { { 1000, 1999 }, { 2000, 65533 } };
static struct bl_range people_again[] = { { 1500, 65533 }, { 1000, 1600 } };
static struct bl_range all[] = { { 5, UINT32_MAX }, { 0, 4 } };
static struct bl_range last[] = { { UINT32_MAX, UINT32_MAX }, { 7, 7 } };

static const struct bl_name_lists no_names;

static struct bl_match match_uids(struct bl_range *items, size_t count)
{
	return (struct bl_match){ .uids = { items, count }, .has_uids = true };
}

static uint32_t add(struct bl_subjects *subjects, const struct bl_match *match, uint32_t exe,
		    bool grant)
{
	const struct bl_programs programs = { .of = { [BL_KIN_SELF] = exe } };
	uint32_t cond = 999;

	assert_int_equal(bl_subjects_add(subjects, match, &programs, &no_names, grant, &cond), 0);
	return cond;
}

static void test_dedup(void **state)
{
	_cleanup_(bl_subjects_clear) struct bl_subjects subjects = {};
	struct bl_match none = {}, a = match_uids(people, 2), b = match_uids(people_again, 2);
	struct bl_match everyone = match_uids(all, 2);

	assert_int_equal(add(&subjects, &none, 0, false), 0);
	assert_int_equal(add(&subjects, &none, 0, true), 0);
	assert_int_equal(add(&subjects, &everyone, 0, false), 0);
	assert_int_equal(add(&subjects, &a, 0, false), 1);
	assert_int_equal(add(&subjects, &b, 0, false), 1);
	assert_int_equal(add(&subjects, &b, 0, true), 1);
	assert_int_equal(add(&subjects, &none, 5, false), 2);
	assert_int_equal(add(&subjects, &none, 5, true), 3);
	assert_int_equal(add(&subjects, &a, 5, false), 4);
	assert_int_equal(bl_subjects_count(&subjects), 5);
	assert_int_equal(bl_subjects_get(&subjects, 3).grant, 1);
	assert_int_equal(bl_subjects_get(&subjects, 4).exe, 5);
}

static bool holds(const struct bl_range_table *table, size_t words, uint32_t id, uint32_t cond)
{
	size_t i = table->count;

	while (table->firsts[i - 1] > id)
		i--;
	return table->bits[(i - 1) * words + cond / 64] >> (cond & 63) & 1;
}

static void test_table(void **state)
{
	_cleanup_(bl_subjects_clear) struct bl_subjects subjects = {};
	_cleanup_(bl_range_table_clear) struct bl_range_table uids = {}, gids = {};
	struct bl_match a = match_uids(root, 1), b = match_uids(people, 2), c = match_uids(last, 2);
	struct bl_match g = { .gids = { people, 2 }, .has_gids = true };
	static const uint32_t ids[] = { 0, 1, 6, 7, 8, 999, 1000, 2000, 65533, 65534, UINT32_MAX };

	add(&subjects, &a, 0, false);
	add(&subjects, &b, 0, false);
	add(&subjects, &c, 0, false);
	add(&subjects, &g, 0, false);
	assert_int_equal(bl_subjects_table(&subjects, BL_DIMENSION_UID, &uids), 0);
	assert_int_equal(bl_subjects_table(&subjects, BL_DIMENSION_GID, &gids), 0);
	assert_int_equal(uids.firsts[0], 0);
	assert_int_equal(gids.firsts[0], 0);
	assert_int_equal(gids.count, 3);
	for (size_t i = 0; i < BL_ARRAY_SIZE(ids); i++) {
		uint32_t id = ids[i];
		bool person = id >= 1000 && id <= 65533;

		assert_true(holds(&uids, 1, id, 0));
		assert_int_equal(holds(&uids, 1, id, 1), id == 0);
		assert_int_equal(holds(&uids, 1, id, 2), person);
		assert_int_equal(holds(&uids, 1, id, 3), id == 7 || id == UINT32_MAX);
		assert_true(holds(&uids, 1, id, 4));
		assert_int_equal(holds(&gids, 1, id, 4), person);
		assert_true(holds(&gids, 1, id, 1));
	}
}

/* No parser lets an empty set of users through; it must not mean everybody. */
static void test_nobody(void **state)
{
	_cleanup_(bl_subjects_clear) struct bl_subjects subjects = {};
	_cleanup_(bl_range_table_clear) struct bl_range_table uids = {};
	struct bl_match nobody = match_uids(NULL, 0);

	assert_int_equal(add(&subjects, &nobody, 0, false), 1);
	assert_int_equal(bl_subjects_table(&subjects, BL_DIMENSION_UID, &uids), 0);
	assert_int_equal(uids.count, 1);
	assert_false(holds(&uids, 1, 0, 1));
}

static void test_limit(void **state)
{
	_cleanup_(bl_subjects_clear) struct bl_subjects subjects = {};
	_cleanup_(bl_range_table_clear) struct bl_range_table uids = {};
	struct bl_range one = {};
	struct bl_match match = match_uids(&one, 1);
	uint32_t cond;

	for (uint32_t i = 1; i < BL_COND_MAX; i++) {
		one = (struct bl_range){ 3 * i, 3 * i + 1 };
		assert_int_equal(add(&subjects, &match, 0, false), i);
	}
	assert_int_equal(bl_subjects_words(&subjects), BL_COND_WORDS);
	assert_int_equal(bl_subjects_table(&subjects, BL_DIMENSION_UID, &uids), 0);
	assert_true(holds(&uids, BL_COND_WORDS, 3 * 4095, 4095));
	assert_false(holds(&uids, BL_COND_WORDS, 3 * 4095 + 2, 4095));
	one = (struct bl_range){ 1, 1 };
	assert_int_equal(bl_subjects_add(&subjects, &match, &(struct bl_programs){}, &no_names,
					 false, &cond),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dedup),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
