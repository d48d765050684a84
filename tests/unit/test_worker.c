/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: a build beside the loop, its result, and generations that outlive their policy. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base.h"
#include "log.h"
#include "tree.h"
#include "worker.h"

#define ADMIN "/etc/bailiff/policy.d/"
#define GOOD                                                                                  \
	"{\"bailiff\":1,\"name\":\"web\",\"mode\":\"enforce\",\"rules\":[\n"                  \
	"{\"id\":\"one\",\"on\":[\"open\",\"exec\"],\"path\":\"/srv/a\",\"action\":\"deny\"," \
	"\"severity\":\"high\",\"message\":\"m\",\"attack\":[\"T1059\",\"T1059.004\"]},\n"    \
	"{\"id\":\"two\",\"on\":\"connect\",\"port\":80,\"action\":\"alert\"}]}"

struct fixture {
	struct tree tree;
	sd_event *event;
	struct bl_worker *worker;
	struct bl_worker_result got; /* taken over in on_done */
	unsigned int built, done, ticks;
};

static void on_done(void *userdata, struct bl_worker_result *result)
{
	struct fixture *fixture = userdata;

	bl_worker_result_clear(&fixture->got);
	fixture->got = *result;
	*result = (struct bl_worker_result){ 0 };
	fixture->done++;
}

static void on_built(void *userdata, const struct bl_built *built)
{
	struct fixture *fixture = userdata;

	fixture->built += built->tables->len > 0;
}

static struct bl_build_input input_of(struct fixture *fixture)
{
	return (struct bl_build_input){
		.host_fd = fixture->tree.fd,
		.config_fd = fixture->tree.fd,
		.random_key = true,
	};
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct bl_build_input input;

	tree_make(&fixture->tree);
	input = input_of(fixture);
	*state = fixture;
	if (sd_event_new(&fixture->event) < 0)
		return -1;
	return bl_worker_new(fixture->event, &input, on_built, on_done, fixture, &fixture->worker);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bl_worker_free(fixture->worker);
	bl_worker_result_clear(&fixture->got);
	sd_event_unref(fixture->event);
	tree_remove(&fixture->tree);
	free(fixture);
	return 0;
}

static void wait_done(struct fixture *fixture, unsigned int n)
{
	while (fixture->done < n)
		sd_event_run(fixture->event, UINT64_MAX);
}

static void a_good_policy(void **state)
{
	struct fixture *fixture = *state;
	const struct bl_generation *generation;

	tree_text(&fixture->tree, ADMIN "a.json", GOOD);
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	wait_done(fixture, 1);
	assert_int_equal(fixture->got.error, 0);
	assert_non_null(fixture->got.built.tables);
	assert_null(fixture->got.built.policy);
	generation = fixture->got.generation;
	assert_int_equal(generation->n_rules, 2);
	assert_int_equal(generation->n_files, 1);
	assert_int_equal(generation->files[0].rules, 2);
	assert_string_equal(generation->files[0].path, ADMIN "a.json");
	assert_string_equal(generation->rules[0].info.id, "one");
	assert_string_equal(generation->rules[0].info.policy, "web");
	assert_string_equal(generation->rules[0].info.attack, "T1059 T1059.004");
	assert_string_equal(generation->rules[0].info.severity, "high");
	assert_string_equal(generation->rules[0].info.message, "m");
	assert_int_equal(generation->rules[0].line, 2);
	assert_int_equal(generation->rules[0].ops, 1 << BL_OP_OPEN | 1 << BL_OP_EXEC);
	assert_null(generation->rules[1].info.attack);
	assert_int_equal(strlen(generation->digest), 64);
}

static void a_bad_policy(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, ADMIN "a.json", "{\"bailiff\":1,\"rules\":[{}]}");
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	wait_done(fixture, 1);
	assert_int_equal(fixture->got.error, -EINVAL);
	assert_true(fixture->got.built.diags.errors > 0);
	assert_null(fixture->got.generation);
}

/* The key is random for each load, the digest is not. */
static void the_digest_is_stable(void **state)
{
	struct fixture *fixture = *state;
	struct bl_worker_result again;
	struct bl_build_input input = input_of(fixture);

	tree_text(&fixture->tree, ADMIN "a.json", GOOD);
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	wait_done(fixture, 1);
	assert_int_equal(bl_worker_build(&input, &again), 0);
	assert_string_equal(again.generation->digest, fixture->got.generation->digest);
	assert_int_equal(again.built.tables->len, fixture->got.built.tables->len);
	assert_memory_not_equal(again.built.tables->bytes, fixture->got.built.tables->bytes,
				again.built.tables->len);
	bl_worker_result_clear(&again);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fixture *fixture = userdata;

	fixture->ticks++;
	sd_event_source_set_time_relative(source, 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void write_big_policy(struct fixture *fixture, unsigned int entries)
{
	char *text = malloc(256 + 64 * (size_t)entries), *end = text;

	end += sprintf(end, "{\"bailiff\":1,\"rules\":[{\"id\":\"big\",\"on\":\"open\","
			    "\"action\":\"deny\",\"path\":[\"/srv/0\"");
	for (unsigned int i = 1; i < entries; i++)
		end += sprintf(end, ",\"/srv/some/where/%u/%u\"", i % 1000, i);
	strcpy(end, "]}]}");
	tree_text(&fixture->tree, ADMIN "a.json", text);
	free(text);
}

/* While a big policy is compiled the loop goes on: it is what delivers events. */
static void the_loop_goes_on(void **state)
{
	struct fixture *fixture = *state;
	uint64_t began, took_ms;

	write_big_policy(fixture, 50000);
	sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC, 1000, 1, on_tick,
				   fixture);
	began = bl_now_ns();
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	assert_int_equal(bl_worker_start(fixture->worker, NULL), -EBUSY);
	wait_done(fixture, 1);
	took_ms = (bl_now_ns() - began) / 1000000;
	assert_int_equal(fixture->got.error, 0);
	/* A loop that waits has one tick at most; a busy host may cost most of the others. */
	if (took_ms > 50)
		assert_true(fixture->ticks > took_ms / 20);
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	wait_done(fixture, 2);
	assert_int_equal(fixture->got.error, 0);
	assert_int_equal(fixture->built, 2);
}

static void ended_while_it_runs(void **state)
{
	struct fixture *fixture = *state;

	write_big_policy(fixture, 20000);
	assert_int_equal(bl_worker_start(fixture->worker, NULL), 0);
	bl_worker_free(fixture->worker);
	fixture->worker = NULL;
	assert_int_equal(fixture->done, 0);
}

/* ---- generations -------------------------------------------------------------------------- */

static struct bl_generation *made(struct fixture *fixture, uint32_t number)
{
	struct bl_build_input input = input_of(fixture);
	struct bl_worker_result result;
	struct bl_generation *generation;

	assert_int_equal(bl_worker_build(&input, &result), 0);
	generation = TAKE_PTR(result.generation);
	generation->number = number;
	bl_worker_result_clear(&result);
	return generation;
}

static void old_rules_keep_their_names(void **state)
{
	struct fixture *fixture = *state;
	struct bl_generations generations = { 0 };

	tree_text(&fixture->tree, ADMIN "a.json", GOOD);
	bl_generations_push(&generations, made(fixture, 1), 1000);
	tree_text(&fixture->tree, ADMIN "a.json",
		  "{\"bailiff\":1,\"rules\":[{\"id\":\"new\","
		  "\"on\":\"open\",\"path\":\"/b\","
		  "\"action\":\"deny\"}]}");
	bl_generations_push(&generations, made(fixture, 2), 2000);
	assert_string_equal(bl_generations_rule(&generations, 1, 1)->id, "two");
	assert_string_equal(bl_generations_rule(&generations, 2, 0)->id, "new");
	assert_null(bl_generations_rule(&generations, 2, 1));
	assert_null(bl_generations_rule(&generations, 3, 0));
	assert_non_null(bl_generations_digest(&generations, 1));
	assert_true(bl_generations_purge(&generations, 2000 + BL_GENERATION_LINGER_NS));
	assert_non_null(bl_generations_rule(&generations, 1, 1));
	assert_false(bl_generations_purge(&generations, 2001 + BL_GENERATION_LINGER_NS));
	assert_null(bl_generations_rule(&generations, 1, 1));
	assert_string_equal(bl_generations_rule(&generations, 2, 0)->id, "new");
	bl_generations_clear(&generations);
}

static void only_some_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct bl_generations generations = { 0 };

	tree_text(&fixture->tree, ADMIN "a.json", GOOD);
	for (uint32_t i = 1; i <= BL_GENERATIONS_KEPT + 2; i++)
		bl_generations_push(&generations, made(fixture, i), i);
	assert_null(bl_generations_rule(&generations, 2, 0));
	assert_non_null(bl_generations_rule(&generations, 3, 0));
	assert_non_null(bl_generations_rule(&generations, BL_GENERATIONS_KEPT + 2, 0));
	bl_generations_clear(&generations);
}

static void the_ceiling(void **state)
{
	struct fixture *fixture = *state;
	struct bl_generation *generation;

	tree_text(&fixture->tree, ADMIN "a.json", GOOD);
	generation = made(fixture, 1);
	assert_int_equal(bl_generation_mode(generation, generation->rules, BL_MODE_ENFORCE),
			 BL_MODE_ENFORCE);
	assert_int_equal(bl_generation_mode(generation, generation->rules, BL_MODE_MONITOR),
			 BL_MODE_MONITOR);
	generation->files[0].mode = BL_MODE_MONITOR;
	assert_int_equal(bl_generation_mode(generation, generation->rules, BL_MODE_ENFORCE),
			 BL_MODE_MONITOR);
	bl_generation_free(generation);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_policy),	    TEST(a_bad_policy),
		TEST(the_digest_is_stable), TEST(the_loop_goes_on),
		TEST(ended_while_it_runs),  TEST(old_rules_keep_their_names),
		TEST(only_some_are_kept),   TEST(the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
