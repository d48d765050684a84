/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What rules say of the programs that a process comes from: a part of its subject's conditions. */
#pragma once

#include "lineage.h"
#include "object.bpf.h"

/* What a process comes from, by its first thread; NULL: it may be anything. */
static __always_inline struct bl_lineage *bl_lineage_get(struct task_struct *leader)
{
	struct bl_lineage *lineage = NULL;

	/* Before 6.2 it can't be had at the moment where this processor was in the middle of another's. */
	for (__u32 i = 0; i < 3 && !lineage; i++)
		lineage = bpf_task_storage_get(&lineages, leader, NULL, 0);
	if (!lineage || lineage->exec_id != leader->self_exec_id ||
	    (lineage->start && lineage->start != leader->start_boottime))
		return NULL;
	return lineage;
}

struct bl_kin_ctx {
	void *numbers; /* the map of this policy's */
	struct bl_scratch *scratch;
	const struct bl_lineage *lineage;
	const struct bl_kin_sets *sets;
	__u32 words;
	__u32 last; /* number that is known */
};

static long bl_kin_word_turn(__u32 index, void *ctx)
{
	const struct bl_kin_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->scratch->kin.ancestor[i] |= c->sets->ancestor[i];
	return 0;
}

static long bl_kin_parent_turn(__u32 index, void *ctx)
{
	const struct bl_kin_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->scratch->kin.parent[i] |= c->sets->parent[i];
	return 0;
}

/* What is known of a program's number; *ret is NULL where no rule asks for it. 0: nothing is known. */
static __always_inline int bl_kin_number(struct bl_kin_ctx *c, __u32 number)
{
	c->sets = NULL;
	if (number == BL_ORIGIN_NONE)
		return 1;
	if (!number)
		return 0;
	if (number > c->last) {
		c->scratch->unsettled = 1;
		return 0;
	}
	c->sets = bpf_map_lookup_elem(c->numbers, &number);
	return 1;
}

static long bl_kin_turn(__u32 index, void *ctx)
{
	struct bl_kin_ctx *c = ctx;
	__u32 number;

	if (index >= c->lineage->line.n)
		return 1;
	number = c->lineage->line.numbers[index & (BL_LINE_MAX - 1)];
	if (!bl_kin_number(c, number))
		c->scratch->kin_flags |= BL_LINE_ANY;
	else if (c->sets)
		bpf_loop(c->words, bl_kin_word_turn, c, 0);
	return 0;
}

static long bl_kin_clear_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	scratch->kin.ancestor[i] = 0;
	scratch->kin.parent[i] = 0;
	return 0;
}

static long bl_kin_copy_turn(__u32 index, void *ctx)
{
	const struct bl_kin_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->scratch->kin.ancestor[i] = c->lineage->ancestor[i];
	c->scratch->kin.parent[i] = c->lineage->parent[i];
	return 0;
}

/* By the numbers, for a policy that the bits are not of. */
static __always_inline void bl_kin_by_number(struct bl_kin_ctx *c)
{
	const struct bl_line *line = &c->lineage->line;
	__u32 slot = c->scratch->generation & 1, zero = 0;
	const struct bl_kin_sets *first;

	bpf_loop(c->words, bl_kin_clear_turn, &c->scratch, 0);
	if (line->flags & BL_LINE_SHORT)
		c->scratch->kin_flags |= BL_LINE_ANY;
	c->numbers = bpf_map_lookup_elem(&kin, &slot);
	if (!c->numbers) {
		c->scratch->kin_flags |= BL_LINE_ANY | BL_LINE_PARENT_ANY;
		return;
	}
	first = bpf_map_lookup_elem(c->numbers, &zero);
	c->last = first ? first->ancestor[0] : 0;
	bpf_loop(BL_LINE_MAX, bl_kin_turn, c, 0);
	if (!bl_kin_number(c, line->parent))
		c->scratch->kin_flags |= BL_LINE_PARENT_ANY;
	else if (c->sets)
		bpf_loop(c->words, bl_kin_parent_turn, c, 0);
}

/*
 * Leaves in scratch->kin what rules say of what a process comes from, and in kin_flags what is not known of it.
 * Verified on its own. 0: no image.
 */
__noinline int bl_kin_find(struct bl_scratch *scratch, struct bl_lineage *lineage)
{
	struct bl_kin_ctx ctx = {};
	struct bl_matcher m;

	if (!scratch || !lineage || !bl_run_start(&m, scratch))
		return 0;
	ctx.scratch = scratch;
	ctx.lineage = lineage;
	ctx.words = m.header->cond_words;
	scratch->kin_flags = lineage->line.flags & (BL_LINE_ANY | BL_LINE_PARENT_ANY);
	if (lineage->generation == scratch->generation)
		bpf_loop(ctx.words, bl_kin_copy_turn, &ctx, 0);
	else
		bl_kin_by_number(&ctx);
	return 1;
}

/* The same of one that comes from nobody, or (flags) may come from anything. Verified on its own. */
__noinline int bl_kin_plain(struct bl_scratch *scratch, __u32 flags)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	bpf_loop(m.header->cond_words, bl_kin_clear_turn, &scratch, 0);
	scratch->kin_flags = flags;
	return 1;
}

/* Takes the conditions out of a subject that ask for others than scratch->kin has. Verified on its own. */
__noinline int bl_kin_filter(struct bl_scratch *scratch, struct bl_subject *subject)
{
	struct bl_matcher m;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	if (scratch->kin_flags & BL_LINE_ANY)
		bl_kin_fill(&m, scratch->kin.ancestor, BL_KIN_ANCESTOR);
	if (scratch->kin_flags & BL_LINE_PARENT_ANY)
		bl_kin_fill(&m, scratch->kin.parent, BL_KIN_PARENT);
	bl_kin_and(&m, subject->bits, scratch->kin.ancestor, BL_KIN_ANCESTOR);
	bl_kin_and(&m, subject->bits, scratch->kin.parent, BL_KIN_PARENT);
	return 1;
}

/* Of one that comes from nobody. 0: no image. */
static __always_inline int bl_subject_kin_none(struct bl_scratch *scratch,
					       struct bl_subject *subject)
{
	if (!(scratch->tables & BL_TABLES_DESCENT))
		return 1;
	return bl_kin_plain(scratch, 0) && bl_kin_filter(scratch, subject);
}

/* What a task comes from, by its first thread, as a part of its conditions. 0: no image. */
static __always_inline int bl_subject_kin(struct bl_scratch *scratch, struct bl_subject *subject,
					  struct task_struct *task)
{
	struct bl_lineage *lineage;
	int found;

	if (!(scratch->tables & BL_TABLES_DESCENT))
		return 1;
	scratch->unsettled = 0;
	if (task->flags & PF_KTHREAD) {
		found = bl_kin_plain(scratch, 0);
	} else {
		lineage = bl_lineage_get(task->group_leader);
		if (lineage) {
			found = bl_kin_find(scratch, lineage);
		} else {
			scratch->unsettled = 1;
			found = bl_kin_plain(scratch, BL_LINE_ANY | BL_LINE_PARENT_ANY);
		}
	}
	return found && bl_kin_filter(scratch, subject);
}
