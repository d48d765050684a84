/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Who acts: the subject conditions that hold for the current task, kept in its storage. */
#pragma once

#include "object.bpf.h"

struct bl_groups_ctx {
	const struct bl_matcher *match;
	struct group_info *groups;
};

static long bl_group_turn(__u32 index, void *ctx)
{
	struct bl_groups_ctx *c = ctx;
	__u32 gid = 0;

	if (bpf_probe_read_kernel(&gid, sizeof(gid), &c->groups->gid[index]))
		return 1;
	bl_subject_gid(c->match, gid);
	return 0;
}

/* bits &= conditions that the user and any of the groups leave open. */
static __always_inline void bl_subject_ids(const struct bl_matcher *m, __u64 *bits,
					   const struct cred *cred)
{
	struct bl_groups_ctx ctx = { .match = m, .groups = cred->group_info };

	bl_bits_clear(m->walk->bits);
	bl_subject_uid(m, cred->euid.val);
	bl_bits_and(m, bits, m->walk->bits);
	bl_bits_clear(m->walk->bits);
	bl_subject_gid(m, cred->egid.val);
	if (m->header->flags & BL_TABLES_GIDS)
		bpf_loop(ctx.groups->ngroups, bl_group_turn, &ctx, 0);
	bl_bits_and(m, bits, m->walk->bits);
}

static __always_inline enum bl_trust bl_label_exe_trust(const struct bl_label *label)
{
	if (label->flags &
	    (BL_LABEL_LOST | BL_LABEL_DEEP | BL_LABEL_PSEUDO | BL_LABEL_UNTRUSTED))
		return BL_TRUST_NONE;
	return label->flags & BL_LABEL_CONTAINER ? BL_TRUST_CONTAINER : BL_TRUST_HOST;
}

/* Works out the conditions into subject->bits. Uses scratch's walk, label and superblock. */
static __noinline int bl_subject_compute(struct bl_matcher *m, struct bl_scratch *scratch,
					 struct bl_subject *subject, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;
	enum bl_trust trust = BL_TRUST_NONE;

	if (exe && m->header->flags & BL_TABLES_EXES) {
		bl_label_compute(m, scratch, exe->f_path.dentry);
		trust = bl_label_exe_trust(&scratch->label);
	}
	bl_subject_exe(m, subject->bits, trust);
	bl_subject_ids(m, subject->bits, task->cred);
	return 0;
}

static __always_inline int bl_subject_valid(const struct bl_subject *subject,
					    struct task_struct *task, __u32 generation)
{
	return subject->generation == generation && !subject->stale &&
	       subject->cred == (__u64)task->cred && subject->euid == task->cred->euid.val &&
	       subject->exec_id == task->self_exec_id;
}

/*
 * Sets m->bits to the current task's conditions. Must come before the object's label is put into
 * the scratch. No storage to be had means that the conditions are worked out for this run alone.
 */
static __always_inline void bl_subject_get(struct bl_matcher *m, struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_subject *subject;

	m->bits = NULL;
	if (!(m->header->flags & BL_TABLES_SUBJECTS))
		return;
	subject = bpf_task_storage_get(&subjects, task, NULL, 0);
	if (subject && bl_subject_valid(subject, task, m->header->generation)) {
		m->bits = subject->bits;
		return;
	}
	if (!subject)
		subject = bpf_task_storage_get(&subjects, task, NULL,
					       BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!subject)
		subject = &scratch->subject;
	subject->generation = 0;
	subject->cred = (__u64)task->cred;
	subject->euid = task->cred->euid.val;
	subject->exec_id = task->self_exec_id;
	subject->stale = 0;
	bl_subject_compute(m, scratch, subject, task);
	subject->generation = m->header->generation;
	m->bits = subject->bits;
}
