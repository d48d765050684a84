/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What a process comes from. Its children have it from their fork on, whoever becomes their parent later, and
 * each program that it has started stays: nothing sheds an ancestor.
 */
#pragma once

#include "decide.bpf.h"

#define CLONE_THREAD 0x10000

/* ---- fork --------------------------------------------------------------------------------- */

struct bl_heirs {
	const struct bl_lineage *from;
	struct bl_lineage *to;
};

static long bl_heir_turn(__u32 index, void *ctx)
{
	const struct bl_heirs *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->to->own_ancestor[i] = c->from->own_ancestor[i];
	c->to->own_parent[i] = c->from->own_parent[i];
	c->to->parent[i] = c->from->own_parent[i];
	c->to->ancestor[i] = c->from->ancestor[i] | c->from->own_ancestor[i];
	return 0;
}

/*
 * There is no memory to say what a process comes from: a policy that refuses anything refuses the fork, for
 * lack of memory. Where nothing is refused, what comes of it may be anything.
 */
static __always_inline int bl_descent_fail(int error)
{
	bl_count(BL_COUNT_ANCESTORS_LOST);
	if (globals.ceiling || !globals.denies)
		return 0;
	bl_count(BL_COUNT_FAILED_CLOSED);
	return error;
}

/* A helper of the kernel comes from nobody. */
static __always_inline void bl_lineage_none(struct bl_lineage *to)
{
	to->line.n = 0;
	to->line.flags = 0;
	to->line.parent = BL_ORIGIN_NONE;
	to->line.own = BL_ORIGIN_NONE;
}

/* A new process, by its parent, before anybody else knows of it. Whose parent's is not known has none. */
static __always_inline int bl_descent_fork(struct task_struct *child, unsigned long flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_heirs ctx = {};

	if (flags & CLONE_THREAD || child->flags & PF_KTHREAD)
		return 0;
	if (!(task->flags & PF_KTHREAD)) {
		ctx.from = bl_lineage_get(task->group_leader);
		if (!ctx.from)
			return 0;
	}
	ctx.to = bpf_task_storage_get(&lineages, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ctx.to)
		return bl_descent_fail(-EAGAIN);
	ctx.to->exec_id = task->self_exec_id;
	if (!ctx.from) {
		bl_lineage_none(ctx.to);
		return 0;
	}
	ctx.to->generation = ctx.from->generation;
	ctx.to->words = ctx.from->words;
	ctx.to->line = ctx.from->line;
	bl_line_fork(&ctx.to->line);
	bpf_loop(ctx.from->words, bl_heir_turn, &ctx, 0);
	return 0;
}

/* ---- exec --------------------------------------------------------------------------------- */

/* A thread that starts a program becomes the process: it takes what that comes from along. */
static __always_inline int bl_descent_exec(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_lineage *from, *to;

	if (task->pid == task->tgid)
		return 0;
	from = bl_lineage_get(task->group_leader);
	if (!from)
		return 0;
	to = bpf_task_storage_get(&lineages, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!to)
		return bl_descent_fail(-EPERM);
	bpf_probe_read_kernel(to, sizeof(*to), from);
	return 0;
}

static long bl_own_turn(__u32 index, void *ctx)
{
	struct bl_lineage *lineage = *(struct bl_lineage **)ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	lineage->ancestor[i] |= lineage->own_ancestor[i];
	lineage->own_ancestor[i] = 0;
	lineage->own_parent[i] = 0;
	return 0;
}

static long bl_anew_turn(__u32 index, void *ctx)
{
	struct bl_heirs *c = ctx;
	const struct bl_kin_sets *sets = (const void *)c->from;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->to->ancestor[i] = sets->ancestor[i];
	c->to->parent[i] = sets->parent[i];
	c->to->own_ancestor[i] = 0;
	c->to->own_parent[i] = 0;
	return 0;
}

/*
 * The bits of a lineage by this run's policy, from scratch->kin. What may be any by this policy stays so: it is
 * not known under which numbers. Verified on its own. 0: no image.
 */
__noinline int bl_lineage_renew(struct bl_scratch *scratch, struct bl_lineage *lineage)
{
	struct bl_heirs ctx;
	struct bl_matcher m;

	if (!scratch || !lineage || !bl_run_start(&m, scratch))
		return 0;
	ctx.from = (const void *)&scratch->kin;
	ctx.to = lineage;
	bpf_loop(m.header->cond_words, bl_anew_turn, &ctx, 0);
	lineage->words = m.header->cond_words;
	lineage->generation = m.header->generation;
	return 1;
}

/*
 * What the program that is started (its label is in scratch, its classes in the walk) is to the rules on what
 * processes come from. Verified on its own. 0: no image, or it isn't known.
 */
__noinline int bl_lineage_own(struct bl_scratch *scratch, struct bl_lineage *lineage)
{
	struct bl_matcher m;
	enum bl_trust trust;

	if (!scratch || !lineage || !bl_run_start(&m, scratch) ||
	    scratch->label.flags & (BL_LABEL_LOST | BL_LABEL_DEEP))
		return 0;
	trust = bl_exe_trust(&scratch->label);
	bl_kin_add(&m, lineage->own_ancestor, BL_KIN_ANCESTOR, trust);
	bl_kin_add(&m, lineage->own_parent, BL_KIN_PARENT, trust);
	return 1;
}

/* The key of scratch->origin. Verified on its own. */
__noinline int bl_origin_print(struct bl_scratch *scratch)
{
	if (!scratch)
		return 0;
	scratch->origin_key = bl_origin_key(&scratch->origin, globals.keys);
	return 1;
}

/* A number for scratch->origin; 0: there is no room. */
BL_CALLED int bl_origin_number(struct bl_scratch *scratch)
{
	__u32 pool, kept, most;
	struct bl_origin *known;
	__u64 key;

	bl_origin_print(scratch);
	key = scratch->origin_key;
	known = bpf_map_lookup_elem(&origins, &key);
	if (known)
		return known->number;
	pool = bl_origin_pool(&scratch->origin) & (BL_POOLS - 1);
	most = bl_origin_pool_max(pool);
	kept = globals.origin_pools[pool];
	if (kept >= most || globals.origins >= BL_ORIGINS_MAX) {
		bl_count(BL_COUNT_ANCESTORS_LOST);
		return 0;
	}
	__sync_fetch_and_add(&globals.origin_pools[pool], 1);
	scratch->origin.number = __sync_fetch_and_add(&globals.origins, 1) + 1;
	if (scratch->origin.number >= BL_ORIGIN_NONE)
		return 0;
	if (!bpf_map_update_elem(&origins, &key, &scratch->origin, BPF_NOEXIST))
		return scratch->origin.number;
	known = bpf_map_lookup_elem(&origins, &key);
	return known ? known->number : 0;
}

/* The name that is in the walk, below that of its superblock's place, into scratch->origin; 0: it is too long. */
static __always_inline int bl_origin_name(struct bl_scratch *scratch)
{
	struct bl_origin *origin = &scratch->origin;
	__u32 prefix = scratch->super.prefix_len, pos = scratch->walk.pos;
	__u32 len = BL_PATH_BYTES - pos;

	if (prefix >= BL_PREFIX_BYTES || origin->trust != BL_TRUST_HOST)
		prefix = 0;
	if (scratch->walk_end != BL_WALK_ROOT || len >= BL_ORIGIN_BYTES - BL_PREFIX_BYTES)
		return 0;
	BL_BARRIER(prefix);
	prefix &= BL_PREFIX_BYTES - 1;
	bpf_probe_read_kernel(origin->path, prefix, scratch->super.prefix);
	BL_BARRIER(pos);
	BL_BARRIER(len);
	bpf_probe_read_kernel(&origin->path[prefix], len & (BL_ORIGIN_BYTES - BL_PREFIX_BYTES - 1),
			      &scratch->walk.path[pos & (BL_PATH_BYTES - 1)]);
	origin->prefix_len = prefix;
	origin->len = prefix + len;
	return 1;
}

/* What scratch->origin has of a file but for its name. */
static __always_inline void bl_origin_begin(struct bl_origin *origin, struct inode *inode,
					    __u32 trust)
{
	__builtin_memset(origin, 0, sizeof(*origin));
	origin->trust = trust;
	origin->pool = bl_pool_of(inode->i_uid.val);
	if (trust != BL_TRUST_HOST)
		return;
	origin->dev = inode->i_sb->s_dev;
	if (!bl_is_linked(inode))
		return;
	origin->linked = 1;
	origin->inode = inode->i_ino;
	origin->version = inode->i_generation;
}

/* The number of the program whose label is in scratch; 0: it can't have one. */
static __always_inline __u32 bl_origin_find(struct bl_scratch *scratch, struct file *file)
{
	struct inode *inode = file->f_inode;
	__u32 trust = bl_exe_trust(&scratch->label), sequence;

	if (trust == BL_TRUST_NONE)
		return BL_ORIGIN_NONE;
	bl_origin_begin(&scratch->origin, inode, trust);
	sequence = bl_sequence(&rename_lock);
	if (!bl_super_get(scratch, inode->i_sb, sequence))
		return 0;
	bl_prefix_load(scratch, inode->i_sb);
	bl_walk_dentry(scratch, file->f_path.dentry, sequence);
	bl_root_own(scratch, inode->i_sb->s_flags);
	return bl_origin_name(scratch) ? bl_origin_number(scratch) : 0;
}

/* The label of the program into scratch. 0: no image. */
static __always_inline int bl_started_label(struct bl_scratch *scratch, struct file *file)
{
	if (bl_exe_load(scratch, file))
		return 1;
	return bl_label_compute(scratch, file->f_path.dentry, file->f_inode->i_sb,
				bl_sequence(&rename_lock));
}

/* By this run's policy: all that came before the program, and it. */
static __always_inline void bl_descent_judge(struct bl_scratch *scratch, struct file *file,
					     struct bl_lineage *lineage)
{
	struct bl_line *line = &lineage->line;

	if (lineage->generation != scratch->generation) {
		bl_line_pass(line);
		line->own = BL_ORIGIN_NONE;
		if (!bl_kin_find(scratch, lineage) || !bl_lineage_renew(scratch, lineage))
			line->flags |= BL_LINE_ANY | BL_LINE_PARENT_ANY;
		if (scratch->kin_flags & BL_LINE_ANY)
			line->flags |= BL_LINE_ANY;
		if (scratch->kin_flags & BL_LINE_PARENT_ANY)
			line->flags |= BL_LINE_PARENT_ANY;
	} else {
		bl_line_pass(line);
		bpf_loop(lineage->words, bl_own_turn, &lineage, 0);
	}
	line->flags &= ~BL_LINE_OWN_ANY;
	line->own = 0;
	scratch->label.flags = BL_LABEL_LOST;
	if (!bl_started_label(scratch, file) || !bl_lineage_own(scratch, lineage)) {
		line->flags |= BL_LINE_OWN_ANY;
		return;
	}
	line->own = bl_origin_find(scratch, file);
}

/* There is nothing to judge by: it may be anything from here on. */
static __always_inline void bl_descent_forget(struct bl_lineage *lineage)
{
	bl_line_pass(&lineage->line);
	bpf_loop(lineage->words, bl_own_turn, &lineage, 0);
	lineage->line.own = 0;
	lineage->line.flags |= BL_LINE_OWN_ANY;
	bl_count(BL_COUNT_ANCESTORS_LOST);
}

/* A program is started, for certain: what the process was becomes a part of what it comes from. */
static __always_inline int bl_descent_start(struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_lineage *lineage = bpf_task_storage_get(&lineages, task, NULL, 0);
	struct bl_scratch *scratch;

	/* What was missed is not made good: it may be anything until user space has looked at it. */
	if (!lineage || lineage->exec_id + 1 != task->self_exec_id ||
	    (lineage->start && lineage->start != task->start_boottime))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch) {
		bl_descent_forget(lineage);
	} else {
		scratch->own = 0;
		scratch->settled = bl_epoch_turn();
		scratch->stamp = globals.stamp;
		scratch->generation = scratch->stamp;
		bl_descent_judge(scratch, bprm->file, lineage);
		bl_scratch_put(scratch);
	}
	lineage->exec_id = task->self_exec_id;
	return 0;
}
