/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What a record says of who acts, beside what rules go by: taken in the hook, for a process may end with it. */
#pragma once

#include "super.bpf.h"

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

/* Appends the walk's text; a root directory is "/". */
static __always_inline __u32 bl_walk_text(struct bl_scratch *scratch, __u32 room)
{
	__u32 pos = scratch->walk.pos, len = BL_PATH_BYTES - pos;

	if (len > room)
		len = room;
	BL_BARRIER(pos);
	return bl_strings_add(scratch, &scratch->walk.path[pos & (BL_PATH_BYTES - 1)], len);
}

/* The bytes that have gone into the strings of a record are all that it can have, for most. */
static __always_inline int bl_strings_full(const struct bl_scratch *scratch)
{
	return scratch->strings_used > BL_EVENT_STRINGS_MAX - BL_PATH_BYTES;
}

/* The inode number of a namespace; type has a struct ns_common. */
#define bl_ns_number(type, address) ((address) ? bl_read(type, address, ns.inum) : 0)

/* The process in its own pid namespace, and that. */
static __always_inline void bl_pid_fill(struct bl_event *event, __u64 task)
{
	__u64 leader = bl_read(struct task_struct, task, group_leader);
	__u64 pid = bl_read(struct task_struct, leader, thread_pid), ns;

	if (!pid)
		return;
	pid += bl_read(struct pid, pid, level) * bpf_core_type_size(struct upid) +
	       bpf_core_field_offset(struct pid, numbers);
	event->inner_pid = bl_read(struct upid, pid, nr);
	ns = bl_read(struct upid, pid, ns);
	event->pid_ns = bl_ns_number(struct pid_namespace, ns);
}

static __always_inline void bl_namespaces_fill(struct bl_event *event, __u64 task)
{
	__u64 cred = bl_read(struct task_struct, task, real_cred);
	__u64 proxy = bl_read(struct task_struct, task, nsproxy), ns;

	bl_pid_fill(event, task);
	ns = bl_read(struct cred, cred, user_ns);
	event->user_ns = bl_ns_number(struct user_namespace, ns);
	if (!proxy)
		return;
	ns = bl_read(struct nsproxy, proxy, mnt_ns);
	event->mnt_ns = bl_ns_number(struct mnt_namespace, ns);
	ns = bl_read(struct nsproxy, proxy, net_ns);
	event->net_ns = bl_ns_number(struct net, ns);
}

/* What a struct path at some address leads to, as its mount shows it. */
static __always_inline __u32 bl_place_text(struct bl_scratch *scratch, __u64 path, __u32 cut)
{
	__u64 mount = bl_read(struct path, path, mnt), dentry = bl_read(struct path, path, dentry);
	__u32 len;

	if (!mount || !dentry)
		return 0;
	bl_climb(scratch, mount - bpf_core_field_offset(struct mount, mnt), dentry);
	if (scratch->cursor.state != BL_CURSOR_DONE || bl_strings_full(scratch))
		scratch->event.flags |= cut;
	len = bl_walk_text(scratch, BL_PATH_BYTES);
	if (!len && scratch->cursor.state == BL_CURSOR_DONE)
		len = bl_strings_add(scratch, "/", 1);
	return len;
}

static __always_inline void bl_cwd_fill(struct bl_scratch *scratch, __u64 task)
{
	__u64 fs = bl_read(struct task_struct, task, fs);

	if (fs)
		scratch->event.cwd_len = bl_place_text(
			scratch, fs + bpf_core_field_offset(struct fs_struct, pwd), BL_EF_CWD_CUT);
}

/* Where the process has them, who may write there what it likes. */
static __always_inline void bl_argv_fill(struct bl_scratch *scratch, __u64 task)
{
	__u64 mm = bl_read(struct task_struct, task, mm);
	__u64 from = mm ? bl_read(struct mm_struct, mm, arg_start) : 0;
	__u64 end = mm ? bl_read(struct mm_struct, mm, arg_end) : 0;
	__u32 used = scratch->strings_used, len = BL_ARGV_BYTES;

	if (!from || end <= from)
		return;
	if (end - from < BL_ARGV_BYTES)
		len = end - from;
	else if (end - from > BL_ARGV_BYTES)
		scratch->event.flags |= BL_EF_ARGV_CUT;
	BL_BARRIER(len);
	BL_BARRIER(used);
	if (len > BL_ARGV_BYTES || used > BL_EVENT_STRINGS_MAX - BL_ARGV_BYTES ||
	    bpf_probe_read_user(&scratch->strings[used], len, (const void *)from)) {
		scratch->event.flags |= BL_EF_ARGV_CUT;
		return;
	}
	scratch->event.argv_len = len;
	scratch->strings_used = used + len;
}

/* The exe of a task that is known by its address. */
static __always_inline __u32 bl_ancestor_text(struct bl_scratch *scratch)
{
	__u64 mm = bl_read(struct task_struct, scratch->ancestor, mm);
	__u64 exe = mm ? bl_read(struct mm_struct, mm, exe_file) : 0;

	if (!exe || !bl_is_started(bl_read(struct file, exe, f_flags)))
		return 0;
	return bl_place_text(scratch, exe + bpf_core_field_offset(struct file, f_path),
			     BL_EF_ANCESTORS_CUT);
}

/* The next one above; 1 ends it. */
static long bl_ancestor_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	struct bl_event *event = &scratch->event;
	__u32 pid;

	if (index >= BL_ABOVE_MAX)
		return 1;
	scratch->ancestor = bl_read(struct task_struct, scratch->ancestor, real_parent);
	pid = scratch->ancestor ? bl_read(struct task_struct, scratch->ancestor, tgid) : 0;
	if (!pid)
		return 1;
	event->ancestors[index].pid = pid;
	event->ancestors[index].exe_len = bl_ancestor_text(scratch);
	return 0;
}

static __always_inline void bl_fs_fill(struct bl_event *event, __u64 sb)
{
	__u64 type = bl_read(struct super_block, sb, s_type);
	__u64 name = type ? bl_read(struct file_system_type, type, name) : 0;

	if (name)
		bpf_probe_read_kernel_str(event->fs_type, sizeof(event->fs_type), (void *)name);
}

/*
 * Who acts and where, and what it comes from, after the strings that are there. argv: its memory is that of the
 * program that acts. Verified on its own.
 */
__noinline int bl_context_fill(struct bl_scratch *scratch, int argv)
{
	const struct cred *cred = bl_actor(bpf_get_current_task_btf());
	__u64 task = bpf_get_current_task(), parent;
	struct bl_event *event;

	if (!scratch)
		return 0;
	event = &scratch->event;
	bpf_probe_read_kernel(&event->capabilities, sizeof(event->capabilities),
			      (const void *)cred +
				      bpf_core_field_offset(struct cred, cap_effective));
	bl_namespaces_fill(event, task);
	event->cwd_len = 0;
	event->argv_len = 0;
	bl_cwd_fill(scratch, task);
	if (argv)
		bl_argv_fill(scratch, task);
	parent = bl_read(struct task_struct, task, real_parent);
	scratch->ancestor = parent;
	parent = bl_read(struct task_struct, parent, group_leader);
	event->parent_start_ns = bl_read(struct task_struct, parent, start_boottime);
	__builtin_memset(event->ancestors, 0, sizeof(event->ancestors));
	bpf_loop(BL_ABOVE_MAX, bl_ancestor_turn, &scratch, 0);
	return 0;
}
