/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The real file below an overlay's, on kernels before 6.5. The overlay opens it by its own path: what it
 * is called is found by its inode, and what rules say of that name holds for the overlay's inode as well,
 * which is what is mapped and executed.
 */
#pragma once

#include "decide.bpf.h"

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
	bl_named_walk(scratch, (__u64)inode->i_dentry.first);
	if (bl_super_narrow(scratch, inode->i_sb)) {
		bl_named_walk(scratch, (__u64)inode->i_dentry.first);
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
	bl_named_walk(scratch, (__u64)act->inode->i_dentry.first);
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
