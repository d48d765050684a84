/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of candidates: the rules that can apply to an object, strictest first. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

#define WORDS_PER_CAND (sizeof(struct bl_cand) / sizeof(uint32_t))

/* One list being made. */
struct draft {
	struct bl_compiler *c;
	const struct bl_object *object;
	size_t n_words;
	uint32_t n_excepts;
	struct bl_except excepts[BL_EXCEPTS_MAX];
	struct bl_interns pairs; /* condition and exceptions of candidates */
	uint8_t *covered;	 /* by number in pairs - 1: accesses that earlier ones cover */
	size_t covered_capacity;
};

static void draft_clear(struct draft *draft)
{
	bl_interns_clear(&draft->pairs);
	free(draft->covered);
}

static uint8_t rule_access(const struct bl_match *match, const struct bl_object *object)
{
	switch (object->op) {
	case BL_OP_EXEC:
		return match->facts ? match->facts : BL_ACCESS_EXEC;
	case BL_OP_OPEN:
		return match->access & BL_ACCESS_ANY;
	case BL_OP_CONNECT:
		return object->family ? BL_PROTO_NONE : match->protocols & BL_PROTO_ANY;
	case _BL_OP_MAX:
		break;
	}
	return 0;
}

/* 0xff where the exception does not look at the access: it holds for what is yet to come, too. */
static uint8_t except_access(const struct bl_match *match, const struct bl_object *object)
{
	uint8_t access = rule_access(match, object);

	switch (object->op) {
	case BL_OP_EXEC:
		return match->facts ? match->facts : 0xff;
	case BL_OP_OPEN:
		return access == BL_ACCESS_ANY ? 0xff : access;
	case BL_OP_CONNECT:
		return object->family || access == BL_PROTO_ANY ? 0xff : access;
	case _BL_OP_MAX:
		break;
	}
	return 0;
}

static bool ports_hold(const struct draft *draft, uint32_t ports)
{
	return !ports || (draft->object->has_port &&
			  bl_ports_has(&draft->c->port_ins[ports - 1], draft->object->port));
}

static bool marked(const struct draft *draft, uint32_t list)
{
	return !list || draft->c->list_marks[list] == draft->c->turn;
}

/* Whether a rule that is with those on opening a path is about a unix socket there. */
static bool is_socket(const struct draft *draft, const struct bl_rule *rule)
{
	return draft->object->op == BL_OP_OPEN && bl_rule_connects(rule, BL_FAMILIES_UNIX);
}

/* Whether a destination of the object's family can be meant. */
static bool is_about(const struct draft *draft, const struct bl_match *match)
{
	uint64_t families = draft->object->family ? BL_FAMILY_BIT(draft->object->family)
						  : BL_FAMILIES_IP;

	return match->families & families;
}

/* Whether the object part of an exception holds. */
static bool except_holds(const struct draft *draft, const struct bl_except_info *except)
{
	if (draft->object->op == BL_OP_CONNECT && !is_about(draft, except->match))
		return false;
	/* Addresses, which stand for one of inet and inet6 as well, are about these two only. */
	if (draft->object->op == BL_OP_CONNECT)
		return draft->object->family ||
		       (marked(draft, except->nets) && ports_hold(draft, except->ports));
	if (draft->object->unnamed)
		return !except->path;
	return marked(draft, except->path);
}

/* Exceptions of one condition are one; sorted by condition. Returns -E2BIG beyond the limit. */
static int add_except(struct draft *draft, struct bl_except except)
{
	uint32_t i = 0;

	while (i < draft->n_excepts && draft->excepts[i].cond < except.cond)
		i++;
	if (i < draft->n_excepts && draft->excepts[i].cond == except.cond) {
		draft->excepts[i].access |= except.access;
		return 0;
	}
	if (draft->n_excepts >= BL_EXCEPTS_MAX)
		return -E2BIG;
	memmove(&draft->excepts[i + 1], &draft->excepts[i],
		(draft->n_excepts - i) * sizeof(except));
	draft->excepts[i] = except;
	draft->n_excepts++;
	return 0;
}

static int refuse_excepts(struct bl_compiler *c, const struct bl_rule_info *info)
{
	return bl_compiler_refuse(c, info->rule, "too-many-exceptions",
				  "give exceptions that mean the same subjects the same 'by'",
				  "rule \"%s\" has more than %d exceptions with different "
				  "subjects for one object",
				  info->rule->id, BL_EXCEPTS_MAX);
}

static int collect_excepts(struct draft *draft, const struct bl_rule_info *info)
{
	const struct bl_except_info *excepts = &draft->c->excepts[info->first_except];
	bool sock = is_socket(draft, info->rule);

	draft->n_excepts = 0;
	for (size_t i = 0; i < info->rule->n_unless; i++) {
		struct bl_except except = {
			.cond = (uint16_t)excepts[i].cond,
			.access = sock ? 0xff : except_access(excepts[i].match, draft->object),
			.flags = draft->object->op == BL_OP_EXEC ? BL_EXCEPT_WHOLE : 0,
		};

		if (!except.access || !except_holds(draft, &excepts[i]) ||
		    (sock && !(excepts[i].match->families & BL_FAMILIES_UNIX)))
			continue;
		if (add_except(draft, except))
			return refuse_excepts(draft->c, info);
	}
	if (draft->n_excepts)
		draft->excepts[draft->n_excepts - 1].flags |= BL_EXCEPT_LAST;
	return 0;
}

/* An exception that always holds leaves nothing of the rule. */
static bool excepted(const struct draft *draft, uint8_t access)
{
	const struct bl_except *first = &draft->excepts[0];

	return draft->n_excepts && !first->cond && !(access & ~first->access);
}

/* What earlier candidates of the same subjects and exceptions cover; NULL: no memory. */
static uint8_t *covered_by(struct draft *draft, uint32_t cond, uint32_t excepts)
{
	const uint32_t pair[2] = { cond, excepts };
	size_t known = draft->pairs.count;
	uint32_t number;

	if (bl_intern(&draft->pairs, pair, 2, &number) ||
	    bl_grow(&draft->covered, &draft->covered_capacity, number, 1))
		return NULL;
	if (number > known)
		draft->covered[number - 1] = 0;
	return &draft->covered[number - 1];
}

/*
 * Whether earlier candidates, at least as strict, decide all that this one could; it is noted if they don't.
 * Of those that only hold a directory in its place it doesn't matter who: "/usr" is above most of a list of a
 * hundred thousand. Returns 1, 0, or -ENOMEM.
 */
static int is_useless(struct draft *draft, const struct bl_cand *cand)
{
	bool merge = draft->object->merge;
	bool holds = draft->object->op == BL_OP_OPEN && cand->access & BL_ACCESS_MOVE;
	uint8_t *always, *somebody, *same;

	if (!cand->verdict || !(merge || holds))
		return 0;
	if (!covered_by(draft, 0, 0) || !covered_by(draft, cand->cond, 0))
		return -ENOMEM;
	same = covered_by(draft, cand->cond, cand->excepts);
	if (!same)
		return -ENOMEM;
	always = covered_by(draft, 0, 0);
	somebody = covered_by(draft, cand->cond, 0);
	if ((merge || cand->access == BL_ACCESS_MOVE) &&
	    !(cand->access & ~(*always | *somebody | *same)))
		return 1;
	*same |= cand->access;
	return 0;
}

static int push_cand(struct draft *draft, const struct bl_cand *cand)
{
	uint32_t words[WORDS_PER_CAND];
	int r = 0;

	memcpy(words, cand, sizeof(words));
	for (size_t i = 0; !r && i < WORDS_PER_CAND; i++)
		r = bl_compile_push(draft->c, &draft->n_words, words[i]);
	return r;
}

static int push_rule_cand(struct draft *draft, const struct bl_rule_info *info,
			  const struct bl_cand *cand)
{
	if (draft->n_words >= BL_CANDS_MAX * WORDS_PER_CAND)
		return bl_compiler_refuse(
			draft->c, info->rule, "too-many-candidates",
			"make rules of one meaning one rule, with a list of paths or addresses",
			"more than %d rules can apply to one object; \"%s\" is one of them",
			BL_CANDS_MAX, info->rule->id);
	return push_cand(draft, cand);
}

/* What a rule refuses or reports of the object at hand. */
static uint8_t cand_access(const struct draft *draft, const struct bl_rule_info *info)
{
	const struct bl_compiler *c = draft->c;
	enum bl_op op = draft->object->op;
	uint8_t access = 0;

	if (bl_rule_concerns(info->rule, draft->object) &&
	    (!draft->object->marked || c->match_marks[info->rank] == c->turn))
		access = is_socket(draft, info->rule)
				 ? BL_ACCESS_CONNECT
				 : rule_access(&info->rule->match, draft->object);
	if (op == BL_OP_OPEN && draft->object->marked && c->move_marks[info->rank] == c->turn)
		access |= BL_ACCESS_MOVE;
	return access;
}

static bool waits_for_args(const struct draft *draft, const struct bl_rule_info *info)
{
	return draft->object->op == BL_OP_EXEC && info->args;
}

static int add_cand(struct draft *draft, const struct bl_rule_info *info)
{
	bool waits = waits_for_args(draft, info);
	struct bl_cand cand = {
		.rule = (uint32_t)(info - draft->c->rules),
		.cond = (uint16_t)info->cond,
		.verdict = waits ? BL_VERDICT_UNSET : info->verdict,
		.access = cand_access(draft, info),
		.rank = waits ? info->number : info->rank,
	};
	int r;

	if (!cand.access)
		return 0;
	if (draft->object->op == BL_OP_CONNECT && !ports_hold(draft, info->ports))
		return 0;
	r = collect_excepts(draft, info);
	if (r || excepted(draft, cand.access))
		return r;
	r = bl_intern(&draft->c->excepts_out, (const uint32_t *)draft->excepts, draft->n_excepts,
		      &cand.excepts);
	if (!r)
		r = is_useless(draft, &cand);
	if (r)
		return r < 0 ? r : 0;
	return push_rule_cand(draft, info, &cand);
}

static uint32_t trace_rank(const struct draft *draft, size_t turn)
{
	return draft->c->trace_ranks[draft->object->traces[turn] - 1];
}

/* Taking hold of a process that runs the object at hand. */
static int add_trace(struct draft *draft, size_t turn)
{
	const struct bl_compiler *c = draft->c;
	const struct bl_rule_info *info = &c->rules[c->by_rank[trace_rank(draft, turn)]];
	struct bl_trace_info trace;
	size_t n;

	memcpy(&trace, bl_interned(&c->traces, draft->object->traces[turn], &n), sizeof(trace));
	return push_rule_cand(draft, info,
			      &(struct bl_cand){
				      .rule = (uint32_t)(info - c->rules),
				      .cond = (uint16_t)trace.cond,
				      .verdict = info->verdict,
				      .access = BL_ACCESS_TRACE,
				      .excepts = trace.excepts,
				      .rank = info->rank,
			      });
}

int bl_compile_list(struct bl_compiler *c, const struct bl_object *object, const uint32_t *ranks,
		    size_t n, uint32_t *ret_list)
{
	_cleanup_(draft_clear) struct draft draft = { .c = c, .object = object };
	size_t turn = 0;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		while (!r && turn < object->n_traces && trace_rank(&draft, turn) < ranks[i])
			r = add_trace(&draft, turn++);
		if (!r && !waits_for_args(&draft, &c->rules[c->by_rank[ranks[i]]]))
			r = add_cand(&draft, &c->rules[c->by_rank[ranks[i]]]);
	}
	while (!r && turn < object->n_traces)
		r = add_trace(&draft, turn++);
	for (size_t i = 0; !r && i < n; i++)
		if (waits_for_args(&draft, &c->rules[c->by_rank[ranks[i]]]))
			r = add_cand(&draft, &c->rules[c->by_rank[ranks[i]]]);
	return r ? r : bl_intern(&c->lists_out, c->words, draft.n_words, ret_list);
}

/* Whether an exception holds whatever the rule's subject does. Networks that stand for a family are all of it. */
static bool is_general(const struct bl_except_info *except, const struct bl_rule *rule)
{
	const struct bl_match *match = except->match;

	return !except->path && (!except->nets || match->to_family) && !except->ports &&
	       !match->facts && match->access == BL_ACCESS_ANY &&
	       match->protocols == BL_PROTO_ANY && !(rule->match.families & ~match->families);
}

int bl_compile_trace_excepts(struct bl_compiler *c, const struct bl_rule_info *info, size_t index,
			     uint32_t *ret)
{
	const struct bl_except_info *excepts = &c->excepts[info->first_except];
	struct draft draft = { .c = c };

	for (size_t i = 0; i < info->rule->n_unless; i++) {
		struct bl_except except = { .cond = (uint16_t)excepts[i].cond,
					    .access = 0xff,
					    .flags = BL_EXCEPT_WHOLE };

		if (i != index && !is_general(&excepts[i], info->rule))
			continue;
		if (add_except(&draft, except))
			return refuse_excepts(c, info);
	}
	*ret = 0;
	if (excepted(&draft, BL_ACCESS_TRACE))
		return 0;
	draft.excepts[draft.n_excepts - 1].flags |= BL_EXCEPT_LAST;
	return bl_intern(&c->excepts_out, (const uint32_t *)draft.excepts, draft.n_excepts, ret);
}

int bl_compile_args_list(struct bl_compiler *c, uint32_t *ret_list)
{
	struct draft draft = { .c = c };
	int r = 0;

	for (uint32_t number = 1; !r && number <= c->header.n_args; number++) {
		const struct bl_rule_info *info = &c->rules[c->args_rules[number]];
		struct bl_cand cand = {
			.rule = c->args_rules[number],
			.cond = (uint16_t)number,
			.verdict = info->verdict,
			.access = BL_ACCESS_EXEC,
			.rank = info->rank,
		};

		if (c->list_marks[info->args] == c->turn)
			r = push_cand(&draft, &cand);
	}
	return r ? r : bl_intern(&c->lists_out, c->words, draft.n_words, ret_list);
}
