/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads on trial, over a made-up kernel side. */
#define _GNU_SOURCE
#include "served.h"

#include <time.h>

#include "texts.h"

static json_t *reload(struct fixture *fixture, json_int_t seconds, int wanted)
{
	json_t *result = NULL;
	char buf[4096];

	/* What systemd has not read keeps the daemon waiting some day. */
	while (recv(fixture->notify_fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(
		bl_client_call(fixture->socket_path,
			       json_pack("{s:s, s:I}", "command", "reload", "confirm", seconds), 20,
			       &result, NULL),
		wanted);
	return result;
}

static void has_rule(struct fixture *fixture, const char *id)
{
	_cleanup_json_ json_t *result = NULL;
	const json_t *rule;

	assert_int_equal(call(fixture, "rules", &result, NULL), 0);
	rule = json_array_get(json_object_get(result, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "id")), id);
}

static void state_is(struct fixture *fixture, const char *state)
{
	_cleanup_json_ json_t *now = status(fixture);
	const char *word =
		json_string_value(json_object_get(json_object_get(now, "confirm"), "state"));

	if (state)
		assert_string_equal(word, state);
	else
		assert_null(word);
}

/* Waits until a generation is in force. */
static void await_generation(struct fixture *fixture, long long number)
{
	for (int i = 0; i < 200 && generation(fixture) != number; i++)
		usleep(50000);
	assert_int_equal(generation(fixture), number);
}

/* The texts that are left are those of the policy with this rule. */
static void left_has(struct fixture *fixture, const char *id)
{
	const struct bl_loader *loader = fixture->daemon.loader;
	struct bl_policies policies = { 0 };

	assert_non_null(loader->texts);
	assert_int_equal(bl_texts_read(loader->texts, loader->texts_len, &policies), 0);
	assert_int_equal(policies.count, 1);
	assert_string_equal(policies.sources[0].path, POLICY);
	assert_non_null(strstr(policies.sources[0].bytes, id));
	bl_policies_clear(&policies);
}

static void write_rule(struct fixture *fixture, const char *id)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"bailiff\":1,\"mode\":\"enforce\",\"rules\":[{\"id\":\"%s\",\"on\":\"open\","
		 "\"path\":\"/srv/x\",\"action\":\"deny\"}]}",
		 id);
	tree_text(&fixture->tree, POLICY, text);
}

/* At once as the kernel has it; what comes of the old texts by now follows as a generation of its own. */
static void falls_back_by_itself(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;
	_cleanup_json_ json_t *answer = NULL;

	write_rule(fixture, "three");
	answer = reload(fixture, 1, 0);
	assert_int_equal(json_integer_value(json_object_get(answer, "generation")), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(answer, "confirm"), "state")),
		"on-trial");
	assert_int_not_equal(loader->trial_ns, 0);
	left_has(fixture, "\"one\"");
	has_rule(fixture, "three");
	await_generation(fixture, 3);
	has_rule(fixture, "one");
	state_is(fixture, "taken-back");
	/* The next daemon is to know as well; and until somebody says so the files count for nothing. */
	left_has(fixture, "\"one\"");
	json_decref(reload(fixture, 0, 0));
	has_rule(fixture, "three");
	state_is(fixture, NULL);
	assert_null(loader->texts);
}

static void is_for_good_when_confirmed(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *answer = NULL, *again = NULL;

	if (geteuid() != 0)
		skip();
	write_rule(fixture, "three");
	json_decref(reload(fixture, 1, 0));
	state_is(fixture, "on-trial");
	assert_int_equal(call(fixture, "confirm", &answer, NULL), 0);
	state_is(fixture, NULL);
	assert_null(fixture->daemon.loader->texts);
	usleep(1500000);
	assert_int_equal(generation(fixture), 2);
	has_rule(fixture, "three");
	assert_int_equal(call(fixture, "confirm", &again, NULL), -EREMOTEIO);
}

/* The kernel side went by the clock, and was first. */
static void is_too_late(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *text = NULL;

	if (geteuid() != 0)
		skip();
	write_rule(fixture, "three");
	json_decref(reload(fixture, 3600, 0));
	fixture->daemon.loader->trial_ns = 0;
	assert_int_equal(call(fixture, "confirm", &answer, &text), -EREMOTEIO);
	assert_non_null(strstr(text, "too late"));
	await_generation(fixture, 3);
	has_rule(fixture, "one");
}

/* Whatever comes of a reload, what was on trial is not what it leaves. */
static void a_reload_takes_it_back_first(void **state)
{
	struct fixture *fixture = *state;

	write_rule(fixture, "three");
	json_decref(reload(fixture, 3600, 0));
	tree_text(&fixture->tree, POLICY, "{");
	json_decref(reload(fixture, 0, -EREMOTEIO));
	has_rule(fixture, "one");
	state_is(fixture, "taken-back");
	left_has(fixture, "\"one\"");
	await_generation(fixture, 3);
	has_rule(fixture, "one");
	/* One more trial goes back to what was before the first. */
	write_rule(fixture, "four");
	json_decref(reload(fixture, 3600, 0));
	has_rule(fixture, "four");
	left_has(fixture, "\"one\"");
	write_rule(fixture, "five");
	json_decref(reload(fixture, 0, 0));
	has_rule(fixture, "five");
	state_is(fixture, NULL);
}

static void what_is_not_published_is_on_no_trial(void **state)
{
	struct fixture *fixture = *state;

	fixture->daemon.loader->publish_error = -ENOMEM;
	write_rule(fixture, "three");
	json_decref(reload(fixture, 3600, -EREMOTEIO));
	has_rule(fixture, "one");
	state_is(fixture, NULL);
	assert_null(fixture->daemon.loader->texts);
	assert_int_equal(fixture->daemon.loader->next_trial_ns, 0);
	fixture->daemon.loader->publish_error = 0;
	json_decref(reload(fixture, 0, 0));
	has_rule(fixture, "three");
}

/* A time without an end is none. */
static void has_an_end(void **state)
{
	json_decref(reload(*state, BL_CONFIRM_SEC_MAX + 1, -EREMOTEIO));
	json_decref(reload(*state, -1, -EREMOTEIO));
	assert_int_equal(generation(*state), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(falls_back_by_itself),
		SERVED(is_for_good_when_confirmed),
		SERVED(is_too_late),
		SERVED(a_reload_takes_it_back_first),
		SERVED(what_is_not_published_is_on_no_trial),
		SERVED(has_an_end),
	};

	block_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
