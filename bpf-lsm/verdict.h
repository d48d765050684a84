/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From the lists of an access to the strictest rule that holds: the pure logic, as in match.h. */
#pragma once

#include "match.h"

BL_INLINE int bl_cond_holds(const __u64 *bits, __u32 cond)
{
	if (!cond)
		return 1;
	if (!bits)
		return 0;
	return bits[(cond >> 6) & (BL_COND_WORDS - 1)] >> (cond & 63) & 1;
}

/* What an exception whose subject is known to hold takes out of what is asked. */
BL_INLINE __u32 bl_except_access(const struct bl_except *except, __u32 asked)
{
	if (except->flags & BL_EXCEPT_WHOLE && except->access & asked)
		return ~0u;
	return except->access;
}

static long bl_except_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;
	const struct bl_except *except =
		bl_at(m, m->walk->except + index * sizeof(*except), struct bl_except);

	if (!except)
		return 1;
	if (bl_cond_holds(m->bits, except->cond))
		m->walk->excepted |= bl_except_access(except, m->walk->access);
	return (except->flags & BL_EXCEPT_LAST) != 0; /* the verifier wants 0 or 1 */
}

static long bl_seen_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;

	if (index >= m->walk->n_seen ||
	    m->walk->seen[index & (BL_SEEN_MAX - 1)] != m->walk->current)
		return index >= m->walk->n_seen;
	m->walk->current_seen = 1;
	return 1;
}

BL_INLINE void bl_seen_add(const struct bl_matcher *m, __u32 rule)
{
	struct bl_walk *walk = m->walk;
	__u32 n = walk->n_seen;

	walk->current = rule;
	walk->current_seen = 0;
	if (n)
		BL_LOOP(BL_SEEN_MAX, bl_seen_turn, (void *)m);
	if (walk->current_seen || n >= BL_SEEN_MAX)
		return;
	BL_BARRIER(n);
	walk->seen[n & (BL_SEEN_MAX - 1)] = rule;
	walk->n_seen = n + 1;
}

/* A rule that holds if the arguments do, by its number. */
BL_INLINE void bl_pending_add(struct bl_walk *walk, __u32 number)
{
	if (!walk->n_pending)
		for (__u32 i = 0; i < BL_COND_WORDS; i++)
			walk->pending[i] = 0;
	walk->pending[number >> 6 & (BL_COND_WORDS - 1)] |= 1ull << (number & 63);
	walk->n_pending++;
}

static long bl_cand_turn(__u32 index, void *ctx)
{
	struct bl_matcher *m = ctx;
	struct bl_walk *walk = m->walk;
	const struct bl_cand *cand =
		bl_at(m, walk->list + sizeof(struct bl_list) + index * sizeof(struct bl_cand),
		      struct bl_cand);

	if (!cand || !(cand->access & m->walk->access) || !bl_cond_holds(m->bits, cand->cond))
		return 0;
	/* An exception for reading is none for the writing that is asked for in the same call. */
	if (cand->excepts) {
		walk->excepted = 0;
		walk->except = cand->excepts;
		BL_LOOP(BL_EXCEPTS_MAX, bl_except_turn, m);
		if (!(cand->access & m->walk->access & ~walk->excepted))
			return 0;
	}
	if (!cand->verdict) {
		bl_pending_add(walk, cand->rank);
		return 0;
	}
	/* Before counting: a rule that isn't told apart any more may still be the strictest. */
	if (cand->verdict > walk->verdict ||
	    (cand->verdict == walk->verdict && cand->rank < walk->rank)) {
		walk->verdict = cand->verdict;
		walk->rule = cand->rule;
		walk->rank = cand->rank;
	}
	bl_seen_add(m, cand->rule);
	return 0;
}

/*
 * What of an exec is asked for, by the exec_access of its file's classes: facts only where somebody asks for any. It is what
 * bl_act_ask() does, which has no facts before.
 */
BL_INLINE __u32 bl_exec_asked(__u32 exec_access, __u32 search)
{
	return exec_access & BL_FACT_ANY ? search : search & ~BL_FACT_ANY;
}

BL_INLINE void bl_verdict_reset(struct bl_walk *walk)
{
	walk->verdict = BL_VERDICT_UNSET;
	walk->rule = 0;
	walk->rank = 0;
	walk->n_seen = 0;
	walk->n_pending = 0;
	walk->n_lists = 0;
}

/* Searches one list (0: none) for what m->walk->access asks; the strictest match stays in the walk. */
BL_INLINE void bl_list_search(struct bl_matcher *m, __u32 offset)
{
	const struct bl_list *list = offset ? bl_at(m, offset, struct bl_list) : NULL;

	if (!list || !(list->access & m->walk->access))
		return;
	m->walk->list = offset;
	BL_LOOP(list->count, bl_cand_turn, m);
}

/* A list of an access; 0: none. */
BL_INLINE void bl_list_add(struct bl_walk *walk, __u32 offset)
{
	__u32 n = walk->n_lists;

	if (!offset || n >= BL_LISTS_MAX)
		return;
	BL_BARRIER(n);
	walk->lists[n & (BL_LISTS_MAX - 1)] = offset;
	walk->n_lists = n + 1;
}

/* A further list. */
static long bl_list_turn(__u32 index, void *ctx)
{
	struct bl_matcher *m = ctx;

	bl_list_search(m, m->walk->lists[(index + 1) & (BL_LISTS_MAX - 1)]);
	return 0;
}

/* Searches the lists that were added; mostly it is one. */
BL_INLINE void bl_lists_run(struct bl_matcher *m)
{
	__u32 n = m->walk->n_lists;

	if (!n)
		return;
	bl_list_search(m, m->walk->lists[0]);
	if (n > 1)
		BL_LOOP(m->walk->n_lists - 1, bl_list_turn, m);
}

/* Further rules that matched; BL_SEEN_MAX - 1 means at least so many. */
BL_INLINE __u32 bl_others(const struct bl_walk *walk)
{
	return walk->n_seen ? walk->n_seen - 1 : 0;
}
