/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Arguments. Which rules ask for them is known when the file is looked at, what they are only when the
 * program's own memory is in place: too late to refuse it, and in time to end it before it has run an
 * instruction. In between, what is to be known is in the task's storage.
 */
#pragma once

#include "args.h"
#include "emit.bpf.h"

#define BL_ARGS_BLOCKS_MAX 16384 /* of BL_PATH_BYTES: ten times what the kernel takes */

static __always_inline void bl_args_drop(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_task_storage_delete(&execs, task);
	bpf_task_storage_delete(&exec_paths, task);
}

/* Where an execve begins: what an earlier one that failed left behind counts no more. */
static __always_inline int bl_args_forget(void)
{
	bl_args_drop();
	return 0;
}

/* Takes the texts that the record begins with: the file's path and the caller's executable. */
static __always_inline int bl_args_texts(struct bl_scratch *scratch, struct bl_exec *exec,
					 struct bl_exec_path *path)
{
	__u32 path_len = scratch->event.path_len, exe_len = scratch->event.exe_len;

	BL_BARRIER(path_len);
	BL_BARRIER(exe_len);
	if (path_len > BL_PATH_BYTES || exe_len > BL_PATH_BYTES)
		return 0;
	bpf_probe_read_kernel(path->text, path_len, scratch->strings);
	bpf_probe_read_kernel(exec->exe, exe_len, &scratch->strings[path_len]);
	return 1;
}

/*
 * Keeps the rules that wait for the arguments, and the record of the first file that such a rule is about.
 * Verified on its own. Returns enum bl_judged: not judged where there is no memory.
 */
__noinline int bl_args_keep(struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_exec_path *path;
	struct bl_exec *exec;

	if (!scratch)
		return BL_JUDGED_NOT;
	exec = bpf_task_storage_get(&execs, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	path = bpf_task_storage_get(&exec_paths, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!exec || !path)
		return BL_JUDGED_NOT;
	if (exec->generation != scratch->generation) {
		if (!scratch->event.abi)
			bl_record_fill(scratch);
		if (!bl_args_texts(scratch, exec, path))
			return BL_JUDGED_NOT;
		__builtin_memset(exec->pending, 0, sizeof(exec->pending));
		bpf_probe_read_kernel(&exec->event, sizeof(exec->event), &scratch->event);
		exec->generation = scratch->generation;
	}
	for (__u32 i = 0; i < BL_COND_WORDS; i++)
		exec->pending[i] |= scratch->walk.pending[i];
	return BL_JUDGED_PASS;
}

struct bl_args_ctx {
	struct bl_matcher m;
	struct bl_scratch *scratch;
};

/* One block of the arguments; 1 ends it. */
static long bl_args_turn(__u32 index, void *ctx)
{
	struct bl_args_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u64 left = scratch->args_end - scratch->args;
	__u32 len = left < BL_PATH_BYTES ? left : BL_PATH_BYTES;

	BL_BARRIER(len);
	if (!len || len > BL_PATH_BYTES)
		return 1;
	if (bpf_copy_from_user(scratch->walk.path, len, (const void *)scratch->args)) {
		scratch->args_failed = 1;
		return 1;
	}
	scratch->args += len;
	return !bl_args_run(&c->m, len);
}

/*
 * Looks for rules that hold of the arguments, among those in 'exec'; the strictest one and where its
 * argument is stay in the walk. Verified on its own. Returns 0: they could not be looked at.
 */
__noinline int bl_args_search(struct bl_scratch *scratch, struct bl_exec *exec)
{
	struct bl_args_ctx ctx = {};

	if (!scratch || !exec || !bl_run_start(&ctx.m, scratch))
		return 0;
	ctx.scratch = scratch;
	ctx.m.bits = exec->pending;
	scratch->args_failed = 0;
	bl_verdict_reset(&scratch->walk);
	if (bl_args_begin(&ctx.m, scratch->n_args, 1))
		bpf_loop(BL_ARGS_BLOCKS_MAX, bl_args_turn, &ctx, 0);
	return !scratch->args_failed;
}

/* Ends the process, unless nothing is to be refused. */
static __always_inline void bl_args_settle(struct bl_event *event, __u32 verdict)
{
	verdict = bl_ceiling(verdict);
	if (verdict == BL_VERDICT_KILL && !bl_kill()) {
		event->flags |= BL_EF_SPARED;
		verdict = BL_VERDICT_WOULD_KILL;
	}
	event->verdict = verdict;
	event->ret = 0;
}

/* Appends the argument that the strictest rule asks for. */
static __always_inline void bl_argument_add(struct bl_scratch *scratch, __u64 at, __u32 len)
{
	__u32 used = scratch->strings_used;

	if (len > BL_PATH_BYTES || used > BL_EVENT_STRINGS_MAX - BL_PATH_BYTES) {
		scratch->event.flags |= BL_EF_ARGUMENT_CUT;
		len = BL_PATH_BYTES;
	}
	BL_BARRIER(len);
	BL_BARRIER(used);
	if (len > BL_PATH_BYTES || used > BL_EVENT_STRINGS_MAX - BL_PATH_BYTES)
		return;
	if (bpf_copy_from_user(&scratch->strings[used], len, (const void *)at)) {
		scratch->event.flags |= BL_EF_ARGUMENT_CUT;
		return;
	}
	scratch->event.argument_len = len;
	scratch->strings_used = used + len;
}

/* The record of what becomes of the program, but for the argument. */
static __always_inline void bl_args_fill(struct bl_scratch *scratch, struct bl_exec *exec,
					 struct bl_exec_path *path)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 verdict = scratch->walk.verdict;
	struct bl_event *event = &scratch->event;

	bpf_probe_read_kernel(event, sizeof(*event), &exec->event);
	event->hook = BL_HOOK_BPRM_COMMITTED;
	event->rule = scratch->walk.rule;
	event->others = bl_others(&scratch->walk);
	bl_args_settle(event, verdict);
	scratch->strings_used = 0;
	event->path_len = bl_strings_add(scratch, path->text, exec->event.path_len);
	event->exe_len = bl_strings_add(scratch, exec->exe, exec->event.exe_len);
	event->parent_exe_len = bl_exe_text(scratch, task->real_parent, BL_EF_PARENT_CUT);
	bl_cgroup_fill(scratch, task);
}

/* Sends that record. from: where the arguments begin. Verified on its own. */
__noinline int bl_args_emit(struct bl_scratch *scratch, struct bl_exec *exec,
			    struct bl_exec_path *path, __u64 from)
{
	if (!scratch || !exec || !path)
		return 0;
	bl_args_fill(scratch, exec, path);
	bl_argument_add(scratch, from + scratch->walk.found_at, scratch->walk.found_len);
	bl_context_fill(scratch, 0);
	scratch->fold = 0;
	if (bl_limit_pass(scratch))
		bl_event_send(scratch);
	else
		bl_limit_lose();
	bl_count(scratch->event.verdict == BL_VERDICT_KILL ? BL_COUNT_DENIED : BL_COUNT_ALERTED);
	return 1;
}

/* A program that some rules ask for the arguments of. 0: no verdict could be come to. */
static __always_inline int bl_args_judge(struct linux_binprm *bprm, struct bl_exec *exec,
					 struct bl_exec_path *path)
{
	struct bl_scratch *scratch = bl_scratch_get();
	__u64 from = bprm->p;
	int r;

	if (!scratch)
		return 0;
	scratch->generation = exec->generation;
	scratch->search = BL_ACCESS_EXEC;
	scratch->args = from;
	scratch->args_end = bprm->exec;
	scratch->n_args = bprm->argc;
	r = bl_args_search(scratch, exec);
	if (r && scratch->walk.verdict >= BL_VERDICT_ALERT)
		bl_args_emit(scratch, exec, path, from);
	bl_scratch_put(scratch);
	return r;
}
