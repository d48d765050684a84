/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The name of an inode, where the dentry at hand has none of its own: an overlay's, on kernels before 6.5, and
 * one whose name is gone while the inode has another one.
 */
#pragma once

#include "super.bpf.h"

#define BL_ENTRIES_MAX 256

struct bl_entry_ctx {
	__u64 node;
	__u64 root; /* of the superblock */
	__u64 dentry; /* 0: none was found */
};

/* Where a dentry is in the list of its inode's. */
static __always_inline __u32 bl_entry_at(void)
{
	if (bpf_core_field_exists(struct dentry___anonymous, d_alias))
		return bpf_core_field_offset(struct dentry___anonymous, d_alias);
	return bpf_core_field_offset(struct dentry, d_u.d_alias);
}

/* One of an inode's dentries; 1: it is a name, or the last one. */
static long bl_entry_turn(__u32 index, void *ctx)
{
	struct bl_entry_ctx *c = ctx;
	__u64 dentry = c->node - bl_entry_at();

	if (!c->node)
		return 1;
	if (dentry == c->root || (bl_read(struct dentry, dentry, d_hash.pprev) &&
				  bl_read(struct dentry, dentry, d_parent) != dentry)) {
		c->dentry = dentry;
		return 1;
	}
	c->node = bl_read(struct hlist_node, c->node, next);
	return 0;
}

/* The address of a dentry that is a name of the inode; 0: there is none, or not at the moment. */
static __always_inline __u64 bl_entry_find(const struct bl_scratch *scratch, __u64 first)
{
	struct bl_entry_ctx ctx = { .node = first, .root = scratch->sb_root };

	bpf_loop(BL_ENTRIES_MAX, bl_entry_turn, &ctx, 0);
	return ctx.dentry;
}

struct bl_named_ctx {
	struct bl_scratch *scratch;
	__u64 dentry;
	__u64 start;
	__u32 sequence; /* of rename_lock, when it was last seen */
};

/* One step from a dentry to its parent, both known by their addresses only; 1 ends the climb. */
static long bl_named_step(__u32 index, void *ctx)
{
	struct bl_named_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u64 dentry = c->dentry, parent;

	scratch->dentries[scratch->walk.n_comps & (BL_DEPTH_MAX - 1)] = dentry;
	if (dentry == scratch->sb_root) {
		scratch->walk_end = BL_WALK_ROOT;
		return 1;
	}
	parent = dentry ? bl_read(struct dentry, dentry, d_parent) : 0;
	if (!parent || parent == dentry ||
	    bl_read(struct dentry, dentry, d_flags) & bl_flag_nokey()) {
		scratch->walk_end = BL_WALK_LOST;
		return 1;
	}
	if (!bl_prepend_raw(scratch, dentry))
		return 1;
	c->dentry = parent;
	return 0;
}

/*
 * Of what is named in the directory at hand that name, which the directory's is to follow: 1. Of what is known by its
 * address only the whole name, and where the name is unknown none: 0.
 */
__noinline int bl_aside_walk(struct bl_scratch *scratch)
{
	struct bl_named_ctx ctx = { .scratch = scratch };

	if (!scratch)
		return 0;
	scratch->dentries[0] = 0;
	if (scratch->below == BL_ASIDE) {
		ctx.dentry = scratch->aside;
		bpf_loop(BL_DEPTH_MAX + 1, bl_named_step, &ctx, 0);
		return 0;
	}
	if (scratch->below < BL_CHILD_UNKNOWN &&
	    bl_walk_prepend(&scratch->walk, scratch->child, scratch->below))
		return 1;
	scratch->walk_end = BL_WALK_LOST;
	return 0;
}

static long bl_named_turn(__u32 index, void *ctx)
{
	struct bl_named_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u32 before = c->sequence;

	if (!(before & 1)) {
		scratch->walk_end = BL_WALK_DEEP;
		bl_walk_start(&scratch->walk);
		c->dentry = c->start;
		bpf_loop(BL_DEPTH_MAX + 1, bl_named_step, c, 0);
		bl_barrier();
	}
	c->sequence = bl_sequence(&rename_lock);
	if (before & 1 || c->sequence != before)
		return 0;
	scratch->renames = before;
	return 1;
}

/* The name of a dentry, as bl_walk_dentry() has it. */
static __always_inline int bl_named_dentry(struct bl_scratch *scratch, __u64 dentry)
{
	struct bl_named_ctx ctx = {
		.scratch = scratch,
		.start = dentry,
		.sequence = bl_sequence(&rename_lock),
	};

	scratch->renames = 1; /* odd: set by the attempt that succeeds */
	bpf_loop(BL_WALK_TRIES, bl_named_turn, &ctx, 0);
	if (scratch->renames & 1) {
		scratch->walk_end = BL_WALK_RACED;
		bl_count(BL_COUNT_WALK_FAILED);
	}
	return 0;
}

/*
 * The name of an inode by a dentry of it, as bl_walk_dentry() has it; lost where none is at hand. first: in the list
 * of these.
 */
BL_CALLED int bl_named_walk(struct bl_scratch *scratch, __u64 first)
{
	return bl_named_dentry(scratch, bl_entry_find(scratch, first));
}

/*
 * True for a dentry whose name is gone while the inode has another one, or for one that never had a name, see
 * bl_former_walk().
 */
static __always_inline int bl_is_unhashed(const struct dentry *dentry, const struct inode *inode)
{
	return !dentry->d_hash.pprev && inode->i_nlink == 1;
}
