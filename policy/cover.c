/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that can't come to a verdict of their own, as the compiled tables show. */
#include "cover.h"

#include <assert.h>
#include <errno.h>

#include "base.h"

#define COVERERS_MAX 4	/* of a rule that are kept; when none of them is left nothing is said */
#define STRICTER_MAX 64 /* candidates before one that are looked at */

/* What is known of a rule by the lists so far. */
struct state {
	bool listed; /* it is a candidate for something that has a name */
	bool begun;  /* coverers are of at least one list */
	uint8_t n_coverers;
	uint32_t coverers[COVERERS_MAX];
};

struct search {
	const struct bl_policy *policy;
	const uint8_t *image;
	struct state *states; /* by rule */
};

/* ---- two candidates ----------------------------------------------------------------------- */

/* What is done to names that a rule goes by, and to processes: no access that it is written for. */
static bool is_aside(const struct search *s, const struct bl_cand *cand)
{
	const struct bl_rule *rule = &s->policy->rules[cand->rule];

	return cand->access == BL_ACCESS_MOVE &&
	       !(rule->ops & BL_OP_BIT(BL_OP_CONNECT) && rule->match.protocols == BL_PROTO_RAW);
}
static_assert(BL_ACCESS_MOVE == BL_ACCESS_TRACE && BL_ACCESS_MOVE == (int)BL_PROTO_RAW,
	      "one bit, of opens, execs and connects");

static const struct bl_except *excepts_of(const struct search *s, uint32_t offset)
{
	return offset ? (const struct bl_except *)(s->image + offset) : NULL;
}

/* Whether some exception of a list takes out all that one does. */
static bool is_among(const struct bl_except *except, const struct bl_except *list)
{
	for (;; list++) {
		if (list->cond == except->cond && !(except->access & ~list->access) &&
		    (list->flags & BL_EXCEPT_WHOLE) == (except->flags & BL_EXCEPT_WHOLE))
			return true;
		if (list->flags & BL_EXCEPT_LAST)
			return false;
	}
}

/* Whether whatever the exceptions at a except is excepted by those at b as well. */
static bool excepts_within(const struct search *s, uint32_t a, uint32_t b)
{
	const struct bl_except *except = excepts_of(s, a), *others = excepts_of(s, b);

	if (a == b || !except)
		return true;
	if (!others)
		return false;
	for (;; except++) {
		if (!is_among(except, others))
			return false;
		if (except->flags & BL_EXCEPT_LAST)
			return true;
	}
}

/* enum bl_verdict by its strictness; a candidate that waits for arguments has none of its own. */
static uint32_t strictness(const struct search *s, const struct bl_cand *cand)
{
	const struct bl_rule *rule = &s->policy->rules[cand->rule];
	bool enforce = s->policy->files[rule->file].mode == BL_MODE_ENFORCE;

	if (cand->verdict)
		return cand->verdict;
	if (rule->action == BL_ACTION_KILL)
		return enforce ? BL_VERDICT_KILL : BL_VERDICT_WOULD_KILL;
	return BL_VERDICT_ALERT;
}

/*
 * What of a candidate's accesses another one has to have. Whoever takes a name away asks for everything that can be
 * done to it by opening: whatever is refused of that, without an exception, refuses the taking as well.
 */
static uint8_t wanted(const struct search *s, const struct bl_cand *a, const struct bl_cand *b)
{
	const struct bl_rule *rule = &s->policy->rules[b->rule];

	if (rule->ops == BL_OP_BIT(BL_OP_OPEN) && a->access & BL_ACCESS_ANY && !a->excepts)
		return b->access & (uint8_t)~BL_ACCESS_MOVE;
	return b->access;
}

/* Whether a candidate decides whatever another one of the same list would. */
static bool covers(const struct search *s, const struct bl_cand *a, const struct bl_cand *b)
{
	return a->verdict && a->verdict >= strictness(s, b) && a->rule != b->rule &&
	       (!a->cond || a->cond == b->cond) && !(wanted(s, a, b) & ~a->access) &&
	       excepts_within(s, a->excepts, b->excepts);
}

/* ---- lists -------------------------------------------------------------------------------- */

static bool is_covered_by(const struct search *s, const struct bl_cand *cands, uint32_t index,
			  uint32_t rule)
{
	for (uint32_t i = 0; i < index && i < STRICTER_MAX; i++)
		if (cands[i].rule == rule && covers(s, &cands[i], &cands[index]))
			return true;
	return false;
}

static void begin(const struct search *s, const struct bl_cand *cands, uint32_t index)
{
	struct state *state = &s->states[cands[index].rule];

	state->begun = true;
	for (uint32_t i = 0; i < index && i < STRICTER_MAX; i++) {
		if (state->n_coverers == COVERERS_MAX)
			return;
		if (covers(s, &cands[i], &cands[index]))
			state->coverers[state->n_coverers++] = cands[i].rule;
	}
}

/* Keeps the coverers that a further list has as well. */
static void narrow(const struct search *s, const struct bl_cand *cands, uint32_t index)
{
	struct state *state = &s->states[cands[index].rule];
	uint8_t kept = 0;

	for (uint8_t i = 0; i < state->n_coverers; i++)
		if (is_covered_by(s, cands, index, state->coverers[i]))
			state->coverers[kept++] = state->coverers[i];
	state->n_coverers = kept;
}

static void take_list(void *userdata, const struct bl_list *list, bool unnamed)
{
	const struct bl_cand *cands = (const struct bl_cand *)(list + 1);
	const struct search *s = userdata;

	for (uint32_t i = 0; i < list->count; i++) {
		struct state *state = &s->states[cands[i].rule];

		state->listed |= !unnamed && !is_aside(s, &cands[i]);
		if (!state->begun)
			begin(s, cands, i);
		else if (state->n_coverers)
			narrow(s, cands, i);
	}
}

int bl_cover_find(const struct bl_policy *policy, const struct bl_tables *tables,
		  struct bl_cover *ret)
{
	_cleanup_free_ struct state *states = calloc(policy->n_rules + 1, sizeof(*states));
	struct search s = { .policy = policy, .image = tables->bytes, .states = states };
	int r;

	if (!states)
		return -ENOMEM;
	r = bl_tables_each_list(tables, take_list, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct state *state = &states[i];

		ret[i] = (struct bl_cover){ 0 };
		if (!state->listed)
			ret[i].kind = BL_COVER_EMPTY;
		else if (state->n_coverers)
			ret[i] = (struct bl_cover){ .kind = BL_COVER_SHADOWED,
						    .by = state->coverers[0] };
	}
	return 0;
}
