/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * btrfs makes and removes subvolumes by ioctl, below a directory that is open. It asks no security module: the name is
 * judged here, as its caller has written it, like one that is given to mkdir(2) or rmdir(2).
 */
#pragma once

#include "decide.bpf.h"
#include "overlay.bpf.h"

/* include/uapi/linux/btrfs.h */
#define BTRFS_IOCTL_MAGIC		  0x94
#define BTRFS_IOC_SNAP_CREATE		  0x50009401
#define BTRFS_IOC_SUBVOL_CREATE		  0x5000940e
#define BTRFS_IOC_SNAP_DESTROY		  0x5000940f
#define BTRFS_IOC_DEFAULT_SUBVOL	  0x40089413
#define BTRFS_IOC_SNAP_CREATE_V2	  0x50009417
#define BTRFS_IOC_SUBVOL_CREATE_V2	  0x50009418
#define BTRFS_IOC_SUBVOL_SETFLAGS	  0x4008941a
#define BTRFS_IOC_SET_RECEIVED_SUBVOL	  0xc0c89425
#define BTRFS_IOC_SET_RECEIVED_SUBVOL_32  0xc0c09425
#define BTRFS_IOC_SEND			  0x40489426
#define BTRFS_IOC_SEND_32		  0x40449426
#define BTRFS_IOC_SNAP_DESTROY_V2	  0x5000943f
#define BTRFS_IOC_TREE_SEARCH		  0xd0009411
#define BTRFS_IOC_TREE_SEARCH_V2	  0xc0709411
#define BTRFS_NAME_AT			  8 /* of struct btrfs_ioctl_vol_args */
#define BTRFS_NAME_AT_V2		  56
#define BTRFS_FLAGS_AT_V2		  16
#define BTRFS_SUBVOL_SPEC_BY_ID		  (1 << 4)

/* include/uapi/linux/btrfs_tree.h */
#define BTRFS_FS_TREE		 5
#define BTRFS_BLOCK_GROUP_TREE	 11

/* What an ioctl is about: the directory that is open and a name in it, or something by itself. */
struct bl_btrfs {
	__u64 name; /* in its caller's memory; 0: unknown, which counts as matched by every path rule */
	__u8 child; /* 1: it is about what has, or gets, that name */
	__u8 access;
	__u8 search; /* 0: it is none of these ioctls */
	__u8 copied; /* 1: all of a subvolume gets other names */
};

/* Whether another thread may write to what the caller has in its memory, which the kernel reads after the hook. */
static __always_inline int bl_memory_shared(void)
{
	const struct mm_struct *mm = bpf_get_current_task_btf()->mm;

	return !mm || mm->mm_users.counter > 1;
}

/*
 * Root looks through the trees that a file system is made of. Those of the subvolumes have what is in small files; the others
 * are about subvolumes and space.
 */
static __always_inline int bl_tree_tells_content(__u64 arg)
{
	__u64 tree = 0;

	if (bl_memory_shared() || bpf_probe_read_user(&tree, sizeof(tree), (const void *)arg))
		return 1;
	return !tree || tree == BTRFS_FS_TREE || tree > BTRFS_BLOCK_GROUP_TREE;
}

/* What root removes by its number may be any subvolume of the file system. */
static __always_inline __u64 bl_removed_name(__u64 arg)
{
	__u64 flags = 0;

	if (bpf_probe_read_user(&flags, sizeof(flags), (const void *)(arg + BTRFS_FLAGS_AT_V2)) ||
	    flags & BTRFS_SUBVOL_SPEC_BY_ID)
		return 0;
	return arg + BTRFS_NAME_AT_V2;
}

/* The numbers and what they stand for. Verified on its own: the paths through it end here. */
__noinline int bl_btrfs_number(struct bl_btrfs *b, __u32 cmd, __u64 arg)
{
	if (!b)
		return 0;
	b->access = BL_ACCESS_ATTRIBUTES;
	switch (cmd) {
	case BTRFS_IOC_SNAP_CREATE:
		b->copied = 1;
		/* fallthrough */
	case BTRFS_IOC_SUBVOL_CREATE:
		b->name = arg + BTRFS_NAME_AT;
		b->child = 1;
		b->access = BL_ACCESS_CREATE;
		break;
	case BTRFS_IOC_SNAP_CREATE_V2:
		b->copied = 1;
		/* fallthrough */
	case BTRFS_IOC_SUBVOL_CREATE_V2:
		b->name = arg + BTRFS_NAME_AT_V2;
		b->child = 1;
		b->access = BL_ACCESS_CREATE;
		break;
	case BTRFS_IOC_SNAP_DESTROY:
	case BTRFS_IOC_SNAP_DESTROY_V2:
		b->name = cmd == BTRFS_IOC_SNAP_DESTROY ? arg + BTRFS_NAME_AT
							: bl_removed_name(arg);
		b->child = 1;
		b->access = BL_ACCESS_DELETE;
		break;
	case BTRFS_IOC_DEFAULT_SUBVOL:
		b->access = BL_ACCESS_DELETE;
		break;
	case BTRFS_IOC_SEND:
	case BTRFS_IOC_SEND_32:
		b->access = BL_ACCESS_READ;
		break;
	case BTRFS_IOC_TREE_SEARCH:
	case BTRFS_IOC_TREE_SEARCH_V2:
		if (!bl_tree_tells_content(arg))
			return 0;
		/* It may be any file: the name is unknown. */
		b->access = BL_ACCESS_READ;
		b->search = BL_ACCESS_READ;
		b->child = 1;
		return 0;
	case BTRFS_IOC_SUBVOL_SETFLAGS:
	case BTRFS_IOC_SET_RECEIVED_SUBVOL:
	case BTRFS_IOC_SET_RECEIVED_SUBVOL_32:
		break;
	default:
		return 0;
	}
	b->search = b->access;
	if (b->access & (BL_ACCESS_DELETE | BL_ACCESS_READ))
		b->search |= BL_ACCESS_MOVE;
	return 0;
}

static __always_inline int bl_is_btrfs(struct file *file, __u32 cmd)
{
	return (cmd >> 8 & 0xff) == BTRFS_IOCTL_MAGIC && globals.generation &&
	       file->f_inode->i_sb->s_magic == BL_MAGIC_BTRFS;
}

/*
 * The memory that a name is in may be another thread's as well, and the kernel reads it once more: then it may be any
 * name in the directory, and who makes or removes it needs the right to whatever deny rules refuse below that. The access
 * that he asks for; 0: nothing of the kind.
 */
static __always_inline __u8 bl_btrfs_shared(struct file *file, __u32 cmd)
{
	struct bl_btrfs b = {};

	if (!bl_is_btrfs(file, cmd) || !bl_memory_shared())
		return 0;
	bl_btrfs_number(&b, cmd, 0);
	return b.child ? b.access & ~BL_ACCESS_READ : 0;
}

/* Takes the name that the caller's memory has at the moment. */
static __always_inline void bl_child_take(struct bl_scratch *scratch, const struct bl_btrfs *b)
{
	long size = 0;

	if (!b->child)
		return;
	if (b->name)
		size = bpf_probe_read_user_str(scratch->child, sizeof(scratch->child),
					       (const void *)b->name);
	scratch->below = size > 1 ? size - 1 : BL_CHILD_UNKNOWN;
}

/*
 * A snapshot has all files of a subvolume by other names, and nobody has opened them for it. Takes the subvolume that
 * the descriptor is of at the moment; where that may be another one when the kernel looks, or is all that there
 * is, any file may be in it. Verified on its own. Returns what is asked for.
 */
__noinline int bl_copied_take(struct bl_scratch *scratch, __u64 descriptor)
{
	__u64 file = 0, dentry;
	__u32 fd = ~0;

	if (!scratch)
		return 0;
	scratch->below = BL_CHILD_UNKNOWN;
	if (bl_memory_shared() || bpf_probe_read_user(&fd, sizeof(fd), (const void *)descriptor))
		return BL_ACCESS_READ;
	file = bl_descriptor_file(fd);
	dentry = file ? bl_read(struct file, file, f_path.dentry) : 0;
	if (!dentry || bl_read(struct dentry, dentry, d_sb) != scratch->sb)
		return BL_ACCESS_READ;
	for (__u32 i = 0; i < BL_ALIASES_MAX; i++) {
		if (i < scratch->super.n_aliases && scratch->super.aliases[i].root == dentry &&
		    scratch->super.aliases[i].state.trie == BL_TRIE_ROOT)
			return BL_ACCESS_READ;
	}
	scratch->aside = dentry;
	scratch->below = BL_ASIDE;
	return BL_ACCESS_READ | BL_ACCESS_MOVE;
}

static __always_inline struct bl_scratch *bl_aside_begin(void)
{
	struct bl_scratch *scratch = bl_scratch_get();

	if (!scratch)
		return NULL;
	scratch->own = 0;
	scratch->settled = 0;
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	return scratch;
}

/* Judges what scratch->below says. */
static __always_inline int bl_aside_judge(struct bl_scratch *scratch, struct bl_act *act)
{
	__u32 judged;

	bl_act_blur(scratch, act);
	judged = bl_path_judge(scratch, act, NULL, 0, bl_sequence(&rename_lock));
	scratch->below = 0;
	return bl_finish(scratch, judged);
}

/*
 * A subvolume goes with all that is in it; another default one changes what every name of the file system means where
 * it is mounted next; and what is sent is read, all of it, without an open. Who does that needs the right to whatever
 * deny rules refuse below it. Of what a program of 32 bits makes a snapshot is not looked at: it may have any file.
 */
static __always_inline int bl_btrfs_ioctl(struct file *file, __u32 cmd, __u64 arg, __u32 hook)
{
	struct bl_act act = { .op = BL_OP_OPEN, .hook = hook };
	struct bl_btrfs b = {};
	struct bl_scratch *scratch;

	if (!bl_is_btrfs(file, cmd))
		return 0;
	bl_btrfs_number(&b, cmd, arg);
	if (!b.search)
		return 0;
	if (b.copied && hook == BL_HOOK_IOCTL_COMPAT) {
		b.name = 0;
		b.access |= BL_ACCESS_READ;
		b.search |= BL_ACCESS_READ;
	}
	act.sb = file->f_inode->i_sb;
	act.dentry = cmd == BTRFS_IOC_DEFAULT_SUBVOL ? act.sb->s_root : file->f_path.dentry;
	act.access = b.access;
	act.search = b.search;
	scratch = bl_aside_begin();
	if (!scratch)
		return bl_fail_closed();
	bl_child_take(scratch, &b);
	return bl_aside_judge(scratch, &act);
}

/* The subvolume that a snapshot is made of. */
static __always_inline int bl_btrfs_copied(struct file *file, __u32 cmd, __u64 arg)
{
	struct bl_act act = { .op = BL_OP_OPEN, .hook = BL_HOOK_IOCTL, .access = BL_ACCESS_READ };
	struct bl_scratch *scratch;

	if ((cmd != BTRFS_IOC_SNAP_CREATE && cmd != BTRFS_IOC_SNAP_CREATE_V2) ||
	    !bl_is_btrfs(file, cmd))
		return 0;
	act.sb = file->f_inode->i_sb;
	act.dentry = file->f_path.dentry;
	scratch = bl_aside_begin();
	if (!scratch)
		return bl_fail_closed();
	if (!bl_super_get(scratch, act.sb, bl_sequence(&rename_lock)))
		return bl_finish(scratch, BL_JUDGED_NOT);
	act.search = bl_copied_take(scratch, arg);
	return bl_aside_judge(scratch, &act);
}
