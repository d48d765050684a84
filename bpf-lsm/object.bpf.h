/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What an object is to the rules: the classes of all its names, kept with its inode. */
#pragma once

#include "super.bpf.h"

/* An inode whose name another dentry, or the file system itself, may change unseen. */
static __always_inline int bl_cacheable(struct dentry *dentry, struct inode *inode)
{
	return !(dentry->d_flags & DCACHE_OP_REVALIDATE) &&
	       ((inode->i_mode & S_IFMT) == S_IFDIR || inode->i_nlink == 1);
}

/* True when the label still says what the inode's name comes to. */
static __always_inline int bl_label_valid(const struct bl_label *label, struct dentry *dentry)
{
	return !(label->lock & 1) && label->generation == globals.generation &&
	       label->epoch == globals.epoch && label->dentry == (__u64)dentry &&
	       label->parent == (__u64)dentry->d_parent &&
	       (__u32)label->name == dentry->d_name.hash &&
	       (__u32)(label->name >> 32) == dentry->d_name.len &&
	       label->until > bpf_jiffies64() && label->renames == bl_sequence(&rename_lock);
}

static __always_inline void bl_label_store(struct bl_scratch *scratch, struct inode *inode)
{
	struct bl_label *label = bpf_inode_storage_get(&labels, inode, NULL,
						       BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 lock;

	if (!label)
		return;
	lock = label->lock;
	if (lock & 1 || __sync_val_compare_and_swap(&label->lock, lock, lock + 1) != lock)
		return;
	scratch->label.lock = lock + 1;
	bl_barrier();
	__builtin_memcpy(label, &scratch->label, sizeof(*label));
	bl_barrier();
	label->lock = lock + 2;
}

struct bl_alias_ctx {
	struct bl_matcher *match;
	struct bl_scratch *scratch;
	__u64 root;
};

/* Finds the component below which a mount's root lies. */
static long bl_alias_level(__u32 index, void *ctx)
{
	struct bl_alias_ctx *c = ctx;
	__u32 level = index & (BL_DEPTH_MAX - 1);

	if (level > c->scratch->walk.n_comps)
		return 1;
	if (c->scratch->dentries[level] != c->root)
		return 0;
	c->scratch->level = level;
	return 1;
}

/* One name of the object: the part below the mount's root, from the mount point's states on. */
static long bl_alias_turn(__u32 index, void *ctx)
{
	struct bl_alias_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	struct bl_walk *walk = &scratch->walk;
	__u32 n = walk->n_comps, pos = walk->pos;
	struct bl_alias *alias = &scratch->super.aliases[index & (BL_ALIASES_MAX - 1)];

	if (alias->root != scratch->sb_root) {
		c->root = alias->root;
		scratch->level = BL_DEPTH_MAX;
		bpf_loop(BL_DEPTH_MAX, bl_alias_level, c, 0);
		n = scratch->level;
		if (n >= BL_DEPTH_MAX)
			return 0;
		BL_BARRIER(n);
		pos = n ? walk->comp[(n - 1) & (BL_DEPTH_MAX - 1)] : BL_PATH_BYTES;
	}
	bl_path_run(c->match, n, pos, alias->trie, alias->dfa);
	bl_path_classes(c->match);
	return 0;
}

/* Looks up what the classes' rules ask for, so that most accesses stop at the label. */
static __always_inline void bl_label_summary(const struct bl_matcher *m, struct bl_label *label)
{
	const struct bl_header *header = m->header;

	label->open_access = 0;
	label->exec = 0;
	if (label->flags & (BL_LABEL_LOST | BL_LABEL_DEEP)) {
		label->open_access = header->accesses;
		label->exec = 1;
		return;
	}
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;
		const struct bl_list *list;

		if (i >= label->n_classes)
			break;
		class = bl_at(m->image, label->classes[i], struct bl_class);
		if (!class)
			break;
		label->exec |= class->exec_list;
		list = class->open_list ? bl_at(m->image, class->open_list, struct bl_list) : NULL;
		if (list)
			label->open_access |= list->access;
	}
}

static __always_inline __u32 bl_label_trust(__u32 trust)
{
	switch (trust) {
	case BL_TRUST_HOST:
		return 0;
	case BL_TRUST_CONTAINER:
		return BL_LABEL_CONTAINER;
	default:
		return BL_LABEL_UNTRUSTED;
	}
}

/*
 * Works out the label of a dentry into scratch->label, and leaves the text of its name in
 * scratch->walk.
 */
static __noinline int bl_label_compute(struct bl_matcher *m, struct bl_scratch *scratch,
				       struct dentry *dentry)
{
	struct bl_alias_ctx ctx = { .match = m, .scratch = scratch };
	struct bl_label *label = &scratch->label;
	struct super_block *sb = dentry->d_sb;
	struct bl_walk *walk = &scratch->walk;
	int end;

	label->generation = m->header->generation;
	label->epoch = globals.epoch;
	label->dentry = (__u64)dentry;
	label->parent = (__u64)dentry->d_parent;
	label->name = (__u64)dentry->d_name.len << 32 | dentry->d_name.hash;
	label->until = bpf_jiffies64() + BL_JIFFIES_MINUTE;
	label->flags = 0;
	label->n_classes = 0;
	bl_walk_reset(walk);
	if (sb->s_flags & SB_NOUSER) {
		bl_walk_start(walk);
		label->flags = BL_LABEL_PSEUDO;
		label->renames = bl_sequence(&rename_lock);
		bl_label_summary(m, label);
		return 0;
	}
	bl_super_get(m, scratch, sb);
	label->flags = bl_label_trust(scratch->super.trust);
	end = bl_walk_dentry(scratch, dentry);
	label->renames = scratch->renames;
	scratch->sb_root = (__u64)sb->s_root;
	if (end == BL_WALK_ROOT)
		bpf_loop(scratch->super.n_aliases, bl_alias_turn, &ctx, 0);
	else if (end == BL_WALK_DEEP && scratch->super.n_aliases)
		label->flags |= BL_LABEL_DEEP;
	else if (scratch->super.n_aliases)
		label->flags |= BL_LABEL_LOST;
	if (walk->overflow || scratch->super.overflow)
		label->flags |= BL_LABEL_LOST;
	label->n_classes = walk->n_classes;
	__builtin_memcpy(label->classes, walk->classes, sizeof(label->classes));
	bl_label_summary(m, label);
	return 0;
}

/* The label of an object that exists, worked out if it has to be; in scratch->label. */
static __always_inline void bl_label_get(struct bl_matcher *m, struct bl_scratch *scratch,
					 struct dentry *dentry, struct inode *inode)
{
	bl_label_compute(m, scratch, dentry);
	if (inode && !(scratch->label.flags & (BL_LABEL_LOST | BL_LABEL_DEEP)) &&
	    bl_cacheable(dentry, inode))
		bl_label_store(scratch, inode);
}

/* Searches the lists of a labelled object; the strictest match stays in the walk. */
static __always_inline void bl_label_search(struct bl_matcher *m, const struct bl_label *label,
					    __u32 op)
{
	const struct bl_header *header = m->header;

	bl_verdict_reset(m->walk);
	if (label->flags & BL_LABEL_LOST)
		bl_list_search(m, op == BL_OP_EXEC ? header->exec_lost : header->open_lost);
	else if (label->flags & BL_LABEL_DEEP)
		bl_list_search(m, op == BL_OP_EXEC ? header->exec_deep : header->open_deep);
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= label->n_classes)
			break;
		class = bl_at(m->image, label->classes[i], struct bl_class);
		if (!class)
			break;
		bl_list_search(m, op == BL_OP_EXEC ? class->exec_list : class->open_list);
	}
}
