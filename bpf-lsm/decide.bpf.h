/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From an access to its verdict: find the labels, search, report, answer the hook. */
#pragma once

#include "emit.bpf.h"

/* Sets up a run on the policy in force; 0: there is none. */
static __always_inline int bl_run_start(struct bl_matcher *m)
{
	__builtin_memset(m, 0, sizeof(*m));
	m->image = bl_image();
	if (!m->image)
		return 0;
	m->header = bl_header(m->image);
	return m->header != NULL;
}

/*
 * No verdict could be computed. A policy that refuses anything refuses this; one that only
 * reports lets it pass. Counted either way.
 */
static __always_inline int bl_fail_closed(const struct bl_matcher *m)
{
	bl_count(BL_COUNT_LOST_SCRATCH);
	if (globals.ceiling || !(m->header->flags & BL_TABLES_DENIES))
		return 0;
	bl_count(BL_COUNT_FAILED_CLOSED);
	return -EPERM;
}

/* Answers with the verdict that the search left in the walk, and reports it. */
static __always_inline int bl_answer(struct bl_matcher *m, struct bl_scratch *scratch,
				     const struct bl_act *act)
{
	__u32 verdict = scratch->walk.verdict;

	if (verdict < BL_VERDICT_ALERT)
		return 0;
	if (verdict == BL_VERDICT_DENY && globals.ceiling)
		verdict = BL_VERDICT_WOULD_DENY;
	bl_emit(m, scratch, act, verdict);
	if (verdict == BL_VERDICT_DENY) {
		bl_count(BL_COUNT_DENIED);
		return -EPERM;
	}
	bl_count(BL_COUNT_ALERTED);
	return 0;
}

static __always_inline int bl_is_daemon(void)
{
	return globals.daemon_tgid && bpf_get_current_pid_tgid() >> 32 == globals.daemon_tgid;
}

static __always_inline int bl_label_mentions(const struct bl_label *label,
					     const struct bl_act *act)
{
	return act->op == BL_OP_EXEC ? label->exec : label->open_access & act->search;
}

/* Takes a consistent copy of a cached label into scratch->object; 0: it changed meanwhile. */
static __always_inline int bl_object_load(struct bl_scratch *scratch, const struct bl_label *label,
					  __u32 generation)
{
	__u32 lock = label->lock;

	bl_barrier();
	__builtin_memcpy(&scratch->object, label, sizeof(*label));
	bl_barrier();
	return !(lock & 1) && label->lock == lock && scratch->object.generation == generation;
}

/* The rest of a path verdict, once an object turned out to be mentioned or not yet known. */
static __noinline int bl_path_judge(struct bl_matcher *m, struct bl_scratch *scratch,
				    const struct bl_act *act, const struct bl_label *cached)
{
	m->walk = &scratch->walk;
	m->access = act->search;
	if (!cached || !bl_object_load(scratch, cached, m->header->generation)) {
		bl_label_get(m, scratch, act->dentry, act->inode);
		scratch->object = scratch->label;
		if (!bl_label_mentions(&scratch->object, act))
			return 0;
	}
	if (bl_is_daemon())
		return 0;
	bl_subject_get(m, scratch);
	bl_label_search(m, &scratch->object, act->op);
	return bl_answer(m, scratch, act);
}

/*
 * Judges an access to a named object. The fast way out, for what no rule mentions, needs
 * neither the policy's tables nor scratch memory.
 */
static __always_inline int bl_path_decide(const struct bl_act *act)
{
	struct bl_label *label = act->inode ? bpf_inode_storage_get(&labels, act->inode, NULL, 0) :
					      NULL;
	struct bl_scratch *scratch;
	struct bl_matcher m;
	int answer;

	if (label) {
		if (!bl_label_valid(label, act->dentry))
			label = NULL;
		else if (!bl_label_mentions(label, act))
			return 0;
	}
	if (!bl_run_start(&m))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch)
		return bl_fail_closed(&m);
	answer = bl_path_judge(&m, scratch, act, label);
	bl_scratch_put(scratch);
	if (answer)
		return -EPERM;
	return 0;
}
