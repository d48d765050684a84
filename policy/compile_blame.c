/* SPDX-License-Identifier: Apache-2.0 */
/* Which patterns make the DFA exceed its budget. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

#define GROUPS_TRIED_MAX 4
#define NAMED_MAX	 5
#define NAME_BYTES	 128

/* Rows that minimising will make one are still several, so twice the image's budget. */
const struct bl_dfa_budget bl_compile_budget = {
	.states = 2 * (size_t)BL_DFA_STATES_MAX,
	.bytes = 2 * (size_t)BL_DFA_BYTES_MAX,
	.words = 32u << 20,
};

/*
 * States multiply where patterns are looked for side by side, and that takes a '*' or '**' that
 * they begin with. A group is all patterns that share such a star. What is to blame are the groups
 * without which the rest fits, the most frequent ones first.
 */
struct blame {
	struct bl_compiler *c;
	struct bl_nfa nfa; /* of all patterns */
	struct bl_dfa_census census;
	uint8_t *without;  /* by pattern: in a group that was taken out */
	size_t *scores;	   /* by pattern */
};

static void blame_clear(struct blame *b)
{
	bl_nfa_clear(&b->nfa);
	free(b->census.counts);
	free(b->without);
	free(b->scores);
}

/* What is in half of all sets doubles their number. */
static size_t doubling(const struct blame *b, uint32_t state)
{
	size_t count = b->census.counts[state];

	return BL_MIN(count, b->census.total - count);
}

static void score_patterns(struct blame *b)
{
	for (size_t state = 1; state < b->nfa.n_states; state++) {
		const struct bl_nfa_state *s = &b->nfa.states[state];

		if (s->loop != BL_LOOP_NONE)
			b->scores[s->pattern] =
				BL_MAX(b->scores[s->pattern], doubling(b, (uint32_t)state));
	}
}

/* The most frequent star that is not tried yet; 0: none. */
static uint32_t next_group(const struct blame *b, const uint32_t *tried, size_t n_tried)
{
	uint32_t best = 0;

	for (size_t i = 0; i < b->nfa.n_visits; i++) {
		uint32_t state = b->nfa.visits[i].state;
		bool known = false;

		for (size_t k = 0; k < n_tried; k++)
			known |= tried[k] == state;
		if (!known && (!best || b->census.counts[state] > b->census.counts[best]))
			best = state;
	}
	return best;
}

static void take_out(struct blame *b, uint32_t state)
{
	for (size_t i = 0; i < b->nfa.n_visits; i++)
		if (b->nfa.visits[i].state == state)
			b->without[b->nfa.visits[i].pattern] = 1;
}

/* Returns 1 if the rest fits the budget, 0 if it doesn't, or -errno. */
static int rest_fits(struct blame *b)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	int r = bl_compile_nfa(b->c, b->without, &nfa);

	if (!r && nfa.n_states)
		r = bl_dfa_build(&nfa, &bl_compile_budget, &dfa, NULL);
	return r == -E2BIG ? 0 : r ? r : 1;
}

/* One group alone, and if that is not enough, several together. */
static int find_groups(struct blame *b)
{
	uint32_t tried[GROUPS_TRIED_MAX];
	size_t n = 0;
	int r = 0;

	for (; n < GROUPS_TRIED_MAX; n++) {
		tried[n] = next_group(b, tried, n);
		if (!tried[n])
			break;
		memset(b->without, 0, b->c->n_pats);
		take_out(b, tried[n]);
		r = rest_fits(b);
		if (r)
			return r;
	}
	memset(b->without, 0, b->c->n_pats);
	for (size_t i = 0; i < n && !r; i++) {
		take_out(b, tried[i]);
		r = i ? rest_fits(b) : 0;
	}
	return r;
}

static size_t count_blamed(const struct blame *b)
{
	size_t n = 0;

	for (size_t pat = 1; pat < b->c->n_pats; pat++)
		n += b->without[pat];
	return n;
}

/* The blamed pattern with the highest score that is not named yet, the first of several; or 0. */
static uint32_t next_blamed(const struct blame *b)
{
	uint32_t best = 0;

	for (uint32_t pat = 1; pat < b->c->n_pats; pat++)
		if (b->without[pat] && (!best || b->scores[pat] > b->scores[best]))
			best = pat;
	return best;
}

/* A pattern as the user wrote it. */
static const char *written(const struct bl_pattern *pattern)
{
	return bl_glob_written(pattern->text);
}

/* Names the worst ones, and forgets them. Returns the first one's number. */
static uint32_t name_blamed(struct blame *b, char *text, size_t size)
{
	size_t total = count_blamed(b), len = 0;
	uint32_t first = 0, pat;

	for (size_t i = 0; i < NAMED_MAX && (pat = next_blamed(b)); i++) {
		int n = snprintf(text + len, size - len, "%s\"%.*s\"", i ? ", " : "", NAME_BYTES,
				 written(b->c->pats[pat].pattern));

		len += n > 0 ? (size_t)n : 0;
		first = first ? first : pat;
		b->without[pat] = 0;
	}
	if (total > NAMED_MAX)
		snprintf(text + len, size - len, " and %zu more like them", total - NAMED_MAX);
	return first;
}

/* The first rule that a pattern belongs to, itself or by an exception or 'by'. */
static const struct bl_rule *rule_of_pattern(const struct bl_compiler *c, uint32_t pat)
{
	const struct bl_pattern *pattern = c->pats[pat].pattern;

	for (size_t i = 0; pat && i < c->policy->n_rules; i++) {
		const struct bl_rule *rule = &c->policy->rules[i];

		for (size_t k = 0; k <= rule->n_unless; k++) {
			const struct bl_match *m = k ? &rule->unless[k - 1] : &rule->match;
			const struct bl_patterns *all[] = { &m->path,	&m->exe,    &m->socket,
							    &m->args,	&m->parent, &m->ancestor };

			for (size_t j = 0; j < BL_ARRAY_SIZE(all); j++)
				if (all[j]->count && pattern >= all[j]->items &&
				    pattern < all[j]->items + all[j]->count)
					return rule;
		}
	}
	return NULL;
}

static int refuse(struct blame *b, bool found)
{
	char names[NAMED_MAX * (NAME_BYTES + 8) + 64] = "all of them together";
	uint32_t first = found ? name_blamed(b, names, sizeof(names)) : 0;

	return bl_compiler_refuse(
		b->c, rule_of_pattern(b->c, first), "dfa-budget",
		"each rule's patterns that begin with the same star are looked for side by side: "
		"put them into one rule with one list, or begin them with a literal directory",
		"the patterns need an automaton of more than %u states or %u MiB; to blame: %s",
		BL_DFA_STATES_MAX, BL_DFA_BYTES_MAX >> 20, names);
}

int bl_compile_blame(struct bl_compiler *c)
{
	_cleanup_(blame_clear) struct blame b = { .c = c };
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	int r;

	b.without = calloc(c->n_pats, 1);
	b.scores = calloc(c->n_pats, sizeof(*b.scores));
	if (!b.without || !b.scores)
		return -ENOMEM;
	r = bl_compile_nfa(c, NULL, &b.nfa);
	if (!r)
		r = bl_dfa_build(&b.nfa, &bl_compile_budget, &dfa, &b.census);
	if (r == -E2BIG && !b.census.counts)
		return refuse(&b, false);
	if (r && r != -E2BIG)
		return r;
	score_patterns(&b);
	r = find_groups(&b);
	return r < 0 ? r : refuse(&b, r > 0);
}
