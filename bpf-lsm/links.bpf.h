/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Objects with several names. What rules say of one name holds for the object, by whichever name it is
 * reached: what each name that is seen comes to is kept for all of them, until the next policy. A device
 * is such an object as well: whoever may make nodes makes another one with its number, anywhere.
 */
#pragma once

#include "dir.bpf.h"

/* Directories have as many links as they have directories in them, and one name. */
static __always_inline int bl_is_linked(const struct inode *inode)
{
	return inode->i_nlink > 1 && (inode->i_mode & S_IFMT) != S_IFDIR;
}

/*
 * The type and number of a device of which a node of one's own would be another name. Not of those that
 * every container has nodes of, and that lead to nothing: null, zero, full, random, urandom and the
 * process's own terminal. Nor of pseudo-terminals: they are opened by devpts alone. 0: no such device.
 */
BL_INLINE __u64 bl_device(__u32 mode, __u32 dev)
{
	const __u32 harmless = 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9;
	__u32 type = mode & S_IFMT, major = dev >> 20, minor = dev & 0xfffff;

	if (type == S_IFCHR) {
		if (major == 1 && minor < 32 && harmless >> minor & 1)
			return 0;
		if ((major == 5 && minor == 0) || (major >= 136 && major <= 143))
			return 0;
	} else if (type != S_IFBLK) {
		return 0;
	}
	return (__u64)type << 32 | dev;
}

/* Verified on their own: one number comes of each. */
__noinline int bl_is_device(__u32 mode, __u32 dev)
{
	return bl_device(mode, dev) != 0;
}

__noinline int bl_names_several(__u32 mode, __u32 nlink, __u32 dev, __u32 d_flags)
{
	if (nlink > 1 && (mode & S_IFMT) != S_IFDIR)
		return 1;
	return d_flags || bl_device(mode, dev) != 0;
}

/*
 * Also where a directory takes several spellings for one name: the entry has the one that it was first
 * looked up by. And where an overlay shows a real file of which only its open tells the name. And of a
 * device. That it is a file with one link, as nearly always, one comparison says.
 */
static __always_inline int bl_has_names(const struct dentry *dentry, const struct inode *inode)
{
	__u32 d_flags = dentry->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE |
					   (bl_fake_paths() ? DCACHE_OP_REAL : 0));
	__u32 mode = inode->i_mode, nlink = inode->i_nlink;

	if (!(((mode & S_IFMT) ^ S_IFREG) | (nlink ^ 1) | d_flags))
		return 0;
	return bl_names_several(mode, nlink, inode->i_rdev, d_flags);
}

static __always_inline void bl_names_key(struct bl_linked_key *key,
					 const struct bl_scratch *scratch, __u64 inode, __u32 dev,
					 __u32 version)
{
	key->inode = inode;
	key->dev = dev;
	key->version = version;
	key->generation = scratch->generation;
	key->_pad = 0;
}

/* Leaves what an object's other names come to in scratch->linked. Verified on its own. */
__noinline int bl_names_load(struct bl_scratch *scratch, __u64 inode, __u32 dev, __u32 version)
{
	const struct bl_linked *linked;
	struct bl_linked_key key;

	if (!scratch)
		return 0;
	bl_names_key(&key, scratch, inode, dev, version);
	linked = bpf_map_lookup_elem(&links, &key);
	if (!linked)
		__builtin_memset(&scratch->linked, 0, sizeof(scratch->linked));
	else
		__builtin_memcpy(&scratch->linked, linked, sizeof(scratch->linked));
	return 0;
}

BL_CALLED int bl_linked_load(struct bl_scratch *scratch, struct inode *inode)
{
	scratch->mode = inode->i_mode;
	scratch->rdev = inode->i_rdev;
	return bl_names_load(scratch, inode->i_ino, inode->i_sb->s_dev, inode->i_generation);
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

/*
 * Keeps the classes of scratch->label for all names of an object. Verified on its own. 0: they can't be
 * kept.
 */
__noinline int bl_names_keep(struct bl_scratch *scratch, __u64 inode, __u32 dev, __u32 version)
{
	static const volatile struct bl_linked none;
	struct bl_linked_key key;
	struct bl_linked *linked;

	if (!scratch)
		return 0;
	bl_names_key(&key, scratch, inode, dev, version);
	linked = bpf_map_lookup_elem(&links, &key);
	if (!linked) {
		bpf_map_update_elem(&links, &key, (const void *)&none, BPF_NOEXIST);
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

BL_CALLED int bl_linked_keep(struct bl_scratch *scratch, struct inode *inode)
{
	return bl_names_keep(scratch, inode->i_ino, inode->i_sb->s_dev, inode->i_generation);
}

/*
 * Keeps the classes of scratch->label for all nodes of a device, if the name is the kernel's own, in
 * devtmpfs: else whoever may make a node at a guarded name could have the rule refuse any device. No
 * superblock has the number 0, so no file is taken for a device.
 */
__noinline int bl_device_keep(struct bl_scratch *scratch)
{
	__u64 device, type, own, name[2] = { 0 };

	if (!scratch)
		return 0;
	device = bl_device(scratch->mode, scratch->rdev);
	if (!device)
		return 0;
	type = bl_read(struct super_block, scratch->sb, s_type);
	bpf_probe_read_kernel(name, sizeof("devtmpfs"),
			      (void *)bl_read(struct file_system_type, type, name));
	__builtin_memcpy(&own, "devtmpfs", sizeof(own));
	return name[0] == own && !name[1] && bl_names_keep(scratch, device, 0, 0);
}

/* Adds what an object's other names come to, and the device's name. */
__noinline int bl_names_add(struct bl_scratch *scratch)
{
	__u64 device;

	if (!scratch)
		return 0;
	device = bl_device(scratch->mode, scratch->rdev);
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++)
		bl_class_add(&scratch->walk, scratch->linked.classes[i]);
	scratch->walk.overflow |= scratch->linked.overflow;
	if (!device)
		return 0;
	bl_names_load(scratch, device, 0, 0);
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++)
		bl_class_add(&scratch->walk, scratch->linked.classes[i]);
	scratch->walk.overflow |= scratch->linked.overflow;
	return 0;
}
