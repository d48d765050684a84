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

/* Where an execve begins: what an earlier one that failed left behind counts no more. */
static __always_inline int bl_args_forget(void)
{
	bpf_task_storage_delete(&execs, bpf_get_current_task_btf());
	return 0;
}

/*
 * Keeps the rules that wait for the arguments, and the record of the first file that such a rule is about.
 * Verified on its own. Returns enum bl_judged: not judged where there is no memory.
 */
__noinline int bl_args_keep(struct bl_scratch *scratch)
{
	struct bl_exec *exec;
	__u32 used;

	if (!scratch)
		return BL_JUDGED_NOT;
	exec = bpf_task_storage_get(&execs, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!exec)
		return BL_JUDGED_NOT;
	if (exec->generation != scratch->generation) {
		if (!scratch->event.abi)
			bl_record_fill(scratch);
		used = scratch->strings_used;
		if (used > BL_OBJECT_STRINGS_MAX)
			return BL_JUDGED_NOT;
		BL_BARRIER(used);
		if (used > BL_OBJECT_STRINGS_MAX)
			return BL_JUDGED_NOT;
		__builtin_memset(exec->pending, 0, sizeof(exec->pending));
		bpf_probe_read_kernel(&exec->event, sizeof(exec->event), &scratch->event);
		bpf_probe_read_kernel(exec->strings, used, scratch->strings);
		exec->used = used;
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

/* Appends the argument that the strictest rule asks for; from: where all of them begin. */
static __always_inline void bl_argument_add(struct bl_scratch *scratch, struct bl_exec *exec,
					    __u64 from)
{
	__u32 len = scratch->walk.found_len, used = exec->used;

	if (len > BL_PATH_BYTES) {
		exec->event.flags |= BL_EF_ARGUMENT_CUT;
		len = BL_PATH_BYTES;
	}
	BL_BARRIER(len);
	BL_BARRIER(used);
	if (len > BL_PATH_BYTES || used > BL_OBJECT_STRINGS_MAX)
		return;
	if (bpf_copy_from_user(&exec->strings[used], len,
			       (const void *)(from + scratch->walk.found_at))) {
		exec->event.flags |= BL_EF_ARGUMENT_CUT;
		return;
	}
	exec->event.argument_len = len;
	exec->used = used + len;
}

/* Sends the record of what became of the program. Verified on its own. */
__noinline int bl_args_emit(struct bl_scratch *scratch, struct bl_exec *exec, __u64 from)
{
	struct bl_event *event;
	__u32 used;

	if (!scratch || !exec)
		return 0;
	event = &exec->event;
	event->hook = BL_HOOK_BPRM_COMMITTED;
	event->rule = scratch->walk.rule;
	event->others = bl_others(&scratch->walk);
	bl_args_settle(event, scratch->walk.verdict);
	bl_argument_add(scratch, exec, from);
	used = exec->used;
	BL_BARRIER(used);
	if (used > BL_EVENT_STRINGS_MAX)
		return 0;
	event->seq = bl_sequence_next();
	event->size = sizeof(*event) + used;
	if (bpf_ringbuf_output(&ring, event, sizeof(*event) + used, 0))
		bl_count(BL_COUNT_LOST_RING);
	else
		bl_count(BL_COUNT_EVENTS);
	bl_count(event->verdict == BL_VERDICT_KILL ? BL_COUNT_DENIED : BL_COUNT_ALERTED);
	return 1;
}

/* A program that some rules ask for the arguments of. 0: no verdict could be come to. */
static __always_inline int bl_args_judge(struct linux_binprm *bprm, struct bl_exec *exec)
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
		bl_args_emit(scratch, exec, from);
	bl_scratch_put(scratch);
	return r;
}
