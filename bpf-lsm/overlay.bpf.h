/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What an overlay opens below it for somebody, and what of the overlay he has opened. */
#pragma once

#include "subject.bpf.h"

/* fs/mount.h: an overlay opens what is in its layers by mounts that are nobody's. */
#define MNT_NS_INTERNAL (-22ll)

/* The descriptor of the directory that the current system call lists; ~0: it lists none. */
static __always_inline __u64 bl_listed(const struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	switch (regs->orig_ax) {
	case 78: /* getdents, and getdents64 */
	case 217:
		return regs->di;
	case 89: /* the same of 32-bit programs, and their readdir */
	case 141:
	case 220:
		return (__u32)regs->bx;
	}
#elif defined(__TARGET_ARCH_arm64)
	if (regs->syscallno == 61)
		return regs->orig_x0;
#endif
	return ~0ull;
}

/* The file of a descriptor of the current task; 0: there is none. */
static __always_inline __u64 bl_descriptor_file(__u64 fd)
{
	__u64 files = bl_read(struct task_struct, bpf_get_current_task(), files), table, file = 0;
	__u32 max = 0;

	table = bl_read(struct files_struct, files, fdt);
	bpf_probe_read_kernel(&max, sizeof(max),
			      (void *)(table + bpf_core_field_offset(struct fdtable, max_fds)));
	if (fd >= max)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file),
			      (void *)(bl_read(struct fdtable, table, fd) + fd * sizeof(file)));
	return file;
}

/* True when the current task has a directory to itself, as an overlay's is while it is listed. */
static __always_inline int bl_directory_held(__u64 inode)
{
	__u64 owner;

	if (!bpf_core_field_exists(((struct rw_semaphore *)0)->owner))
		return 0;
	owner = bl_read(struct inode, inode, i_rwsem.owner.counter);
	return (owner & ~7ull) == bpf_get_current_task();
}

/*
 * The directory for the sake of which an overlay opens one below: the one that is being opened, at the end of
 * a path, or listed. Another thread can't have it be any other. 0: it is neither.
 */
static __always_inline __u64 bl_directory_above(struct bl_scratch *scratch)
{
	__u64 task = bpf_get_current_task(), file,
	      name = bl_read(struct task_struct, task, nameidata);
	struct pt_regs *regs;

	scratch->listing = !name;
	if (name)
		return bl_read(struct nameidata, name, path.dentry);
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	file = bl_descriptor_file(bl_listed(regs));
	if (!file || !bl_directory_held(bl_read(struct file, file, f_inode)))
		return 0;
	return bl_read(struct file, file, f_path.dentry);
}

static __always_inline int bl_is_private(__u64 file)
{
	__u64 mount =
		bl_read(struct file, file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);

	return bl_read(struct mount, mount, mnt_ns) == (__u64)MNT_NS_INTERNAL;
}

/*
 * Leaves in scratch->shown which dentry somebody opens, where it is the file: of what an overlay opens for him,
 * which scratch->own says, the overlay's. 0: it isn't known. The record's object is filled in. Verified on its
 * own.
 */
__noinline int bl_shown_find(struct bl_scratch *scratch)
{
	int directory;
	__u64 file;

	if (!scratch)
		return 0;
	scratch->layer = 0;
	if (scratch->event.hook != BL_HOOK_FILE_OPEN)
		return 0;
	file = scratch->shown;
	directory = (scratch->event.mode & S_IFMT) == S_IFDIR;
	if (scratch->own && !bl_fake_paths()) {
		scratch->shown = bl_read(struct backing_file, file, user_path.dentry);
	} else if (directory && bl_is_private(file)) {
		scratch->own = 1;
		scratch->layer = bl_read(struct file, file, f_path.dentry);
		scratch->shown = bl_directory_above(scratch);
	} else {
		scratch->shown = bl_read(struct file, file, f_path.dentry);
	}
	return 0;
}
