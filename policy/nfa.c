/* SPDX-License-Identifier: Apache-2.0 */
/* Globs -> one nondeterministic automaton. */
#include "nfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* Tokens that are no label. */
#define TOKEN_STAR  0xfffffffeu
#define TOKEN_STARS 0xffffffffu

/* A growing set of states. */
struct states {
	uint32_t *items;
	size_t count, capacity;
};

static void states_clear(struct states *states)
{
	free(states->items);
}

static int states_add(struct states *states, uint32_t state)
{
	int r = bl_grow(&states->items, &states->capacity, states->count + 1,
			sizeof(*states->items));

	if (!r)
		states->items[states->count++] = state;
	return r;
}

/* ---- building ----------------------------------------------------------------------------- */

static int add_state(struct bl_nfa *nfa, uint32_t pattern, uint32_t *ret)
{
	int r = bl_grow(&nfa->states, &nfa->states_capacity, nfa->n_states + 2,
			sizeof(*nfa->states));

	if (r)
		return r;
	if (!nfa->n_states)
		nfa->states[nfa->n_states++] = (struct bl_nfa_state){};
	*ret = (uint32_t)nfa->n_states;
	nfa->states[nfa->n_states++] = (struct bl_nfa_state){ .pattern = pattern };
	return 0;
}

static int add_link(struct bl_nfa *nfa, uint32_t *head, uint32_t label, uint32_t value)
{
	int r;

	if (nfa->n_links >= BL_NFA_LINKS_MAX)
		return -E2BIG;
	r = bl_grow(&nfa->links, &nfa->links_capacity, nfa->n_links + 2, sizeof(*nfa->links));
	if (r)
		return r;
	if (!nfa->n_links)
		nfa->links[nfa->n_links++] = (struct bl_nfa_link){};
	nfa->links[nfa->n_links] =
		(struct bl_nfa_link){ .value = value, .label = label, .next = *head };
	*head = (uint32_t)nfa->n_links++;
	return 0;
}

static bool linked(const struct bl_nfa *nfa, uint32_t head, uint32_t value)
{
	for (; head; head = nfa->links[head].next)
		if (nfa->links[head].value == value)
			return true;
	return false;
}

/*
 * A '/' after a '**' after a '/': the '**' may stand for no directory at all, and then the first
 * '/' does for both.
 */
static int add_no_directory(struct bl_nfa *nfa, uint32_t stars, uint32_t slash)
{
	uint32_t link = nfa->states[stars].before;

	for (; link; link = nfa->links[link].next) {
		uint32_t before = nfa->links[link].value;
		int r;

		if (!nfa->states[before].slash)
			continue;
		r = add_link(nfa, &nfa->states[before].skips, 0, slash);
		if (r)
			return r;
	}
	return 0;
}

static int join(struct bl_nfa *nfa, uint32_t before, uint32_t token, uint32_t state)
{
	int r = 0;

	if (token < TOKEN_STAR) {
		r = add_link(nfa, &nfa->states[before].edges, token, state);
		if (!r && token == '/')
			r = add_no_directory(nfa, before, state);
		return r;
	}
	r = add_link(nfa, &nfa->states[before].skips, 0, state);
	if (!r && token == TOKEN_STARS)
		r = add_link(nfa, &nfa->states[state].before, 0, before);
	return r;
}

static int new_token(struct bl_nfa *nfa, const struct states *before, uint32_t token,
		     uint32_t pattern, uint32_t *ret)
{
	uint32_t state;
	int r = add_state(nfa, pattern, &state);

	if (r)
		return r;
	nfa->states[state].slash = token == '/';
	if (token == TOKEN_STAR)
		nfa->states[state].loop = BL_LOOP_COMPONENT;
	else if (token == TOKEN_STARS)
		nfa->states[state].loop = BL_LOOP_ALL;
	for (size_t i = 0; i < before->count; i++) {
		r = join(nfa, before->items[i], token, state);
		if (r)
			return r;
	}
	*ret = state;
	return 0;
}

/* A token that follows a single state is shared by all patterns that begin like this. */
static int share_token(struct bl_nfa *nfa, const struct states *before, uint32_t token,
		       uint32_t pattern, uint32_t *ret)
{
	uint32_t key[2] = { 0, token }, id;
	size_t known = nfa->shared.count;
	int r;

	if (before->count != 1)
		return new_token(nfa, before, token, pattern, ret);
	key[0] = before->items[0];
	r = bl_intern(&nfa->shared, key, 2, &id);
	if (r)
		return r;
	if (id <= known) {
		*ret = nfa->shared_states[id];
		return 0;
	}
	r = bl_grow(&nfa->shared_states, &nfa->shared_capacity, id + 1,
		    sizeof(*nfa->shared_states));
	if (!r)
		r = new_token(nfa, before, token, pattern, ret);
	if (!r)
		nfa->shared_states[id] = *ret;
	return r;
}

static int add_token(struct bl_nfa *nfa, const struct states *before, uint32_t token,
		     uint32_t pattern, uint32_t *ret)
{
	int r = share_token(nfa, before, token, pattern, ret);

	if (r || nfa->states[*ret].loop == BL_LOOP_NONE)
		return r;
	r = bl_grow(&nfa->visits, &nfa->visits_capacity, nfa->n_visits + 1, sizeof(*nfa->visits));
	if (!r)
		nfa->visits[nfa->n_visits++] =
			(struct bl_nfa_visit){ .state = *ret, .pattern = pattern };
	return r;
}

static int grow_tails(struct bl_nfa *nfa, size_t need)
{
	size_t capacity = nfa->n_tails;
	int r;

	if (need <= nfa->n_tails)
		return 0;
	r = bl_grow(&nfa->tails, &capacity, need, sizeof(*nfa->tails));
	if (r)
		return r;
	memset(nfa->tails + nfa->n_tails, 0, (capacity - nfa->n_tails) * sizeof(*nfa->tails));
	nfa->n_tails = capacity;
	return 0;
}

/*
 * All patterns of an atom that end in '**' end in one state, and so do all that end in '*': which
 * of them it was is forgotten. Otherwise what a list of '*word*' has seen would be any set of its
 * words.
 */
static int tail_state(struct bl_nfa *nfa, uint32_t atom, bool forever, uint32_t pattern,
		      uint32_t *ret)
{
	size_t index = 2 * (size_t)atom + forever;
	int r = grow_tails(nfa, index + 1);

	if (!r && !nfa->tails[index]) {
		r = add_state(nfa, pattern, ret);
		if (!r)
			r = add_link(nfa, &nfa->states[*ret].accepts, 0, atom);
		if (r)
			return r;
		nfa->states[*ret].loop = forever ? BL_LOOP_ALL : BL_LOOP_COMPONENT;
		nfa->states[*ret].forever = forever;
		nfa->states[*ret].tail = true;
		nfa->tails[index] = *ret;
	}
	if (!r)
		*ret = nfa->tails[index];
	return r;
}

struct builder {
	struct bl_nfa *nfa;
	const struct bl_glob *glob;
	uint32_t atom;
	uint32_t pattern;
};

static int end_in_tail(const struct builder *b, const struct states *before, bool forever)
{
	uint32_t state;
	int r = tail_state(b->nfa, b->atom, forever, b->pattern, &state);

	for (size_t i = 0; !r && i < before->count; i++) {
		uint32_t *skips = &b->nfa->states[before->items[i]].skips;

		if (!linked(b->nfa, *skips, state))
			r = add_link(b->nfa, skips, 0, state);
	}
	return r;
}

static int item_token(const struct builder *b, const struct bl_glob_item *item, uint32_t *ret)
{
	uint32_t words[8], id;
	int r;

	switch ((enum bl_glob_kind)item->kind) {
	case BL_GLOB_BYTE:
		*ret = item->byte;
		return 0;
	case BL_GLOB_STAR:
		*ret = TOKEN_STAR;
		return 0;
	case BL_GLOB_STARS:
		*ret = TOKEN_STARS;
		return 0;
	case BL_GLOB_SET:
		memcpy(words, &b->glob->sets[item->ref], sizeof(words));
		r = bl_intern(&b->nfa->sets, words, 8, &id);
		*ret = BL_NFA_SETS + id;
		return r;
	case BL_GLOB_GROUP:
	case _BL_GLOB_MAX:
		break;
	}
	return -EINVAL;
}

static int build(const struct builder *b, uint32_t item, struct states *states, bool tail);

/* states becomes the union of the states after each branch. */
static int build_group(const struct builder *b, const struct bl_glob_item *group,
		       struct states *states, bool tail)
{
	_cleanup_(states_clear) struct states all = {};
	uint32_t branch = group->ref;

	for (; branch; branch = b->glob->branches[branch].next) {
		_cleanup_(states_clear) struct states some = {};
		int r = 0;

		for (size_t i = 0; !r && i < states->count; i++)
			r = states_add(&some, states->items[i]);
		if (!r)
			r = build(b, b->glob->branches[branch].first, &some, tail);
		for (size_t i = 0; !r && i < some.count; i++)
			r = states_add(&all, some.items[i]);
		if (r)
			return r;
	}
	all.count = bl_words_sort(all.items, all.count);
	free(states->items);
	*states = all;
	all = (struct states){};
	return 0;
}

/* states: after what comes before; becomes the states after the sequence. */
static int build(const struct builder *b, uint32_t item, struct states *states, bool tail)
{
	while (item) {
		const struct bl_glob_item *it = &b->glob->items[item];
		bool last = tail && !it->next;
		uint32_t token, state;
		int r;

		if (it->kind == BL_GLOB_GROUP) {
			r = build_group(b, it, states, last);
			if (r)
				return r;
			item = it->next;
			continue;
		}
		if (last && (it->kind == BL_GLOB_STARS || it->kind == BL_GLOB_STAR)) {
			r = end_in_tail(b, states, it->kind == BL_GLOB_STARS);
			states->count = 0;
			return r;
		}
		r = item_token(b, it, &token);
		if (!r)
			r = add_token(b->nfa, states, token, b->pattern, &state);
		if (r)
			return r;
		states->count = 0;
		r = states_add(states, state);
		if (r)
			return r;
		item = it->next;
	}
	return 0;
}

/* The pattern "/" names the root directory, whose path is "" here, or the root of all cgroups. */
static int accept(const struct builder *b, uint32_t state)
{
	uint32_t *accepts;

	if (state == b->nfa->first_slash)
		state = BL_NFA_ROOT;
	if (state == b->nfa->cgroup_slash)
		state = b->nfa->cgroup_mark;
	accepts = &b->nfa->states[state].accepts;
	return linked(b->nfa, *accepts, b->atom) ? 0 : add_link(b->nfa, accepts, 0, b->atom);
}

static int add_cgroup_root(struct bl_nfa *nfa, uint32_t pattern)
{
	_cleanup_(states_clear) struct states before = {};
	int r = states_add(&before, BL_NFA_ROOT);

	if (!r)
		r = add_token(nfa, &before, BL_GLOB_CGROUP, pattern, &nfa->cgroup_mark);
	before.items[0] = nfa->cgroup_mark;
	return r ? r : add_token(nfa, &before, '/', pattern, &nfa->cgroup_slash);
}

static int add_root(struct bl_nfa *nfa, uint32_t pattern)
{
	_cleanup_(states_clear) struct states before = {};
	uint32_t root;
	int r = add_state(nfa, pattern, &root);

	if (!r)
		r = states_add(&before, root);
	if (!r)
		r = add_token(nfa, &before, '/', pattern, &nfa->first_slash);
	return r;
}

static bool is_cgroup(const struct bl_glob *glob)
{
	const struct bl_glob_item *first = &glob->items[glob->first];

	return first->kind == BL_GLOB_BYTE && first->byte == BL_GLOB_CGROUP;
}

int bl_nfa_add(struct bl_nfa *nfa, const struct bl_glob *glob, uint32_t atom, uint32_t pattern)
{
	struct builder b = { .nfa = nfa, .glob = glob, .atom = atom, .pattern = pattern };
	_cleanup_(states_clear) struct states states = {};
	int r = nfa->n_states ? 0 : add_root(nfa, pattern);

	if (!r && is_cgroup(glob) && !nfa->cgroup_mark)
		r = add_cgroup_root(nfa, pattern);
	if (!r)
		r = states_add(&states, BL_NFA_ROOT);
	if (!r)
		r = build(&b, glob->first, &states, true);
	for (size_t i = 0; !r && i < states.count; i++)
		r = accept(&b, states.items[i]);
	return r;
}

struct bl_byteset bl_nfa_set(const struct bl_nfa *nfa, uint32_t label)
{
	struct bl_byteset set;
	size_t n;

	memcpy(&set, bl_interned(&nfa->sets, label - BL_NFA_SETS, &n), sizeof(set));
	return set;
}

void bl_nfa_clear(struct bl_nfa *nfa)
{
	free(nfa->states);
	free(nfa->links);
	free(nfa->shared_states);
	free(nfa->visits);
	free(nfa->tails);
	free(nfa->closures);
	free(nfa->closure_ends);
	bl_interns_clear(&nfa->sets);
	bl_interns_clear(&nfa->shared);
	*nfa = (struct bl_nfa){};
}

/* ---- closures ----------------------------------------------------------------------------- */

static bool useful(const struct bl_nfa_state *state)
{
	return state->loop != BL_LOOP_NONE || state->edges || state->accepts;
}

/* 0: none yet. */
static uint32_t merge_only(uint32_t only, uint32_t other)
{
	if (!only || only == other)
		return other;
	return other ? BL_NFA_SEVERAL : only;
}

/* Atoms are kept as atom + 1, so that 0 is none. Targets have been seen to before their sources. */
static uint32_t reachable_atom(const struct bl_nfa *nfa, const struct bl_nfa_state *state)
{
	uint32_t only = 0, link;

	for (link = state->accepts; link; link = nfa->links[link].next)
		only = merge_only(only, nfa->links[link].value + 1);
	for (link = state->edges; link; link = nfa->links[link].next)
		only = merge_only(only, nfa->states[nfa->links[link].value].only);
	for (link = state->skips; link; link = nfa->links[link].next)
		only = merge_only(only, nfa->states[nfa->links[link].value].only);
	return only;
}

static int collect_closure(const struct bl_nfa *nfa, uint32_t state, const uint32_t *starts,
			   struct states *ret)
{
	const struct bl_nfa_state *s = &nfa->states[state];
	int r = useful(s) ? states_add(ret, state) : 0;

	for (uint32_t link = s->skips; !r && link; link = nfa->links[link].next) {
		uint32_t target = nfa->links[link].value;
		uint32_t at = starts[2 * target], end = starts[2 * target + 1];

		for (; !r && at < end; at++)
			r = states_add(ret, nfa->closures[at]);
	}
	ret->count = bl_words_sort(ret->items, ret->count);
	return r;
}

static int append_closure(struct bl_nfa *nfa, uint32_t state, uint32_t *starts)
{
	_cleanup_(states_clear) struct states closure = {};
	int r = collect_closure(nfa, state, starts, &closure);

	if (!r)
		r = bl_grow(&nfa->closures, &nfa->closures_capacity,
			    nfa->n_closures + closure.count + 1, sizeof(*nfa->closures));
	if (r)
		return r;
	starts[2 * state] = (uint32_t)nfa->n_closures;
	if (closure.count)
		memcpy(nfa->closures + nfa->n_closures, closure.items,
		       closure.count * sizeof(*closure.items));
	nfa->n_closures += closure.count;
	starts[2 * state + 1] = (uint32_t)nfa->n_closures;
	return 0;
}

/* Brings the closures, which were made in falling order, into the order of the states. */
static int order_closures(struct bl_nfa *nfa, const uint32_t *starts)
{
	uint32_t *ordered = malloc((nfa->n_closures + 1) * sizeof(*ordered));
	size_t out = 0;

	nfa->closure_ends = calloc(nfa->n_states, sizeof(*nfa->closure_ends));
	if (!ordered || !nfa->closure_ends) {
		free(ordered);
		return -ENOMEM;
	}
	for (size_t state = 1; state < nfa->n_states; state++) {
		for (uint32_t at = starts[2 * state]; at < starts[2 * state + 1]; at++)
			ordered[out++] = nfa->closures[at];
		nfa->closure_ends[state] = (uint32_t)out;
	}
	free(nfa->closures);
	nfa->closures = ordered;
	return 0;
}

/*
 * Every edge and skip leads to a later state, but for skips to the tails: those are done first, the
 * others in falling order.
 */
int bl_nfa_finish(struct bl_nfa *nfa)
{
	_cleanup_free_ uint32_t *starts = NULL;
	int r = nfa->n_states ? 0 : add_root(nfa, 0);

	if (!r)
		r = bl_nfa_merge(nfa);
	if (r)
		return r;
	starts = calloc(nfa->n_states, 2 * sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t state = nfa->n_states - 1; !r && state; state--) {
			struct bl_nfa_state *s = &nfa->states[state];

			if (s->tail != (pass == 0))
				continue;
			s->only = reachable_atom(nfa, s);
			r = append_closure(nfa, (uint32_t)state, starts);
		}
	}
	if (!r)
		r = order_closures(nfa, starts);
	for (size_t state = 1; !r && state < nfa->n_states; state++)
		if (nfa->states[state].only != BL_NFA_SEVERAL)
			nfa->states[state].only--;
	return r;
}

/* ---- running ------------------------------------------------------------------------------ */

/* Two sets of states, each with a mark for those that are in it. */
struct run {
	const struct bl_nfa *nfa;
	struct states now, then;
	uint32_t *marks;
	uint32_t turn;
};

static void run_clear(struct run *run)
{
	states_clear(&run->now);
	states_clear(&run->then);
	free(run->marks);
}

static int enter(struct run *run, uint32_t state)
{
	size_t n;
	const uint32_t *closure = bl_nfa_closure(run->nfa, state, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		if (run->marks[closure[i]] == run->turn)
			continue;
		run->marks[closure[i]] = run->turn;
		r = states_add(&run->then, closure[i]);
	}
	return r;
}

static bool label_has(const struct bl_nfa *nfa, uint32_t label, uint8_t byte)
{
	struct bl_byteset set;

	if (label < BL_NFA_SETS)
		return label == byte;
	set = bl_nfa_set(nfa, label);
	return bl_byteset_has(&set, byte);
}

static int step(struct run *run, uint32_t state, uint8_t byte)
{
	const struct bl_nfa_state *s = &run->nfa->states[state];
	int r = 0;

	if (s->loop == BL_LOOP_ALL || (s->loop == BL_LOOP_COMPONENT && byte != '/'))
		r = enter(run, state);
	for (uint32_t link = s->edges; !r && link; link = run->nfa->links[link].next)
		if (label_has(run->nfa, run->nfa->links[link].label, byte))
			r = enter(run, run->nfa->links[link].value);
	return r;
}

static void turn(struct run *run)
{
	struct states old = run->now;

	run->now = run->then;
	run->then = old;
	run->then.count = 0;
	run->turn++;
}

int bl_nfa_matches(const struct bl_nfa *nfa, const char *path, size_t len)
{
	_cleanup_(run_clear) struct run run = { .nfa = nfa, .turn = 1 };
	int r;

	run.marks = calloc(nfa->n_states, sizeof(*run.marks));
	if (!run.marks)
		return -ENOMEM;
	r = enter(&run, BL_NFA_ROOT);
	turn(&run);
	for (size_t i = 0; !r && i < len; i++) {
		for (size_t k = 0; !r && k < run.now.count; k++)
			r = step(&run, run.now.items[k], (uint8_t)path[i]);
		turn(&run);
	}
	for (size_t k = 0; !r && k < run.now.count; k++)
		if (nfa->states[run.now.items[k]].accepts)
			return 1;
	return r;
}
