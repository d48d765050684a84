// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Makes records of the process that runs it, without a hook: folded, limited, sent and swept as in the hooks. */
/* Of what emit.bpf.h brings along nothing else is called here. */
#pragma clang diagnostic ignored "-Wunused-function"

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Not every kernel that runs tests says where they are; nothing here looks at them. */
extern const void rename_lock __ksym __weak;
extern const void mount_lock __ksym __weak;

#include "emit.bpf.h"
#include "emit.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Records that could not be made for want of work space: what is asked for is done less often by as many. */
__u64 without_scratch;

static __always_inline int emit_once(const struct emit_query *query)
{
	struct bl_scratch *scratch = bl_scratch_get();

	if (!scratch) {
		__sync_fetch_and_add(&without_scratch, 1);
		return 0;
	}
	__builtin_memset(&scratch->event, 0, sizeof(scratch->event));
	scratch->generation = 1;
	scratch->shown = 0;
	scratch->super.prefix_len = 0;
	bl_walk_start(&scratch->walk);
	scratch->acted = query->acted;
	scratch->event.op = BL_OP_OPEN;
	scratch->event.access = BL_ACCESS_READ;
	scratch->event.hook = BL_HOOK_FILE_OPEN;
	scratch->event.rule = query->rule;
	scratch->event.verdict = query->verdict;
	bl_emit(scratch);
	bl_scratch_put(scratch);
	return 0;
}

static long emit_turn(__u32 index, void *ctx)
{
	struct emit_query *query = ctx;

	emit_once(query);
	query->acted += query->step;
	return 0;
}

SEC("syscall")
int emit_records(struct emit_query *ctx)
{
	struct emit_query query = {
		.acted = ctx->acted,
		.rule = ctx->rule,
		.verdict = ctx->verdict,
		.step = ctx->step,
	};

	bpf_loop(ctx->times, emit_turn, &query, 0);
	return 0;
}

SEC("syscall")
int emit_sweep(struct bl_sweep *ctx)
{
	return bl_fold_sweep(ctx->all);
}
