/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What an overlay opens below it for somebody, and what of the overlay he has opened. */
#pragma once

#include "call.bpf.h"
#include "subject.bpf.h"

/* fs/mount.h: an overlay opens what is in its layers by mounts that are nobody's. */
#define MNT_NS_INTERNAL (-22ll)

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

	scratch->listing = !name;
	if (name)
		return bl_read(struct nameidata, name, path.dentry);
	file = bl_descriptor_file(bl_call_listed(bl_call()));
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

/* Whether what is executed may be an overlay's: or of whoever else opens another file for his own, as FUSE does. */
static __always_inline int bl_is_layered(const struct dentry *dentry)
{
	return !bl_fake_paths() && dentry->d_flags & (DCACHE_OP_REVALIDATE | bl_flag_real());
}

/*
 * What is being started, when an overlay opens a real file for that: of an overlay whose layers are on another one
 * both open theirs meanwhile, and the lower one only knows the upper one's. It is at the end of the path that is
 * being opened; a handler of binfmt_misc that was opened at its registration has none, so there the upper one's open
 * is kept in mind for the lower one's. 0: it isn't known.
 */
static __always_inline __u64 bl_started_dentry(const struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 name = bl_read(struct task_struct, (__u64)task, nameidata), dentry;
	struct bl_layers *kept;

	if (name)
		return bl_read(struct nameidata, name, path.dentry);
	dentry = bl_read(struct backing_file, scratch->shown, user_path.dentry);
	kept = bpf_task_storage_get(&layers, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!kept)
		return 0;
	if (dentry && kept->lower == dentry)
		dentry = kept->upper;
	kept->lower = bl_read(struct file, scratch->shown, f_path.dentry);
	kept->upper = dentry;
	return dentry;
}

/*
 * An overlay opens a real file to have it executed, as which its own will be judged: what rules say of the real
 * file's name, which is in scratch->label, is kept for the overlay's. Verified on its own. 0: it can't be kept.
 */
__noinline int bl_layer_keep(struct bl_scratch *scratch)
{
	__u64 dentry, inode, sb;

	if (!scratch || bl_fake_paths())
		return 1;
	dentry = bl_started_dentry(scratch);
	if (!scratch->label.n_classes)
		return dentry != 0;
	inode = bl_read(struct dentry, dentry, d_inode);
	sb = bl_read(struct inode, inode, i_sb);
	if (!sb)
		return 0;
	return bl_names_keep(scratch, bl_read(struct inode, inode, i_ino),
			     bl_read(struct super_block, sb, s_dev),
			     bl_read(struct inode, inode, i_generation),
			     bl_read(struct inode, inode, i_uid));
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
