/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Objects with several names. What rules say of one name holds for the object, by whichever name it is
 * reached: what each name that is seen comes to is kept for all of them, until the next policy. A device
 * is such an object as well: whoever may make nodes makes another one with its number, anywhere.
 *
 * Anybody can make any number of such objects, but only of his own: there is room for so many of each owner.
 * Beyond that the objects of that owner are taken for each other, as far as rules refuse.
 */
#pragma once

#include "dir.bpf.h"
#include "named.bpf.h"

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
					   (bl_fake_paths() ? bl_flag_real() : 0));
	__u32 mode = inode->i_mode, nlink = inode->i_nlink;

	if (!(((mode & S_IFMT) ^ S_IFREG) | (nlink ^ 1) | d_flags))
		return 0;
	return bl_names_several(mode, nlink, inode->i_rdev, d_flags);
}

static __always_inline void bl_names_key(struct bl_linked_key *key, __u64 inode, __u32 dev,
					 __u32 version)
{
	key->inode = inode;
	key->dev = dev;
	key->version = version;
}

/*
 * Whose objects share their room. One for root, so that what others do never takes it; one for all user
 * namespaces, where many a user can be had at will.
 */
static __always_inline __u32 bl_pool_of(__u32 owner)
{
	if (!owner)
		return 0;
	return owner >= BL_POOL_UIDS ? BL_POOLS - 1 : 1 + owner % (BL_POOLS - 2);
}

static __always_inline struct bl_linked *bl_pool_find(void *map, __u32 pool)
{
	struct bl_linked_key key;

	bl_names_key(&key, pool, 0, 0);
	return bpf_map_lookup_elem(map, &key);
}

static __always_inline void *bl_links_of(__u32 generation)
{
	__u32 slot = generation & 1;

	return bpf_map_lookup_elem(&links, &slot);
}

/*
 * Leaves what an object's other names come to in scratch->linked. Where nothing is kept of it because there was
 * no room for some objects of its pool, it may be one of these. Verified on its own.
 */
__noinline int bl_names_load(struct bl_scratch *scratch, __u64 inode, __u32 dev, __u32 version,
			     __u32 owner)
{
	const struct bl_linked *linked = NULL;
	struct bl_linked_key key;
	void *map;

	if (!scratch)
		return 0;
	scratch->spilled = 0;
	bl_names_key(&key, inode, dev, version);
	map = bl_links_of(scratch->generation);
	if (map)
		linked = bpf_map_lookup_elem(map, &key);
	if (map && !linked && !globals.ceiling &&
	    globals.spilled[scratch->generation & 1] == scratch->generation) {
		linked = bl_pool_find(map, bl_pool_of(owner));
		scratch->spilled = linked && linked->classes[0];
	}
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
	return bl_names_load(scratch, inode->i_ino, inode->i_sb->s_dev, inode->i_generation,
			     inode->i_uid.val);
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

/* True when the strictest candidate of a list, which comes first, refuses. */
static __always_inline int bl_list_denies(const struct bl_matcher *m, __u32 list)
{
	const struct bl_cand *cand = list ? bl_at(m, list + sizeof(struct bl_list), struct bl_cand)
					  : NULL;

	return cand && cand->verdict >= BL_VERDICT_DENY;
}

static __always_inline int bl_class_denies(const struct bl_matcher *m, __u32 offset)
{
	const struct bl_class *class = bl_at(m, offset, struct bl_class);
	__u32 open_list, exec_list;

	if (!class)
		return 0;
	open_list = class->open_list;
	exec_list = class->exec_list;
	return bl_list_denies(m, open_list) || bl_list_denies(m, exec_list);
}

struct bl_spill_ctx {
	struct bl_scratch *scratch;
	const struct bl_matcher *matcher;
	struct bl_linked *pool;
};

static long bl_spill_turn(__u32 index, void *ctx)
{
	struct bl_spill_ctx *c = ctx;
	__u32 class;

	if (index >= BL_CLASSES_MAX)
		return 1;
	class = c->scratch->label.classes[index];
	if (bl_class_denies(c->matcher, class) && !bl_linked_add(c->pool, class))
		c->pool->overflow = 1;
	return 0;
}

/*
 * There is no room for an object: from now on what rules refuse by any of its names is refused by each name of
 * all objects of its pool of which nothing is kept, and no more are kept there: what is spilled must not
 * become theirs for good. What rules only report is lost: no event is to be untrue. Verified on its own. 0: it
 * can't be done.
 */
__noinline int bl_names_spill(struct bl_scratch *scratch, __u32 owner)
{
	struct bl_matcher m;
	struct bl_spill_ctx ctx = { .scratch = scratch, .matcher = &m };
	void *map;

	bl_count(BL_COUNT_LINKS_FULL);
	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	map = bl_links_of(scratch->generation);
	if (!map)
		return 0;
	ctx.pool = bl_pool_find(map, bl_pool_of(owner));
	if (!ctx.pool)
		return 0;
	__sync_fetch_and_or(&ctx.pool->kept, BL_POOL_FULL);
	bpf_loop(scratch->label.n_classes, bl_spill_turn, &ctx, 0);
	bl_barrier();
	globals.spilled[scratch->generation & 1] = scratch->generation;
	return 1;
}

/* Makes an entry, where its pool has room. Memory may be there at the second try: it is fetched meanwhile. */
static __always_inline struct bl_linked *bl_names_make(void *map, const struct bl_linked_key *key,
						       __u32 number)
{
	struct bl_linked *pool = bl_pool_find(map, number);
	struct bl_linked fresh = { .pool = number };
	__u32 max = number ? BL_POOL_MAX : BL_LINKS_MAX;
	long r;

	if (!pool || pool->kept >= max)
		return NULL;
	r = bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST);
	if (r == -ENOMEM)
		r = bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST);
	if (!r)
		__sync_fetch_and_add(&pool->kept, 1);
	return bpf_map_lookup_elem(map, key);
}

/*
 * Keeps the classes of scratch->label for all names of an object, or what of them refuses for all objects of
 * its pool that aren't kept. Verified on its own. 0: neither can be done.
 */
__noinline int bl_names_keep(struct bl_scratch *scratch, __u64 inode, __u32 dev, __u32 version,
			     __u32 owner)
{
	struct bl_linked_key key;
	struct bl_linked *linked;
	void *map;

	if (!scratch)
		return 0;
	map = bl_links_of(scratch->generation);
	if (!map)
		return 0;
	bl_names_key(&key, inode, dev, version);
	linked = bpf_map_lookup_elem(map, &key);
	if (!linked)
		linked = bl_names_make(map, &key, bl_pool_of(owner));
	if (!linked)
		return bl_names_spill(scratch, owner);
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
	return bl_names_keep(scratch, inode->i_ino, inode->i_sb->s_dev, inode->i_generation,
			     inode->i_uid.val);
}

/* Verified on its own. */
__noinline int bl_names_drop(__u64 inode, __u32 dev, __u32 version)
{
	struct bl_linked_key key;
	struct bl_linked *linked;
	__u32 pool;
	void *map = bl_links_of(globals.generation);

	if (!map)
		return 0;
	bl_names_key(&key, inode, dev, version);
	linked = bpf_map_lookup_elem(map, &key);
	if (!linked)
		return 0;
	pool = linked->pool;
	if (bpf_map_delete_elem(map, &key))
		return 0;
	linked = bl_pool_find(map, pool);
	if (linked)
		__sync_fetch_and_add(&linked->kept, -1);
	return 0;
}

/* Where several files have the same number and version: in each subvolume and snapshot, in each layer. */
static __always_inline int bl_numbers_repeat(__u64 magic)
{
	return magic == BL_MAGIC_BTRFS || magic == BL_MAGIC_BCACHEFS || magic == BL_MAGIC_OVERLAY;
}

/*
 * The last name of what had several is about to go, and nothing that is kept of it is asked for any more: a link
 * that is made after all finds out again what the name comes to. Not where it may be kept of another file as well,
 * of which that one is a snapshot.
 */
BL_CALLED int bl_linked_drop(struct inode *inode)
{
	if (bl_numbers_repeat(inode->i_sb->s_magic))
		return 0;
	return bl_names_drop(inode->i_ino, inode->i_sb->s_dev, inode->i_generation);
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
	return name[0] == own && !name[1] && bl_names_keep(scratch, device, 0, 0, 0);
}

static __always_inline void bl_names_take(struct bl_scratch *scratch)
{
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++)
		bl_class_add(&scratch->walk, scratch->linked.classes[i]);
	scratch->walk.overflow |= scratch->linked.overflow;
	if (scratch->spilled)
		scratch->label.flags |= BL_LABEL_SPILLED;
}

/* Adds what an object's other names come to, and the device's name. */
__noinline int bl_names_add(struct bl_scratch *scratch)
{
	__u64 device;

	if (!scratch)
		return 0;
	device = bl_device(scratch->mode, scratch->rdev);
	bl_names_take(scratch);
	if (!device)
		return 0;
	bl_names_load(scratch, device, 0, 0, 0);
	bl_names_take(scratch);
	return 0;
}
