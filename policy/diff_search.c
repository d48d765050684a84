/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for somebody whom one rule holds for and others don't: boxes over the dimensions of subjects,
 * facts and arguments, solved by propagating what has one way left and trying what has several (Davis,
 * Logemann and Loveland, 'A machine program for theorem-proving', 1962).
 */
#include <errno.h>
#include <string.h>

#include "differ.h"

#define WORK_MAX  ((size_t)64 << 20) /* words looked at by one search */
#define NEEDS_MAX 512	       /* sets that one of several values has to be in */

/* What is left of each dimension. */
struct state {
	uint32_t *left[_BL_DIM_MAX]; /* values that are allowed, by bl_dim_base(); NULL: all */
	struct need {
		uint8_t dim;
		uint32_t set; /* one value has to be in it */
	} needs[NEEDS_MAX];
	size_t n_needs;
};

struct search {
	const struct bl_space *space;
	const struct bl_plain *plain;
	struct clause {
		uint32_t cand;	 /* that must not hold, or */
		uint32_t except; /* counted from 1: this exception of it */
	} * clauses;
	size_t n_clauses, clauses_capacity;
	bool single; /* one value of each, so that a test can be written */
	size_t work, work_max;
};

static void search_clear(struct search *s)
{
	free(s->clauses);
}

/* One way to keep a candidate from holding: outside its set in a dimension, or inside an exception. */
struct way {
	int dim; /* -1: an exception */
	struct bl_box box;
};

/* ---- states ------------------------------------------------------------------------------- */

static void state_free(struct state *state)
{
	if (!state)
		return;
	for (int d = 0; d < _BL_DIM_MAX; d++)
		free(state->left[d]);
	free(state);
}
BL_DEFINE_CLEANUP(struct state *, state_free)

static const struct bl_dim *dim_of(const struct search *s, int d)
{
	return &s->space->dims[d];
}

static bool is_several(const struct search *s, int d)
{
	return dim_of(s, d)->several && (!s->single || d == BL_DIM_ARGS || d == BL_DIM_CAPABILITY ||
					 bl_dim_base(d) == BL_DIM_PARENT);
}

static int state_copy(const struct search *s, struct state *to, const struct state *from)
{
	for (int d = 0; d < _BL_DIM_MAX; d++) {
		size_t bytes = dim_of(s, d)->words * sizeof(uint32_t);

		if (!from->left[d])
			continue;
		to->left[d] = malloc(bytes);
		if (!to->left[d])
			return -ENOMEM;
		memcpy(to->left[d], from->left[d], bytes);
	}
	memcpy(to->needs, from->needs, from->n_needs * sizeof(*to->needs));
	to->n_needs = from->n_needs;
	return 0;
}

static uint32_t left_word(const struct search *s, const struct state *state, int d, size_t i)
{
	const struct bl_dim *dim = dim_of(s, d);
	const uint32_t *left = state->left[bl_dim_base(d)];

	if (left)
		return left[i];
	return i + 1 < dim->words || !(dim->n % 32) ? ~0u : (1u << dim->n % 32) - 1;
}

/* All values that are left, in memory that can be cut. */
static int make_left(const struct search *s, struct state *state, int d)
{
	size_t words = dim_of(s, d)->words;
	uint32_t *left;

	if (state->left[bl_dim_base(d)])
		return 0;
	left = malloc(words * sizeof(*left));
	if (!left)
		return -ENOMEM;
	for (size_t i = 0; i < words; i++)
		left[i] = left_word(s, state, d, i);
	state->left[bl_dim_base(d)] = left;
	return 0;
}

/* Whether some value that is left is in both sets (0: all values). */
static bool meets(struct search *s, const struct state *state, int d, uint32_t a, uint32_t b)
{
	const uint32_t *x = a ? bl_dim_set(dim_of(s, d), a) : NULL;
	const uint32_t *y = b ? bl_dim_set(dim_of(s, d), b) : NULL;
	size_t words = dim_of(s, d)->words;

	for (size_t i = 0; i < words; i++) {
		s->work++;
		if (left_word(s, state, d, i) & (x ? x[i] : ~0u) & (y ? y[i] : ~0u))
			return true;
	}
	return false;
}

/* Whether a need is one of a dimension's values. */
static bool is_need_of(const struct need *need, int d)
{
	return bl_dim_base(need->dim) == bl_dim_base(d);
}

/* Whether all values that are left of a need's set (NULL: all that are left) are in a set. */
static bool within(struct search *s, const struct state *state, int d, const struct need *of,
		   uint32_t set)
{
	const uint32_t *x = of ? bl_dim_set(dim_of(s, of->dim), of->set) : NULL;
	const uint32_t *y = bl_dim_set(dim_of(s, d), set);
	size_t words = dim_of(s, d)->words;

	for (size_t i = 0; i < words; i++) {
		s->work++;
		if (left_word(s, state, d, i) & (x ? x[i] : ~0u) & ~y[i])
			return false;
	}
	return true;
}

enum truth { NO, OPEN, YES };

/* Whether a subject is in a set of a dimension. */
static enum truth is_in(struct search *s, const struct state *state, int d, uint32_t set)
{
	if (!set)
		return YES;
	if (!meets(s, state, d, set, 0))
		return NO;
	if (!is_several(s, d))
		return within(s, state, d, NULL, set) ? YES : OPEN;
	if (!dim_of(s, d)->none && within(s, state, d, NULL, set))
		return YES;
	for (size_t i = 0; i < state->n_needs; i++)
		if (is_need_of(&state->needs[i], d) && within(s, state, d, &state->needs[i], set))
			return YES;
	return OPEN;
}

static enum truth box_holds(struct search *s, const struct state *state, const struct bl_box *box)
{
	enum truth all = YES;

	for (int d = 0; d < _BL_DIM_MAX; d++) {
		enum truth one = is_in(s, state, d, box->set[d]);

		if (one == NO)
			return NO;
		all = BL_MIN(all, one);
	}
	return all;
}

/* Every need still has a value, and so has every dimension that can't do without. */
static bool is_possible(struct search *s, const struct state *state, int d)
{
	if (!dim_of(s, d)->none && !meets(s, state, d, 0, 0))
		return false;
	for (size_t i = 0; i < state->n_needs; i++) {
		const struct need *need = &state->needs[i];

		if (is_need_of(need, d) && !meets(s, state, need->dim, need->set, 0))
			return false;
	}
	return true;
}

/* Returns 1, 0 when nothing is left, or -errno. */
static int cut(struct search *s, struct state *state, int d, uint32_t number, bool keep)
{
	const uint32_t *set = bl_dim_set(dim_of(s, d), number);
	int r = make_left(s, state, d);

	if (r)
		return r;
	for (size_t i = 0; i < dim_of(s, d)->words; i++)
		state->left[bl_dim_base(d)][i] &= keep ? set[i] : ~set[i];
	return is_possible(s, state, d);
}

static int put_inside(struct search *s, struct state *state, int d, uint32_t set)
{
	if (!set)
		return 1;
	if (!is_several(s, d))
		return cut(s, state, d, set, true);
	if (state->n_needs == NEEDS_MAX)
		return -E2BIG;
	state->needs[state->n_needs++] = (struct need){ .dim = (uint8_t)d, .set = set };
	return meets(s, state, d, set, 0);
}

static int put_in_box(struct search *s, struct state *state, const struct bl_box *box)
{
	int r = 1;

	for (int d = 0; r > 0 && d < _BL_DIM_MAX; d++)
		r = put_inside(s, state, d, box->set[d]);
	return r;
}

/* ---- clauses ------------------------------------------------------------------------------ */

/* The ways that are open to keep a box from holding; number nth in *ret. -1: it holds no more. */
static int count_outside(struct search *s, const struct state *state, const struct bl_box *box,
			 struct way *ret, int nth)
{
	int n = 0;

	for (int d = 0; d < _BL_DIM_MAX; d++) {
		enum truth in = is_in(s, state, d, box->set[d]);

		if (in == NO)
			return -1;
		if (in == OPEN && n++ == nth)
			*ret = (struct way){ .dim = d, .box = *box };
	}
	return n;
}

/* The same for a clause: a candidate has its exceptions as further ways. */
static int count_ways(struct search *s, const struct state *state, const struct clause *clause,
		      struct way *ret, int nth)
{
	size_t n_excepts;
	const struct bl_plain_cand *cand = bl_plain_cand(s->plain, clause->cand, &n_excepts);
	int n;

	if (clause->except)
		return count_outside(s, state, &cand->excepts[clause->except - 1], ret, nth);
	n = count_outside(s, state, &cand->box, ret, nth);
	for (size_t i = 0; n >= 0 && i < n_excepts; i++) {
		enum truth in = box_holds(s, state, &cand->excepts[i]);

		if (in == YES)
			return -1;
		if (in == OPEN && n++ == nth)
			*ret = (struct way){ .dim = -1, .box = cand->excepts[i] };
	}
	return n;
}

static int go(struct search *s, struct state *state, const struct way *way)
{
	if (way->dim < 0)
		return put_in_box(s, state, &way->box);
	return cut(s, state, way->dim, way->box.set[way->dim], false);
}

/* What a way that was tried in vain leaves: its contrary, where that is as simple. */
static int rule_out(struct search *s, struct state *state, const struct way *way)
{
	return way->dim < 0 ? 1 : put_inside(s, state, way->dim, way->box.set[way->dim]);
}

/* One turn over all clauses; *ret_again: something was taken. */
static int propagate_once(struct search *s, struct state *state, const struct clause **ret,
			  bool *ret_again)
{
	int fewest = INT32_MAX, r = 1;

	*ret = NULL;
	*ret_again = false;
	for (size_t i = 0; r > 0 && i < s->n_clauses; i++) {
		struct way way;
		int n = count_ways(s, state, &s->clauses[i], &way, 0);

		if (n == 0)
			return 0;
		if (n == 1) {
			r = go(s, state, &way);
			*ret_again = true;
		} else if (n > 1 && n < fewest) {
			fewest = n;
			*ret = &s->clauses[i];
		}
	}
	return r;
}

/*
 * Takes every way that is the only one left. Returns 1 with the clause to be tried next in *ret (NULL: none
 * is left), 0: it can't be, or -errno.
 */
static int propagate(struct search *s, struct state *state, const struct clause **ret)
{
	bool again = true;
	int r = 1;

	while (again && r > 0) {
		r = propagate_once(s, state, ret, &again);
		if (s->work > s->work_max)
			return -E2BIG;
	}
	return r;
}

/* ---- points ------------------------------------------------------------------------------- */

static bool need_has(const struct search *s, const struct need *need, uint32_t value)
{
	return bl_set_has(bl_dim_set(dim_of(s, need->dim), need->set), value);
}

/* The first value that is left and in all needs (or, with one, in that); n: there is none. */
static uint32_t first_value(const struct search *s, const struct state *state, int d,
			    const struct need *one)
{
	const struct bl_dim *dim = dim_of(s, d);

	for (uint32_t value = 0; value < dim->n; value++) {
		bool good = left_word(s, state, d, value / 32) >> (value & 31) & 1;

		for (size_t i = 0; good && !one && i < state->n_needs; i++)
			good = !is_need_of(&state->needs[i], d) ||
			       need_has(s, &state->needs[i], value);
		if (good && (!one || need_has(s, one, value)))
			return value;
	}
	return dim->n;
}

static int add_value(struct bl_point *point, int d, uint32_t value)
{
	for (size_t i = 0; i < point->n[d]; i++)
		if (point->value[d][i] == value)
			return 0;
	if (point->n[d] == BL_CHOSEN_MAX)
		return -E2BIG;
	point->value[d][point->n[d]++] = value;
	return 0;
}

static bool is_needed(const struct search *s, const struct state *state, int d)
{
	for (size_t i = 0; i < state->n_needs; i++)
		if (is_need_of(&state->needs[i], d))
			return true;
	return !dim_of(s, d)->none;
}

/* One value that does for all, or one for each need. */
static int pick_dim(const struct search *s, const struct state *state, int d,
		    struct bl_point *point)
{
	uint32_t value = first_value(s, state, d, NULL);
	int r = 0;

	point->n[d] = 0;
	if (!is_needed(s, state, d))
		return 0;
	if (value < dim_of(s, d)->n)
		return add_value(point, d, value);
	for (size_t i = 0; !r && i < state->n_needs; i++)
		if (is_need_of(&state->needs[i], d))
			r = add_value(point, d, first_value(s, state, d, &state->needs[i]));
	return r;
}

static int pick(const struct search *s, const struct state *state, struct bl_point *ret)
{
	int r = 0;

	for (int d = 0; !r && d < _BL_DIM_MAX; d++)
		if (bl_dim_base(d) == d)
			r = pick_dim(s, state, d, ret);
	return r ? r : 1;
}

/* ---- the search --------------------------------------------------------------------------- */

static int solve(struct search *s, struct state *state, struct bl_point *ret);

static int try_way(struct search *s, const struct state *state, const struct way *way,
		   struct bl_point *ret)
{
	_cleanup_(state_freep) struct state *next = calloc(1, sizeof(*next));
	int r = next ? state_copy(s, next, state) : -ENOMEM;

	if (!r)
		r = go(s, next, way);
	return r > 0 ? solve(s, next, ret) : r;
}

static int solve(struct search *s, struct state *state, struct bl_point *ret)
{
	const struct clause *clause;
	int r = propagate(s, state, &clause), nth = 0;

	if (r <= 0)
		return r;
	if (!clause)
		return pick(s, state, ret);
	for (;;) {
		struct way way;
		int n = count_ways(s, state, clause, &way, nth);

		if (n < 0)
			return solve(s, state, ret);
		if (n <= nth)
			return 0;
		r = try_way(s, state, &way, ret);
		if (!r && rule_out(s, state, &way) <= 0)
			return 0;
		if (r)
			return r;
		nth += way.dim < 0;
	}
}

static int add_clause(struct search *s, const struct state *state, uint32_t cand, size_t except)
{
	const struct clause clause = { .cand = cand, .except = (uint32_t)except };
	struct way way;
	int r;

	if (count_ways(s, state, &clause, &way, 0) < 0)
		return 0;
	r = bl_grow(&s->clauses, &s->clauses_capacity, s->n_clauses + 1, sizeof(*s->clauses));
	if (!r)
		s->clauses[s->n_clauses++] = clause;
	return r;
}

/* None of a list's candidates that are at least so strict; 'first': but those that wait for arguments. */
static int add_list(struct search *s, const struct state *state, uint32_t list, uint32_t verdict,
		    bool first)
{
	size_t n, n_excepts;
	const uint32_t *numbers = bl_interned(&s->plain->lists, list, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		const struct bl_plain_cand *cand = bl_plain_cand(s->plain, numbers[i], &n_excepts);

		if (cand->verdict >= verdict && !(first && cand->waits))
			r = add_clause(s, state, numbers[i], 0);
	}
	return r;
}

static int add_clauses(struct search *s, const struct state *state,
		       const struct bl_search_for *what)
{
	size_t n_excepts;
	const struct bl_plain_cand *wanted = bl_plain_cand(s->plain, what->wanted, &n_excepts);
	int r = add_list(s, state, what->others, wanted->verdict, false);

	if (!r && wanted->waits)
		r = add_list(s, state, what->own, BL_VERDICT_DENY, true);
	for (size_t i = 1; !r && i <= n_excepts; i++)
		r = add_clause(s, state, what->wanted, i);
	return r;
}

static int run(struct search *s, const struct bl_search_for *what, uint32_t exes,
	       struct bl_point *ret)
{
	_cleanup_(state_freep) struct state *state = calloc(1, sizeof(*state));
	size_t n_excepts;
	const struct bl_plain_cand *wanted = bl_plain_cand(s->plain, what->wanted, &n_excepts);
	int r;

	if (!state)
		return -ENOMEM;
	s->n_clauses = 0;
	r = cut(s, state, BL_DIM_EXE, exes, true);
	if (r > 0 && s->single && s->space->kin_known)
		r = cut(s, state, BL_DIM_PARENT, s->space->kin_known, true);
	if (r > 0 && what->facts)
		r = cut(s, state, BL_DIM_FACTS, what->facts, true);
	if (r > 0)
		r = put_in_box(s, state, &wanted->box);
	if (r <= 0)
		return r;
	r = add_clauses(s, state, what);
	return r ? r : solve(s, state, ret);
}

static int run_bounded(struct search *s, const struct bl_search_for *what, uint32_t exes,
		       bool single, struct bl_point *ret)
{
	int r;

	s->single = single;
	s->work = 0;
	s->work_max = BL_MIN(WORK_MAX, *what->budget);
	r = run(s, what, exes, ret);
	*what->budget -= BL_MIN(s->work, *what->budget);
	return r;
}

/* A subject with one value of each is tried for where there is one at all: a test can have it. */
static int run_both(struct search *s, const struct bl_search_for *what, uint32_t exes,
		    struct bl_point *ret)
{
	int r = run_bounded(s, what, exes, false, ret), single;
	struct bl_point simple;

	if (!r || (r < 0 && r != -E2BIG))
		return r;
	single = run_bounded(s, what, exes, true, &simple);
	if (single > 0)
		*ret = simple;
	return single > 0 || single == -ENOMEM ? single : r;
}

int bl_search(const struct bl_plain *plain, const struct bl_search_for *what, struct bl_point *ret)
{
	_cleanup_(search_clear) struct search s = { .plain = plain, .space = plain->space };
	int r = run_both(&s, what, plain->space->exe_host, ret), other;

	if (r > 0 || r == -ENOMEM || !plain->space->n_exes)
		return r;
	other = run_both(&s, what, plain->space->exe_container, ret);
	return other ? other : r;
}
