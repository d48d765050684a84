/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: every key, every mistake, and that a mistake changes nothing. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "settings.h"
#include "tree.h"

struct fixture {
	struct bl_settings settings;
	char *text;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	return bl_settings_init(&fixture->settings);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bl_settings_done(&fixture->settings);
	free(fixture->text);
	free(fixture);
	return 0;
}

static int parse(struct fixture *fixture, const char *text)
{
	return bl_settings_parse(&fixture->settings, "b.conf", text, &fixture->text);
}

static void refused(void **state, const char *text, const char *expected)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(fixture, text), -EINVAL);
	assert_string_equal(fixture->text, expected);
	assert_int_equal(fixture->settings.mode, BL_MODE_ENFORCE);
	assert_int_equal(fixture->settings.ring_bytes, 8u << 20);
	assert_string_equal(fixture->settings.socket_group, "bailiff");
	assert_int_equal(fixture->settings.on_stop, BL_ON_STOP_KEEP);
}

static void every_key(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(fixture, "# comment\n\n  mode\t= monitor \r# why\nring-size=512K\n"
					"; more\nsocket-group = adm"),
			 0);
	assert_int_equal(fixture->settings.mode, BL_MODE_MONITOR);
	assert_int_equal(fixture->settings.ring_bytes, 512u << 10);
	assert_string_equal(fixture->settings.socket_group, "adm");
	assert_int_equal(parse(fixture, "socket-group =\n"), 0);
	assert_string_equal(fixture->settings.socket_group, "");
	assert_int_equal(fixture->settings.mode, BL_MODE_MONITOR);
}

static void unknown_key(void **state)
{
	refused(state, "mode = monitor\nrign-size = 1M\n",
		"b.conf:2: unknown key 'rign-size'; did you mean 'ring-size'?");
	refused(state, "colour = red\n", "b.conf:1: unknown key 'colour'");
}

static void repeated_key(void **state)
{
	refused(state, "mode = monitor\nmode = enforce\n", "b.conf:2: 'mode' is set a second time");
}

static void no_equals(void **state)
{
	refused(state, "mode monitor\n", "b.conf:1: expected 'key = value'");
}

static void bad_mode(void **state)
{
	refused(state, "mode = of\n", "b.conf:1: 'mode' must be 'enforce' or 'monitor'");
	refused(state, "mode =\n", "b.conf:1: 'mode' must be 'enforce' or 'monitor'");
}

static void on_stop(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(fixture, "on-stop = lift\n"), 0);
	assert_int_equal(fixture->settings.on_stop, BL_ON_STOP_LIFT);
	assert_int_equal(parse(fixture, "on-stop = keep\n"), 0);
	assert_int_equal(fixture->settings.on_stop, BL_ON_STOP_KEEP);
	refused(state, "on-stop = stay\n", "b.conf:1: 'on-stop' must be 'keep' or 'lift'");
	refused(state, "on-stop =\n", "b.conf:1: 'on-stop' must be 'keep' or 'lift'");
}

static void bad_ring_size(void **state)
{
	static const char *const values[] = {
		"",
		"M",
		"0",
		"3M",
		"32K",
		"512M",
		"1G",
		"-1",
		"+1M",
		"1 M",
		"99999999999999999999",
		"1Mb",
		"0x100000",
	};
	char line[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(line, sizeof(line), "ring-size = %s", values[i]);
		refused(state, line,
			"b.conf:1: 'ring-size' must be a power of two from 64K to 256M");
	}
}

static void events(void **state)
{
	struct fixture *fixture = *state;
	const struct bl_settings *settings = &fixture->settings;

	assert_int_equal(settings->fold_window_ns, 1000000000);
	assert_int_equal(settings->heartbeat_ns, 300000000000);
	assert_int_equal(settings->event_rate, 200);
	assert_int_equal(settings->event_burst, 2000);
	assert_int_equal(parse(fixture, "fold-window = 500ms\nheartbeat = 1h\nevent-rate = 0\n"
					"event-burst = 1000000\n"),
			 0);
	assert_int_equal(settings->fold_window_ns, 500000000);
	assert_int_equal(settings->heartbeat_ns, 3600000000000);
	assert_int_equal(settings->event_rate, 0);
	assert_int_equal(settings->event_burst, 1000000);
	assert_int_equal(parse(fixture, "fold-window = 0\nheartbeat = 0"), 0);
	assert_int_equal(settings->fold_window_ns, 0);
	assert_int_equal(settings->heartbeat_ns, 0);
}

static void bad_times(void **state)
{
	static const char *const values[] = { "",    "s",    "1",    "-1s",
					      "1 s", "0s",   "1d",   "25h",
					      "61h", "1.5s", "1sec", "99999999999999999999s" };
	char line[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(line, sizeof(line), "fold-window = %s", values[i]);
		refused(state, line,
			"b.conf:1: 'fold-window' must be a time like 500ms or 2s, at most 1h, or 0");
		snprintf(line, sizeof(line), "heartbeat = %s", values[i]);
		refused(state, line,
			"b.conf:1: 'heartbeat' must be a time like 30s, 5min or 1h, at least 1s and at "
			"most 24h, or 0");
	}
	refused(state, "fold-window = 2h",
		"b.conf:1: 'fold-window' must be a time like 500ms or 2s, at most 1h, or 0");
	refused(state, "heartbeat = 999ms",
		"b.conf:1: 'heartbeat' must be a time like 30s, 5min or 1h, at least 1s and at "
		"most 24h, or 0");
}

static void bad_counts(void **state)
{
	static const char *const values[] = { "", "-1", "1/s", "1000001", "99999999999999999999" };
	char line[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(line, sizeof(line), "event-rate = %s", values[i]);
		refused(state, line,
			"b.conf:1: 'event-rate' must be a number of events a second up to 1000000, or 0");
		snprintf(line, sizeof(line), "event-burst = %s", values[i]);
		refused(state, line,
			"b.conf:1: 'event-burst' must be a number of events up to 1000000");
	}
}

static void redact(void **state)
{
	struct fixture *fixture = *state;

	assert_non_null(strstr(fixture->settings.redact, "password"));
	assert_int_equal(parse(fixture, "redact =  PassWord \t api-key  x_1"), 0);
	assert_string_equal(fixture->settings.redact, "password api-key x_1");
	assert_int_equal(parse(fixture, "redact ="), 0);
	assert_string_equal(fixture->settings.redact, "");
	refused(state, "redact = pass*",
		"b.conf:1: 'redact' must be words of letters, digits, '-' and '_' with spaces "
		"between, or nothing");
}

static void bad_group(void **state)
{
	refused(state, "socket-group = a b\n",
		"b.conf:1: 'socket-group' must be the name of a group, or nothing for root alone");
}

static void from_a_file(void **state)
{
	struct fixture *fixture = *state;
	struct tree tree;
	static char big[BL_SETTINGS_BYTES_MAX + 1];

	tree_make(&tree);
	assert_int_equal(bl_settings_read(&fixture->settings, tree.fd, BL_SETTINGS_PATH, NULL), 0);
	tree_text(&tree, BL_SETTINGS_PATH, "mode = monitor\n");
	assert_int_equal(bl_settings_read(&fixture->settings, tree.fd, BL_SETTINGS_PATH, NULL), 0);
	assert_int_equal(fixture->settings.mode, BL_MODE_MONITOR);
	memset(big, '\n', sizeof(big));
	tree_write(&tree, BL_SETTINGS_PATH, big, sizeof(big));
	assert_int_equal(bl_settings_read(&fixture->settings, tree.fd, BL_SETTINGS_PATH,
					  &fixture->text),
			 -EFBIG);
	tree_remove(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_key, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_key, setup, teardown),
		cmocka_unit_test_setup_teardown(repeated_key, setup, teardown),
		cmocka_unit_test_setup_teardown(no_equals, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(on_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_ring_size, setup, teardown),
		cmocka_unit_test_setup_teardown(events, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_times, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(redact, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_group, setup, teardown),
		cmocka_unit_test_setup_teardown(from_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
