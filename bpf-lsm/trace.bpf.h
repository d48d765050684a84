/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Whoever holds a process acts as it. Where rules have exceptions for a program, nobody whom they hold for
 * takes hold of a process that runs it, nor starts it with a tracer at hand.
 */
#pragma once

#include "decide.bpf.h"

/* include/linux/ptrace.h */
#define PTRACE_MODE_ATTACH 0x02

static __always_inline int bl_trace_decide(struct file *exe, struct linux_binprm *bprm, __u8 who,
					   __u32 hook)
{
	struct bl_act act = {
		.dentry = exe->f_path.dentry,
		.sb = exe->f_inode->i_sb,
		.inode = exe->f_inode,
		.bprm = bprm,
		.op = BL_OP_EXEC,
		.access = BL_ACCESS_TRACE,
		.search = BL_ACCESS_TRACE,
		.hook = hook,
		.trace = 1,
		.who = who,
	};

	return bl_path_decide(&act);
}

/*
 * ptrace(2), process_vm_readv(2) and process_vm_writev(2), pidfd_getfd(2), /proc/PID/mem. Whoever only looks
 * (PTRACE_MODE_READ: ps, /proc/PID/maps) changes nothing.
 */
static __always_inline int bl_trace_access(struct task_struct *child, unsigned int mode)
{
	struct mm_struct *mm = child->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	if (!(mode & PTRACE_MODE_ATTACH) || !exe)
		return 0;
	return bl_trace_decide(exe, NULL, BL_WHO_TASK, BL_HOOK_PTRACE_ACCESS);
}

/* A process gives itself to its parent. */
static __always_inline int bl_trace_me(void)
{
	struct mm_struct *mm = bpf_get_current_task_btf()->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	return exe ? bl_trace_decide(exe, NULL, BL_WHO_TRACER, BL_HOOK_PTRACE_TRACEME) : 0;
}

/* A process that has a tracer starts a program. None can be added before it runs: cred_guard_mutex. */
static __always_inline int bl_trace_exec(struct linux_binprm *bprm)
{
	if (!bpf_get_current_task_btf()->ptrace)
		return 0;
	return bl_trace_decide(bprm->file, bprm, BL_WHO_TRACER, BL_HOOK_BPRM_CHECK);
}

/*
 * A process ends with a core dump, a new file of its user's that has its memory in it, and a signal is all that it
 * takes. That user takes hold of the program by it.
 */
static __always_inline int bl_trace_core(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	struct file *exe;

	if (!(task->flags & PF_DUMPCORE))
		return 0;
	exe = mm ? mm->exe_file : NULL;
	return exe ? bl_trace_decide(exe, NULL, BL_WHO_USER, BL_HOOK_CREATE) : 0;
}
