/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From an access to its verdict: find the labels, search, report, answer the hook. */
#pragma once

#include "emit.bpf.h"

/* What a run came to. */
enum bl_judged {
	BL_JUDGED_NOT = 0, /* there was no image to judge by */
	BL_JUDGED_PASS,
	BL_JUDGED_REFUSE,
};

static __always_inline int bl_is_daemon(void)
{
	return globals.daemon_tgid && bpf_get_current_pid_tgid() >> 32 == globals.daemon_tgid;
}

static __always_inline int bl_label_mentions(const struct bl_label *label, const struct bl_act *act)
{
	return act->op == BL_OP_EXEC ? label->exec : label->open_access & act->search;
}

/* Searches the lists of a labelled object; the strictest match stays in the walk. */
static __always_inline void bl_label_search(struct bl_matcher *m, const struct bl_label *label,
					    __u32 exec)
{
	const struct bl_header *header = m->header;

	if (label->flags & BL_LABEL_LOST)
		bl_list_search(m, exec ? header->exec_lost : header->open_lost);
	else if (label->flags & BL_LABEL_DEEP)
		bl_list_search(m, exec ? header->exec_deep : header->open_deep);
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= label->n_classes)
			break;
		class = bl_at(m->image, label->classes[i], struct bl_class);
		if (!class)
			break;
		bl_list_search(m, exec ? class->exec_list : class->open_list);
	}
}

/*
 * Searches what rules ask of scratch->object, or of scratch->lists for a destination, with the
 * subject's conditions (NULL: the policy has none). The strictest match stays in the walk.
 * Verified on its own. Returns 0: no image.
 */
__noinline int bl_search(struct bl_scratch *scratch, struct bl_subject *subject, __u32 op)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	if (subject)
		m.bits = subject->bits;
	bl_verdict_reset(&scratch->walk);
	if (op == BL_OP_CONNECT) {
		bl_list_search(&m, scratch->lists.by_addr);
		bl_list_search(&m, scratch->lists.by_port);
	} else {
		bl_label_search(&m, &scratch->object, op == BL_OP_EXEC);
	}
	return 1;
}

/* Answers with the verdict that the search left in the walk, and reports it. */
static __always_inline int bl_answer(struct bl_scratch *scratch, const struct bl_act *act)
{
	__u32 verdict = scratch->walk.verdict, rule = scratch->walk.rule;
	__u32 others = bl_others(&scratch->walk);

	if (verdict < BL_VERDICT_ALERT) {
		scratch->passed = 1;
		return BL_JUDGED_PASS;
	}
	if (verdict == BL_VERDICT_DENY && globals.ceiling)
		verdict = BL_VERDICT_WOULD_DENY;
	bl_object_fill(scratch, act);
	scratch->event.verdict = verdict;
	scratch->event.rule = rule;
	scratch->event.others = others;
	if (verdict == BL_VERDICT_DENY)
		scratch->event.ret = -EPERM;
	bl_emit(scratch);
	if (verdict == BL_VERDICT_DENY) {
		bl_count(BL_COUNT_DENIED);
		return BL_JUDGED_REFUSE;
	}
	bl_count(BL_COUNT_ALERTED);
	return BL_JUDGED_PASS;
}

/* Who asks, what the rules say, what follows. */
static __always_inline int bl_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	struct bl_subject *subject = NULL;

	if (bl_is_daemon())
		return BL_JUDGED_PASS;
	if (scratch->tables & BL_TABLES_SUBJECTS) {
		subject = bl_subject_get(scratch);
		if (!subject)
			return BL_JUDGED_NOT;
	}
	if (!bl_search(scratch, subject, act->op))
		return BL_JUDGED_NOT;
	scratch->print = subject ? subject->print : 1;
	return bl_answer(scratch, act);
}

/* True when the last search on the label was for this subject and what it asks, and found nothing. */
static __always_inline int bl_pass_known(const struct bl_label *label, __u32 access)
{
	struct task_struct *task;
	struct bl_subject *subject;
	__u64 pass = label->pass, print = 1;

	if (access & ~pass & ((1u << BL_PASS_ACCESS_BITS) - 1))
		return 0;
	if (label->tables & BL_TABLES_SUBJECTS) {
		task = bpf_get_current_task_btf();
		subject = bpf_task_storage_get(&subjects, task, NULL, 0);
		if (!subject || !bl_subject_valid(subject, task, label->generation))
			return 0;
		print = subject->print;
	}
	return bl_pass_word(print, label->lock, 0) == (pass & ~((1ull << BL_PASS_ACCESS_BITS) - 1));
}

/* Remembers a search that found nothing, on the label that it was made on. */
static __always_inline void bl_pass_keep(struct bl_scratch *scratch, struct bl_label *label)
{
	__u64 old = scratch->object.pass;
	__u64 word = bl_pass_word(scratch->print, scratch->object.lock, 0);
	__u32 access = scratch->search;

	if ((old & ~((1ull << BL_PASS_ACCESS_BITS) - 1)) == word)
		access |= old & ((1u << BL_PASS_ACCESS_BITS) - 1);
	__sync_val_compare_and_swap(&label->pass, old, word | access);
}

/* A named object: its label from the cache, or worked out; then who asks and what follows. */
static __always_inline int bl_path_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	scratch->search = act->search;
	if (!scratch->cached) {
		if (!bl_object_compute(scratch, act->dentry, act->sb, act->inode))
			return BL_JUDGED_NOT;
		if (!bl_label_mentions(&scratch->object, act))
			return BL_JUDGED_PASS;
	}
	return bl_judge(scratch, act);
}

/*
 * No verdict could be computed for want of memory. A policy that refuses anything refuses this; one
 * that only reports lets it pass. Counted either way.
 */
static __always_inline int bl_fail_closed(void)
{
	bl_sequence_next();
	bl_count(BL_COUNT_LOST_SCRATCH);
	if (globals.ceiling || !globals.denies)
		return 0;
	bl_count(BL_COUNT_FAILED_CLOSED);
	return -EPERM;
}

static __always_inline int bl_finish(struct bl_scratch *scratch, __u32 judged)
{
	bl_scratch_put(scratch);
	if (judged == BL_JUDGED_NOT)
		return bl_fail_closed();
	if (judged == BL_JUDGED_REFUSE)
		return -EPERM;
	return 0;
}

/* The inode's label if it is still right for this dentry, or NULL. */
static __always_inline struct bl_label *bl_label_find(struct dentry *dentry, struct inode *inode)
{
	struct bl_label *label = bpf_inode_storage_get(&labels, inode, NULL, 0);

	return label && bl_label_valid(label, dentry) ? label : NULL;
}

/* Judges an access to a named object by the tables; label: its valid label, or NULL. */
static __always_inline int bl_path_search(const struct bl_act *act, struct bl_label *label)
{
	struct bl_scratch *scratch = bl_scratch_get();
	int judged;

	if (!scratch)
		return bl_fail_closed();
	scratch->generation = globals.generation;
	scratch->cached = label && bl_object_load(scratch, label);
	scratch->passed = 0;
	judged = bl_path_judge(scratch, act);
	if (label && scratch->passed && scratch->cached)
		bl_pass_keep(scratch, label);
	return bl_finish(scratch, judged);
}

/*
 * Judges an access to a named object. Most end at its label, without scratch memory or the
 * policy's tables: no rule mentions it for this access, or none concerns this subject.
 */
static __always_inline int bl_path_decide(const struct bl_act *act)
{
	struct bl_label *label;

	if (!globals.generation)
		return 0;
	label = act->inode ? bl_label_find(act->dentry, act->inode) : NULL;
	if (label && (!bl_label_mentions(label, act) || bl_pass_known(label, act->search)))
		return 0;
	return bl_path_search(act, label);
}
