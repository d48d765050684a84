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
	       (__u32)(label->name >> 32) == dentry->d_name.len && label->until > bpf_jiffies64() &&
	       label->renames == bl_sequence(&rename_lock);
}

static __always_inline __u64 bl_pass_word(__u64 print, __u32 lock, __u32 access)
{
	return print << BL_PASS_SUBJECT_SHIFT |
	       (lock & ((1u << BL_PASS_VERSION_BITS) - 1)) << BL_PASS_ACCESS_BITS | access;
}

static __always_inline void bl_label_store(struct bl_scratch *scratch, struct inode *inode)
{
	struct bl_label *label =
		bpf_inode_storage_get(&labels, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 lock;

	if (!label)
		return;
	lock = label->lock;
	if (lock & 1 || __sync_val_compare_and_swap(&label->lock, lock, lock + 1) != lock)
		return;
	scratch->label.lock = lock + 1;
	scratch->label.pass = bl_pass_word(0, lock + 2, 0);
	bl_barrier();
	__builtin_memcpy(label, &scratch->label, sizeof(*label));
	bl_barrier();
	label->lock = lock + 2;
}

struct bl_alias_ctx {
	struct bl_scratch *scratch;
	const struct bl_matcher *matcher;
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
	bl_path_run(c->matcher, n, pos, alias->trie, alias->dfa);
	bl_path_classes(c->matcher);
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

static __always_inline __u32 bl_trust_flags(__u32 trust)
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
 * The classes of the name in scratch->walk, by the superblock in scratch->super, into
 * scratch->label. Verified on its own. Returns 0: no image.
 */
__noinline int bl_label_match(struct bl_scratch *scratch)
{
	struct bl_label *label;
	struct bl_matcher m;
	struct bl_alias_ctx ctx = { .scratch = scratch, .matcher = &m };

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	label = &scratch->label;
	bl_walk_reset(&scratch->walk);
	if (scratch->walk_end == BL_WALK_ROOT)
		bpf_loop(scratch->super.n_aliases, bl_alias_turn, &ctx, 0);
	else if (scratch->super.n_aliases)
		label->flags |= scratch->walk_end == BL_WALK_DEEP ? BL_LABEL_DEEP : BL_LABEL_LOST;
	if (scratch->walk.overflow || scratch->super.overflow)
		label->flags |= BL_LABEL_LOST;
	label->generation = m.header->generation;
	label->tables = m.header->flags;
	label->n_classes = scratch->walk.n_classes;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++)
		label->classes[i] = scratch->walk.classes[i];
	bl_label_summary(&m, label);
	return 1;
}

/*
 * Works out the label of a dentry into scratch->label, and leaves the text of its name in
 * scratch->walk. A file's superblock comes from its inode: since its path is in a union (6.18),
 * the verifier trusts nothing that is reached through it. Returns 0: no image.
 */
static __always_inline int bl_label_compute(struct bl_scratch *scratch, struct dentry *dentry,
					    struct super_block *sb)
{
	struct bl_label *label = &scratch->label;

	label->epoch = globals.epoch;
	label->dentry = (__u64)dentry;
	label->parent = (__u64)dentry->d_parent;
	label->name = (__u64)dentry->d_name.len << 32 | dentry->d_name.hash;
	label->until = bpf_jiffies64() + BL_JIFFIES_MINUTE;
	if (sb->s_flags & SB_NOUSER) {
		scratch->super.n_aliases = 0;
		scratch->super.overflow = 0;
		label->flags = BL_LABEL_PSEUDO;
		scratch->walk_end = BL_WALK_LOST;
		scratch->renames = bl_sequence(&rename_lock);
	} else {
		if (!bl_super_get(scratch, sb))
			return 0;
		label->flags = bl_trust_flags(scratch->super.trust);
		bl_walk_dentry(scratch, dentry);
	}
	label->renames = scratch->renames;
	return bl_label_match(scratch);
}

/* Works out the label of the object that is judged into scratch->object, and keeps it. */
static __always_inline int bl_object_compute(struct bl_scratch *scratch, struct dentry *dentry,
					     struct super_block *sb, struct inode *inode)
{
	if (!bl_label_compute(scratch, dentry, sb))
		return 0;
	scratch->object = scratch->label;
	if (inode && !(scratch->label.flags & (BL_LABEL_LOST | BL_LABEL_DEEP)) &&
	    bl_cacheable(dentry, inode))
		bl_label_store(scratch, inode);
	return 1;
}

/* Takes a consistent copy of a cached label into scratch->object; 0: it changed meanwhile. */
static __always_inline int bl_object_load(struct bl_scratch *scratch, const struct bl_label *label)
{
	__u32 lock = label->lock;

	bl_barrier();
	__builtin_memcpy(&scratch->object, label, sizeof(*label));
	bl_barrier();
	if (lock & 1 || label->lock != lock || scratch->object.generation != scratch->generation)
		return 0;
	scratch->tables = scratch->object.tables;
	return 1;
}
