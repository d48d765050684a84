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
	BL_WALK_OWN_ROOT, /* ends at a root that is not the superblock's: see bl_root_own() */
};

/* Prepends "/name" to the walk's text; 0 when there is no room. */
static __always_inline int bl_walk_prepend(struct bl_walk *walk, const void *name, __u32 len)
{
	__u32 pos = walk->pos, n = walk->n_comps;

	if (len > BL_NAME_LONGEST || pos < len + 1 || n >= BL_DEPTH_MAX)
		return 0;
	pos -= len;
	BL_BARRIER(pos);
	BL_BARRIER(len);
	bpf_probe_read_kernel(&walk->path[pos & (BL_PATH_BYTES - 1)], len & BL_NAME_LONGEST, name);
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

/* Where a dentry keeps a name of up to BL_SHORT_NAME_MAX bytes; 0: this kernel does it otherwise. */
static __always_inline __u32 bl_short_name(void)
{
	if (bpf_core_field_exists(struct dentry___iname, d_iname)) {
		if (bpf_core_field_size(struct dentry___iname, d_iname) > BL_SHORT_NAME_MAX)
			return bpf_core_field_offset(struct dentry___iname, d_iname);
		return 0;
	}
	if (bpf_core_field_exists(struct dentry___shortname, d_shortname) &&
	    bpf_core_field_size(struct dentry___shortname, d_shortname) > BL_SHORT_NAME_MAX)
		return bpf_core_field_offset(struct dentry___shortname, d_shortname);
	return 0;
}

/* The same where it is known not to be 0. */
static __always_inline __u32 bl_name_at(void)
{
	if (bpf_core_field_exists(struct dentry___iname, d_iname))
		return bpf_core_field_offset(struct dentry___iname, d_iname);
	if (bpf_core_field_exists(struct dentry___shortname, d_shortname))
		return bpf_core_field_offset(struct dentry___shortname, d_shortname);
	return 0;
}

/* Copies a short name by plain loads of whole words: the last one reaches beyond its end. */
static __always_inline void bl_name_copy(__u64 *to, const __u64 *words, __u32 len)
{
	to[0] = words[0];
	if (len > 8)
		to[1] = words[1];
	if (len > 16)
		to[2] = words[2];
	if (len > 24)
		to[3] = words[3];
}

/*
 * Prepends "/name", a short name. What the copy has of the text that follows is put back. 0: there is
 * no room.
 */
static __always_inline int bl_walk_short(struct bl_walk *walk, const __u64 *words, __u32 len)
{
	__u32 pos = walk->pos, n = walk->n_comps;
	__u64 *to, *behind, text;

	if (pos <= len || n >= BL_DEPTH_MAX)
		return 0;
	BL_BARRIER(pos);
	behind = (__u64 *)&walk->path[pos & (BL_PATH_BYTES - 1)];
	text = *behind;
	pos -= len;
	BL_BARRIER(pos);
	to = (__u64 *)&walk->path[pos & (BL_PATH_BYTES - 1)];
	bl_name_copy(to, words, len);
	*behind = text;
	((char *)to)[-1] = '/';
	pos--;
	BL_BARRIER(n);
	walk->comp[n & (BL_DEPTH_MAX - 1)] = pos;
	walk->pos = pos;
	walk->n_comps = n + 1;
	return 1;
}

/* name_at: bl_short_name(). */
static __always_inline int bl_walk_name(struct bl_walk *walk, struct dentry *dentry, __u32 name_at)
{
	__u32 len = dentry->d_name.len;

	if (name_at && len <= BL_SHORT_NAME_MAX)
		return bl_walk_short(walk, (const void *)dentry + name_at, len);
	return bl_walk_prepend(walk, dentry->d_name.name, len);
}

static __always_inline void bl_walk_start(struct bl_walk *walk)
{
	walk->pos = BL_PATH_BYTES;
	walk->n_comps = 0;
}

/* The next name of a chain, to be prepended to the text. */
static long bl_chain_turn(__u32 index, void *ctx)
{
	struct bl_walk *walk = *(struct bl_walk **)ctx;
	__u32 len;

	if (index >= BL_CHAIN_MAX)
		return 1;
	len = walk->chain.len[index];
	if (len > BL_SHORT_NAME_MAX)
		return 0;
	return !bl_walk_short(walk, walk->chain.name[index], len);
}

/* Makes text of a chain. */
static __always_inline void bl_chain_text(struct bl_walk *walk)
{
	if (walk->chain.len[0] <= BL_SHORT_NAME_MAX)
		bl_walk_start(walk);
	bpf_loop(walk->chain.n, bl_chain_turn, &walk, 0);
}

/*
 * The name of something else than the dentry at hand, which scratch->below says, or how it begins; in the latter case it
 * returns 1. Verified on its own, below: it is rare.
 */
int bl_aside_walk(struct bl_scratch *scratch);

struct bl_walk_ctx {
	struct bl_scratch *scratch;
	struct dentry *dentry;
	struct dentry *start;
	__u32 sequence; /* of rename_lock, when it was last seen */
};

/* One step from a dentry to its parent; 1 ends the climb. */
static __always_inline int bl_walk_up(struct bl_walk_ctx *c)
{
	struct bl_scratch *scratch = c->scratch;
	struct dentry *dentry = c->dentry, *parent;
	__u32 flags;

	scratch->dentries[scratch->walk.n_comps & (BL_DEPTH_MAX - 1)] = (__u64)dentry;
	if ((__u64)dentry == scratch->sb_root) {
		scratch->walk_end = BL_WALK_ROOT;
		return 1;
	}
	parent = dentry->d_parent;
	flags = dentry->d_flags;
	if (dentry == parent) {
		scratch->walk_end = flags & DCACHE_DISCONNECTED ? BL_WALK_LOST : BL_WALK_OWN_ROOT;
		return 1;
	}
	if (flags & bl_flag_nokey()) {
		scratch->walk_end = BL_WALK_LOST;
		return 1;
	}
	if (!bl_walk_name(&scratch->walk, dentry, bl_short_name())) {
		if (dentry->d_name.len > BL_NAME_LONGEST)
			scratch->walk_end = BL_WALK_LOST;
		return 1;
	}
	c->dentry = parent;
	return 0;
}

/* Two of them: what a call costs is a good part of what a step does. */
static long bl_walk_step(__u32 index, void *ctx)
{
	return bl_walk_up(ctx) || bl_walk_up(ctx);
}

/*
 * One attempt: climbs from the dentry to its root and copies the names from right to left. The
 * addresses of the dentries are kept for the mounts below the root. 1: nothing was renamed.
 */
static long bl_walk_turn(__u32 index, void *ctx)
{
	struct bl_walk_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u32 before = c->sequence;

	if (!(before & 1)) {
		scratch->walk_end = BL_WALK_DEEP;
		bl_walk_start(&scratch->walk);
		c->dentry = c->start;
		if (!scratch->below || bl_aside_walk(scratch))
			bpf_loop(BL_DEPTH_MAX / 2 + 1, bl_walk_step, c, 0);
		bl_barrier();
	}
	c->sequence = bl_sequence(&rename_lock);
	if (before & 1 || c->sequence != before)
		return 0;
	scratch->renames = before;
	return 1;
}

/*
 * The name as of one instant: no rename happened since the sequence was what is given. Leaves the
 * text and its components in scratch->walk, how it ended in walk_end, the sequence in renames.
 */
BL_CALLED int bl_walk_dentry(struct bl_scratch *scratch, struct dentry *dentry, __u32 sequence)
{
	struct bl_walk_ctx ctx = {
		.scratch = scratch,
		.dentry = dentry,
		.start = dentry,
		.sequence = sequence,
	};

	scratch->renames = 1; /* odd: set by the attempt that succeeds */
	bpf_loop(BL_WALK_TRIES, bl_walk_turn, &ctx, 0);
	if (scratch->renames & 1) {
		scratch->walk_end = BL_WALK_RACED;
		bl_count(BL_COUNT_WALK_FAILED);
	}
	return 0;
}

/*
 * Runs both machines over the last n_comps components of the walk's text but for 'until' ones at its end, from
 * the given states, as bl_path_run(). Verified on its own: there are many ways to get here. Returns 0: no
 * image, and the object counts as lost.
 */
__noinline int bl_path_follow(struct bl_scratch *scratch, __u32 n_comps, __u32 until, __u32 trie,
			      __u32 dfa)
{
	struct bl_matcher m;

	if (!scratch)
		return 0;
	if (!bl_run_start(&m, scratch)) {
		scratch->walk.overflow = 1;
		return 0;
	}
	if (n_comps == 1 && !until)
		bl_name_run(&m, trie, dfa);
	else
		bl_path_run(&m, n_comps, until, trie, dfa);
	return 1;
}
