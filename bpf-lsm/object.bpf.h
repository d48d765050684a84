/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What an object is to the rules: the classes of all its names, kept with its inode. */
#pragma once

#include "links.bpf.h"

/*
 * An inode whose only name this is, as long as nothing is renamed or linked. Not one that the file
 * system may rename by itself, nor by a dentry that is a name no more, nor a device.
 */
static __always_inline int bl_cacheable(struct dentry *dentry, struct inode *inode)
{
	return !(dentry->d_flags & DCACHE_OP_REVALIDATE) && dentry->d_hash.pprev &&
	       ((inode->i_mode & S_IFMT) == S_IFDIR || inode->i_nlink == 1) &&
	       !bl_is_device(inode->i_mode, inode->i_rdev);
}

/*
 * True when the label (or NULL) still says what the inode's one name comes to; *ret_sequence is
 * rename_lock's, read after the stamp. Whether the dentry at hand is that name is another question: the
 * internal open of an overlay has its own, and so has a file that was opened by a name that is gone.
 */
static __always_inline int bl_label_valid(const struct bl_label *label, __u32 *ret_sequence)
{
	if (!label || label->stamp != globals.stamp) {
		*ret_sequence = bl_sequence(&rename_lock);
		return 0;
	}
	*ret_sequence = bl_sequence(&rename_lock);
	return label->renames == *ret_sequence;
}

/*
 * Where the label of an object will be kept: what its inode has, or new storage where it pays.
 * What was kept for this very dentry before can be kept now. NULL: nowhere.
 */
static __always_inline struct bl_label *bl_label_place(struct bl_scratch *scratch,
						       struct dentry *dentry, struct inode *inode,
						       struct bl_label *label)
{
	/* Or the compiler remembers what an earlier test said: the verifier needs one here. */
	BL_BARRIER(label);
	if (label && label->dentry == (__u64)dentry)
		return label;
	scratch->label.dentry = (__u64)dentry;
	/* Read back from memory it is a number, which the verifier lets be calculated with. */
	if (!label && bl_looks(*(volatile __u64 *)&scratch->label.dentry) < 2)
		return NULL;
	if (!bl_cacheable(dentry, inode))
		return NULL;
	return label ? label
		     : bpf_inode_storage_get(&labels, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline int bl_label_lock(struct bl_label *label)
{
	__u32 lock = label->lock;

	return !(lock & 1) && bl_exchange(&label->lock, lock, lock + 1);
}

/* Unlocks a label that is complete again, unless it was forbidden meanwhile. */
static __always_inline void bl_label_unlock(struct bl_label *label, __u64 stamp)
{
	__u32 lock = label->lock;

	bl_barrier();
	label->stamp = stamp;
	if (lock == BL_LOCK_LINKED || !bl_exchange(&label->lock, lock, lock + 1))
		label->stamp = 0;
}

/* Keeps scratch->label. */
static __always_inline void bl_label_store(struct bl_scratch *scratch, struct dentry *dentry,
					   struct bl_label *label)
{
	struct bl_label *from = &scratch->label;

	if (!bl_label_lock(label))
		return;
	label->stamp = 0;
	bl_barrier();
	from->dentry = (__u64)dentry;
	__builtin_memcpy(&label->dentry, &from->dentry,
			 offsetof(struct bl_label, lock) - offsetof(struct bl_label, dentry));
	bl_label_unlock(label, from->stamp);
}

/* Takes a consistent copy of a kept label into scratch->label; 0: it changed meanwhile. */
static __always_inline int bl_object_load(struct bl_scratch *scratch, const struct bl_label *label)
{
	__u32 lock = label->lock;

	bl_barrier();
	__builtin_memcpy(&scratch->label, label, offsetof(struct bl_label, lock));
	bl_barrier();
	if (lock & 1 || label->lock != lock || scratch->label.stamp != scratch->stamp)
		return 0;
	scratch->tables = scratch->label.tables;
	return 1;
}

/* An inode is about to get a second name: from now on no label of it is kept. 0: no memory. */
static __always_inline int bl_label_forbid(struct inode *inode)
{
	struct bl_label *label =
		bpf_inode_storage_get(&labels, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!label)
		return 0;
	__sync_lock_test_and_set(&label->lock, BL_LOCK_LINKED);
	label->stamp = 0;
	return 1;
}

/* Whether an inode has had a second name. */
static __always_inline int bl_label_forbidden(struct inode *inode)
{
	const struct bl_label *label = bpf_inode_storage_get(&labels, inode, NULL, 0);

	return label && label->lock == BL_LOCK_LINKED;
}

struct bl_alias_ctx {
	struct bl_matcher m;
	struct bl_scratch *scratch;
};

/* Adds the states that a run over a directory's path has ended in. */
static __always_inline void bl_state_add(const struct bl_matcher *m, struct bl_scratch *scratch)
{
	__u32 n = scratch->n_states;

	if (!bl_run_alive(m) || n >= BL_ALIASES_MAX)
		return;
	BL_BARRIER(n);
	n &= BL_ALIASES_MAX - 1;
	scratch->states[n].trie = m->walk->trie;
	scratch->states[n].dfa = m->walk->dfa;
	scratch->n_states = n + 1;
}

/*
 * One name of the object: the part below the mount's root, from the mount point's states on. After all mounts its own
 * name, from the superblock's root on, where none of them shows it.
 */
static long bl_alias_turn(__u32 index, void *ctx)
{
	struct bl_alias_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	struct bl_walk *walk = &scratch->walk;
	__u32 n = walk->n_comps;
	struct bl_alias *alias = &scratch->super.aliases[index & (BL_ALIASES_MAX - 1)];

	if (index < scratch->super.n_aliases) {
		if (alias->root != scratch->sb_root) {
			n = bl_level_find(scratch, alias->root);
			if (n >= BL_DEPTH_MAX)
				return 0;
		}
		scratch->unshown = 0;
		scratch->from = alias->state;
	} else {
		if (!scratch->unshown)
			return 1;
		scratch->from.trie = BL_TRIE_ROOT;
		scratch->from.dfa = c->m.header->dfa_start;
	}
	if (!scratch->from.trie && !scratch->from.dfa)
		return 0;
	bl_path_follow(scratch, n, scratch->keep, scratch->from.trie, scratch->from.dfa);
	if (n && scratch->keep)
		bl_state_add(&c->m, scratch);
	else
		bl_path_classes(&c->m);
	return 0;
}

/* One of the states of a directory above, from there to the directory itself. */
static long bl_step_turn(__u32 index, void *ctx)
{
	struct bl_alias_ctx *c = ctx;
	struct bl_state *state = &c->scratch->states[index & (BL_ALIASES_MAX - 1)];

	bl_path_follow(c->scratch, c->scratch->walk.n_comps, 1, state->trie, state->dfa);
	bl_run_alive(&c->m);
	state->trie = c->m.walk->trie;
	state->dfa = c->m.walk->dfa;
	return 0;
}

/* What is below one of the states. */
static long bl_state_turn(__u32 index, void *ctx)
{
	struct bl_alias_ctx *c = ctx;
	struct bl_state *state = &c->scratch->states[index & (BL_ALIASES_MAX - 1)];
	__u32 n_comps = c->scratch->keep ? 1 : c->scratch->walk.n_comps;

	bl_path_follow(c->scratch, n_comps, 0, state->trie, state->dfa);
	bl_path_classes(&c->m);
	return 0;
}

/*
 * Matches the walk's chain without making text of it: where it is below one state, what that comes to isn't kept,
 * and the DFA need not read. 0: it takes the text.
 */
static __always_inline int bl_chain_match(const struct bl_matcher *m, struct bl_scratch *scratch)
{
	const struct bl_state *from = &scratch->states[0];
	__u32 states = scratch->n_states;

	if (!scratch->walk.chain.n || scratch->keep)
		return 0;
	if (!scratch->based) {
		from = &scratch->super.aliases[0].state;
		states = scratch->super.n_aliases;
	}
	if (states != 1)
		return !states;
	if (!bl_chain_run(m, from->trie, from->dfa))
		return 0;
	bl_path_classes(m);
	return 1;
}

/* Matches the walk's text, or what the chain makes for one. */
static __always_inline void bl_text_match(struct bl_alias_ctx *ctx)
{
	struct bl_scratch *scratch = ctx->scratch;

	if (scratch->walk.chain.n)
		bl_chain_text(&scratch->walk);
	scratch->unshown = 0;
	if (!scratch->based) {
		scratch->n_states = 0;
		scratch->depth = scratch->walk.n_comps;
		scratch->unshown = scratch->super.outside;
		bpf_loop(scratch->super.n_aliases + scratch->super.outside, bl_alias_turn, ctx, 0);
	} else if (scratch->walk.n_comps > 1 && scratch->keep) {
		bpf_loop(scratch->n_states, bl_step_turn, ctx, 0);
	}
	if (scratch->n_states == 1)
		bl_state_turn(0, ctx);
	else
		bpf_loop(scratch->n_states, bl_state_turn, ctx, 0);
	/* What is at such a place on the host is nobody's to say, so nothing is granted for it. */
	if (scratch->unshown) {
		scratch->label.flags |= BL_LABEL_CONTAINER;
		scratch->keep = 0;
	}
}

/*
 * A fingerprint of the label's classes, of where they hold, and of the policy that they belong to; 0 where there
 * are none.
 */
static __always_inline __u64 bl_label_key(const struct bl_matcher *m, const struct bl_label *label)
{
	__u64 key;

	if (!label->n_classes)
		return 0;
	key = m->header->generation * globals.keys[7] + label->flags * globals.keys[5] +
	      (label->classes[0] | (__u64)label->classes[1] << 32) * globals.keys[2];
	if (label->n_classes > 2)
		key += (label->classes[2] | (__u64)label->classes[3] << 32) * globals.keys[3] +
		       (label->classes[4] | (__u64)label->classes[5] << 32) * globals.keys[4];
	return key;
}

/* Looks up what the classes' rules ask for, so that most accesses stop at the label. */
static __always_inline void bl_label_summary(const struct bl_matcher *m, struct bl_label *label)
{
	const struct bl_header *header = m->header;
	__u32 accesses = 0; /* to open, and in the upper half to execute: one register */

	if (label->flags & (BL_LABEL_LOST | BL_LABEL_DEEP)) {
		label->open_access = header->accesses;
		label->exec_access = BL_ACCESS_EXEC | BL_FACT_ANY;
		label->key = 0;
		return;
	}
	if (label->flags & BL_LABEL_PSEUDO && header->exec_pseudo)
		accesses = (BL_ACCESS_EXEC | BL_FACT_ANY) << 16;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= label->n_classes)
			break;
		class = bl_near(m, label->classes[i], struct bl_class);
		if (!class)
			break;
		accesses |= class->open_access | (__u32)class->exec_access << 16;
	}
	label->open_access = (__u16)accesses;
	label->exec_access = accesses >> 16;
	/* An overlay may be about to show what rules on exec mention: that open is not to pass. */
	if (label->exec_access & ~BL_ACCESS_TRACE)
		label->open_access |= BL_ACCESS_EXEC;
	label->key = bl_label_key(m, label);
}

static __always_inline __u32 bl_trust_flags(__u32 trust)
{
	if (trust == BL_TRUST_HOST)
		return 0;
	return trust == BL_TRUST_CONTAINER ? BL_LABEL_CONTAINER : BL_LABEL_UNTRUSTED;
}

/*
 * The classes of the names in scratch->walk, by the superblock in scratch->super, into
 * scratch->label. Verified on its own. Returns 0: no image.
 */
__noinline int bl_label_match(struct bl_scratch *scratch)
{
	struct bl_label *label;
	struct bl_alias_ctx ctx;

	if (!scratch || !bl_run_start(&ctx.m, scratch))
		return 0;
	ctx.scratch = scratch;
	label = &scratch->label;
	bl_walk_reset(&scratch->walk);
	if (scratch->walk_end == BL_WALK_ROOT) {
		int matched = bl_chain_match(&ctx.m, scratch);

		/* Or each way out of the chain goes on by itself, and the verifier with it. */
		BL_BARRIER(matched);
		if (!matched)
			bl_text_match(&ctx);
	} else if (scratch->super.n_aliases) {
		label->flags |= scratch->walk_end == BL_WALK_DEEP ? BL_LABEL_DEEP : BL_LABEL_LOST;
	}
	if (scratch->is_linked)
		bl_names_add(scratch);
	if (scratch->walk.overflow || scratch->super.overflow)
		label->flags |= BL_LABEL_LOST;
	label->tables = ctx.m.header->flags;
	label->n_classes = scratch->walk.n_classes;
	__builtin_memcpy(label->classes, scratch->walk.classes, sizeof(label->classes));
	bl_label_summary(&ctx.m, label);
	/* So may another overlay, of what is in this one. */
	if (scratch->d_flags & bl_flag_real() && ctx.m.header->ops & 1 << BL_OP_EXEC)
		label->open_access |= BL_ACCESS_EXEC;
	return 1;
}

/*
 * Puts the classes of untrusted file systems in the place of those that scratch->label has. Verified on its own.
 * Returns 0: no image.
 */
__noinline int bl_label_distrust(struct bl_scratch *scratch)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= scratch->label.n_classes)
			break;
		class = bl_near(&m, scratch->label.classes[i], struct bl_class);
		if (!class)
			break;
		if (class->untrusted)
			scratch->label.classes[i] = class->untrusted;
	}
	bl_label_summary(&m, &scratch->label);
	return 1;
}

/*
 * Says what the names are of what lies below a root that is not the superblock's. An NFS client makes one
 * for each mount, and each file of nsfs is one; file handles make none, their dentries are marked as
 * disconnected until they have a parent. Where the host mounts it, it is named by that mount; where it
 * doesn't, from this root on, like all of a container's and what no mount shows; but nsfs's files have no name then, by which
 * systemd and ip(8) open them all the time.
 */
__noinline int bl_root_own(struct bl_scratch *scratch, __u64 sb_flags)
{
	struct bl_super *super;
	__u64 root;

	if (!scratch || scratch->walk_end != BL_WALK_OWN_ROOT)
		return 0;
	super = &scratch->super;
	root = scratch->dentries[scratch->walk.n_comps & (BL_DEPTH_MAX - 1)];
	for (__u32 i = 0; i < BL_ALIASES_MAX; i++) {
		if (i < super->n_aliases && super->aliases[i].root == root)
			scratch->walk_end = BL_WALK_ROOT;
	}
	if (scratch->walk_end == BL_WALK_ROOT)
		return 0;
	scratch->super_of = 0;
	if (sb_flags & SB_KERNMOUNT) {
		super->n_aliases = 0;
	} else if (super->trust != BL_TRUST_HOST) {
		super->aliases[0].root = root;
		scratch->walk_end = BL_WALK_ROOT;
	} else if (super->outside) {
		scratch->walk_end = BL_WALK_ROOT;
	}
	return 0;
}

/* What is on it has no path, ever: what the kernel has to itself, and memfds of huge pages. */
static __always_inline int bl_is_pseudo(struct super_block *sb)
{
	unsigned long flags = sb->s_flags;

	if (!(flags & (SB_NOUSER | SB_KERNMOUNT)))
		return 0;
	return flags & SB_NOUSER || sb->s_magic == BL_MAGIC_HUGETLBFS;
}

/* The path of a dentry into scratch->walk, and the mounts that show it into scratch->super. */
static __always_inline void bl_path_find(struct bl_scratch *scratch, struct dentry *dentry,
					 struct super_block *sb, __u32 sequence)
{
	bl_walk_dentry(scratch, dentry, sequence);
	if (!bl_super_narrow(scratch, sb))
		return;
	bl_walk_dentry(scratch, dentry, bl_sequence(&rename_lock));
	bl_super_narrowed(scratch);
}

/*
 * A name that is left of a file into the walk. Its entry that is at hand was unlinked, or it was made without one and
 * linked later: nothing is kept of the other name where that came before the policy, or by somebody who may.
 * Files of nsfs and the like are no entry's child, and have no name. Verified on its own: it takes addresses only.
 */
__noinline int bl_former_walk(struct bl_scratch *scratch)
{
	if (!scratch)
		return 0;
	if (scratch->is_linked || (scratch->mode & S_IFMT) == S_IFDIR ||
	    bl_read(struct dentry, scratch->former, d_parent) == scratch->former) {
		scratch->former = 0;
		return 0;
	}
	__builtin_memset(&scratch->linked, 0, sizeof(scratch->linked));
	scratch->spilled = 0;
	scratch->rdev = 0;
	scratch->based = 0;
	scratch->walk.chain.n = 0;
	scratch->label.flags = 0;
	bl_named_walk(scratch, scratch->entry);
	return 0;
}

/*
 * What is in scratch->label is what the object's other names come to: it counts beside the former name, by
 * which a socket is known and a program was started. Verified on its own.
 */
__noinline int bl_former_take(struct bl_scratch *scratch)
{
	if (!scratch || !scratch->former)
		return 0;
	/* The mounts that a record has no room for aren't looked for a second time: frames are few. */
	if (scratch->label.flags & (BL_LABEL_LOST | BL_LABEL_DEEP) || scratch->super.many)
		scratch->linked.overflow = 1;
	__builtin_memcpy(scratch->linked.classes, scratch->label.classes,
			 sizeof(scratch->linked.classes));
	scratch->is_linked = 1;
	return 0;
}

/*
 * Works out the label of a dentry into scratch->label, by rename_lock's sequence. A file's
 * superblock comes from its inode: since its path is in a union (6.18), the verifier trusts nothing
 * that is reached through it. Returns 0: no image.
 */
BL_CALLED int bl_label_compute(struct bl_scratch *scratch, struct dentry *dentry,
			       struct super_block *sb, __u32 sequence)
{
	struct bl_label *label = &scratch->label;
	struct inode *inode = dentry->d_inode;
	__u32 renames = sequence;

	scratch->former = 0;
	scratch->is_linked = 0;
	scratch->d_flags = dentry->d_flags;
	if (inode)
		scratch->is_linked = bl_has_names(dentry, inode) ? 1 : scratch->layered;
	if (scratch->is_linked)
		bl_linked_load(scratch, inode);
	scratch->based = 1;
	scratch->keep = 0;
	if (bl_is_pseudo(sb)) {
		scratch->super_of = 0;
		scratch->super.n_aliases = 0;
		scratch->super.overflow = 0;
		scratch->walk_end = BL_WALK_LOST;
		label->flags = BL_LABEL_PSEUDO;
	} else {
		/* First the superblock: to look at its mounts takes the walk's memory. */
		if (!bl_super_kept(scratch, sb, sequence) && !bl_super_get(scratch, sb, sequence))
			return 0;
		if (inode && bl_is_unhashed(dentry, inode)) {
			scratch->former = (__u64)dentry;
			scratch->mode = inode->i_mode;
			scratch->entry = (__u64)inode->i_dentry.first;
			bl_former_walk(scratch);
			bl_label_match(scratch);
			bl_former_take(scratch);
		}
		if (scratch->below || !bl_chain_find(scratch, dentry, sequence)) {
			scratch->based = 0;
			scratch->walk.chain.n = 0;
			scratch->directory = dentry->d_parent->d_inode->i_ino;
			bl_path_find(scratch, dentry, sb, sequence);
		}
		if (!scratch->below && (!scratch->based || scratch->walk.chain.n > 1))
			scratch->keep = bl_dir_wanted(scratch);
		if (scratch->walk_end == BL_WALK_OWN_ROOT)
			bl_root_own(scratch, sb->s_flags);
		label->flags = bl_trust_flags(scratch->super.trust);
		renames = scratch->renames;
		/* Where it is mounted and what it is called there are of two instants: not kept. */
		if (scratch->super.moves && scratch->super.renames != renames)
			renames = 1;
	}
	label->stamp = scratch->stamp;
	label->renames = renames;
	if (!bl_label_match(scratch))
		return 0;
	if (label->flags & BL_LABEL_UNTRUSTED && !bl_label_distrust(scratch))
		return 0;
	if (scratch->keep)
		bl_dir_keep(scratch, dentry);
	/* What is about to be made has no inode; that it is not linked, the verifier can't know. */
	if (scratch->is_linked == 1 && !scratch->former && inode && label->n_classes) {
		bl_linked_keep(scratch, inode);
		bl_device_keep(scratch);
	}
	return 1;
}

/*
 * Works out the label of an object into scratch->label and keeps it with the inode, if there is
 * one. Returns 0: no image.
 */
static __always_inline int bl_object_compute(struct bl_scratch *scratch, struct dentry *dentry,
					     struct super_block *sb, struct inode *inode,
					     struct bl_label *label, __u32 sequence)
{
	struct bl_label *kept = inode ? bl_label_place(scratch, dentry, inode, label) : NULL;

	if (!bl_label_compute(scratch, dentry, sb, sequence))
		return 0;
	if (kept && !(scratch->label.flags & (BL_LABEL_LOST | BL_LABEL_DEEP)) &&
	    !(scratch->label.renames & 1) && scratch->settled)
		bl_label_store(scratch, dentry, kept);
	return 1;
}
