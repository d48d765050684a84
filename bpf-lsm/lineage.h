/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Numbers of programs that a process comes from: the same for the kernel side and for user space. */
#pragma once

#include "state.h"

/* A step of a fingerprint with secret keys. */
BL_INLINE __u64 bl_print_mix(__u64 print, __u64 word, const __u64 *keys)
{
	print = (print ^ word * keys[1]) * keys[0];
	return print ^ print >> 32;
}

struct bl_origin_print {
	const struct bl_origin *origin;
	const __u64 *keys;
	__u64 print;
};

static long bl_origin_print_turn(__u32 index, void *ctx)
{
	struct bl_origin_print *c = ctx;
	__u32 at = index * sizeof(__u64);

	if (at >= c->origin->len)
		return 1;
	at &= BL_ORIGIN_BYTES - sizeof(__u64);
	BL_BARRIER(at);
	c->print = bl_print_mix(c->print, BL_LOAD64(&c->origin->path[at]), c->keys);
	return 0;
}

/* The key of a program: of all but its number. */
BL_INLINE __u64 bl_origin_key(const struct bl_origin *origin, const __u64 *keys)
{
	struct bl_origin_print ctx = { .origin = origin, .keys = keys };

	ctx.print = bl_print_mix(origin->len | origin->prefix_len << 16, origin->inode, keys);
	ctx.print = bl_print_mix(ctx.print, origin->dev | (__u64)origin->version << 32, keys);
	ctx.print = bl_print_mix(ctx.print, origin->trust | origin->linked << 8, keys);
	BL_LOOP(BL_ORIGIN_BYTES / sizeof(__u64), bl_origin_print_turn, &ctx);
	return ctx.print;
}

/* Where a program is counted: root's files on the host by themselves, containers' together. */
BL_INLINE __u32 bl_origin_pool(const struct bl_origin *origin)
{
	return origin->trust == BL_TRUST_HOST ? origin->pool : BL_POOLS - 1;
}

BL_INLINE __u32 bl_origin_pool_max(__u32 pool)
{
	return pool ? BL_ORIGIN_POOL_MAX : BL_ORIGINS_MAX - (BL_POOLS - 1) * BL_ORIGIN_POOL_MAX;
}

struct bl_line_search {
	struct bl_line *line;
	__u32 number;
	__u32 found;
};

static long bl_line_turn(__u32 index, void *ctx)
{
	struct bl_line_search *c = ctx;

	if (index >= c->line->n)
		return 1;
	c->found = c->line->numbers[index & (BL_LINE_MAX - 1)] == c->number;
	return c->found;
}

/* Adds a program to those that came before; what there is no room for is not forgotten, but may be any. */
BL_INLINE void bl_line_add(struct bl_line *line, __u32 number)
{
	struct bl_line_search ctx = { .line = line, .number = number };
	__u32 n = line->n;

	if (number == BL_ORIGIN_NONE)
		return;
	if (number)
		BL_LOOP(BL_LINE_MAX, bl_line_turn, &ctx);
	if (ctx.found)
		return;
	if (!number || n >= BL_LINE_MAX) {
		line->flags |= BL_LINE_SHORT;
		return;
	}
	BL_BARRIER(n);
	line->numbers[n & (BL_LINE_MAX - 1)] = number;
	line->n = n + 1;
}

/* What a process is becomes a part of what it comes from. */
BL_INLINE void bl_line_pass(struct bl_line *line)
{
	if (line->flags & BL_LINE_OWN_ANY)
		line->flags |= BL_LINE_ANY;
	else
		bl_line_add(line, line->own);
}

/* The line of a child, from a copy of its parent's. */
BL_INLINE void bl_line_fork(struct bl_line *line)
{
	bl_line_pass(line);
	line->parent = line->own;
	line->flags &= ~BL_LINE_PARENT_ANY;
	if (line->flags & BL_LINE_OWN_ANY)
		line->flags |= BL_LINE_PARENT_ANY;
}
