/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes 'bailiff explain': words of a command line in, and whatever is a good access is refused by a policy
 * that refuses everything; the exception that it names has to lift that.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "explain.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define WORDS_MAX 16

static const char everything[] =
	"{\"bailiff\":1,\"mode\":\"enforce\",\"rules\":["
	"{\"id\":\"files\",\"on\":[\"exec\",\"open\"],\"action\":\"kill\"},"
	"{\"id\":\"exec\",\"on\":\"exec\",\"path\":[\"/**\",\"/\"],\"action\":\"deny\"},"
	"{\"id\":\"open\",\"on\":\"open\",\"path\":[\"/**\",\"/\"],\"action\":\"deny\"},"
	"{\"id\":\"connect\",\"on\":\"connect\",\"family\":\"any\",\"action\":\"deny\"}]}";

static int parse(const struct bl_source *sources, size_t n, struct bl_policy **ret_policy,
		 struct bl_tables **ret_tables)
{
	struct bl_diags diags = { 0 };
	int r = bl_policy_parse(sources, n, NULL, &diags, ret_policy);

	if (r == 0)
		r = bl_compile(*ret_policy, NULL, &diags, ret_tables);
	bl_diags_clear(&diags);
	return r;
}

static struct bl_query query_of(const struct bl_test *test, bool trace)
{
	struct bl_query query = {
		.op = test->op,
		.path = test->path,
		.pseudo = test->facts & BL_FACT_MEMFD,
		.args = test->args,
		.args_len = test->args_len,
		.n_args = test->n_args,
		.addr = test->to.addr,
		.family = test->family ? test->family : test->to.family,
		.port = test->port,
		.socket = test->socket,
		.socket_len = test->socket_len,
		.exe = test->exe,
		.uid = test->uid,
		.gids = &test->gid,
		.n_gids = 1,
	};

	if (test->op == BL_OP_EXEC)
		query.access = trace ? BL_ACCESS_TRACE : BL_ACCESS_EXEC | test->facts;
	else if (test->op == BL_OP_OPEN)
		query.access = test->access;
	else
		query.access = test->family || test->socket ? BL_PROTO_NONE : test->protocol;
	return query;
}

/* With the exception the access passes. */
static void check_lifted(const struct bl_query *query, const struct bl_explanation *explanation)
{
	const struct bl_source sources[] = {
		{ .path = "all.json", .bytes = everything, .len = strlen(everything) },
		{ .path = "exception.json",
		  .bytes = explanation->exception,
		  .len = strlen(explanation->exception) },
	};
	struct bl_policy *policy = NULL;
	struct bl_tables *tables = NULL;
	struct bl_answer answer;

	CHECK(parse(sources, 2, &policy, &tables) == 0);
	bl_decide(tables, query, &answer);
	CHECK(answer.verdict == explanation->after);
	bl_tables_free(tables);
	bl_policy_free(policy);
}

static void check_texts(const struct bl_query *query, const struct bl_explanation *explanation)
{
	for (uint32_t key = 0; key < BL_KEY_UNLESS; key++) {
		char *found = bl_key_found(query, key);
		char *wanted = explanation->n_nearest
				       ? bl_key_wanted(explanation->nearest[0].match, key)
				       : NULL;

		CHECK(found && (wanted || !explanation->n_nearest));
		free(found);
		free(wanted);
	}
}

static void check_access(const struct bl_ask *ask, const struct bl_policy *asked)
{
	const struct bl_source source = { .path = "all.json",
					  .bytes = everything,
					  .len = strlen(everything) };
	struct bl_explanation explanation = { 0 };
	struct bl_policy *policy = NULL;
	struct bl_tables *tables = NULL;
	struct bl_query query;

	CHECK(asked->n_tests == 1 && !asked->n_rules);
	query = query_of(&asked->tests[0], ask->trace);
	CHECK(parse(&source, 1, &policy, &tables) == 0);
	CHECK(bl_explain(policy, tables, &query, bl_ask_known(ask), &explanation) == 0);
	check_texts(&query, &explanation);
	CHECK(ask->trace || explanation.answer.verdict >= BL_VERDICT_DENY);
	CHECK(ask->trace || !explanation.exception == explanation.unnamed);
	if (explanation.exception)
		check_lifted(&query, &explanation);
	bl_explanation_clear(&explanation);
	bl_tables_free(tables);
	bl_policy_free(policy);
}

/* Operation, object, and options with their values, each ending with a NUL. */
static int say(struct bl_ask *ask, char *const *words, size_t n)
{
	int r = n < 2 ? -1 : bl_ask_about(ask, words[0], words[1]);

	for (size_t i = 2; r == 0 && i + 1 < n; i += 2)
		r = bl_ask_add(ask, words[i], words[i + 1], strlen(words[i + 1]));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *words[WORDS_MAX];
	struct bl_policy *asked = NULL;
	struct bl_diags diags = { 0 };
	struct bl_ask ask = { 0 };
	size_t n = 0;
	int r;

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && n < WORDS_MAX; at += strlen(text + at) + 1)
		words[n++] = text + at;
	if (say(&ask, words, n) == 0) {
		r = bl_ask_parse(&ask, NULL, &diags, &asked);
		CHECK((r == 0) == (asked != NULL) && (r == 0) == (diags.errors == 0));
		if (asked)
			check_access(&ask, asked);
	}
	bl_policy_free(asked);
	bl_diags_clear(&diags);
	bl_ask_clear(&ask);
	free(text);
	return 0;
}
