/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The event of a verdict: all context is taken here, in the hook, and never looked up later. */
#pragma once

#include "subject.bpf.h"

/* What is asked of which object; on the hook's stack. */
struct bl_act {
	struct dentry *dentry; /* exec, open */
	struct inode *inode;   /* NULL: does not exist yet */
	struct socket *sock;   /* connect */
	const __u8 *addr;      /* connect: 16 bytes, as given */
	__u16 port;
	__u16 family;
	__u8 op;
	__u8 access; /* for the record */
	__u8 search; /* for the rules */
	__u8 hook;
};

/* Appends bytes to the record's strings; what does not fit is left out. Returns the length. */
static __always_inline __u32 bl_strings_add(struct bl_scratch *scratch, const void *from, __u32 len)
{
	__u32 used = scratch->strings_used;

	if (!len || len > BL_PATH_BYTES || used > BL_EVENT_STRINGS_MAX - BL_PATH_BYTES)
		return 0;
	BL_BARRIER(len);
	BL_BARRIER(used);
	if (len > BL_PATH_BYTES || used > BL_EVENT_STRINGS_MAX - BL_PATH_BYTES)
		return 0;
	if (bpf_probe_read_kernel(&scratch->strings[used], len, from))
		return 0;
	scratch->strings_used = used + len;
	return len;
}

static __always_inline __u32 bl_walk_text(struct bl_scratch *scratch, __u32 room)
{
	__u32 pos = scratch->walk.pos, len = BL_PATH_BYTES - pos;

	if (len > room)
		len = room;
	BL_BARRIER(pos);
	return bl_strings_add(scratch, &scratch->walk.path[pos & (BL_PATH_BYTES - 1)], len);
}

/* The host's prefix of a superblock, straight from its record: only events want it. */
static __always_inline __u32 bl_prefix_text(struct bl_scratch *scratch, struct super_block *sb)
{
	struct inode *inode = sb->s_root->d_inode;
	struct bl_super *super = inode ? bpf_inode_storage_get(&supers, inode, NULL, 0) : NULL;
	__u32 len = super ? super->prefix_len : 0;

	if (!len || len >= BL_PREFIX_BYTES)
		return 0;
	BL_BARRIER(len);
	return bl_strings_add(scratch, super->prefix, len & (BL_PREFIX_BYTES - 1));
}

/*
 * Appends the path of a dentry as the host sees it. Returns the length, with the
 * enum bl_event_flags of the path in the upper half.
 */
static __noinline __u32 bl_path_text(struct bl_matcher *m, struct bl_scratch *scratch,
				     struct dentry *dentry)
{
	struct super_block *sb = dentry->d_sb;
	__u32 len, flags = 0;
	int end;

	if (sb->s_flags & SB_NOUSER) {
		bl_walk_start(&scratch->walk);
		bl_walk_prepend(&scratch->walk, dentry->d_name.name, dentry->d_name.len);
		return bl_walk_text(scratch, BL_PATH_BYTES) | BL_EF_PSEUDO << 16;
	}
	bl_super_get(m, scratch, sb);
	if (scratch->super.trust == BL_TRUST_HOST)
		flags |= BL_EF_HOST;
	else
		flags |= scratch->super.trust == BL_TRUST_CONTAINER ? BL_EF_CONTAINER :
								      BL_EF_UNTRUSTED;
	end = bl_walk_dentry(scratch, dentry);
	if (end == BL_WALK_DEEP)
		flags |= BL_EF_TOO_DEEP;
	else if (end != BL_WALK_ROOT)
		flags |= BL_EF_LOST;
	len = bl_prefix_text(scratch, sb);
	len += bl_walk_text(scratch, BL_PATH_BYTES - len);
	if (!len)
		len = bl_strings_add(scratch, "/", 1);
	return len | flags << 16;
}

/* The executable of a task; 0 for kernel threads and tasks that are gone. */
static __always_inline __u32 bl_exe_text(struct bl_matcher *m, struct bl_scratch *scratch,
					 struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	return exe ? bl_path_text(m, scratch, exe->f_path.dentry) : 0;
}

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
	__u64 node = scratch->cursor.dentry, parent = node ? bl_kernfs_parent(node) : 0;
	char name[BL_NAME_BYTES + 1] = {};
	long len;

	if (!parent)
		return 1;
	len = bpf_probe_read_kernel_str(name, sizeof(name),
					(void *)bl_read(struct kernfs_node, node, name));
	if (len < 1 || !bl_walk_prepend(&scratch->walk, name, len - 1)) {
		scratch->event.flags |= BL_EF_CGROUP_CUT;
		return 1;
	}
	scratch->cursor.dentry = parent;
	return 0;
}

static __always_inline void bl_cgroup_fill(struct bl_scratch *scratch, struct task_struct *task)
{
	struct kernfs_node *node = task->cgroups->dfl_cgrp->kn;
	struct bl_event *event = &scratch->event;

	event->cgroup_id = node->id;
	bl_walk_start(&scratch->walk);
	scratch->cursor.dentry = (__u64)node;
	bpf_loop(BL_DEPTH_MAX, bl_cgroup_turn, &scratch, 0);
	event->cgroup_len = bl_walk_text(scratch, BL_PATH_BYTES);
	if (!event->cgroup_len)
		event->cgroup_len = bl_strings_add(scratch, "/", 1);
}

static __always_inline void bl_task_fill(struct bl_event *event, struct task_struct *task)
{
	const struct cred *cred = task->cred;

	event->time_ns = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->start_ns = task->group_leader->start_boottime;
	event->pid = task->tgid;
	event->tid = task->pid;
	event->ppid = task->real_parent->tgid;
	event->uid = cred->uid.val;
	event->euid = cred->euid.val;
	event->gid = cred->gid.val;
	event->egid = cred->egid.val;
	event->login_uid = ~0u;
	event->session = ~0u;
	if (bpf_core_field_exists(task->loginuid)) {
		event->login_uid = task->loginuid.val;
		event->session = task->sessionid;
	}
	if (task->flags & PF_KTHREAD)
		event->flags |= BL_EF_KTHREAD;
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	bpf_probe_read_kernel(event->parent_comm, sizeof(event->parent_comm),
			      task->real_parent->comm);
}

static __always_inline void bl_object_fill(struct bl_event *event, const struct bl_act *act)
{
	if (act->inode) {
		event->inode = act->inode->i_ino;
		event->mode = act->inode->i_mode;
		event->owner = act->inode->i_uid.val;
	}
	if (act->dentry) {
		event->dev_major = act->dentry->d_sb->s_dev >> 20;
		event->dev_minor = act->dentry->d_sb->s_dev & 0xfffff;
	}
	if (act->sock) {
		struct sock *sk = act->sock->sk;

		__builtin_memcpy(event->addr, act->addr, sizeof(event->addr));
		event->port = act->port;
		event->family = act->family;
		event->protocol = sk ? sk->sk_protocol : 0;
	}
}

static __always_inline void bl_strings_fill(struct bl_matcher *m, struct bl_scratch *scratch,
					    const struct bl_act *act, struct task_struct *task)
{
	struct bl_event *event = &scratch->event;
	__u32 text;

	scratch->strings_used = 0;
	if (act->dentry) {
		text = bl_path_text(m, scratch, act->dentry);
		event->path_len = text;
		event->flags |= text >> 16;
	}
	text = bl_exe_text(m, scratch, task);
	event->exe_len = text;
	if (text >> 16 & (BL_EF_TOO_DEEP | BL_EF_LOST))
		event->flags |= BL_EF_EXE_CUT;
	text = bl_exe_text(m, scratch, task->real_parent);
	event->parent_exe_len = text;
	if (text >> 16 & (BL_EF_TOO_DEEP | BL_EF_LOST))
		event->flags |= BL_EF_PARENT_CUT;
	bl_cgroup_fill(scratch, task);
}

/* Sends the record; a lost one has used up its sequence number, so that the gap shows. */
static __always_inline void bl_event_send(struct bl_scratch *scratch)
{
	struct bl_event *event = &scratch->event;
	__u32 zero = 0, used = scratch->strings_used;
	__u64 *sequence = bpf_map_lookup_elem(&sequences, &zero);

	if (sequence)
		event->seq = __sync_fetch_and_add(sequence, 1) + 1;
	if (used > BL_EVENT_STRINGS_MAX)
		used = BL_EVENT_STRINGS_MAX;
	event->size = sizeof(*event) + used;
	BL_BARRIER(used);
	if (used > BL_EVENT_STRINGS_MAX)
		return;
	if (bpf_ringbuf_output(&ring, event, sizeof(*event) + used, 0))
		bl_count(BL_COUNT_LOST_RING);
	else
		bl_count(BL_COUNT_EVENTS);
}

/* Reports the verdict that the walk holds. */
static __noinline int bl_emit(struct bl_matcher *m, struct bl_scratch *scratch,
			      const struct bl_act *act, __u32 verdict)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_event *event = &scratch->event;

	__builtin_memset(event, 0, sizeof(*event));
	event->abi = BL_ABI_VERSION;
	event->kind = BL_EVENT_VERDICT;
	event->generation = m->header->generation;
	event->rule = m->walk->rule;
	event->others = bl_others(m->walk);
	event->op = act->op;
	event->verdict = verdict;
	event->access = act->access;
	event->hook = act->hook;
	if (verdict == BL_VERDICT_DENY)
		event->ret = -EPERM;
	bl_task_fill(event, task);
	bl_object_fill(event, act);
	bl_strings_fill(m, scratch, act, task);
	bl_event_send(scratch);
	return 0;
}
