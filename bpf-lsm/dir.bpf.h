/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What the paths of directories lead to. Most files that are looked at for the first time are in a
 * directory of which others were looked at: of their path only the last name is new.
 */
#pragma once

#include "super.bpf.h"

static __always_inline struct bl_dir *bl_dir_slot(__u64 inode, __u64 key)
{
	struct bl_dir *dir = &dirs[(inode + key) & (BL_DIR_SLOTS - 1)];

	BL_BARRIER(dir); /* or its address is worked out anew for each word that is read */
	return dir;
}

/* True when a mount shows just this and what is below: its path is the mount point's. */
static __always_inline int bl_is_mounted_part(const struct bl_scratch *scratch, __u64 dentry)
{
	for (__u32 i = 0; i < BL_ALIASES_MAX; i++) {
		if (i >= scratch->super.n_aliases)
			break;
		if (scratch->super.aliases[i].root == dentry)
			return 1;
	}
	return 0;
}

/* True when the first len bytes at 'words' are those at 'name'. */
static __always_inline int bl_name_is(const __u64 *words, __u32 len, const __u64 *name)
{
	const __u64 *mask = bl_name_masks[len & BL_SHORT_NAME_MAX];
	__u64 other;

	BL_BARRIER(mask); /* as in bl_dir_slot() */
	other = (words[0] ^ name[0]) & mask[0];
	if (len >= 8)
		other |= (words[1] ^ name[1]) & mask[1];
	if (len >= 16)
		other |= ((words[2] ^ name[2]) & mask[2]) | ((words[3] ^ name[3]) & mask[3]);
	return !other;
}

/*
 * True when the names from here to the root are those of a directory that is kept. Each load of what
 * belongs to a dentry costs several instructions: as few as can be.
 */
static __always_inline int bl_dir_is(const struct bl_dir *dir, struct dentry *at, __u64 root)
{
	__u32 name_at = bl_name_at();

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < BL_DIR_DEPTH; i++) {
		__u32 len = dir->len[i];

		if ((__u64)at == root)
			return dir->depth == i;
		if (at->d_name.len != len ||
		    !bl_name_is((const void *)at + name_at, len, dir->name[i]))
			return 0;
		at = at->d_parent;
	}
	return 0;
}

struct bl_dir_ctx {
	struct bl_dir *dir;
	struct dentry *at;
	__u64 root;
	__u32 done; /* 1: the root was reached */
};

static long bl_same_turn(__u32 index, void *ctx)
{
	struct bl_dir_ctx *c = ctx;

	c->done = (__u64)c->at == c->root;
	if (c->done || index >= BL_DIR_DEPTH || c->dir->dentry[index] != (__u64)c->at)
		return 1;
	c->at = c->at->d_parent;
	return 0;
}

/* True when they are the dentries, too: what is mounted in part is a certain one. */
BL_CALLED int bl_dir_is_same(struct bl_dir *dir, struct dentry *at, __u64 root)
{
	struct bl_dir_ctx ctx = { .dir = dir, .at = at, .root = root };

	bpf_loop(BL_DIR_DEPTH + 1, bl_same_turn, &ctx, 0);
	return ctx.done;
}

/* Leaves what is kept of a directory's states in scratch->states; 0: nothing that is still right. */
BL_CALLED int bl_dir_load(struct bl_scratch *scratch, struct bl_dir *dir, struct dentry *at,
			  __u64 inode)
{
	__u32 lock = dir->lock;

	bl_barrier();
	if (lock & 1 || dir->super != scratch->super.key || dir->inode != inode ||
	    !bl_dir_is(dir, at, scratch->sb_root))
		return 0;
	if (scratch->super.parts && !bl_dir_is_same(dir, at, scratch->sb_root))
		return 0;
	scratch->n_states = dir->n_states;
	scratch->states[0] = dir->states[0];
	if (dir->n_states > 1)
		__builtin_memcpy(&scratch->states[1], &dir->states[1],
				 sizeof(dir->states) - sizeof(dir->states[0]));
	bl_barrier();
	return dir->lock == lock;
}

/* A name of a chain; 0: it is none that one can have. */
static __always_inline int bl_chain_take(struct bl_scratch *scratch, __u32 i, struct dentry *dentry,
					 __u32 name_at)
{
	struct bl_walk *walk = &scratch->walk;
	__u32 len = dentry->d_name.len;

	walk->chain.len[i] = len;
	if (len <= BL_SHORT_NAME_MAX) {
		bl_name_copy(walk->chain.name[i], (const void *)dentry + name_at, len);
		return 1;
	}
	if (i)
		return 0;
	bl_walk_start(walk);
	return bl_walk_prepend(walk, dentry->d_name.name, len);
}

struct bl_shown_ctx {
	struct bl_scratch *scratch;
	struct dentry *at;
	__u32 shown;
};

static long bl_shown_turn(__u32 index, void *ctx)
{
	struct bl_shown_ctx *c = ctx;

	c->shown = bl_is_mounted_part(c->scratch, (__u64)c->at);
	c->at = c->at->d_parent;
	return c->shown;
}

/* True when a mount shows the dentry or one of those above it that the chain has names of. */
BL_CALLED int bl_chain_is_shown(struct bl_scratch *scratch, struct dentry *dentry)
{
	struct bl_shown_ctx ctx = { .scratch = scratch, .at = dentry };

	bpf_loop(scratch->walk.chain.n, bl_shown_turn, &ctx, 0);
	return ctx.shown;
}

/*
 * Finds the names of a dentry, up to a directory of which the states are kept: its own one or one of the
 * two above; else up to the root. As of one instant: no rename happened since the sequence was what is given.
 * Leaves them in the walk's chain, and the states in scratch->states, if it is 'based' on some. 0: there is no
 * chain, and it takes a walk of the whole path; there are too many names, or long ones, or a mount shows what is on the way.
 */
static __always_inline int bl_chain_find(struct bl_scratch *scratch, struct dentry *dentry,
					 __u32 sequence)
{
	__u64 key = scratch->super.key, inode = 0;
	__u32 name_at = bl_name_at(), n = 0;
	struct dentry *at = dentry;
	struct bl_dir *dir = NULL;

	scratch->based = 0;
	scratch->walk.chain.n = 0;
	if (!key || sequence & 1)
		return 0;
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < BL_CHAIN_MAX; i++) {
		if ((__u64)at == scratch->sb_root)
			break;
		if (!bl_chain_take(scratch, i, at, name_at))
			return 0;
		n = i + 1;
		at = at->d_parent;
		if (i < BL_DIR_LEVELS) {
			const struct inode *above = at->d_inode;
			struct bl_dir *slot;

			inode = above->i_ino;
			if (!i) {
				scratch->directory = inode;
				/* A name there may be none: all below an encrypted directory is. */
				if (above->i_flags & BL_S_ENCRYPTED)
					return 0;
			}
			slot = bl_dir_slot(inode, key);
			if (slot->inode == inode && slot->super == key) {
				dir = slot;
				break;
			}
		}
	}
	if (!n)
		return 0;
	/* One call: each takes the verifier through all of it. */
	if (dir) {
		if (!bl_dir_load(scratch, dir, at, inode))
			return 0;
		scratch->based = 1;
	} else if ((__u64)at != scratch->sb_root) {
		return 0;
	}
	scratch->walk.chain.n = n;
	if (scratch->super.parts && (!scratch->based || bl_chain_is_shown(scratch, dentry)))
		return 0;
	bl_barrier();
	if (bl_sequence(&rename_lock) != sequence)
		return 0;
	scratch->walk_end = BL_WALK_ROOT;
	scratch->renames = sequence;
	return 1;
}

/*
 * How often something was looked at within a while, this look included. Another thing may have taken
 * its place meanwhile.
 */
static __always_inline __u64 bl_looks(__u64 what)
{
	struct bl_sight *sight = &sights[what * globals.keys[0] >> 32 & (BL_SIGHT_SLOTS - 1)];

	if (sight->what != what) {
		sight->what = what;
		sight->looks = 0;
	}
	return ++sight->looks;
}

/* Copies the names from here to the root; 0: there are too many, or one is too long. */
BL_CALLED int bl_dir_names(struct bl_dir *dir, struct dentry *at, __u64 root)
{
	__u32 name_at = bl_name_at();

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < BL_DIR_DEPTH; i++) {
		const __u64 *words = (const void *)at + name_at;
		__u32 len;

		dir->depth = i;
		if ((__u64)at == root)
			return 1;
		len = at->d_name.len;
		if (len > BL_SHORT_NAME_MAX)
			return 0;
		dir->len[i] = len;
		dir->dentry[i] = (__u64)at;
		dir->name[i][0] = words[0];
		if (len >= 8)
			dir->name[i][1] = words[1];
		if (len >= 16) {
			dir->name[i][2] = words[2];
			dir->name[i][3] = words[3];
		}
		at = at->d_parent;
	}
	return 0;
}

/*
 * True when what the path of a dentry's directory leads to is to be kept. It is at the third look: a
 * directory that is made for one file has two, the file is created and opened. Then again each time
 * that many looks have found nothing kept: its place was taken, or its path is none that can be.
 */
static __always_inline int bl_dir_wanted(const struct bl_scratch *scratch)
{
	__u64 what = scratch->super.key;

	if (!what || scratch->walk_end != BL_WALK_ROOT)
		return 0;
	if (!scratch->walk.chain.n && !scratch->walk.n_comps)
		return 0;
	what += scratch->directory;
	return (bl_looks(what) & 15) == 3;
}

/* Keeps scratch->states: those of the directory of the dentry that was walked from. */
static __always_inline void bl_dir_keep(struct bl_scratch *scratch, struct dentry *dentry)
{
	__u64 inode = scratch->directory, key = scratch->super.key;
	struct bl_dir *dir = bl_dir_slot(inode, key);
	__u32 lock = dir->lock;

	if (scratch->n_states > BL_DIR_STATES)
		return;
	if (lock & 1 || !bl_exchange(&dir->lock, lock, lock + 1))
		return;
	dir->super = 0;
	dir->inode = inode;
	dir->n_states = scratch->n_states;
	__builtin_memcpy(dir->states, scratch->states, sizeof(dir->states));
	/* They are the states of these names only if these are the names that were walked. */
	if (bl_dir_names(dir, dentry->d_parent, scratch->sb_root) &&
	    bl_sequence(&rename_lock) == scratch->renames)
		dir->super = key;
	bl_barrier();
	dir->lock = lock + 2;
}
