/* SPDX-License-Identifier: Apache-2.0 */
/* States of the automaton from which the same follows are one: patterns share their ends, too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "nfa.h"

#define MARK UINT32_MAX /* between the parts of a signature */

/*
 * A state's signature is what can follow: its loop, edges, skips and accepts, where targets stand
 * for all that are the same as they. So what a list of 'prefix*.key' has in common at the end is
 * looked for once, and not once for each prefix.
 */
struct merger {
	struct bl_nfa *nfa;
	struct bl_interns signatures;
	uint32_t *states; /* by number of the signature: the state that stands for all with it */
	size_t states_capacity;
	uint32_t *stands; /* by state: the one that stands for it */
	uint64_t *edges;
	size_t edges_capacity;
	uint32_t *words;
	size_t n_words, words_capacity;
};

static void merger_clear(struct merger *m)
{
	bl_interns_clear(&m->signatures);
	free(m->states);
	free(m->stands);
	free(m->edges);
	free(m->words);
}

static int add_word(struct merger *m, uint32_t word)
{
	int r = bl_grow(&m->words, &m->words_capacity, m->n_words + 1, sizeof(*m->words));

	if (!r)
		m->words[m->n_words++] = word;
	return r;
}

static int compare_edges(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static int add_edges(struct merger *m, uint32_t link)
{
	size_t n = 0;
	int r = 0;

	for (; !r && link; link = m->nfa->links[link].next) {
		const struct bl_nfa_link *edge = &m->nfa->links[link];

		r = bl_grow(&m->edges, &m->edges_capacity, n + 1, sizeof(*m->edges));
		if (!r)
			m->edges[n++] = (uint64_t)edge->label << 32 | m->stands[edge->value];
	}
	if (n)
		qsort(m->edges, n, sizeof(*m->edges), compare_edges);
	for (size_t i = 0; !r && i < n; i++) {
		r = add_word(m, (uint32_t)(m->edges[i] >> 32));
		if (!r)
			r = add_word(m, (uint32_t)m->edges[i]);
	}
	return r ? r : add_word(m, MARK);
}

/* A set of states (mapped) or of atoms (not mapped), sorted. */
static int add_set(struct merger *m, uint32_t link, bool mapped)
{
	size_t start = m->n_words;
	int r = 0;

	for (; !r && link; link = m->nfa->links[link].next) {
		uint32_t value = m->nfa->links[link].value;

		r = add_word(m, mapped ? m->stands[value] : value);
	}
	if (r)
		return r;
	m->n_words = start + bl_words_sort(m->words + start, m->n_words - start);
	return add_word(m, MARK);
}

static int find_stand(struct merger *m, uint32_t state)
{
	const struct bl_nfa_state *s = &m->nfa->states[state];
	size_t known = m->signatures.count;
	uint32_t id;
	int r;

	m->n_words = 0;
	r = add_word(m, s->loop);
	if (!r)
		r = add_edges(m, s->edges);
	if (!r)
		r = add_set(m, s->skips, true);
	if (!r)
		r = add_set(m, s->accepts, false);
	if (!r)
		r = bl_intern(&m->signatures, m->words, m->n_words, &id);
	if (!r)
		r = bl_grow(&m->states, &m->states_capacity, id + 1, sizeof(*m->states));
	if (r)
		return r;
	if (id > known)
		m->states[id] = state;
	m->stands[state] = m->states[id];
	return 0;
}

static void redirect(const struct merger *m, uint32_t link)
{
	for (; link; link = m->nfa->links[link].next)
		m->nfa->links[link].value = m->stands[m->nfa->links[link].value];
}

/* Tails stand for themselves; everything else comes before what it leads to. */
int bl_nfa_merge(struct bl_nfa *nfa)
{
	_cleanup_(merger_clear) struct merger m = { .nfa = nfa };
	int r = 0;

	m.stands = calloc(nfa->n_states, sizeof(*m.stands));
	if (!m.stands)
		return -ENOMEM;
	for (uint32_t state = 1; state < nfa->n_states; state++)
		m.stands[state] = state;
	for (uint32_t state = (uint32_t)nfa->n_states; !r && --state;)
		if (!nfa->states[state].tail)
			r = find_stand(&m, state);
	if (r)
		return r;
	for (size_t state = 1; state < nfa->n_states; state++) {
		redirect(&m, nfa->states[state].edges);
		redirect(&m, nfa->states[state].skips);
	}
	for (size_t i = 0; i < nfa->n_visits; i++)
		nfa->visits[i].state = m.stands[nfa->visits[i].state];
	return 0;
}
