/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own entries: start and stop, policy, losses, heartbeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"

static void expect(const struct bl_entry *entry, const char *name, const char *wanted)
{
	size_t len = 0;
	const char *value = bl_entry_get(entry, name, &len);

	if (!wanted) {
		if (value)
			fail_msg("%s is there", name);
		return;
	}
	if (!value || len != strlen(wanted) || memcmp(value, wanted, len))
		fail_msg("%s is %.*s, not %s", name, (int)len, value ? value : "", wanted);
}

static void reports(void **state)
{
	struct bl_report_numbers numbers = { "00c0ffee00c0ffee", "0:7,3:9" };
	struct bl_report_start start = { &numbers, "0.1.0", "6.12.1", "lsm", "enforce" };
	struct bl_report_policy policy = { 12, "00ff", 2, 1000, 65536, 31, 250 };
	struct bl_entry entry = { 0 };

	assert_int_equal(bl_report_started(&entry, &start), 0);
	expect(&entry, "MESSAGE",
	       "started version=\"0.1.0\" kernel=\"6.12.1\" engine=\"lsm\" mode=\"enforce\"");
	expect(&entry, "MESSAGE_ID", bl_message_id(BL_MESSAGE_STARTED));
	expect(&entry, "BAILIFF_SERIES", "00c0ffee00c0ffee");
	expect(&entry, "BAILIFF_NUMBERS", "0:7,3:9");
	assert_int_equal(bl_report_policy_loaded(&entry, &policy), 0);
	expect(&entry, "MESSAGE",
	       "policy loaded generation=12 files=2 rules=1000 bytes=65536 "
	       "took_ms=31 swap_us=250 digest=\"00ff\"");
	expect(&entry, "BAILIFF_RULES", "1000");
	assert_int_equal(bl_report_policy_rejected(&entry, 3, "a.json:1:2: \"x\"\nMESSAGE=", 11),
			 0);
	expect(&entry, "MESSAGE",
	       "policy rejected, keeping the one in force generation=11 errors=3 "
	       "first=\"a.json:1:2: \\\"x\\\"\\x0aMESSAGE=\"");
	expect(&entry, "PRIORITY", "3");
	assert_int_equal(bl_report_policy_rejected(&entry, 1, NULL, 0), 0);
	expect(&entry, "MESSAGE", "policy rejected, none is in force errors=1");
	assert_int_equal(bl_report_stopped(&entry, "enforcement lifted", &numbers), 0);
	expect(&entry, "MESSAGE", "stopped consequence=\"enforcement lifted\"");
	expect(&entry, "BAILIFF_NUMBERS", "0:7,3:9");
	assert_int_equal(bl_report_degraded(&entry, "lsm", "no BTF", "another kernel"), 0);
	expect(&entry, "MESSAGE_ID", bl_message_id(BL_MESSAGE_ENGINE_DEGRADED));
	assert_int_equal(bl_report_canary_failed(&entry, "the open was let through"), 0);
	expect(&entry, "BAILIFF_REASON", "the open was let through");
	assert_int_equal(bl_report_log(&entry, 6, "line\nFAKE=1"), 0);
	expect(&entry, "MESSAGE", "line\\x0aFAKE=1");
	expect(&entry, "MESSAGE_ID", NULL);
	expect(&entry, "PRIORITY", "6");
	bl_entry_clear(&entry);
}

/* A heartbeat has all figures; what nobody knows is missing, not 0. */
static void heartbeat(void **state)
{
	uint64_t counters[_BL_COUNT_MAX] = { [BL_COUNT_DENIED] = 41, [BL_COUNT_FOLDED] = 30 };
	struct bl_report_heartbeat beat = {
		.counters = counters,
		.numbers = { "00c0ffee00c0ffee", "" },
		.lost = { .seen = 11, .total_sum = 2, .repeats_total = 5 },
		.journal = { .sent = 12, .queued_entries = 1, .queued_bytes = 900 },
	};
	struct bl_entry entry = { 0 };

	assert_int_equal(bl_report_heartbeat(&entry, &beat), 0);
	expect(&entry, "MESSAGE_ID", bl_message_id(BL_MESSAGE_HEARTBEAT));
	expect(&entry, "PRIORITY", "6");
	expect(&entry, "MESSAGE",
	       "heartbeat seen=11 lost=2 sent=12 queued=1 denied=41 alerted=0 events=0 folded=30 "
	       "unfolded=0 lost_ring=0 lost_scratch=0 lost_limit=0 lost_repeats=0 failed_closed=0");
	expect(&entry, "BAILIFF_LOST_REPEATS_TOTAL", "5");
	expect(&entry, "BAILIFF_KERNEL_FOLDED", "30");
	expect(&entry, "BAILIFF_SERIES", "00c0ffee00c0ffee");
	expect(&entry, "BAILIFF_NUMBERS", NULL);
	beat.counters = NULL;
	assert_int_equal(bl_report_heartbeat(&entry, &beat), 0);
	expect(&entry, "BAILIFF_KERNEL_FOLDED", NULL);
	bl_entry_clear(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),
		cmocka_unit_test(heartbeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
