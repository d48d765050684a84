/* SPDX-License-Identifier: Apache-2.0 */
/* Nondeterministic -> deterministic automaton, within a budget. */
#include "dfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

#define BYTES 256

/* A growing list of words. */
struct list {
	uint32_t *items;
	size_t count, capacity;
};

static int list_add(struct list *list, uint32_t word)
{
	int r = bl_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));

	if (!r)
		list->items[list->count++] = word;
	return r;
}

/* What a class of bytes adds to the states that stay or go on by any byte: a chain of targets. */
struct target {
	uint32_t state;
	uint32_t next;
};

struct subset {
	const struct bl_nfa *nfa;
	const struct bl_dfa_budget *budget;
	struct bl_dfa *dfa;
	size_t capacity; /* states that next has room for */

	uint32_t n_sets;     /* of the automaton's labels */
	uint8_t **set_list;  /* by set: its classes */
	uint16_t *set_count; /* BYTES: any byte but '/' */

	struct bl_interns states;  /* sets of NFA states; the number is the DFA's state */
	struct bl_interns bases;   /* what is reached whatever the byte */
	struct bl_interns steps;   /* (base, targets...) -> step_states[] */
	struct list step_states;

	struct list base[2];	   /* work space: for any byte but '/', for '/' */
	struct list merged, key;
	struct target *targets;
	size_t n_targets, targets_capacity;
	uint32_t heads[BYTES];	   /* by byte class; 0: none */
	struct list touched;	   /* classes with a head */
	uint32_t *atom_marks;
	uint32_t mark;
};

/* ---- the alphabet ------------------------------------------------------------------------- */

/* Splits every class into what is in the set and what is not. */
static void refine(uint8_t byte_class[BYTES], unsigned int *n, const struct bl_byteset *set)
{
	int split[BYTES];
	bool outside[BYTES] = {};

	memset(split, -1, sizeof(split));
	for (int b = 0; b < BYTES; b++)
		if (!bl_byteset_has(set, (uint8_t)b))
			outside[byte_class[b]] = true;
	for (int b = 0; b < BYTES; b++) {
		uint8_t old = byte_class[b];

		if (!bl_byteset_has(set, (uint8_t)b) || !outside[old])
			continue;
		if (split[old] < 0)
			split[old] = (int)(*n)++;
		byte_class[b] = (uint8_t)split[old];
	}
}

static void refine_byte(uint8_t byte_class[BYTES], unsigned int *n, uint8_t byte)
{
	struct bl_byteset set = {};

	bl_byteset_add(&set, byte);
	refine(byte_class, n, &set);
}

/* The byte 0 is in abstract names only, which begin with it. */
static bool has_abstract(const struct bl_nfa *nfa)
{
	uint32_t link = nfa->states[BL_NFA_ROOT].edges;

	for (; link; link = nfa->links[link].next)
		if (!nfa->links[link].label)
			return true;
	return false;
}

/* Of paths alone the byte 0 shares the class of byte 1. */
static void make_alphabet(const struct bl_nfa *nfa, struct bl_dfa *dfa)
{
	bool abstract = has_abstract(nfa);
	unsigned int n = 1;

	memset(dfa->byte_class, 0, sizeof(dfa->byte_class));
	refine_byte(dfa->byte_class, &n, '/');
	for (size_t state = 1; state < nfa->n_states; state++) {
		uint32_t link = nfa->states[state].edges;

		for (; link; link = nfa->links[link].next)
			if (nfa->links[link].label < BL_NFA_SETS)
				refine_byte(dfa->byte_class, &n, (uint8_t)nfa->links[link].label);
	}
	for (uint32_t id = 1; id <= nfa->sets.count; id++) {
		struct bl_byteset set = bl_nfa_set(nfa, BL_NFA_SETS + id);

		if (!abstract && bl_byteset_has(&set, 1))
			bl_byteset_add(&set, 0);
		refine(dfa->byte_class, &n, &set);
	}
	if (!abstract)
		dfa->byte_class[0] = dfa->byte_class[1];
	dfa->n_classes = n;
}

static bool is_any(const struct bl_byteset *set)
{
	for (int b = 1; b < BYTES; b++)
		if (bl_byteset_has(set, (uint8_t)b) == (b == '/'))
			return false;
	return true;
}

static int make_set(struct subset *s, uint32_t id)
{
	struct bl_byteset set = bl_nfa_set(s->nfa, BL_NFA_SETS + id);
	bool in[BYTES] = {};

	s->set_list[id] = calloc(s->dfa->n_classes, 1);
	if (!s->set_list[id])
		return -ENOMEM;
	if (is_any(&set)) {
		s->set_count[id] = BYTES;
		return 0;
	}
	for (int b = 0; b < BYTES; b++) {
		uint8_t letter = s->dfa->byte_class[b];

		if (!bl_byteset_has(&set, (uint8_t)b) || in[letter])
			continue;
		in[letter] = true;
		s->set_list[id][s->set_count[id]++] = letter;
	}
	return 0;
}

static int make_sets(struct subset *s)
{
	int r = 0;

	s->n_sets = (uint32_t)s->nfa->sets.count + 1;
	s->set_list = calloc(s->n_sets, sizeof(*s->set_list));
	s->set_count = calloc(s->n_sets, sizeof(*s->set_count));
	if (!s->set_list || !s->set_count)
		return -ENOMEM;
	for (uint32_t id = 1; !r && id < s->n_sets; id++)
		r = make_set(s, id);
	return r;
}

/* ---- sets of states ----------------------------------------------------------------------- */

static int add_closure(struct subset *s, struct list *list, uint32_t state)
{
	size_t n;
	const uint32_t *closure = bl_nfa_closure(s->nfa, state, &n);
	int r = bl_grow(&list->items, &list->capacity, list->count + n + 1, sizeof(*list->items));

	if (r)
		return r;
	memcpy(list->items + list->count, closure, n * sizeof(*closure));
	list->count += n;
	return 0;
}

/*
 * Drops what can only lead to an atom that accepts whatever follows. Without this, a list of
 * '**'-patterns would cost a bit of memory for each of its entries.
 */
static void prune(struct subset *s, struct list *list)
{
	size_t kept = 0;
	bool any = false;

	s->mark++;
	for (size_t i = 0; i < list->count; i++) {
		const struct bl_nfa_state *state = &s->nfa->states[list->items[i]];

		if (!state->forever)
			continue;
		any = true;
		s->atom_marks[state->only] = s->mark;
	}
	if (!any)
		return;
	for (size_t i = 0; i < list->count; i++) {
		const struct bl_nfa_state *state = &s->nfa->states[list->items[i]];

		if (state->forever || state->only == BL_NFA_SEVERAL ||
		    s->atom_marks[state->only] != s->mark)
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static void normalise(struct subset *s, struct list *list)
{
	list->count = bl_words_sort(list->items, list->count);
	prune(s, list);
}

static int grow_rows(struct subset *s)
{
	size_t capacity = s->capacity;
	int r = bl_grow(&s->dfa->next, &capacity, s->states.count + 1,
			s->dfa->n_classes * sizeof(*s->dfa->next));

	s->capacity = capacity;
	return r;
}

static int intern_state(struct subset *s, const struct list *list, uint32_t *ret)
{
	int r = bl_intern(&s->states, list->items, list->count, ret);

	if (r)
		return r;
	if (s->states.count > s->budget->states || s->states.n_words > s->budget->words ||
	    s->states.count * s->dfa->n_classes * sizeof(uint32_t) > s->budget->bytes)
		return -E2BIG;
	return grow_rows(s);
}

/* ---- one state's row ---------------------------------------------------------------------- */

static int add_target(struct subset *s, uint8_t letter, uint32_t state)
{
	int r = bl_grow(&s->targets, &s->targets_capacity, s->n_targets + 1, sizeof(*s->targets));

	if (!r && !s->heads[letter])
		r = list_add(&s->touched, letter);
	if (r)
		return r;
	s->targets[s->n_targets] = (struct target){ .state = state, .next = s->heads[letter] };
	s->heads[letter] = (uint32_t)s->n_targets++;
	return 0;
}

static int add_edge(struct subset *s, const struct bl_nfa_link *edge)
{
	uint32_t set;
	int r = 0;

	if (edge->label < BL_NFA_SETS)
		return add_target(s, s->dfa->byte_class[edge->label], edge->value);
	set = edge->label - BL_NFA_SETS;
	if (s->set_count[set] == BYTES)
		return add_closure(s, &s->base[0], edge->value);
	for (uint16_t i = 0; !r && i < s->set_count[set]; i++)
		r = add_target(s, s->set_list[set][i], edge->value);
	return r;
}

static int add_source(struct subset *s, uint32_t id)
{
	const struct bl_nfa_state *state = &s->nfa->states[id];
	int r = 0;

	if (state->loop != BL_LOOP_NONE)
		r = add_closure(s, &s->base[0], id);
	if (!r && state->loop == BL_LOOP_ALL)
		r = add_closure(s, &s->base[1], id);
	for (uint32_t link = state->edges; !r && link; link = s->nfa->links[link].next)
		r = add_edge(s, &s->nfa->links[link]);
	return r;
}

/* Both inputs sorted; so is the result. */
static int merge(struct list *out, const uint32_t *a, size_t n, const struct list *b)
{
	size_t i = 0, k = 0;
	int r = bl_grow(&out->items, &out->capacity, n + b->count + 1, sizeof(*out->items));

	if (r)
		return r;
	out->count = 0;
	while (i < n || k < b->count) {
		uint32_t word;

		if (k == b->count || (i < n && a[i] <= b->items[k]))
			word = a[i++];
		else
			word = b->items[k++];
		if (!out->count || out->items[out->count - 1] != word)
			out->items[out->count++] = word;
	}
	return 0;
}

/* The state behind a base and the targets in s->key: made only where the pair is new. */
static int make_step(struct subset *s, uint32_t base, uint32_t *ret)
{
	struct list more = {};
	const uint32_t *words;
	size_t n;
	int r = 0;

	for (size_t i = 1; !r && i < s->key.count; i++)
		r = add_closure(s, &more, s->key.items[i]);
	more.count = bl_words_sort(more.items, more.count);
	words = bl_interned(&s->bases, base, &n);
	if (!r)
		r = merge(&s->merged, words, n, &more);
	free(more.items);
	if (r)
		return r;
	prune(s, &s->merged);
	return intern_state(s, &s->merged, ret);
}

static int find_step(struct subset *s, uint32_t base, uint32_t head, uint32_t *ret)
{
	size_t known = s->steps.count;
	uint32_t id;
	int r;

	s->key.count = 0;
	r = list_add(&s->key, base);
	for (; !r && head; head = s->targets[head].next)
		r = list_add(&s->key, s->targets[head].state);
	if (r)
		return r;
	s->key.count = 1 + bl_words_sort(s->key.items + 1, s->key.count - 1);
	r = bl_intern(&s->steps, s->key.items, s->key.count, &id);
	if (r)
		return r;
	if (id <= known) {
		*ret = s->step_states.items[id];
		return 0;
	}
	r = make_step(s, base, ret);
	if (!r)
		r = list_add(&s->step_states, *ret);
	return r;
}

static int fill_row(struct subset *s, uint32_t state, const uint32_t base[2])
{
	uint8_t slash = s->dfa->byte_class['/'];
	uint32_t next = 0, row = state * s->dfa->n_classes;
	int r = find_step(s, base[0], 0, &next);

	for (uint32_t letter = 0; letter < s->dfa->n_classes; letter++)
		s->dfa->next[row + letter] = next;
	for (size_t i = 0; !r && i < s->touched.count; i++) {
		uint32_t letter = s->touched.items[i];

		if (letter == slash)
			continue;
		r = find_step(s, base[0], s->heads[letter], &next);
		s->dfa->next[row + letter] = next;
	}
	if (!r)
		r = find_step(s, base[1], s->heads[slash], &next);
	s->dfa->next[row + slash] = next;
	return r;
}

static int add_output(struct subset *s, uint32_t state)
{
	size_t n;
	const uint32_t *words = bl_interned(&s->states, state, &n);
	int r = 0;

	s->merged.count = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t link = s->nfa->states[words[i]].accepts;

		for (; !r && link; link = s->nfa->links[link].next)
			r = list_add(&s->merged, s->nfa->links[link].value);
	}
	s->merged.count = bl_words_sort(s->merged.items, s->merged.count);
	if (!r)
		r = bl_intern(&s->dfa->accepts, s->merged.items, s->merged.count,
			      &s->dfa->outputs[state]);
	return r;
}

static int make_row(struct subset *s, uint32_t state)
{
	size_t n;
	const uint32_t *words = bl_interned(&s->states, state, &n);
	uint32_t base[2];
	int r = 0;

	s->base[0].count = s->base[1].count = s->touched.count = 0;
	s->n_targets = 1;
	for (size_t i = 0; !r && i < n; i++)
		r = add_source(s, words[i]);
	for (int i = 0; !r && i < 2; i++) {
		normalise(s, &s->base[i]);
		r = bl_intern(&s->bases, s->base[i].items, s->base[i].count, &base[i]);
	}
	if (!r)
		r = fill_row(s, state, base);
	for (size_t i = 0; i < s->touched.count; i++)
		s->heads[s->touched.items[i]] = 0;
	return r;
}

/* ---- the census --------------------------------------------------------------------------- */

static int count_states(const struct subset *s, struct bl_dfa_census *ret)
{
	uint32_t *counts = calloc(s->nfa->n_states, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < s->states.n_words; i++)
		counts[s->states.words[i]]++;
	*ret = (struct bl_dfa_census){ .counts = counts, .total = s->states.count };
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void subset_clear(struct subset *s)
{
	for (uint32_t id = 0; s->set_list && id < s->n_sets; id++)
		free(s->set_list[id]);
	free(s->set_list);
	free(s->set_count);
	bl_interns_clear(&s->states);
	bl_interns_clear(&s->bases);
	bl_interns_clear(&s->steps);
	free(s->step_states.items);
	free(s->base[0].items);
	free(s->base[1].items);
	free(s->merged.items);
	free(s->key.items);
	free(s->targets);
	free(s->touched.items);
	free(s->atom_marks);
}

static int make_start(struct subset *s)
{
	int r = add_closure(s, &s->merged, BL_NFA_ROOT);

	if (r)
		return r;
	normalise(s, &s->merged);
	return intern_state(s, &s->merged, &s->dfa->start);
}

static int subset_prepare(struct subset *s)
{
	uint32_t atoms = 0;

	for (size_t i = 1; i < s->nfa->n_states; i++)
		if (s->nfa->states[i].only != BL_NFA_SEVERAL && s->nfa->states[i].only >= atoms)
			atoms = s->nfa->states[i].only + 1;
	s->atom_marks = calloc(atoms + 1, sizeof(*s->atom_marks));
	if (!s->atom_marks)
		return -ENOMEM;
	make_alphabet(s->nfa, s->dfa);
	return list_add(&s->step_states, 0);
}

static int make_rows(struct subset *s)
{
	size_t capacity = 0;
	int r = 0;

	for (uint32_t state = 0; !r && state <= s->states.count; state++) {
		r = bl_grow(&s->dfa->outputs, &capacity, state + 1, sizeof(*s->dfa->outputs));
		if (r)
			return r;
		r = add_output(s, state);
		if (!r)
			r = make_row(s, state);
	}
	return r;
}

int bl_dfa_build(const struct bl_nfa *nfa, const struct bl_dfa_budget *budget, struct bl_dfa *ret,
		 struct bl_dfa_census *ret_census)
{
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	_cleanup_(subset_clear) struct subset s = { .nfa = nfa, .budget = budget, .dfa = &dfa };
	int r = subset_prepare(&s);

	if (!r)
		r = make_sets(&s);
	if (!r)
		r = grow_rows(&s);
	if (!r)
		r = make_start(&s);
	if (!r)
		r = make_rows(&s);
	if ((!r || r == -E2BIG) && ret_census && count_states(&s, ret_census))
		return -ENOMEM;
	if (r)
		return r;
	dfa.n_states = (uint32_t)s.states.count + 1;
	*ret = dfa;
	dfa = (struct bl_dfa){};
	return 0;
}

void bl_dfa_clear(struct bl_dfa *dfa)
{
	free(dfa->next);
	free(dfa->outputs);
	bl_interns_clear(&dfa->accepts);
	*dfa = (struct bl_dfa){};
}
