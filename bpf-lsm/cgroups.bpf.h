/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What cgroups are called, to the policy in force and to the one that is about to be. It is worked out once, when a
 * cgroup is made and nobody can be in it yet; hooks look it up.
 */
#pragma once

#include "decide.bpf.h"

/* Some steps without a name: of a path that is too long, the end. */
static long bl_cgroup_climb_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	__u64 parent = bl_kernfs_parent(scratch->cgroup);

	if (!parent)
		return 1;
	scratch->cgroup = parent;
	return 0;
}

/*
 * The conditions that the names of scratch's cgroup leave open, into scratch->called. Verified on its own.
 * Returns 0: no image.
 */
__noinline int bl_names_match(struct bl_scratch *scratch)
{
	__u32 level, cut = 0, by;
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	level = scratch->cgroup_level;
	if (level > BL_CGROUP_COMPS) {
		cut = 1;
		bpf_loop(level - BL_CGROUP_COMPS, bl_cgroup_climb_turn, &scratch, 0);
	}
	bl_walk_start(&scratch->walk);
	bpf_loop(BL_CGROUP_COMPS, bl_cgroup_turn, &scratch, 0);
	by = scratch->nested ? BL_CALLED_NESTED : BL_CALLED_PLAIN;
	for (__u32 i = 0; i < BL_COND_WORDS; i++)
		scratch->called.bits[by][i] = ~0ull;
	bl_cgroup_find(&m, scratch->nested);
	bl_subject_names(&m, scratch->called.bits[by], cut);
	return 1;
}

/* By the policy of one generation; the image is looked for after the map, so that the two belong together. */
static __always_inline void bl_called_add(struct bl_scratch *scratch, const struct cgroup *cgroup,
					  __u32 generation)
{
	struct kernfs_node *node = cgroup->kn;
	__u32 slot = generation & 1;
	__u64 id = node->id;
	void *known = bpf_map_lookup_elem(&called, &slot);

	if (!known)
		return;
	bl_barrier();
	scratch->generation = generation;
	for (__u32 by = 0; by < _BL_CALLED_MAX; by++) {
		scratch->cgroup = (__u64)node;
		scratch->cgroup_level = cgroup->level;
		scratch->nested = by;
		if (!bl_names_match(scratch))
			return;
	}
	if (bpf_map_update_elem(known, &id, &scratch->called, BPF_ANY))
		bl_count(BL_COUNT_CGROUPS_LOST);
}

/* Those of other hierarchies have numbers of their own. */
static __always_inline int bl_is_unified(const struct cgroup *cgroup)
{
	return cgroup->root == bpf_get_current_task_btf()->cgroups->dfl_cgrp->root;
}

static __always_inline int bl_cgroup_made(const struct cgroup *cgroup)
{
	struct bl_scratch *scratch;
	__u32 generation;

	if (!bl_is_unified(cgroup))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch) {
		bl_count(BL_COUNT_CGROUPS_LOST);
		return 0;
	}
	generation = globals.generation;
	bl_called_add(scratch, cgroup, generation);
	bl_called_add(scratch, cgroup, generation + 1);
	bl_scratch_put(scratch);
	return 0;
}

static __always_inline int bl_cgroup_gone(const struct cgroup *cgroup)
{
	__u64 id = cgroup->kn->id;

	if (!bl_is_unified(cgroup))
		return 0;
	for (__u32 i = 0; i < 2; i++) {
		__u32 slot = i;
		void *known = bpf_map_lookup_elem(&called, &slot);

		if (known)
			bpf_map_delete_elem(known, &id);
	}
	return 0;
}
