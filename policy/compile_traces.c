/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions for programs: who may take hold of a process that runs one of these. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

/* Rules come in order of rank: of those that say the same the strictest stays. */
static int add_trace(struct bl_compiler *c, const struct bl_rule_info *info, size_t index)
{
	const struct bl_except_info *except = &c->excepts[info->first_except + index];
	struct bl_trace_info trace = { .exe = except->exe, .cond = info->cond };
	size_t known = c->traces.count;
	uint32_t number;
	int r = bl_compile_trace_excepts(c, info, index, &trace.excepts);

	if (r || !trace.excepts)
		return r;
	r = bl_intern(&c->traces, (const uint32_t *)&trace, sizeof(trace) / 4, &number);
	if (r || number <= known)
		return r;
	r = bl_grow(&c->trace_ranks, &c->trace_ranks_capacity, number, sizeof(*c->trace_ranks));
	if (!r)
		c->trace_ranks[number - 1] = info->rank;
	return r;
}

static uint32_t exe_of(const struct bl_compiler *c, uint32_t number)
{
	struct bl_trace_info trace;
	size_t n;

	memcpy(&trace, bl_interned(&c->traces, number, &n), sizeof(trace));
	return trace.exe;
}

/* Turns counts into ends; filling from the back makes them starts. */
static int index_traces(struct bl_compiler *c)
{
	c->exe_traces = calloc(c->traces.count + 1, sizeof(*c->exe_traces));
	if (!c->exe_traces)
		return -ENOMEM;
	for (uint32_t number = 1; number <= c->traces.count; number++)
		c->list_infos[exe_of(c, number)].first_trace++;
	for (uint32_t list = 1; list <= c->lists.count + 1; list++)
		c->list_infos[list].first_trace += c->list_infos[list - 1].first_trace;
	for (uint32_t number = (uint32_t)c->traces.count; number; number--)
		c->exe_traces[--c->list_infos[exe_of(c, number)].first_trace] = number;
	return 0;
}

int bl_compile_traces(struct bl_compiler *c)
{
	int r = 0;

	for (size_t rank = 0; rank < c->policy->n_rules; rank++) {
		const struct bl_rule_info *info = &c->rules[c->by_rank[rank]];

		for (size_t i = 0; !r && i < info->rule->n_unless; i++)
			if (c->excepts[info->first_except + i].exe)
				r = add_trace(c, info, i);
	}
	if (c->traces.count)
		c->header.ops |= BL_OPS_TRACE;
	return r ? r : index_traces(c);
}

int bl_compile_push_traces(struct bl_compiler *c, uint32_t list, size_t *n)
{
	const struct bl_list_info *info = &c->list_infos[list];
	int r = 0;

	for (uint32_t i = info[0].first_trace; !r && i < info[1].first_trace; i++)
		r = bl_compile_push(c, n, c->exe_traces[i]);
	return r;
}
