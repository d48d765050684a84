// SPDX-License-Identifier: Apache-2.0
/*
 * explain [POLICY...]: answers the oracle's requests by what 'bailiff explain' makes of each rule by itself,
 * which has to be what the compiled tables say, and puts to the test what it says would lift a verdict.
 */
#include <errno.h>
#include <string.h>

#include "base.h"
#include "explain.h"
#include "protocol.h"

#define SOURCES_MAX  64
#define KNOWN (BL_KEY_BIT(BL_KEY_UNLESS) - BL_KEY_BIT(BL_KEY_UID)) /* all of a subject */
#define ALONE_TURNS \
	3 /* one in so many is explained by the rules that can concern it alone: they are compiled */
#define EXCEPT_TURNS 9 /* one in so many exceptions is put in force: that compiles the set anew */

/* What is added to the number of others of an answer that must not be taken for a good one. */
enum fault {
	FAULT_NONE = 0,
	FAULT_DISAGREES = 1000, /* the rules and the tables */
	FAULT_NO_REASON = 2000, /* a rule that is told to be near doesn't fail anything */
	FAULT_REFUSED = 3000,	/* the exception is no policy */
	FAULT_NOT_LIFTED = 4000,
	FAULT_OTHERWISE_ALONE = 5000, /* with the tables of a part of the rules */
};

struct explain_engine {
	const struct bl_policy *policy;
	const struct bl_tables *tables;
	struct bl_source sources[SOURCES_MAX + 1];
	size_t n_sources;
	size_t turn, alone_turn;
};

static void drop_sources(struct explain_engine *engine)
{
	for (size_t i = 0; i < engine->n_sources; i++)
		free((char *)engine->sources[i].bytes);
	engine->n_sources = 0;
}

static int explain_read(void *userdata, const struct bl_source *sources, size_t n_sources,
			const struct bl_policy *policy)
{
	struct explain_engine *engine = userdata;

	drop_sources(engine);
	engine->policy = policy;
	for (size_t i = 0; i < n_sources; i++) {
		char *bytes = strndup(sources[i].bytes, sources[i].len);

		if (!bytes)
			return -ENOMEM;
		engine->sources[engine->n_sources++] = (struct bl_source){
			.path = "source.json",
			.bytes = bytes,
			.len = sources[i].len,
		};
	}
	return 0;
}

static int explain_load(void *userdata, const struct bl_tables *tables)
{
	struct explain_engine *engine = userdata;

	engine->tables = tables;
	return 0;
}

/* What the same access comes to when the exception has been added as a file of its own. */
static enum fault decide_with(struct explain_engine *engine, const struct bl_query *query,
			      const struct bl_explanation *explanation)
{
	struct bl_tables *tables = NULL;
	struct bl_policy *policy = NULL;
	struct bl_answer answer = {};
	struct bl_diags diags = {};
	int r;

	engine->sources[engine->n_sources] = (struct bl_source){
		.path = "exception.json",
		.bytes = explanation->exception,
		.len = strlen(explanation->exception),
	};
	r = bl_policy_parse(engine->sources, engine->n_sources + 1, NULL, &diags, &policy);
	if (!r)
		r = bl_compile(policy, NULL, &diags, &tables);
	if (!r)
		bl_decide(tables, query, &answer);
	bl_diags_clear(&diags);
	bl_tables_free(tables);
	bl_policy_free(policy);
	if (r)
		return FAULT_REFUSED;
	return answer.verdict == explanation->after ? FAULT_NONE : FAULT_NOT_LIFTED;
}

/* The answer by what matches of the rules alone. */
static void answer_by_rules(const struct explain_engine *engine,
			    const struct bl_explanation *explanation, struct bl_answer *ret)
{
	*ret = (struct bl_answer){ .verdict = BL_VERDICT_ALLOW };
	if (!explanation->n_matching)
		return;
	ret->verdict = bl_rule_verdict(engine->policy, explanation->matching[0]);
	ret->rule = (uint32_t)(explanation->matching[0] - engine->policy->rules);
	ret->others = (uint32_t)BL_MIN(explanation->n_matching, (size_t)BL_MATCHES_MAX) - 1;
}

/* Each rule that is told to be near fails something, or it would match. */
static bool reasons_given(const struct bl_explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_nearest; i++) {
		const struct bl_near *near = &explanation->nearest[i];

		if (!near->failing ||
		    !!(near->failing & BL_KEY_BIT(BL_KEY_UNLESS)) != !!near->except)
			return false;
		for (size_t k = 0; k < explanation->n_matching; k++)
			if (explanation->matching[k] == near->rule && !explanation->unnamed)
				return false;
	}
	return true;
}

static bool same_rules(const struct bl_rule *const *a, size_t n_a, const struct bl_rule *const *b,
		       size_t n_b)
{
	return n_a == n_b && (!n_a || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether the tables of the rules that can concern the access, and of no others, give the same explanation. */
static bool same_alone(const struct explain_engine *engine, const struct bl_query *query,
		       const struct bl_explanation *whole)
{
	struct bl_explanation alone = {};
	struct bl_diags diags = {};
	int r = bl_explain_alone(engine->policy, query, KNOWN, &diags, &alone);
	bool same =
		r == 0 && alone.answer.verdict == whole->answer.verdict &&
		alone.answer.rule == whole->answer.rule &&
		alone.answer.others == whole->answer.others &&
		same_rules(alone.matching, alone.n_matching, whole->matching, whole->n_matching) &&
		same_rules(alone.waiting, alone.n_waiting, whole->waiting, whole->n_waiting) &&
		alone.unnamed == whole->unnamed && alone.after == whole->after &&
		alone.n_nearest == whole->n_nearest && alone.n_excepts == whole->n_excepts &&
		same_text(alone.exception, whole->exception);

	for (size_t i = 0; same && i < alone.n_nearest; i++)
		same = alone.nearest[i].rule == whole->nearest[i].rule &&
		       alone.nearest[i].failing == whole->nearest[i].failing;
	bl_explanation_clear(&alone);
	bl_diags_clear(&diags);
	return same;
}

static int explain_decide(void *userdata, const struct bl_query *query, struct bl_answer *ret)
{
	struct explain_engine *engine = userdata;
	struct bl_explanation explanation = {};
	enum fault fault = FAULT_NONE;
	int r = bl_explain(engine->policy, engine->tables, query, KNOWN, &explanation);

	if (r == -EBADMSG) {
		fault = FAULT_DISAGREES;
		r = 0;
	} else if (!r && !reasons_given(&explanation)) {
		fault = FAULT_NO_REASON;
	} else if (!r && engine->alone_turn++ % ALONE_TURNS == 0 &&
		   !same_alone(engine, query, &explanation)) {
		fault = FAULT_OTHERWISE_ALONE;
	} else if (!r && explanation.exception && engine->turn++ % EXCEPT_TURNS == 0) {
		fault = decide_with(engine, query, &explanation);
	}
	answer_by_rules(engine, &explanation, ret);
	if (explanation.unnamed)
		*ret = explanation.answer;
	ret->others += fault;
	bl_explanation_clear(&explanation);
	return r;
}

int main(int argc, char **argv)
{
	struct explain_engine explain = {};
	const struct engine engine = {
		.read = explain_read,
		.load = explain_load,
		.decide = explain_decide,
		.userdata = &explain,
	};
	int code = protocol_serve(&engine, argv + 1, argc - 1, stdin, stdout);

	drop_sources(&explain);
	return code;
}
