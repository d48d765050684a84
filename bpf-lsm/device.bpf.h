/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The block device that a file system is mounted from. The kernel opens it by its number, and no hook sees that: so
 * it is judged when the file system is there, before anybody gets to it.
 */
#pragma once

#include "decide.bpf.h"

/* include/linux/fs.h */
#define FS_REQUIRES_DEV 1

/*
 * Of btrfs, which may have several devices, the superblock's number is none of theirs and its name is that of the
 * device that was written last. A file system that is on no device has a number without a major one.
 */
static __always_inline int bl_device_is(struct super_block *sb)
{
	return sb->s_dev >> 20 || sb->s_type->fs_flags & FS_REQUIRES_DEV;
}

/* The names are those of one file of the host's. */
__noinline int bl_device_start(struct bl_scratch *scratch)
{
	struct bl_alias *alias;
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	scratch->walk_end = BL_WALK_ROOT;
	scratch->walk.chain.n = 0;
	scratch->based = 0;
	scratch->keep = 0;
	scratch->super.overflow = 0;
	scratch->super.n_aliases = 1;
	alias = &scratch->super.aliases[0];
	alias->root = scratch->sb_root;
	alias->state.trie = BL_TRIE_ROOT;
	alias->state.dfa = m.header->dfa_start;
	return 1;
}

/*
 * What rules say of the device into scratch->label: by the kernel's name for it, and by its number, as of all its
 * nodes. Returns 0: no image.
 */
static __always_inline int bl_device_compute(struct bl_scratch *scratch, struct super_block *sb)
{
	scratch->mode = S_IFBLK;
	scratch->rdev = sb->s_dev;
	scratch->is_linked = 1;
	scratch->spilled = 0;
	__builtin_memset(&scratch->linked, 0, sizeof(scratch->linked));
	scratch->label.flags = 0;
	bl_device_name(scratch, sb);
	return bl_device_start(scratch) && bl_label_match(scratch);
}

static __always_inline int bl_device_judge(struct bl_scratch *scratch, struct bl_act *act)
{
	if (!bl_device_compute(scratch, act->sb))
		return BL_JUDGED_NOT;
	if (!bl_label_mentions(&scratch->label, act))
		return BL_JUDGED_PASS;
	return bl_label_judge(scratch, act, 0);
}

static __always_inline int bl_device_decide(struct super_block *sb, __u8 access, __u32 hook)
{
	struct bl_act act = {
		.sb = sb,
		.op = BL_OP_OPEN,
		.access = access,
		.search = access,
		.hook = hook,
		.device = 1,
	};
	struct bl_scratch *scratch;

	if (!globals.generation || !bl_device_is(sb))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch)
		return bl_fail_closed();
	scratch->own = 0;
	scratch->shown = 0;
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	bl_act_blur(scratch, &act);
	return bl_finish(scratch, bl_device_judge(scratch, &act));
}

/* Mounted once more it is the same file system: who mounts it asks for what it does with the device. */
static __always_inline int bl_device_mount(struct super_block *sb)
{
	__u8 access = BL_ACCESS_READ;

	if (!(sb->s_flags & SB_RDONLY))
		access |= BL_ACCESS_WRITE;
	return bl_device_decide(sb, access, BL_HOOK_SB_MOUNT);
}

/* What is going to be different isn't said: of a file system that is read-only now, maybe that. */
static __always_inline int bl_device_remount(struct super_block *sb)
{
	if (!(sb->s_flags & SB_RDONLY))
		return 0;
	return bl_device_decide(sb, BL_ACCESS_WRITE, BL_HOOK_SB_REMOUNT);
}
