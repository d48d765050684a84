/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's loop over a made-up kernel side: reloads, signals, what systemd is told. */
#define _GNU_SOURCE
#include "served.h"

/* A search that links are made in the middle of is made once more. */
static void looks_for_other_names(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *now = NULL, *answer = NULL;
	const json_t *names;

	tree_text(&fixture->tree, "/srv/one", "x");
	assert_int_equal(linkat(fixture->tree.fd, "srv/one", fixture->tree.fd, "other", 0), 0);
	assert_int_equal(call(fixture, "reload", &answer, NULL), 0);
	now = status(fixture);
	names = json_object_get(now, "names");
	assert_int_equal(json_integer_value(json_object_get(names, "linked")), 1);
	assert_true(json_is_true(json_object_get(names, "complete")));
	assert_int_equal(fixture->daemon.loader->looks, 2);
	assert_false(fixture->daemon.loader->looking);
}

static void a_good_reload(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL;

	told(fixture, "READY=1");
	tree_text(&fixture->tree, POLICY, FILE_OF("monitor", RULE("three")));
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "generation")), 2);
	assert_int_equal(json_integer_value(json_object_get(result, "rules")), 1);
	assert_int_equal(generation(fixture), 2);
	assert_non_null(strstr(told(fixture, "RELOADING=1"), "MONOTONIC_USEC="));
	assert_non_null(strstr(told(fixture, "READY=1"), "Generation 2: 1 rules"));
	/* What takes long was done in the worker's thread; the old tables are kept for a while. */
	assert_int_equal(fixture->daemon.loader->staged, 1);
	assert_int_equal(fixture->daemon.loader->retired, 0);
	/* Events of the generation before still find their rule's name. */
	assert_string_equal(bl_generations_rule(&fixture->daemon.generations, 1, 1)->id, "two");
}

/* Whatever is wrong with the new policy, the old one stays, and systemd hears READY again. */
static void a_bad_reload(void **state)
{
	static const char *const bad[] = { "", "{", "{\"bailiff\":1,\"rules\":[{}]}",
					   FILE_OF("enforce", RULE("a") "," RULE("a")) };
	struct fixture *fixture = *state;

	told(fixture, "READY=1");
	for (size_t i = 0; i < BL_ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *result = NULL;
		_cleanup_free_ char *text = NULL;
		const json_t *first;

		tree_text(&fixture->tree, POLICY, bad[i]);
		assert_int_equal(call(fixture, "reload", &result, &text), -EREMOTEIO);
		assert_non_null(strstr(text, "; generation 1 stays in force"));
		assert_non_null(strstr(text, POLICY));
		first = json_array_get(json_object_get(result, "diagnostics"), 0);
		assert_string_equal(json_string_value(json_object_get(first, "file")), POLICY);
		assert_int_equal(generation(fixture), 1);
		assert_int_equal(fixture->daemon.loader->staged, 0);
		told(fixture, "RELOADING=1");
		told(fixture, "READY=1");
	}
}

static void a_refused_publish(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL, *now = NULL;
	_cleanup_free_ char *text = NULL;

	fixture->daemon.loader->publish_error = -ENOMEM;
	tree_text(&fixture->tree, POLICY, FILE_OF("enforce", RULE("three")));
	assert_int_equal(call(fixture, "reload", &result, &text), -EREMOTEIO);
	assert_string_equal(text, "the kernel says no; generation 1 stays in force");
	now = status(fixture);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(now, "policy"), "rules")), 2);
	fixture->daemon.loader->publish_error = 0;
	json_decref(result);
	result = NULL;
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	assert_int_equal(generation(fixture), 2);
}

static void reload_by_signal(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, "READY=1");
	kill(getpid(), SIGHUP);
	told(fixture, "RELOADING=1");
	assert_non_null(strstr(told(fixture, "READY=1"), "Generation 2: 2 rules"));
}

/* Records that never end leave the others their turn: clients, reloads, the watchdog. */
static void a_storm_of_records(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL;

	told(fixture, "READY=1");
	fixture->daemon.loader->consume_result = 256;
	eventfd_write(fixture->daemon.loader->fd, 1);
	json_decref(status(fixture));
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	told(fixture, "RELOADING=1");
	told(fixture, "Generation 2");
	fixture->daemon.loader->consume_result = 0;
}

static void *reload_thread(void *argument)
{
	struct fixture *fixture = argument;
	_cleanup_json_ json_t *result = NULL;
	int r = call(fixture, "reload", &result, NULL);

	return (void *)(intptr_t)(r == 0 ? json_integer_value(json_object_get(result, "rules"))
					 : r);
}

/* Reloads that are asked for while one runs get one that reads the files after they asked. */
static void many_reloads_at_once(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[12];

	for (size_t i = 0; i < BL_ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reload_thread, fixture), 0);
	for (size_t i = 0; i < BL_ARRAY_SIZE(threads); i++) {
		void *rules;

		pthread_join(threads[i], &rules);
		assert_int_equal((intptr_t)rules, 2);
	}
	assert_in_range(generation(fixture), 2, 13);
	tree_text(&fixture->tree, POLICY, FILE_OF("enforce", RULE("last")));
	assert_int_equal((intptr_t)reload_thread(fixture), 1);
}

/* A client that goes away while its reload runs does no harm. */
static void a_client_that_goes(void **state)
{
	static const char request[] = "{\"command\":\"reload\"}\n";
	struct fixture *fixture = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	told(fixture, "READY=1");
	strcpy(address.sun_path, fixture->socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	close(fd);
	assert_int_equal(generation(fixture) < 3, 1);
	json_decref(status(fixture));
}

static void many_rules_come_in_pages(void **state)
{
	struct fixture *fixture = *state;
	size_t room = 64 + 20000 * 128, seen = 0;
	char *text = malloc(room), *end = text;
	_cleanup_json_ json_t *result = NULL;
	json_int_t next = 0, total = 1;

	end += sprintf(end, "{\"bailiff\":1,\"rules\":[");
	for (int i = 0; i < 20000; i++)
		end += sprintf(end,
			       "%s{\"id\":\"rule-%d\",\"on\":\"open\",\"path\":\"/srv/%d\","
			       "\"action\":\"alert\"}",
			       i ? "," : "", i, i);
	strcpy(end, "]}");
	tree_text(&fixture->tree, POLICY, text);
	free(text);
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	while (next < total) {
		_cleanup_json_ json_t *page = NULL;

		assert_int_equal(
			bl_client_call(fixture->socket_path,
				       json_pack("{s:s, s:I}", "command", "rules", "offset", next),
				       20, &page, NULL),
			0);
		seen += json_array_size(json_object_get(page, "rules"));
		next = json_integer_value(json_object_get(page, "next"));
		total = json_integer_value(json_object_get(page, "total"));
	}
	assert_int_equal(seen, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(looks_for_other_names),
		SERVED(a_good_reload),
		SERVED(a_bad_reload),
		SERVED(a_refused_publish),
		SERVED(reload_by_signal),
		SERVED(many_reloads_at_once),
		SERVED(a_client_that_goes),
		SERVED(a_storm_of_records),
		SERVED(many_rules_come_in_pages),
	};

	block_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
