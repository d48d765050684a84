/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Objects with several names. What rules say of one name holds for the object, by whichever name it is
 * reached: what each name that is seen comes to is kept for all of them, until the next policy.
 */
#pragma once

#include "dir.bpf.h"

/* Directories have as many links as they have directories in them, and one name. */
static __always_inline int bl_is_linked(const struct inode *inode)
{
	return inode->i_nlink > 1 && (inode->i_mode & S_IFMT) != S_IFDIR;
}

/* Verified on its own: one number comes of it. */
__noinline int bl_names_several(__u32 mode, __u32 nlink, __u32 d_flags, __u32 magic)
{
	if (nlink > 1 && (mode & S_IFMT) != S_IFDIR)
		return 1;
	return d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE) || magic == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Also where a directory takes several spellings for one name: the entry has the one that it was first
 * looked up by. And where an overlay shows a real file of which only its open tells the name.
 */
static __always_inline int bl_has_names(const struct dentry *dentry, const struct inode *inode)
{
	return bl_names_several(inode->i_mode, inode->i_nlink, dentry->d_flags,
				bl_fake_paths() ? inode->i_sb->s_magic : 0);
}

static __always_inline void bl_linked_key(struct bl_linked_key *key, const struct inode *inode,
					  __u32 generation)
{
	key->inode = inode->i_ino;
	key->dev = inode->i_sb->s_dev;
	key->version = inode->i_generation;
	key->generation = generation;
	key->_pad = 0;
}

/* Leaves what the object's other names come to in scratch->linked. */
BL_CALLED int bl_linked_load(struct bl_scratch *scratch, struct inode *inode)
{
	struct bl_linked_key key;
	const struct bl_linked *linked;

	bl_linked_key(&key, inode, scratch->generation);
	linked = bpf_map_lookup_elem(&links, &key);
	if (!linked)
		__builtin_memset(&scratch->linked, 0, sizeof(scratch->linked));
	else
		__builtin_memcpy(&scratch->linked, linked, sizeof(scratch->linked));
	return 0;
}

/* Adds a class; a place that is taken stays so. 0: there is no place left. */
static __always_inline int bl_linked_add(struct bl_linked *linked, __u32 class)
{
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		__u32 there = linked->classes[i];

		if (!there)
			there = __sync_val_compare_and_swap(&linked->classes[i], 0, class);
		if (!there || there == class)
			return 1;
	}
	return 0;
}

/* Keeps the classes of scratch->label for all names of an object. 0: they can't be kept. */
BL_CALLED int bl_linked_keep(struct bl_scratch *scratch, struct inode *inode)
{
	struct bl_linked_key key;
	struct bl_linked *linked;

	bl_linked_key(&key, inode, scratch->generation);
	linked = bpf_map_lookup_elem(&links, &key);
	if (!linked) {
		__builtin_memset(&scratch->linked, 0, sizeof(scratch->linked));
		bpf_map_update_elem(&links, &key, &scratch->linked, BPF_NOEXIST);
		linked = bpf_map_lookup_elem(&links, &key);
	}
	if (!linked) {
		bl_count(BL_COUNT_LINKS_FULL);
		return 0;
	}
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		if (i >= scratch->label.n_classes)
			break;
		if (!bl_linked_add(linked, scratch->label.classes[i]))
			linked->overflow = 1;
	}
	return 1;
}
