/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Tells user space of all processes: what they run, and what they come from as far as that is known. */
#pragma once

#include "descent.bpf.h"

/* The name of the program of a process into scratch->origin; all is known by addresses only. */
static __always_inline __u32 bl_tell_name(struct bl_scratch *scratch, struct file *exe)
{
	struct inode *inode = exe->f_inode;
	struct super_block *sb = inode->i_sb;

	if (!bl_is_started(exe->f_flags) || bl_is_pseudo(sb) || sb->s_user_ns->level)
		return BL_PROCESS_NONE;
	bl_origin_begin(&scratch->origin, inode, BL_TRUST_HOST);
	scratch->super.prefix_len = 0;
	scratch->sb_root = (__u64)sb->s_root;
	bl_named_dentry(scratch, (__u64)exe->f_path.dentry);
	return bl_origin_name(scratch) ? BL_PROCESS_NAMED : BL_PROCESS_UNKNOWN;
}

static __always_inline void bl_tell_program(struct bl_process *process, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;
	struct bl_scratch *scratch;

	process->program = BL_PROCESS_NONE;
	if (!exe)
		return;
	process->program = BL_PROCESS_UNKNOWN;
	scratch = bl_scratch_get();
	if (!scratch)
		return;
	process->program = bl_tell_name(scratch, exe);
	process->origin = scratch->origin;
	bl_scratch_put(scratch);
}

static __always_inline int bl_tell_process(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct bl_process *process;
	struct bl_lineage *lineage;
	__u32 zero = 0;

	process = bpf_map_lookup_elem(&telling, &zero);
	if (!task || !process || task->pid != task->tgid)
		return 0;
	process->tgid = task->tgid;
	process->ppid = task->real_parent->tgid;
	process->exec_id = task->self_exec_id;
	process->start = task->start_boottime;
	process->lineage = 0;
	process->program = BL_PROCESS_NONE;
	if (task->flags & PF_KTHREAD) {
		process->lineage = 1;
		__builtin_memset(&process->line, 0, sizeof(process->line));
		process->line.own = BL_ORIGIN_NONE;
		process->line.parent = BL_ORIGIN_NONE;
	} else {
		lineage = bl_lineage_get(task);
		if (lineage) {
			process->lineage = 1;
			process->line = lineage->line;
		}
		bl_tell_program(process, task);
	}
	bpf_seq_write(ctx->meta->seq, process, sizeof(*process));
	return 0;
}
