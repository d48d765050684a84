/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The name of a dentry inside its superblock, as of one instant. */
#pragma once

#include "kernel.bpf.h"

#define BL_WALK_TRIES 256

enum bl_walk_end {
	BL_WALK_DEEP = 1, /* too many components or bytes */
	BL_WALK_ROOT,	  /* reached the superblock's root: the text is the name */
	BL_WALK_LOST,	  /* ends at a dentry that is not the root */
	BL_WALK_RACED,	  /* a rename got in between */
};

/* Prepends "/name" to the walk's text; 0 when there is no room. */
static __always_inline int bl_walk_prepend(struct bl_walk *walk, const void *name, __u32 len)
{
	__u32 pos = walk->pos, n = walk->n_comps;

	if (len > BL_NAME_BYTES || pos < len + 1 || n >= BL_DEPTH_MAX)
		return 0;
	pos -= len;
	BL_BARRIER(pos);
	BL_BARRIER(len);
	bpf_probe_read_kernel(&walk->path[pos & (BL_PATH_BYTES - 1)], len & BL_NAME_BYTES, name);
	pos--;
	BL_BARRIER(pos);
	pos &= BL_PATH_BYTES - 1;
	walk->path[pos] = '/';
	BL_BARRIER(n);
	walk->comp[n & (BL_DEPTH_MAX - 1)] = pos;
	walk->pos = pos;
	walk->n_comps = n + 1;
	return 1;
}

static __always_inline void bl_walk_start(struct bl_walk *walk)
{
	walk->pos = BL_PATH_BYTES;
	walk->n_comps = 0;
}

struct bl_walk_ctx {
	struct bl_scratch *scratch;
	struct dentry *dentry;
	struct dentry *start;
};

/* One step from a dentry to its parent; 1 ends the climb. */
static long bl_walk_step(__u32 index, void *ctx)
{
	struct bl_walk_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	struct dentry *dentry = c->dentry, *parent = dentry->d_parent;

	if (index < BL_DEPTH_MAX)
		scratch->dentries[index & (BL_DEPTH_MAX - 1)] = (__u64)dentry;
	if ((__u64)dentry == scratch->sb_root) {
		scratch->walk_end = BL_WALK_ROOT;
		return 1;
	}
	if (dentry == parent) {
		scratch->walk_end = BL_WALK_LOST;
		return 1;
	}
	if (!bl_walk_prepend(&scratch->walk, dentry->d_name.name, dentry->d_name.len))
		return 1;
	c->dentry = parent;
	return 0;
}

/*
 * One attempt: climbs from the dentry to its root and copies the names from right to left. The
 * addresses of the dentries are kept for the mounts below the root. 1: nothing was renamed.
 */
static long bl_walk_turn(__u32 index, void *ctx)
{
	struct bl_walk_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u32 before = bl_sequence(&rename_lock);

	if (before & 1)
		return 0;
	scratch->walk_end = BL_WALK_DEEP;
	bl_walk_start(&scratch->walk);
	c->dentry = c->start;
	bpf_loop(BL_DEPTH_MAX + 1, bl_walk_step, c, 0);
	bl_barrier();
	if (bl_sequence(&rename_lock) != before)
		return 0;
	scratch->renames = before;
	return 1;
}

/*
 * The name as of one instant: no rename happened while it was read. Leaves the text and its
 * components in scratch->walk, how it ended in walk_end, the instant's sequence in renames.
 */
static __always_inline void bl_walk_dentry(struct bl_scratch *scratch, struct dentry *dentry)
{
	struct bl_walk_ctx ctx = { .scratch = scratch, .dentry = dentry, .start = dentry };

	scratch->renames = 1; /* odd: set by the attempt that succeeds */
	bpf_loop(BL_WALK_TRIES, bl_walk_turn, &ctx, 0);
	if (scratch->renames & 1) {
		scratch->walk_end = BL_WALK_RACED;
		bl_count(BL_COUNT_WALK_FAILED);
	}
}
