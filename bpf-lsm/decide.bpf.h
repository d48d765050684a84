/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From an access to its verdict: find the labels, search, report, answer the hook. */
#pragma once

#include "args.bpf.h"

/* What is in force outlives the daemon, and the number of a process is given out again. */
static __always_inline int bl_is_daemon(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	if (!globals.daemon_tgid || bpf_get_current_pid_tgid() >> 32 != globals.daemon_tgid)
		return 0;
	return task->group_leader->start_boottime == globals.daemon_start;
}

/*
 * What an exec asks for depends on the file where rules ask for more than its name: mode and links change
 * and the label stays, so it is never a part of that, but of what passes are remembered by.
 */
static __always_inline void bl_act_ask(const struct bl_label *label, struct bl_act *act)
{
	if (label->exec_access & BL_FACT_ANY && !act->trace)
		act->search = BL_ACCESS_EXEC | bl_act_facts(act);
}

static __always_inline int bl_label_mentions(const struct bl_label *label, struct bl_act *act)
{
	if (act->op != BL_OP_EXEC)
		return label->open_access & act->search;
	if (!label->exec_access)
		return 0;
	bl_act_ask(label, act);
	return label->exec_access & act->search;
}

_Static_assert(BL_CLASSES_MAX + 1 <= BL_LISTS_MAX,
	       "the lists of an object's classes and of what it is beside them");

/* The lists of a labelled object. */
static __always_inline void bl_label_lists(struct bl_matcher *m, const struct bl_label *label,
					   __u32 exec)
{
	const struct bl_header *header = m->header;

	/* There no exception holds that is for a program, and so nobody's is taken. */
	if (m->walk->access == BL_ACCESS_TRACE &&
	    label->flags & (BL_LABEL_CONTAINER | BL_LABEL_UNTRUSTED))
		return;
	if (label->flags & BL_LABEL_LOST)
		bl_list_add(m->walk, exec ? header->exec_lost : header->open_lost);
	else if (label->flags & BL_LABEL_DEEP)
		bl_list_add(m->walk, exec ? header->exec_deep : header->open_deep);
	else if (exec && label->flags & BL_LABEL_PSEUDO)
		bl_list_add(m->walk, header->exec_pseudo);
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		const struct bl_class *class;

		if (i >= label->n_classes)
			break;
		class = bl_at(m, label->classes[i], struct bl_class);
		if (!class)
			break;
		bl_list_add(m->walk, exec ? class->exec_list : class->open_list);
	}
}

/*
 * Searches what rules ask of scratch->label, or of scratch->lists for a destination, with the
 * subject's conditions (NULL: the policy has none). The strictest match stays in the walk.
 * Verified on its own. Returns 0: no image.
 */
__noinline int bl_search(struct bl_scratch *scratch, struct bl_subject *subject, __u32 op)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	m.bits = NULL;
	if (subject)
		m.bits = subject->bits;
	m.walk->access = scratch->search;
	bl_verdict_reset(&scratch->walk);
	if (op == BL_OP_CONNECT)
		bl_lists_add(&m, &scratch->lists);
	else
		bl_label_lists(&m, &scratch->label, op == BL_OP_EXEC);
	bl_lists_run(&m);
	return 1;
}

/* Answers with the verdict that the search left in the walk, and reports it. */
static __always_inline int bl_answer(struct bl_scratch *scratch, const struct bl_act *act)
{
	__u32 verdict = scratch->walk.verdict, rule = scratch->walk.rule;
	__u32 others = bl_others(&scratch->walk), pending = 0;
	__u32 judged = BL_JUDGED_PASS;

	if (act->op == BL_OP_EXEC)
		pending = scratch->walk.n_pending;
	if (verdict < BL_VERDICT_ALERT && !pending) {
		scratch->passed = 1;
		return BL_JUDGED_PASS;
	}
	/* Arguments are those of a program that is started, not of what it maps. */
	if (act->hook != BL_HOOK_BPRM_CHECK)
		pending = 0;
	if (verdict < BL_VERDICT_ALERT && !pending)
		return BL_JUDGED_PASS;
	bl_object_fill(scratch, act);
	bl_shown_find(scratch);
	scratch->event.verdict = verdict;
	scratch->event.rule = rule;
	scratch->event.others = others;
	if (verdict >= BL_VERDICT_ALERT)
		judged = bl_emit(scratch);
	if (judged == BL_JUDGED_PASS && pending)
		judged = bl_args_keep(scratch);
	return judged;
}

/* Who asks: scratch->print, and *ret where the policy looks at subjects. 0: no image. */
static __always_inline int bl_judge_subject(struct bl_scratch *scratch, enum bl_who who,
					    struct bl_subject **ret)
{
	struct bl_subject *subject = NULL;

	scratch->print = 1;
	if (scratch->tables & BL_TABLES_SUBJECTS) {
		subject = who == BL_WHO_TASK   ? bl_subject_get(scratch)
			  : who == BL_WHO_USER ? bl_subject_user(scratch)
					       : bl_subject_tracer(scratch);
		if (!subject)
			return 0;
		scratch->print = subject->print;
	}
	*ret = subject;
	return 1;
}

/* ---- what no rule concerned before ---------------------------------------------------------- */

/* Where the fingerprint of an access is remembered. */
static __always_inline __u64 *bl_pass_slot(__u64 print)
{
	return &passes[print >> 32 & (BL_PASS_SLOTS - 1)];
}

static __always_inline int bl_print_known(__u64 print)
{
	return *bl_pass_slot(print) == print;
}

static __always_inline int bl_pass_known(__u64 print)
{
	return print && bl_print_known(print);
}

static __always_inline void bl_pass_keep(__u64 print)
{
	if (print)
		*bl_pass_slot(print) = print;
}

static __always_inline __u64 bl_print_of(__u64 who, __u64 key, __u32 op, __u32 access)
{
	return (who + key + (access | op << 8) * globals.keys[6]) | 1;
}

/*
 * Of an access to a labelled object; who: bl_identity(), or the subject's conditions; key: the label's,
 * which the policy is in. 0: it can't be remembered. Whoever only asks may leave out to ask whether there
 * is a key: what has none is never kept.
 */
static __always_inline __u64 bl_label_print(__u64 who, __u64 key, __u32 op, __u32 access)
{
	if (!who || !key)
		return 0;
	return bl_print_of(who, key, op, access);
}

/* A named object whose label is in scratch. */
static __always_inline int bl_label_judge(struct bl_scratch *scratch, const struct bl_act *act,
					  __u64 mine)
{
	struct bl_subject *subject;
	__u64 ours;
	int judged;

	if (bl_is_daemon())
		return BL_JUDGED_PASS;
	if (!bl_judge_subject(scratch, act->who, &subject))
		return BL_JUDGED_NOT;
	ours = bl_label_print(scratch->print, scratch->label.key, act->op, act->search);
	if (!bl_pass_known(ours)) {
		if (!bl_search(scratch, subject, act->op))
			return BL_JUDGED_NOT;
		scratch->passed = 0;
		judged = bl_answer(scratch, act);
		if (!scratch->passed)
			return judged;
		bl_pass_keep(ours);
	}
	bl_pass_keep(mine);
	return BL_JUDGED_PASS;
}

/* What the name in scratch->label comes to holds for an inode of several names. 0: it can't. */
static __always_inline int bl_link_note(struct bl_scratch *scratch, struct inode *inode)
{
	if (!scratch->label.n_classes)
		return 1;
	__sync_fetch_and_add(&globals.linked, 1);
	return bl_linked_keep(scratch, inode);
}

/* A fingerprint of who acts, as bl_identity(). */
static __always_inline __u64 bl_act_identity(const struct bl_act *act)
{
	return act->who == BL_WHO_TASK ? bl_identity() : 0;
}

/*
 * A named object: its label from the cache, or worked out; then who asks and what follows. That of a
 * process that is taken hold of is not kept: policies about connects alone watch no names. Nor is that of what may be
 * gone.
 */
static __always_inline int bl_path_judge(struct bl_scratch *scratch, struct bl_act *act,
					 struct bl_label *label, int valid, __u32 sequence)
{
	struct inode *keeper = act->trace || act->layered || act->passing ? NULL : act->inode;
	__u64 mine;

	if (!valid || !bl_object_load(scratch, label)) {
		if (act->layered)
			scratch->layered = 2;
		if (!bl_object_compute(scratch, act->dentry, act->sb, keeper, label, sequence))
			return BL_JUDGED_NOT;
		/* Not of the executables that are looked at now. */
		if (act->layered)
			scratch->layered = 0;
		if (act->starts && !bl_layer_keep(scratch))
			return BL_JUDGED_NOT;
		if (act->linked && !bl_link_note(scratch, act->linked))
			return BL_JUDGED_NOT;
		if (!bl_label_mentions(&scratch->label, act))
			return BL_JUDGED_PASS;
	} else if (act->op == BL_OP_EXEC) {
		bl_act_ask(&scratch->label, act);
	}
	if (act->op == BL_OP_EXEC)
		scratch->search = act->search;
	mine = bl_label_print(bl_act_identity(act), scratch->label.key, act->op, act->search);
	if (bl_pass_known(mine))
		return BL_JUDGED_PASS;
	return bl_label_judge(scratch, act, mine);
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

/*
 * What is asked comes back as any number: before 6.3 the verifier goes on with each value that it can
 * have apart from the others.
 */
static __always_inline void bl_act_blur(struct bl_scratch *scratch, struct bl_act *act)
{
	scratch->search = act->search;
	scratch->access = act->access;
	act->search = *(volatile __u32 *)&scratch->search;
	act->access = *(volatile __u32 *)&scratch->access;
}

/*
 * Judges an access to a named object by the tables; label: what its inode has, or NULL; valid: it
 * is right for this dentry; sequence: rename_lock's, just now.
 */
static __always_inline int bl_path_search(struct bl_act *act, struct bl_label *label, int valid,
					  __u32 sequence)
{
	struct bl_scratch *scratch = bl_scratch_get();

	if (!scratch)
		return bl_fail_closed();
	scratch->own = act->own;
	scratch->shown = act->shown;
	scratch->settled = bl_epoch_turn();
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	bl_act_blur(scratch, act);
	return bl_finish(scratch, bl_path_judge(scratch, act, label, valid, sequence));
}

/*
 * Judges an access to a named object. Most end at its label, without scratch memory or the
 * policy's tables.
 */
static __always_inline int bl_path_decide(struct bl_act *act)
{
	struct bl_label *label = NULL;
	__u32 sequence;
	int valid;

	/* What the inode has is of its own name. */
	if (act->inode && !act->layered)
		label = bpf_inode_storage_get(&labels, act->inode, NULL, 0);
	valid = bl_label_valid(label, &sequence);
	if (valid && label) {
		if (!bl_label_mentions(label, act))
			return 0;
		valid = label->dentry == (__u64)act->dentry;
		if (valid && bl_pass_known(bl_label_print(bl_act_identity(act), label->key, act->op,
							  act->search)))
			return 0;
	}
	if (!globals.generation)
		return 0;
	return bl_path_search(act, label, valid, sequence);
}
