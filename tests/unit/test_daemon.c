/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's loop over a made-up kernel side: requests, modes, what is counted and kept. */
#define _GNU_SOURCE
#include "served.h"

#include <time.h>

#include "kept.h"

static void ready(void **state)
{
	const char *text = told(*state, "READY=1");

	assert_non_null(strstr(text, "STATUS=Generation 1: 2 rules in 1 files, ceiling enforce"));
}

static void shows_its_status(void **state)
{
	_cleanup_json_ json_t *now = status(*state);
	const json_t *policy = json_object_get(now, "policy");

	assert_string_equal(json_string_value(json_object_get(now, "engine")), "lsm");
	assert_string_equal(json_string_value(json_object_get(now, "mode")), "enforce");
	assert_int_equal(json_integer_value(json_object_get(policy, "rules")), 2);
	assert_int_equal(json_array_size(json_object_get(policy, "files")), 1);
	assert_int_equal(json_array_size(json_object_get(now, "hooks")), 1);
	assert_non_null(json_object_get(json_object_get(now, "counters"), "denied"));
	assert_int_equal(json_object_size(json_object_get(now, "counters")), _BL_COUNT_MAX);
}

static long long reloads(struct fixture *fixture, const char *outcome)
{
	_cleanup_json_ json_t *now = NULL;

	assert_int_equal(call(fixture, "metrics", &now, NULL), 0);
	return json_integer_value(json_object_get(
		json_object_get(json_object_get(now, "meters"), "reloads"), outcome));
}

/* By rule, verdict and hook, and reloads by what came of them. */
static void counts_for_metrics(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *now = NULL, *answer = NULL, *refused = NULL;
	const struct bl_rule_info info = { .id = "x", .policy = "p" };
	struct bl_event event = { .verdict = BL_VERDICT_WOULD_DENY, .hook = BL_HOOK_CONNECT };
	const json_t *meters, *row;

	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, &info, 1);
	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, &info, 41);
	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, NULL, 1);
	assert_int_equal(call(fixture, "metrics", &now, NULL), 0);
	meters = json_object_get(now, "meters");
	assert_int_equal(json_array_size(json_object_get(meters, "verdicts")), 2);
	row = json_array_get(json_object_get(meters, "verdicts"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "rule")), "x");
	assert_string_equal(json_string_value(json_object_get(row, "policy")), "p");
	assert_string_equal(json_string_value(json_object_get(row, "verdict")), "would-deny");
	assert_string_equal(json_string_value(json_object_get(row, "mode")), "monitor");
	assert_int_equal(json_integer_value(json_object_get(row, "times")), 42);
	assert_int_equal(json_object_size(json_object_get(now, "lost")), _BL_LOST_MAX);
	assert_int_equal(reloads(fixture, "loaded"), 0);
	assert_int_equal(call(fixture, "reload", &answer, NULL), 0);
	assert_int_equal(reloads(fixture, "loaded"), 1);
	tree_text(&fixture->tree, POLICY, "{");
	assert_int_equal(call(fixture, "reload", &refused, NULL), -EREMOTEIO);
	assert_int_equal(reloads(fixture, "rejected"), 1);
}

/* Rules without end have a row for the first ones, and the others are counted together. */
static void meters_have_an_end(void **state)
{
	struct bl_event event = { .verdict = BL_VERDICT_DENY, .hook = BL_HOOK_CONNECT };
	struct bl_meters meters;
	char id[32];

	assert_int_equal(bl_meters_init(&meters), 0);
	for (unsigned int i = 0; i < BL_METERS_ROWS_MAX + 10; i++) {
		const struct bl_rule_info info = { .id = id };

		snprintf(id, sizeof(id), "rule-%u", i);
		bl_meters_verdict(&meters, &event, &info, 2);
	}
	assert_int_equal(meters.n_rows, BL_METERS_ROWS_MAX);
	assert_int_equal(meters.rest, 20);
	assert_int_equal(meters.rows[7].times, 2);
	bl_meters_done(&meters);
}

/* The next daemon can tell of this one's rules. */
static void keeps_what_rules_are_called(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;
	struct bl_generation *kept = NULL;
	struct bl_kept about;

	told(fixture, "READY=1");
	assert_int_equal(bl_kept_read(loader->names, loader->names_len, &about, &kept), 0);
	assert_int_equal(kept->number, 1);
	assert_int_equal(about.ceiling, BL_MODE_ENFORCE);
	assert_string_equal(kept->rules[1].info.id, "two");
	bl_generation_free(kept);
}

static json_t *ask_mode(struct fixture *fixture, const char *mode, json_int_t seconds)
{
	json_t *result = NULL;

	assert_int_equal(bl_client_call(fixture->socket_path,
					json_pack("{s:s, s:s*, s:I}", "command", "mode", "mode",
						  mode, "for", seconds),
					20, &result, NULL),
			 0);
	return result;
}

static void mode_is(struct fixture *fixture, const char *mode)
{
	_cleanup_json_ json_t *now = ask_mode(fixture, NULL, 0);

	assert_string_equal(json_string_value(json_object_get(now, "mode")), mode);
}

/* A mode for a while ends by itself, also in the kernel; one that is confirmed doesn't. */
static void modes(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;
	const struct timespec pause = { .tv_nsec = 20000000 };

	mode_is(fixture, "enforce");
	if (geteuid() != 0)
		skip();
	json_decref(ask_mode(fixture, "monitor", 0));
	mode_is(fixture, "monitor");
	assert_int_equal(loader->ceiling, BL_MODE_MONITOR);
	json_decref(ask_mode(fixture, "enforce", 1));
	mode_is(fixture, "enforce");
	assert_int_not_equal(loader->until_ns, 0);
	for (int i = 0; i < 500 && loader->ceiling != BL_MODE_MONITOR; i++)
		nanosleep(&pause, NULL);
	mode_is(fixture, "monitor");
	json_decref(ask_mode(fixture, "enforce", 1));
	json_decref(ask_mode(fixture, "enforce", 0));
	assert_int_equal(loader->until_ns, 0);
	for (int i = 0; i < 75; i++)
		nanosleep(&pause, NULL);
	mode_is(fixture, "enforce");
}

/* Who is not root may look on, and not lift what is in force. */
static void unload_is_for_root(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *answer = NULL;
	int r = call(fixture, "unload", &answer, &text);

	if (geteuid() == 0) {
		assert_int_equal(r, 0);
		pthread_join(fixture->thread, NULL);
		assert_int_equal(fixture->loop_result, 0);
		assert_true(fixture->daemon.lift);
		fixture->ended = true;
	} else {
		assert_int_equal(r, -EREMOTEIO);
		assert_non_null(strstr(text, "only root"));
		assert_false(fixture->daemon.lift);
	}
}

static void shows_its_rules(void **state)
{
	_cleanup_json_ json_t *result = NULL;
	const json_t *rule;

	assert_int_equal(call(*state, "rules", &result, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "total")), 2);
	rule = json_array_get(json_object_get(result, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "id")), "one");
	assert_string_equal(json_string_value(json_object_get(rule, "in_force")), "deny");
	assert_string_equal(json_string_value(json_object_get(rule, "file")), POLICY);
	assert_int_equal(json_integer_value(json_object_get(rule, "line")), 1);
	rule = json_array_get(json_object_get(result, "rules"), 1);
	assert_string_equal(json_string_value(json_object_get(rule, "action")), "kill");
	assert_string_equal(json_string_value(json_object_get(rule, "in_force")), "kill");
}

static void an_unknown_command(void **state)
{
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(call(*state, "dance", &result, &text), -EREMOTEIO);
	assert_string_equal(text, "this daemon does not know the command");
}

/* Programs that no rule needs may fail to load without anybody waiting for them: it is told all the same, once. */
static void a_failure_behind_its_back(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;

	atomic_store(&loader->failure, -EPERM);
	for (int i = 0; i < 200 && atomic_load(&loader->failure); i++)
		usleep(50000);
	assert_int_equal(atomic_load(&loader->failure), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(ready),
		SERVED(shows_its_status),
		SERVED(counts_for_metrics),
		cmocka_unit_test(meters_have_an_end),
		SERVED(keeps_what_rules_are_called),
		SERVED(modes),
		SERVED(unload_is_for_root),
		SERVED(shows_its_rules),
		SERVED(an_unknown_command),
		SERVED(a_failure_behind_its_back),
	};

	block_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
