/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What rules ask of a program's arguments, run through the DFA; compiled as BPF and as host C. */
#pragma once

#include "verdict.h"

/* What an argument that has ended comes to; the next one begins behind it. */
BL_INLINE void bl_arg_end(struct bl_matcher *m)
{
	struct bl_walk *walk = m->walk;
	__u32 offset = walk->arg_skip ? 0 : bl_dfa_class(m, walk->dfa);
	__u32 next = walk->args_base + walk->dfa_pos, verdict = walk->verdict, rank = walk->rank;
	const struct bl_class *class = offset ? bl_at(m, offset, struct bl_class) : NULL;

	if (class) {
		bl_list_search(m, class->exec_list);
		if (walk->verdict != verdict || walk->rank != rank) {
			walk->found_at = walk->arg_at;
			walk->found_len = next - walk->arg_at - 1;
		}
	}
	walk->dfa = walk->args_start;
	walk->arg_at = next;
	walk->arg_skip = 0;
	walk->args_left--;
}

/* Some bytes of one argument, its end at most; 1 ends it: there are no more bytes or arguments. */
static long bl_arg_turn(__u32 index, void *ctx)
{
	struct bl_matcher *m = ctx;
	struct bl_walk *walk = m->walk;
	__u32 pos = walk->dfa_pos, state = walk->dfa, n = walk->dfa_end - pos, i, ended = 0;
	const __u8 *chunk = bl_chunk(m->image, state);
	__u32 current = state >> BL_CHUNK_SHIFT;

	if (!chunk || pos >= walk->dfa_end || !walk->args_left)
		return 1;
	BL_BARRIER(pos);
	pos &= BL_PATH_BYTES - 1;
	for (i = 0; i < BL_DFA_BLOCK; i++) {
		__u32 slot;
		__u8 byte;

		if (i >= n)
			break;
		byte = (__u8)walk->path[pos + i];
		if (!byte) {
			ended = 1;
			break;
		}
		slot = (state & (BL_CHUNK_BYTES - 1)) + 4 * (1 + m->header->byte_class[byte]);
		BL_BARRIER(slot);
		slot &= BL_CHUNK_BYTES - 4;
		state = *(const __u32 *)(chunk + slot);
		if (state >> BL_CHUNK_SHIFT != current) {
			chunk = bl_chunk(m->image, state);
			current = state >> BL_CHUNK_SHIFT;
			if (!chunk)
				return 1;
		}
	}
	walk->dfa = state;
	walk->dfa_pos = pos + i + ended;
	if (ended)
		bl_arg_end(m);
	return 0;
}

/*
 * Begins to look at n arguments, the first of which is the program's own name for itself if 'skip' is
 * set; m->bits are the numbers of the rules in question. 0: no rule asks for any.
 */
BL_INLINE int bl_args_begin(struct bl_matcher *m, __u32 n, __u32 skip)
{
	struct bl_walk *walk = m->walk;
	const __u32 *row = m->header->dfa_start ? bl_at(m, m->header->dfa_start, __u32) : NULL;
	__u32 offset = m->header->dfa_start + 4 * (1 + m->header->byte_class[0]);
	const __u32 *next = row ? bl_at(m, offset, __u32) : NULL;

	if (!next)
		return 0;
	m->walk->access = BL_ACCESS_EXEC;
	walk->args_start = *next;
	walk->dfa = *next;
	walk->args_left = n;
	walk->arg_skip = skip;
	walk->args_base = 0;
	walk->arg_at = 0;
	walk->found_at = 0;
	walk->found_len = 0;
	return 1;
}

/* Looks at 'len' bytes of them, which are at the start of the walk's text. 0: no argument is left. */
BL_INLINE int bl_args_run(struct bl_matcher *m, __u32 len)
{
	struct bl_walk *walk = m->walk;

	walk->dfa_pos = 0;
	walk->dfa_end = len;
	BL_LOOP(BL_PATH_BYTES + BL_PATH_BYTES / BL_DFA_BLOCK, bl_arg_turn, m);
	walk->args_base += len;
	return walk->args_left != 0;
}
