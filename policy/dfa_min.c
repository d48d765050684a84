/* SPDX-License-Identifier: Apache-2.0 */
/* Minimisation (Hopcroft 1971) and the order of rows. */
#include "dfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/*
 * A refinable partition: the states of block b are items[first[b]] up to items[end[b] - 1], the
 * marked ones at the front.
 */
struct partition {
	uint32_t n_states, n_blocks;
	uint32_t *items;
	uint32_t *place; /* by state: its index in items */
	uint32_t *block; /* by state */
	uint32_t *first, *end, *marked; /* by block */
};

/* Transitions by target: entries are indexes of next[], that is source * n_classes + class. */
struct inverse {
	uint32_t *starts; /* n_states + 1 */
	uint32_t *entries;
};

struct minimiser {
	const struct bl_dfa *dfa;
	struct partition p;
	struct inverse inverse;
	uint32_t *work; /* blocks to split others by */
	size_t n_work;
	uint32_t *sources; /* of a splitter, in the order of their classes */
	size_t sources_capacity;
	uint32_t *class_ends; /* in sources */
	uint32_t *touched; /* blocks with marks */
	size_t n_touched;
};

static void minimiser_clear(struct minimiser *m)
{
	free(m->p.items);
	free(m->p.place);
	free(m->p.block);
	free(m->p.first);
	free(m->p.end);
	free(m->p.marked);
	free(m->inverse.starts);
	free(m->inverse.entries);
	free(m->work);
	free(m->sources);
	free(m->class_ends);
	free(m->touched);
}

static int minimiser_alloc(struct minimiser *m)
{
	size_t n = m->dfa->n_states, n_entries = n * m->dfa->n_classes;
	struct partition *p = &m->p;

	p->n_states = m->dfa->n_states;
	p->items = malloc(n * sizeof(uint32_t));
	p->place = malloc(n * sizeof(uint32_t));
	p->block = malloc(n * sizeof(uint32_t));
	p->first = calloc(n + 1, sizeof(uint32_t));
	p->end = calloc(n + 1, sizeof(uint32_t));
	p->marked = calloc(n + 1, sizeof(uint32_t));
	m->inverse.starts = calloc(n + 2, sizeof(uint32_t));
	m->inverse.entries = malloc(n_entries * sizeof(uint32_t));
	m->work = malloc(n * sizeof(uint32_t));
	m->class_ends = malloc((m->dfa->n_classes + 1) * sizeof(uint32_t));
	m->touched = malloc(n * sizeof(uint32_t));
	if (!p->items || !p->place || !p->block || !p->first || !p->end || !p->marked ||
	    !m->inverse.starts || !m->inverse.entries || !m->work || !m->class_ends || !m->touched)
		return -ENOMEM;
	return 0;
}

static void make_inverse(struct minimiser *m)
{
	size_t n_entries = (size_t)m->dfa->n_states * m->dfa->n_classes;
	uint32_t *starts = m->inverse.starts;

	for (size_t i = 0; i < n_entries; i++)
		starts[m->dfa->next[i] + 2]++;
	for (size_t s = 2; s <= m->dfa->n_states; s++)
		starts[s] += starts[s - 1];
	for (size_t i = 0; i < n_entries; i++)
		m->inverse.entries[starts[m->dfa->next[i] + 1]++] = (uint32_t)i;
}

/* The first partition: by output, blocks numbered by their first state. */
static int make_blocks(struct minimiser *m)
{
	struct partition *p = &m->p;
	_cleanup_free_ uint32_t *by_output = NULL;
	uint32_t n_outputs = 0;

	for (uint32_t s = 0; s < p->n_states; s++)
		n_outputs = BL_MAX(n_outputs, m->dfa->outputs[s] + 1);
	by_output = calloc(n_outputs, sizeof(*by_output));
	if (!by_output)
		return -ENOMEM;
	for (uint32_t s = 0; s < p->n_states; s++) {
		uint32_t *block = &by_output[m->dfa->outputs[s]];

		if (!*block)
			*block = ++p->n_blocks;
		p->block[s] = *block - 1;
		p->end[*block - 1]++;
	}
	for (uint32_t b = 1; b < p->n_blocks; b++)
		p->end[b] += p->end[b - 1];
	for (uint32_t b = 0; b < p->n_blocks; b++)
		p->first[b] = b ? p->end[b - 1] : 0;
	for (uint32_t s = 0; s < p->n_states; s++) {
		uint32_t b = p->block[s];

		p->place[s] = p->first[b] + p->marked[b]++;
		p->items[p->place[s]] = s;
	}
	memset(p->marked, 0, p->n_blocks * sizeof(*p->marked));
	return 0;
}

/* Splitting by all blocks but one is splitting by all: the biggest is left out. */
static void first_work(struct minimiser *m)
{
	uint32_t biggest = 0;

	for (uint32_t b = 1; b < m->p.n_blocks; b++)
		if (m->p.end[b] - m->p.first[b] > m->p.end[biggest] - m->p.first[biggest])
			biggest = b;
	for (uint32_t b = m->p.n_blocks; b--;)
		if (b != biggest)
			m->work[m->n_work++] = b;
}

static void mark(struct minimiser *m, uint32_t state)
{
	struct partition *p = &m->p;
	uint32_t b = p->block[state], here = p->place[state], front = p->first[b] + p->marked[b];
	uint32_t other = p->items[front];

	if (here < front)
		return;
	if (!p->marked[b])
		m->touched[m->n_touched++] = b;
	p->items[front] = state;
	p->place[state] = front;
	p->items[here] = other;
	p->place[other] = here;
	p->marked[b]++;
}

/* Makes the smaller of the marked and the unmarked part a block of its own. */
static void split(struct minimiser *m, uint32_t b)
{
	struct partition *p = &m->p;
	uint32_t marked = p->marked[b], size = p->end[b] - p->first[b], fresh = p->n_blocks;

	p->marked[b] = 0;
	if (marked == size)
		return;
	if (marked <= size - marked) {
		p->first[fresh] = p->first[b];
		p->end[fresh] = p->first[b] + marked;
		p->first[b] = p->end[fresh];
	} else {
		p->first[fresh] = p->first[b] + marked;
		p->end[fresh] = p->end[b];
		p->end[b] = p->first[fresh];
	}
	for (uint32_t i = p->first[fresh]; i < p->end[fresh]; i++)
		p->block[p->items[i]] = fresh;
	p->n_blocks++;
	m->work[m->n_work++] = fresh;
}

/* Puts the sources of all transitions into a block in the order of their classes. */
static int collect_sources(struct minimiser *m, uint32_t b)
{
	const struct partition *p = &m->p;
	uint32_t n_classes = m->dfa->n_classes;
	const uint32_t *starts = m->inverse.starts, *entries = m->inverse.entries;
	size_t n = 0;
	int r;

	memset(m->class_ends, 0, (n_classes + 1) * sizeof(*m->class_ends));
	for (uint32_t i = p->first[b]; i < p->end[b]; i++) {
		uint32_t s = p->items[i];

		n += starts[s + 1] - starts[s];
		for (uint32_t e = starts[s]; e < starts[s + 1]; e++)
			m->class_ends[entries[e] % n_classes + 1]++;
	}
	r = bl_grow(&m->sources, &m->sources_capacity, n + 1, sizeof(*m->sources));
	if (r)
		return r;
	for (uint32_t c = 1; c <= n_classes; c++)
		m->class_ends[c] += m->class_ends[c - 1];
	for (uint32_t i = p->first[b]; i < p->end[b]; i++) {
		uint32_t s = p->items[i];

		for (uint32_t e = starts[s]; e < starts[s + 1]; e++)
			m->sources[m->class_ends[entries[e] % n_classes]++] =
				entries[e] / n_classes;
	}
	return 0;
}

/*
 * The splitter's states are looked up once, for all bytes: if it is split itself meanwhile, its
 * smaller part comes up again, and that makes good for it.
 */
static int split_by(struct minimiser *m, uint32_t b)
{
	size_t at = 0;
	int r = collect_sources(m, b);

	if (r)
		return r;
	for (uint32_t c = 0; c < m->dfa->n_classes; c++) {
		for (; at < m->class_ends[c]; at++)
			mark(m, m->sources[at]);
		for (size_t i = 0; i < m->n_touched; i++)
			split(m, m->touched[i]);
		m->n_touched = 0;
	}
	return 0;
}

/* New states are numbered by the first old state of each block; the dead one stays 0. */
static int rebuild(const struct minimiser *m, struct bl_dfa *dfa)
{
	uint32_t n_blocks = m->p.n_blocks, n_classes = dfa->n_classes, n_new = 0;
	_cleanup_free_ uint32_t *number = malloc(n_blocks * sizeof(*number));

	if (!number)
		return -ENOMEM;
	memset(number, 0xff, n_blocks * sizeof(*number));
	for (uint32_t s = 0; s < dfa->n_states; s++) {
		uint32_t *fresh = &number[m->p.block[s]];

		if (*fresh != UINT32_MAX)
			continue;
		*fresh = n_new++;
		memmove(dfa->next + (size_t)(*fresh) * n_classes, dfa->next + (size_t)s * n_classes,
			n_classes * sizeof(*dfa->next));
		dfa->outputs[*fresh] = dfa->outputs[s];
	}
	for (size_t i = 0; i < (size_t)n_new * n_classes; i++)
		dfa->next[i] = number[m->p.block[dfa->next[i]]];
	dfa->start = number[m->p.block[dfa->start]];
	dfa->n_states = n_new;
	return 0;
}

int bl_dfa_minimise(struct bl_dfa *dfa)
{
	_cleanup_(minimiser_clear) struct minimiser m = { .dfa = dfa };
	int r = minimiser_alloc(&m);

	if (!r)
		r = make_blocks(&m);
	if (r)
		return r;
	make_inverse(&m);
	first_work(&m);
	while (!r && m.n_work)
		r = split_by(&m, m.work[--m.n_work]);
	return r ? r : rebuild(&m, dfa);
}

bool bl_dfa_is_sink(const struct bl_dfa *dfa, uint32_t state)
{
	for (uint32_t c = 0; c < dfa->n_classes; c++)
		if (dfa->next[(size_t)state * dfa->n_classes + c] != state)
			return false;
	return true;
}

/* ---- order -------------------------------------------------------------------------------- */

/* States wait in two queues: those near the current group's first state, and all others. */
struct ordering {
	const struct bl_dfa *dfa;
	uint32_t *group;      /* by state: the last group in whose near queue it was */
	uint8_t *far_known;   /* by state */
	uint8_t *placed;      /* by state */
	uint32_t *near, *far; /* n_states each */
	size_t near_head, near_tail, far_head, far_tail;
};

static void ordering_clear(struct ordering *o)
{
	free(o->group);
	free(o->far_known);
	free(o->placed);
	free(o->near);
	free(o->far);
}

static int ordering_alloc(struct ordering *o)
{
	size_t n = o->dfa->n_states;

	o->group = calloc(n, sizeof(*o->group));
	o->far_known = calloc(n, 1);
	o->placed = calloc(n, 1);
	o->near = malloc(n * sizeof(*o->near));
	o->far = malloc(n * sizeof(*o->far));
	return o->group && o->far_known && o->placed && o->near && o->far ? 0 : -ENOMEM;
}

static void push_near(struct ordering *o, uint32_t state, uint32_t group)
{
	if (o->placed[state] || o->group[state] == group)
		return;
	o->group[state] = group;
	o->near[o->near_tail++] = state;
}

static void push_far(struct ordering *o, uint32_t state)
{
	if (o->placed[state] || o->far_known[state])
		return;
	o->far_known[state] = 1;
	o->far[o->far_tail++] = state;
}

/* The next state of a group; 0 when all are placed. */
static uint32_t pop(struct ordering *o)
{
	while (o->near_head < o->near_tail) {
		uint32_t state = o->near[o->near_head++];

		if (!o->placed[state])
			return state;
	}
	while (o->far_head < o->far_tail) {
		uint32_t state = o->far[o->far_head++];

		if (!o->placed[state])
			return state;
	}
	return 0;
}

static void end_group(struct ordering *o)
{
	while (o->near_head < o->near_tail)
		push_far(o, o->near[o->near_head++]);
	o->near_head = o->near_tail = 0;
}

int bl_dfa_order(const struct bl_dfa *dfa, size_t per_chunk, uint32_t *order)
{
	_cleanup_(ordering_clear) struct ordering o = { .dfa = dfa };
	uint32_t n_classes = dfa->n_classes;
	size_t n = 0, group_size = 0;
	uint32_t group = 1, state;
	int r = ordering_alloc(&o);

	if (r)
		return r;
	o.placed[0] = 1;
	if (dfa->start)
		push_far(&o, dfa->start);
	while ((state = pop(&o))) {
		o.placed[state] = 1;
		order[n++] = state;
		for (uint32_t c = 0; c < n_classes; c++)
			push_near(&o, dfa->next[(size_t)state * n_classes + c], group);
		if (++group_size == per_chunk) {
			end_group(&o);
			group++;
			group_size = 0;
		}
	}
	return 0;
}
