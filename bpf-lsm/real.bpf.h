/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The real file below an overlay's, on kernels before 6.5. The overlay opens it by its own path: what it
 * is called is found by its inode, and what rules say of that name holds for the overlay's inode as well,
 * which is what is mapped and executed.
 */
#pragma once

#include "decide.bpf.h"

struct bl_real_ctx {
	struct bl_scratch *scratch;
	__u64 dentry;
	__u64 start;
	__u32 sequence; /* of rename_lock, when it was last seen */
};

/* One step from a dentry to its parent, both known by their addresses only; 1 ends the climb. */
static long bl_real_step(__u32 index, void *ctx)
{
	struct bl_real_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u64 dentry = c->dentry, parent;

	scratch->dentries[scratch->walk.n_comps & (BL_DEPTH_MAX - 1)] = dentry;
	if (dentry == scratch->sb_root) {
		scratch->walk_end = BL_WALK_ROOT;
		return 1;
	}
	parent = dentry ? bl_read(struct dentry, dentry, d_parent) : 0;
	if (!parent || parent == dentry) {
		scratch->walk_end = BL_WALK_LOST;
		return 1;
	}
	if (!bl_prepend_raw(scratch, dentry))
		return 1;
	c->dentry = parent;
	return 0;
}

static long bl_real_turn(__u32 index, void *ctx)
{
	struct bl_real_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u32 before = c->sequence;

	if (!(before & 1)) {
		scratch->walk_end = BL_WALK_DEEP;
		bl_walk_start(&scratch->walk);
		c->dentry = c->start;
		bpf_loop(BL_DEPTH_MAX + 1, bl_real_step, c, 0);
		bl_barrier();
	}
	c->sequence = bl_sequence(&rename_lock);
	if (before & 1 || c->sequence != before)
		return 0;
	scratch->renames = before;
	return 1;
}

/* The name of an inode by its first dentry, as bl_walk_dentry() has it. */
BL_CALLED int bl_real_walk(struct bl_scratch *scratch, struct inode *inode)
{
	struct bl_real_ctx ctx = {
		.scratch = scratch,
		.sequence = bl_sequence(&rename_lock),
	};
	struct hlist_node *first = inode->i_dentry.first;

	if (first)
		ctx.start = (__u64)first - bpf_core_field_offset(struct dentry, d_u.d_alias);
	scratch->renames = 1; /* odd: set by the attempt that succeeds */
	bpf_loop(BL_WALK_TRIES, bl_real_turn, &ctx, 0);
	if (scratch->renames & 1) {
		scratch->walk_end = BL_WALK_RACED;
		bl_count(BL_COUNT_WALK_FAILED);
	}
	return 0;
}

/* Works out the label of an inode into scratch->label. Returns 0: no image. */
static __always_inline int bl_real_compute(struct bl_scratch *scratch, struct inode *inode)
{
	scratch->is_linked = bl_is_linked(inode);
	if (scratch->is_linked)
		bl_linked_load(scratch, inode);
	scratch->based = 0;
	scratch->keep = 0;
	scratch->walk.chain.n = 0;
	if (!bl_super_get(scratch, inode->i_sb, bl_sequence(&rename_lock)))
		return 0;
	bl_real_walk(scratch, inode);
	if (bl_super_narrow(scratch, inode->i_sb)) {
		bl_real_walk(scratch, inode);
		bl_super_narrowed(scratch);
	}
	scratch->label.flags = bl_trust_flags(scratch->super.trust);
	scratch->label.stamp = scratch->stamp;
	scratch->label.renames = scratch->renames;
	if (!bl_label_match(scratch))
		return 0;
	if (scratch->is_linked && scratch->label.n_classes)
		bl_linked_keep(scratch, inode);
	return 1;
}

/* The record's object: what only the inode tells. */
static __always_inline void bl_real_fill(struct bl_scratch *scratch, struct bl_act *act)
{
	struct super_block *sb = act->inode->i_sb;

	act->dentry = NULL;
	bl_object_fill(scratch, act);
	scratch->event.dev_major = sb->s_dev >> 20;
	scratch->event.dev_minor = sb->s_dev & 0xfffff;
	if (!bl_super_get(scratch, sb, bl_sequence(&rename_lock)))
		scratch->super.prefix_len = 0;
	bl_prefix_load(scratch, sb);
	bl_real_walk(scratch, act->inode);
	scratch->event.flags |= bl_path_flags(scratch);
}

static __always_inline int bl_real_judge(struct bl_scratch *scratch, struct bl_act *act,
					 struct inode *shown, __u32 exec)
{
	struct bl_subject *subject;
	__u32 verdict, rule, others;

	if (!bl_real_compute(scratch, act->inode))
		return BL_JUDGED_NOT;
	if (scratch->label.n_classes &&
	    (!bl_linked_keep(scratch, shown) || !bl_label_forbid(shown)))
		return BL_JUDGED_NOT;
	/* What is opened to be executed is judged when the overlay's file is. */
	if (exec || !(scratch->label.open_access & act->search) || bl_is_daemon())
		return BL_JUDGED_PASS;
	if (!bl_judge_subject(scratch, 0, &subject) || !bl_search(scratch, subject, BL_OP_OPEN))
		return BL_JUDGED_NOT;
	verdict = scratch->walk.verdict;
	rule = scratch->walk.rule;
	others = bl_others(&scratch->walk);
	if (verdict < BL_VERDICT_ALERT)
		return BL_JUDGED_PASS;
	bl_real_fill(scratch, act);
	scratch->event.verdict = verdict;
	scratch->event.rule = rule;
	scratch->event.others = others;
	return bl_emit(scratch);
}

/* shown: the overlay's inode. */
static __always_inline int bl_real_decide(struct bl_act *act, struct inode *shown, __u32 exec)
{
	struct bl_scratch *scratch = bl_scratch_get();

	if (!scratch)
		return bl_fail_closed();
	scratch->own = 1;
	scratch->shown = (__u64)act->dentry;
	scratch->settled = 0;
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	bl_act_blur(scratch, act);
	return bl_finish(scratch, bl_real_judge(scratch, act, shown, exec));
}
