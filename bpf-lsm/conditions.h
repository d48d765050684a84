/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Which subject conditions hold, as bitsets; compiled as BPF and as host C. */
#pragma once

#include "match.h"

/* Offset of the bitset of the range that holds id, or 0. The bounds are in the walk as in bl_addr_find(). */
BL_CALLED __u32 bl_range_find(const struct bl_matcher *m, const struct bl_ranges *ranges, __u32 id)
{
	struct bl_walk *walk = m->walk;

	walk->low = 0;
	walk->high = ranges->count;
	walk->best = 0;
	BL_UNROLL
	for (int i = 0; i < 14; i++) {
		__u32 middle = (walk->low + walk->high) >> 1;
		const struct bl_range_bits *range;

		if (walk->low >= walk->high)
			break;
		range = bl_at(m, ranges->offset + middle * sizeof(*range), struct bl_range_bits);
		if (!range)
			break;
		if (range->first <= id) {
			walk->best = range->bits;
			walk->low = middle + 1;
		} else {
			walk->high = middle;
		}
	}
	return walk->best;
}

/* A bitset as one piece: none crosses a chunk. */
BL_INLINE __u64 bl_bits_word(const __u8 *chunk, __u32 offset, __u32 index)
{
	__u32 in = (offset & (BL_CHUNK_BYTES - 1)) + index * sizeof(__u64);

	BL_BARRIER(in);
	return *(const __u64 *)(chunk + (in & (BL_CHUNK_BYTES - sizeof(__u64))));
}

/* What a loop over a bitset's words needs; constant while it runs. */
struct bl_bits_ctx {
	__u64 *bits;
	const __u8 *chunk;
	const __u8 *mask;
	const __u64 *with;
	__u32 offset;
	__u32 without;
};

static long bl_bits_or_turn(__u32 index, void *ctx)
{
	const struct bl_bits_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);
	__u64 word = bl_bits_word(c->chunk, c->offset, i);

	if (c->mask)
		word &= ~bl_bits_word(c->mask, c->without, i);
	c->bits[i] |= word;
	return 0;
}

/* bits |= the set at offset (0: empty); with a mask, without what is in the mask's set. */
BL_CALLED int bl_bits_or(const struct bl_matcher *m, __u64 *bits, __u32 offset, __u32 without)
{
	struct bl_bits_ctx ctx = {
		.bits = bits,
		.chunk = offset ? bl_chunk(m->image, offset) : NULL,
		.mask = without ? bl_chunk(m->image, without) : NULL,
		.offset = offset,
		.without = without,
	};

	if (ctx.chunk)
		BL_LOOP(m->header->cond_words, bl_bits_or_turn, &ctx);
	return 0;
}

static long bl_bits_and_turn(__u32 index, void *ctx)
{
	const struct bl_bits_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->bits[i] &= c->with[i];
	return 0;
}

BL_CALLED int bl_bits_and(const struct bl_matcher *m, __u64 *bits, const __u64 *with)
{
	struct bl_bits_ctx ctx = { .bits = bits, .with = with };

	BL_LOOP(m->header->cond_words, bl_bits_and_turn, &ctx);
	return 0;
}

BL_INLINE void bl_bits_clear(__u64 *bits)
{
	for (__u32 i = 0; i < BL_COND_WORDS; i++)
		bits[i] = 0;
}

/* How far a subject's executable can be trusted to be what its path says. */
enum bl_trust {
	BL_TRUST_NONE = 0,  /* on a file system of another user namespace, or unknown */
	BL_TRUST_CONTAINER, /* on one that the host does not mount: grants nothing */
	BL_TRUST_HOST,
};

/* bits = conditions that the executable (whose classes are in the walk) leaves open. */
BL_INLINE void bl_subject_exe(const struct bl_matcher *m, __u64 *bits, enum bl_trust trust)
{
	const struct bl_header *header = m->header;

	bl_bits_clear(bits);
	bl_bits_or(m, bits, header->exe_any, 0);
	if (trust == BL_TRUST_NONE)
		return;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= m->walk->n_classes)
			break;
		class = bl_at(m, m->walk->classes[i], struct bl_class);
		if (!class)
			break;
		bl_bits_or(m, bits, class->exe_bits,
			   trust == BL_TRUST_HOST ? 0 : header->exe_grant);
	}
}

BL_INLINE const struct bl_kin_bits *bl_kin_header(const struct bl_matcher *m, enum bl_kin kin)
{
	return kin == BL_KIN_PARENT ? &m->header->parent : &m->header->ancestor;
}

/* Adds the conditions that ask for a parent or ancestor like the executable whose classes are in the walk. */
BL_INLINE void bl_kin_add(const struct bl_matcher *m, __u64 *bits, enum bl_kin kin,
			  enum bl_trust trust)
{
	if (trust == BL_TRUST_NONE)
		return;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= m->walk->n_classes)
			break;
		class = bl_at(m, m->walk->classes[i], struct bl_class);
		if (!class)
			break;
		bl_bits_or(m, bits,
			   kin == BL_KIN_PARENT ? class->parent_bits : class->ancestor_bits,
			   trust == BL_TRUST_HOST ? 0 : bl_kin_header(m, kin)->grant);
	}
}

static long bl_bits_fill_turn(__u32 index, void *ctx)
{
	const struct bl_bits_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->bits[i] |= ~bl_bits_word(c->chunk, c->offset, i);
	return 0;
}

/* Adds what one of whom nothing is known may be: anything, but for what would be granted for it. */
BL_INLINE int bl_kin_fill(const struct bl_matcher *m, __u64 *bits, enum bl_kin kin)
{
	struct bl_bits_ctx ctx = { .bits = bits, .offset = bl_kin_header(m, kin)->grant };

	ctx.chunk = bl_chunk(m->image, ctx.offset);
	if (ctx.chunk)
		BL_LOOP(m->header->cond_words, bl_bits_fill_turn, &ctx);
	return 0;
}

/* bits &= conditions that are in with, or don't ask; with is changed. */
BL_INLINE void bl_kin_and(const struct bl_matcher *m, __u64 *bits, __u64 *with, enum bl_kin kin)
{
	bl_bits_or(m, with, bl_kin_header(m, kin)->any, 0);
	bl_bits_and(m, bits, with);
}

/* Adds the conditions that a group leaves open to the walk's work space. */
BL_INLINE void bl_subject_gid(const struct bl_matcher *m, __u32 gid)
{
	bl_bits_or(m, m->walk->bits, bl_range_find(m, &m->header->gids, gid), 0);
}

/* Adds the conditions that a user leaves open to the walk's work space. */
BL_INLINE void bl_subject_uid(const struct bl_matcher *m, __u32 uid)
{
	bl_bits_or(m, m->walk->bits, bl_range_find(m, &m->header->uids, uid), 0);
}

/* Adds the conditions that a capability leaves open to the walk's work space; BL_CAPS: having any or none. */
BL_INLINE void bl_subject_cap(const struct bl_matcher *m, __u32 cap)
{
	bl_bits_or(m, m->walk->bits, bl_range_find(m, &m->header->caps, cap), 0);
}

/* Adds the conditions that a login leaves open to the walk's work space. */
BL_INLINE void bl_subject_login(const struct bl_matcher *m, __u32 login)
{
	bl_bits_or(m, m->walk->bits, bl_range_find(m, &m->header->logins, login), 0);
}
