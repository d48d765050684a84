/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What a process has beside its program, user and groups: a login, capabilities, and names by its cgroup. */
#pragma once

#include "cgroup.h"
#include "object.bpf.h"

struct bl_groups_ctx {
	const struct bl_matcher *matcher;
	__u64 groups; /* address of a struct group_info, or capabilities */
};

/* ---- cgroups ------------------------------------------------------------------------------ */

static __always_inline __u64 bl_kernfs_parent(__u64 node)
{
	if (bpf_core_field_exists(struct kernfs_node___rcu, __parent))
		return bl_read(struct kernfs_node___rcu, node, __parent);
	return bl_read(struct kernfs_node, node, parent);
}

/* One step towards the cgroup root; the root has no parent and no name of its own. */
static long bl_cgroup_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	__u64 node = scratch->cgroup, parent = node ? bl_kernfs_parent(node) : 0;
	long len;

	if (!parent)
		return 1;
	len = bpf_probe_read_kernel_str(scratch->name, sizeof(scratch->name),
					(void *)bl_read(struct kernfs_node, node, name));
	if (len < 1 || !bl_walk_prepend(&scratch->walk, scratch->name, len - 1)) {
		scratch->event.flags |= BL_EF_CGROUP_CUT;
		return 1;
	}
	scratch->cgroup = parent;
	return 0;
}

/* Nothing renames a cgroup, and no number is given out again: what a cgroup is called holds for good. */
static __always_inline __u64 bl_cgroup_id(const struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

/*
 * subject->bits &= the conditions that the names of its cgroup leave open. One whose names are not known may be
 * called anything: rules hold, exceptions don't. Verified on its own. Returns 0: no image.
 */
__noinline int bl_subject_cgroup_match(struct bl_scratch *scratch, struct bl_subject *subject)
{
	const struct bl_called *names = NULL;
	struct bl_matcher m;
	__u64 cgroup;
	__u32 slot;
	void *known;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	cgroup = subject->cgroup;
	slot = scratch->generation & 1;
	known = bpf_map_lookup_elem(&called, &slot);
	if (known)
		names = bpf_map_lookup_elem(known, &cgroup);
	if (names) {
		bl_bits_and(&m, subject->bits,
			    scratch->nested ? names->bits[BL_CALLED_NESTED]
					    : names->bits[BL_CALLED_PLAIN]);
		return 1;
	}
	scratch->unsettled = 1;
	bl_bits_not(&m, m.walk->bits, m.header->names_grant);
	bl_bits_and(&m, subject->bits, m.walk->bits);
	return 1;
}

/* ---- login and capabilities --------------------------------------------------------------- */

static __always_inline __u32 bl_login(const struct task_struct *task)
{
	return bpf_core_field_exists(task->loginuid) ? task->loginuid.val : ~0u;
}

/*
 * The capabilities in effect, as far as they are any in the initial user namespace: in another one they are for
 * what belongs to that. They are one word of 64 bits or two of 32.
 */
static __always_inline __u64 bl_capabilities(const struct cred *cred)
{
	__u64 effective = 0;

	if (cred->user_ns->level)
		return 0;
	bpf_probe_read_kernel(&effective, sizeof(effective),
			      (const void *)cred +
				      bpf_core_field_offset(struct cred, cap_effective));
	return effective;
}

static long bl_capability_turn(__u32 index, void *ctx)
{
	struct bl_groups_ctx *c = ctx;

	if (c->groups >> (index & (BL_CAPS - 1)) & 1)
		bl_subject_cap(c->matcher, index);
	return 0;
}

/*
 * subject->bits &= the conditions that the login and the capabilities leave open. Verified on its own.
 * Returns 0: no image.
 */
__noinline int bl_subject_rights_match(struct bl_scratch *scratch, struct bl_subject *subject)
{
	struct bl_groups_ctx ctx;
	struct bl_matcher m;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	if (m.header->flags & BL_TABLES_LOGINS) {
		bl_bits_clear(m.walk->bits);
		bl_subject_login(&m, subject->login);
		bl_bits_and(&m, subject->bits, m.walk->bits);
	}
	if (m.header->flags & BL_TABLES_CAPS) {
		ctx.matcher = &m;
		ctx.groups = scratch->capabilities;
		bl_bits_clear(m.walk->bits);
		bl_subject_cap(&m, BL_CAPS);
		bpf_loop(BL_CAPS, bl_capability_turn, &ctx, 0);
		bl_bits_and(&m, subject->bits, m.walk->bits);
	}
	return 1;
}

/* ---- all of it ---------------------------------------------------------------------------- */

#define BL_TABLES_TASK (BL_TABLES_LOGINS | BL_TABLES_CAPS | BL_TABLES_CGROUPS)

/* What the conditions of a task with these credentials follow from. */
static __always_inline void bl_task_begin(struct bl_scratch *scratch, struct bl_subject *subject,
					  const struct task_struct *task, const struct cred *cred)
{
	if (!(scratch->tables & BL_TABLES_TASK))
		return;
	subject->cgroup = bl_cgroup_id(task);
	subject->login = bl_login(task);
	scratch->nested = !!task->thread_pid->level;
	scratch->capabilities = bl_capabilities(cred);
}

/* subject->bits &= what all this leaves open. 0: no image. */
static __always_inline int bl_subject_task_match(struct bl_scratch *scratch,
						 struct bl_subject *subject)
{
	if (scratch->tables & (BL_TABLES_LOGINS | BL_TABLES_CAPS) &&
	    !bl_subject_rights_match(scratch, subject))
		return 0;
	return !(scratch->tables & BL_TABLES_CGROUPS) || bl_subject_cgroup_match(scratch, subject);
}

/* Whether what has no credentials' sake is as it was. */
static __always_inline int bl_task_valid(const struct bl_scratch *scratch,
					 const struct bl_subject *subject,
					 const struct task_struct *task)
{
	if (scratch->tables & BL_TABLES_LOGINS && subject->login != bl_login(task))
		return 0;
	return !(scratch->tables & BL_TABLES_CGROUPS) || subject->cgroup == bl_cgroup_id(task);
}
