/* SPDX-License-Identifier: Apache-2.0 */
/* Accounting: every event that is not in the journal is in a report, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "lost.h"
#include "report.h"

static struct bl_lost *make(void)
{
	struct bl_lost *lost = NULL;

	assert_int_equal(bl_lost_new(&lost), 0);
	return lost;
}

static void nothing_lost(void **state)
{
	struct bl_lost *lost = make();
	struct bl_journal_stats journal = { .sent = 20 };
	uint64_t counters[_BL_COUNT_MAX] = { [BL_COUNT_EVENTS] = 20 };
	struct bl_lost_report report;

	for (uint64_t seq = 1; seq <= 10; seq++) {
		assert_int_equal(bl_lost_saw(lost, 0, seq), 0);
		assert_int_equal(bl_lost_saw(lost, 1000, seq), 0);
	}
	assert_int_equal(bl_lost_gaps(lost), 0);
	assert_false(bl_lost_take(lost, counters, &journal, &report));
	assert_false(bl_lost_take(lost, NULL, NULL, &report));
	bl_lost_free(lost);
}

static void gaps_equal_the_kernels_counter(void **state)
{
	struct bl_lost *lost = make();
	uint64_t counters[_BL_COUNT_MAX] = { [BL_COUNT_LOST_RING] = 3, [BL_COUNT_LOST_SCRATCH] = 1 };
	struct bl_lost_report report;

	bl_lost_saw(lost, 0, 2); /* 1 is missing */
	bl_lost_saw(lost, 1, 1);
	bl_lost_saw(lost, 1, 5); /* 2, 3, 4 are */
	assert_int_equal(bl_lost_gaps(lost), 4);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_RING], 3);
	assert_int_equal(report.fresh[BL_LOST_SCRATCH], 1);
	assert_int_equal(report.fresh[BL_LOST_GAP], 0);
	assert_int_equal(report.fresh_sum, 4);
	assert_int_equal(report.seen, 3);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	counters[BL_COUNT_LOST_RING] = 5;
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh_sum, 2);
	assert_int_equal(report.total_sum, 6);
	bl_lost_free(lost);
}

static void overtaken_records_are_not_lost(void **state)
{
	struct bl_lost *lost = make();
	uint64_t counters[_BL_COUNT_MAX] = { 0 };
	struct bl_lost_report report;

	bl_lost_saw(lost, 0, 2);
	assert_int_equal(bl_lost_gaps(lost), 1);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_saw(lost, 0, 1);
	assert_int_equal(bl_lost_gaps(lost), 0);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_saw(lost, 0, 5);
	bl_lost_saw(lost, 0, 3);
	assert_int_equal(bl_lost_gaps(lost), 1);
	bl_lost_free(lost);
}

static void unexplained_gap_is_reported_once(void **state)
{
	struct bl_lost *lost = make();
	uint64_t counters[_BL_COUNT_MAX] = { 0 };
	struct bl_lost_report report;

	bl_lost_saw(lost, 0, 4);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_GAP], 3);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	/* Late ones, after all: nothing is taken back, and nothing counted twice. */
	bl_lost_saw(lost, 0, 1);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);
}

/* Three daemons on the same records: each loss is reported by one of them, and no gap that is none. */
static void goes_on_where_another_ended(void **state)
{
	struct bl_progress told = { 0 }, more = { 0 }, cpus[2] = { { 0 } };
	uint64_t counters[_BL_COUNT_MAX] = { [BL_COUNT_LOST_RING] = 2 };
	struct bl_lost_report report;
	struct bl_lost *lost = make();

	bl_lost_share(lost, &told, &more, cpus, 2);
	bl_lost_saw(lost, 0, 1);
	bl_lost_saw(lost, 0, 4); /* 2 and 3 had no room */
	bl_lost_saw(lost, 1, 3); /* 1 and 2 are missing, and nobody knows why */
	assert_int_equal(bl_lost_saw(lost, 2, 1), -EINVAL);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.total[BL_LOST_RING], 2);
	assert_int_equal(report.total[BL_LOST_GAP], 2);
	bl_lost_free(lost);
	assert_int_equal(told.highest, 2);

	/* While nobody was there 5 and 6 had no room; 7 waits to be read, and one that was read was not told. */
	counters[BL_COUNT_LOST_RING] = 4;
	lost = make();
	bl_lost_share(lost, &told, &more, cpus, 2);
	bl_lost_with_daemon(lost, 1, 40);
	bl_lost_saw(lost, 0, 7);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_RING], 2);
	assert_int_equal(report.fresh[BL_LOST_GAP], 0);
	assert_int_equal(report.fresh[BL_LOST_DAEMON], 1);
	assert_int_equal(report.fresh_sum, 3);
	assert_int_equal(report.total_sum, 3); /* since this daemon's start */
	assert_int_equal(report.repeats, 40);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);

	lost = make();
	bl_lost_share(lost, &told, &more, cpus, 2);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);
}

/* What is more than a rule may make has numbers, which are no gap then; repeats have none. */
static void limits_and_repeats(void **state)
{
	uint64_t counters[_BL_COUNT_MAX] = {
		[BL_COUNT_LOST_LIMIT] = 4, [BL_COUNT_LOST_REPEATS] = 9
	};
	struct bl_progress told = { 0 }, more = { 0 }, cpus[2] = { { 0 } };
	struct bl_lost_report report;
	struct bl_lost *lost = make();
	char numbers[32];

	bl_lost_share(lost, &told, &more, cpus, 2);
	assert_int_equal(bl_lost_numbers(lost, numbers, sizeof(numbers)), 0);
	assert_string_equal(numbers, "");
	bl_lost_saw(lost, 0, 5);
	bl_lost_saw(lost, 1, 1);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_LIMIT], 4);
	assert_int_equal(report.fresh_sum, 4);
	assert_int_equal(report.repeats, 9);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	counters[BL_COUNT_LOST_REPEATS] = 10;
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh_sum, 0);
	assert_int_equal(report.repeats, 1);
	assert_int_equal(report.repeats_total, 10);
	bl_lost_sums(lost, &report);
	assert_int_equal(report.total_sum, 4);
	assert_int_equal(report.repeats_total, 10);
	assert_int_equal(report.seen, 2);
	assert_int_equal(bl_lost_numbers(lost, numbers, sizeof(numbers)), 7);
	assert_string_equal(numbers, "0:5,1:1");
	/* Whole words only. */
	assert_int_equal(bl_lost_numbers(lost, numbers, 7), 3);
	assert_string_equal(numbers, "0:5");
	bl_lost_free(lost);

	/* The next daemon on the same records: nothing of that is told again. */
	lost = make();
	bl_lost_share(lost, &told, &more, cpus, 2);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);
}

/* Losses of maps that are gone: told once, and of the next daemon's losses none is taken for one of these. */
static void losses_of_other_maps(void **state)
{
	uint64_t carried[_BL_COUNT_MAX] = { [BL_COUNT_LOST_RING] = 5, [BL_COUNT_LOST_REPEATS] = 2 };
	uint64_t counters[_BL_COUNT_MAX] = { 0 };
	struct bl_progress told = { 0 }, more = { 0 }, cpus[1] = { { 0 } };
	struct bl_lost_report report;
	struct bl_lost *lost = make();

	bl_lost_share(lost, &told, &more, cpus, 1);
	bl_lost_carry(lost, carried);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_RING], 5);
	assert_int_equal(report.repeats, 2);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);
	assert_int_equal(told.highest, 0);

	lost = make();
	bl_lost_share(lost, &told, &more, cpus, 1);
	counters[BL_COUNT_LOST_RING] = 1;
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh[BL_LOST_RING], 1);
	bl_lost_free(lost);
}

static void own_drops(void **state)
{
	struct bl_lost *lost = make();
	struct bl_journal_stats journal = { .dropped_full = 10,
					    .dropped_memory = 2,
					    .dropped_refused = 1,
					    .dropped_repeats = 100 };
	struct bl_lost_report report;

	bl_lost_bad_record(lost);
	bl_lost_no_memory(lost, 6);
	assert_true(bl_lost_take(lost, NULL, &journal, &report));
	assert_int_equal(report.fresh[BL_LOST_QUEUE], 10);
	assert_int_equal(report.fresh[BL_LOST_MEMORY], 3);
	assert_int_equal(report.fresh[BL_LOST_REFUSED], 1);
	assert_int_equal(report.fresh[BL_LOST_RECORD], 1);
	assert_int_equal(report.fresh_sum, 15);
	assert_int_equal(report.repeats, 106);
	assert_false(bl_lost_take(lost, NULL, &journal, &report));
	bl_lost_free(lost);
}

/* A record that can't be decoded has a number too: its gap is explained. */
static void bad_records_explain_gaps(void **state)
{
	struct bl_lost *lost = make();
	uint64_t counters[_BL_COUNT_MAX] = { 0 };
	struct bl_lost_report report;

	bl_lost_bad_record(lost);
	bl_lost_saw(lost, 0, 2);
	assert_true(bl_lost_take(lost, counters, NULL, &report));
	assert_int_equal(report.fresh_sum, 1);
	assert_false(bl_lost_take(lost, counters, NULL, &report));
	bl_lost_free(lost);
}

static void impossible_cpu(void **state)
{
	struct bl_lost *lost = make();

	assert_int_equal(bl_lost_saw(lost, 65536, 1), -EINVAL);
	assert_int_equal(bl_lost_saw(lost, UINT32_MAX, 1), -EINVAL);
	assert_int_equal(bl_lost_saw(lost, 65535, 1), 0);
	bl_lost_free(lost);
	bl_lost_free(NULL);
}

static void report_says_it_all(void **state)
{
	struct bl_lost_report report = { .fresh = { [BL_LOST_RING] = 7, [BL_LOST_QUEUE] = 2 },
					 .fresh_sum = 9,
					 .total_sum = 11,
					 .seen = 100 };
	static const char text[] = "events lost lost=9 ring=7 queue=2 total=11 seen=100";
	struct bl_entry entry = { 0 };
	const char *value;
	size_t len;

	assert_int_equal(bl_report_lost(&entry, &report, NULL), 0);
	value = bl_entry_get(&entry, "MESSAGE", &len);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(value, text, len);
	value = bl_entry_get(&entry, "BAILIFF_LOST_RING", &len);
	assert_memory_equal(value, "7", len);
	value = bl_entry_get(&entry, "BAILIFF_LOST_GAP", &len);
	assert_memory_equal(value, "0", len);
	value = bl_entry_get(&entry, "PRIORITY", &len);
	assert_memory_equal(value, "3", len);
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		assert_non_null(bl_lost_reason_name(i));
	assert_null(bl_lost_reason_name(_BL_LOST_MAX));
	bl_entry_clear(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost),
		cmocka_unit_test(gaps_equal_the_kernels_counter),
		cmocka_unit_test(overtaken_records_are_not_lost),
		cmocka_unit_test(unexplained_gap_is_reported_once),
		cmocka_unit_test(goes_on_where_another_ended),
		cmocka_unit_test(own_drops),
		cmocka_unit_test(limits_and_repeats),
		cmocka_unit_test(losses_of_other_maps),
		cmocka_unit_test(bad_records_explain_gaps),
		cmocka_unit_test(impossible_cpu),
		cmocka_unit_test(report_says_it_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
