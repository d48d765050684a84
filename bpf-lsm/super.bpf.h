/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Where a superblock is in the host's tree. Worked out here, when the first object on it is
 * looked at and whenever the host's mount table has changed since, so that there is no moment at
 * which a mounted file system is not known: nothing waits for the daemon.
 */
#pragma once

#include "path.bpf.h"

#define BL_SUPER_TRIES 64

/* The event counter of the host's mount namespace: what poll() on mountinfo goes by. */
static __always_inline __u64 bl_mount_event(void)
{
	const struct mnt_namespace *ns;

	if (bpf_rdonly_cast)
		return globals.host_ns ? bl_cast(struct mnt_namespace, globals.host_ns)->event : 0;
	/* Who is in that namespace leads to it by pointers, which takes no helper. */
	ns = bpf_get_current_task_btf()->nsproxy->mnt_ns;
	if ((__u64)ns == globals.host_ns)
		return ns->event;
	return bl_read(struct mnt_namespace, globals.host_ns, event);
}

/* Prepends a dentry's name that is known by its address only; 0 when that fails. */
static __always_inline int bl_prepend_raw(struct bl_scratch *scratch, __u64 dentry)
{
	struct qstr name = {};

	bpf_probe_read_kernel(&name, sizeof(name),
			      (void *)(dentry + bpf_core_field_offset(struct dentry, d_name)));
	return bl_walk_prepend(&scratch->walk, name.name, name.len);
}

/* One step up towards PID 1's root, over mount points; 1 ends the climb. */
static long bl_climb_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	struct bl_cursor *cursor = &scratch->cursor;
	__u64 mount = cursor->mount, dentry = cursor->dentry, parent;

	if (dentry == globals.root_dentry && mount == globals.root_mount) {
		cursor->state = BL_CURSOR_DONE;
		return 1;
	}
	if (dentry == bl_read(struct mount, mount, mnt.mnt_root)) {
		parent = bl_read(struct mount, mount, mnt_parent);
		if (!parent || parent == mount) {
			cursor->state = parent ? BL_CURSOR_DONE : BL_CURSOR_BROKEN;
			return 1;
		}
		cursor->dentry = bl_read(struct mount, mount, mnt_mountpoint);
		cursor->mount = parent;
		return 0;
	}
	parent = bl_read(struct dentry, dentry, d_parent);
	if (!parent || parent == dentry || !bl_prepend_raw(scratch, dentry)) {
		cursor->state = BL_CURSOR_BROKEN;
		return 1;
	}
	cursor->dentry = parent;
	return 0;
}

/*
 * The whole path of a dentry as its mount shows it, into scratch->walk; for the host's mounts it
 * is the host's path. The cursor's state says how it ended.
 */
static __always_inline void bl_climb(struct bl_scratch *scratch, __u64 mount, __u64 dentry)
{
	scratch->cursor.state = BL_CURSOR_GOING;
	scratch->cursor.mount = mount;
	scratch->cursor.dentry = dentry;
	bl_walk_start(&scratch->walk);
	bpf_loop(2 * BL_DEPTH_MAX, bl_climb_turn, &scratch, 0);
}

/* Keeps the mount point's path for the events: of the first mount of the superblock's root. */
static __always_inline void bl_prefix_keep(struct bl_scratch *scratch)
{
	struct bl_super *super = &scratch->super;
	__u32 pos = scratch->walk.pos, len = BL_PATH_BYTES - pos;

	if (super->prefix_len || !len || len >= BL_PREFIX_BYTES)
		return;
	BL_BARRIER(pos);
	BL_BARRIER(len);
	bpf_probe_read_kernel(super->prefix, len & (BL_PREFIX_BYTES - 1),
			      &scratch->walk.path[pos & (BL_PATH_BYTES - 1)]);
	super->prefix_len = len;
}

static __always_inline void bl_alias_add(const struct bl_matcher *m, struct bl_scratch *scratch,
					 __u64 root)
{
	struct bl_super *super = &scratch->super;
	__u32 n = super->n_aliases, trie, dfa;

	if (m->walk->pos < BL_PATH_BYTES)
		super->moves = 1;
	if (root == scratch->sb_root)
		bl_prefix_keep(scratch);
	trie = m->walk->trie;
	if (!bl_run_alive(m)) {
		if (root == scratch->sb_root || scratch->cursor.parts != BL_PARTS_ALL)
			return;
		trie = 0;
	}
	dfa = m->walk->dfa;
	if (root != scratch->sb_root)
		super->parts = 1;
	for (__u32 i = 0; i < BL_ALIASES_MAX; i++) {
		if (i >= n)
			break;
		if (super->aliases[i].root == root && super->aliases[i].state.trie == trie &&
		    super->aliases[i].state.dfa == dfa)
			return;
	}
	if (n >= BL_ALIASES_MAX) {
		super->many = 1;
		return;
	}
	BL_BARRIER(n);
	n &= BL_ALIASES_MAX - 1;
	super->aliases[n].root = root;
	super->aliases[n].state.trie = trie;
	super->aliases[n].state.dfa = dfa;
	super->n_aliases = n + 1;
}

struct bl_super_ctx {
	struct bl_scratch *scratch;
	const struct bl_matcher *matcher;
};

/* Finds the component below which a mount's root lies, scratch->part. */
static long bl_level_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;
	__u32 level = index & (BL_DEPTH_MAX - 1);

	if (level > scratch->depth)
		return 1;
	if (scratch->dentries[level] != scratch->part)
		return 0;
	scratch->level = level;
	return 1;
}

/* Which one of the dentries a mount's root is, by its component; BL_DEPTH_MAX: none. */
static __always_inline __u32 bl_level_find(struct bl_scratch *scratch, __u64 root)
{
	scratch->part = root;
	scratch->level = BL_DEPTH_MAX;
	bpf_loop(BL_DEPTH_MAX, bl_level_turn, &scratch, 0);
	return scratch->level;
}

static long bl_above_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = *(struct bl_scratch **)ctx;

	if (index > scratch->depth)
		return 1;
	scratch->part = bl_mix(scratch->part, scratch->dentries[index & (BL_DEPTH_MAX - 1)]);
	return 0;
}

/* A fingerprint of the dentries that were walked last. */
static __always_inline __u64 bl_above_print(struct bl_scratch *scratch)
{
	scratch->part = 0;
	scratch->depth = scratch->walk.n_comps;
	bpf_loop(BL_DEPTH_MAX, bl_above_turn, &scratch, 0);
	return scratch->part;
}

static __always_inline __u64 bl_mount_next(__u64 mount)
{
	if (bpf_core_field_exists(struct mount___chain, mnt_next_for_sb))
		return bl_read(struct mount___chain, mount, mnt_next_for_sb);
	mount = bl_read(struct mount, mount, mnt_instance.next);
	return mount ? mount - bpf_core_field_offset(struct mount, mnt_instance) : 0;
}

static __always_inline void bl_mount_first(struct bl_scratch *scratch)
{
	__u64 instance = bpf_core_field_offset(struct mount, mnt_instance);

	if (bpf_core_field_exists(struct mount___chain, mnt_next_for_sb)) {
		scratch->mount = bl_read(struct super_block___chain, scratch->sb, s_mounts);
		scratch->mounts_end = 0;
		return;
	}
	scratch->mount = bl_read(struct super_block, scratch->sb, s_mounts.next) - instance;
	scratch->mounts_end =
		scratch->sb + bpf_core_field_offset(struct super_block, s_mounts) - instance;
}

/* A mount of the superblock that is the host's: its path's states become an alias. */
static __always_inline void bl_mount_add(const struct bl_super_ctx *c, __u64 mount)
{
	struct bl_scratch *scratch = c->scratch;
	const struct bl_matcher *m = c->matcher;
	__u64 root = bl_read(struct mount, mount, mnt.mnt_root);

	scratch->cursor.seen = 1;
	if (root == scratch->sb_root)
		scratch->cursor.whole = 1;
	if (scratch->narrow && root != scratch->sb_root &&
	    bl_level_find(scratch, root) >= BL_DEPTH_MAX)
		return;
	bl_climb(scratch, mount, root);
	if (scratch->cursor.state == BL_CURSOR_DONE) {
		bl_path_run(m, m->walk->n_comps, 0, BL_TRIE_ROOT, m->header->dfa_start);
		bl_alias_add(m, scratch, root);
	} else {
		scratch->super.overflow = 1;
	}
}

/* One mount of the superblock, in whatever namespace. */
static long bl_mount_turn(__u32 index, void *ctx)
{
	struct bl_super_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	__u64 mount = scratch->mount;

	if (!mount || mount == scratch->mounts_end)
		return 1;
	if (bl_read(struct mount, mount, mnt_ns) == globals.host_ns)
		bl_mount_add(c, mount);
	scratch->mount = bl_mount_next(mount);
	return 0;
}

/* One step through the tree of the host's mounts: down, on, or up. */
static long bl_tree_turn(__u32 index, void *ctx)
{
	struct bl_super_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	const __u64 children = bpf_core_field_offset(struct mount, mnt_mounts);
	const __u64 sibling = bpf_core_field_offset(struct mount, mnt_child);
	__u64 mount = scratch->mount, next, parent;

	if (!scratch->ascends) {
		if (bl_read(struct mount, mount, mnt.mnt_sb) == scratch->sb)
			bl_mount_add(c, mount);
		next = bl_read(struct mount, mount, mnt_mounts.next);
		if (next != mount + children) {
			scratch->mount = next - sibling;
			return !next;
		}
	}
	if (mount == scratch->mounts_end) {
		scratch->mount = 0;
		return 1;
	}
	next = bl_read(struct mount, mount, mnt_child.next);
	parent = bl_read(struct mount, mount, mnt_parent);
	scratch->ascends = next == parent + children;
	scratch->mount = scratch->ascends ? parent : next - sibling;
	return !next;
}

static __always_inline void bl_super_begin(struct bl_scratch *scratch)
{
	struct bl_super *super = &scratch->super;

	super->n_aliases = 0;
	super->moves = 0;
	super->parts = 0;
	super->overflow = 0;
	super->many = 0;
	super->outside = 0;
	super->prefix_len = 0;
	scratch->cursor.seen = 0;
	scratch->cursor.whole = 0;
}

/* All mounts of the superblock. 0: there are too many, others' namespaces included. */
static __always_inline int bl_mounts_walk(struct bl_super_ctx *ctx)
{
	struct bl_scratch *scratch = ctx->scratch;

	bl_super_begin(scratch);
	bl_mount_first(scratch);
	bpf_loop(BL_MOUNTS_MAX, bl_mount_turn, ctx, 0);
	return !scratch->mount || scratch->mount == scratch->mounts_end;
}

/*
 * All mounts of the host: whoever makes any number of them in a namespace of his own takes no names from what
 * the host mounts. 0: there are too many.
 */
static __always_inline int bl_tree_walk(struct bl_super_ctx *ctx)
{
	struct bl_scratch *scratch = ctx->scratch;

	bl_super_begin(scratch);
	scratch->mounts_end = bl_read(struct mnt_namespace, globals.host_ns, root);
	scratch->mount = scratch->mounts_end;
	scratch->ascends = 0;
	bpf_loop(BL_TREE_STEPS, bl_tree_turn, ctx, 0);
	return !scratch->mount;
}

/* A superblock that the host doesn't mount has names of its own: from its root on. */
static __always_inline void bl_alias_own(const struct bl_matcher *m, struct bl_scratch *scratch)
{
	struct bl_super *super = &scratch->super;

	super->n_aliases = 1;
	super->aliases[0].root = scratch->sb_root;
	super->aliases[0].state.trie = BL_TRIE_ROOT;
	super->aliases[0].state.dfa = m->header->dfa_start;
}

static const char bl_name_proc[] = "proc", bl_name_sys[] = "sys", bl_name_dev[] = "dev",
		  bl_name_mqueue[] = "mqueue";

/* Where the kernel's own objects belong that a file system shows, as the walk's text; 0: it shows none. */
static __always_inline int bl_place_walk(struct bl_walk *walk, __u64 magic)
{
	bl_walk_start(walk);
	if (magic == BL_MAGIC_PROC)
		return bl_walk_prepend(walk, bl_name_proc, sizeof(bl_name_proc) - 1);
	if (magic == BL_MAGIC_SYSFS)
		return bl_walk_prepend(walk, bl_name_sys, sizeof(bl_name_sys) - 1);
	if (magic == BL_MAGIC_MQUEUE)
		return bl_walk_prepend(walk, bl_name_mqueue, sizeof(bl_name_mqueue) - 1) &&
		       bl_walk_prepend(walk, bl_name_dev, sizeof(bl_name_dev) - 1);
	return 0;
}

/*
 * Of procfs and sysfs anybody can have superblocks of his own: each mount of procfs is another one, and a user
 * namespace may mount both. They show the same objects: so these have the names that they have in /proc
 * and /sys as well, wherever they are mounted and by whom; and message queues have names that need no mount.
 */
static __always_inline void bl_alias_place(const struct bl_matcher *m, struct bl_scratch *scratch)
{
	struct bl_super *super = &scratch->super;
	__u8 moves = super->moves;

	if (!bl_place_walk(m->walk, bl_read(struct super_block, scratch->sb, s_magic)))
		return;
	if (!scratch->cursor.seen)
		super->n_aliases = 0; /* those from its root on */
	scratch->cursor.whole = 1;
	bl_path_run(m, m->walk->n_comps, 0, BL_TRIE_ROOT, m->header->dfa_start);
	bl_alias_add(m, scratch, scratch->sb_root);
	super->moves = moves;
}

/*
 * Where the host's mounts show parts of a superblock only, all of these are to be known, to tell what none of them
 * shows; where they are too many, of each object those that show it. Returns 1 when scratch->super is what it will be;
 * else the mounts are to be looked through once more.
 */
static __always_inline int bl_parts_settled(struct bl_scratch *scratch)
{
	struct bl_super *super = &scratch->super;
	struct bl_cursor *cursor = &scratch->cursor;

	if (!cursor->seen || cursor->whole || super->overflow)
		return 1;
	if (cursor->parts == BL_PARTS_TOO_MANY) {
		super->many = 1;
		return 1;
	}
	if (cursor->parts == BL_PARTS_ALL) {
		super->outside = !super->many;
		cursor->parts = BL_PARTS_TOO_MANY;
		return super->outside;
	}
	if (bl_read(struct super_block, scratch->sb, s_flags) & SB_KERNMOUNT)
		return 1;
	cursor->parts = BL_PARTS_ALL;
	return 0;
}

/* One attempt at scratch->super; 1: neither a mount nor a rename got in between. */
static long bl_super_turn(__u32 index, void *ctx)
{
	struct bl_super_ctx *c = ctx;
	struct bl_scratch *scratch = c->scratch;
	struct bl_super *super = &scratch->super;
	__u32 renames = bl_sequence(&rename_lock), mounts = bl_sequence(&mount_lock);

	super->generation = c->matcher->header->generation;
	super->event = bl_mount_event();
	super->renames = renames;
	if (!bl_mounts_walk(c) && !bl_tree_walk(c))
		super->overflow = 1;
	if (!scratch->cursor.seen)
		bl_alias_own(c->matcher, scratch);
	bl_alias_place(c->matcher, scratch);
	bl_barrier();
	if ((renames | mounts) & 1 || bl_sequence(&rename_lock) != renames ||
	    bl_sequence(&mount_lock) != mounts) {
		super->overflow = 1;
		return 0;
	}
	return bl_parts_settled(scratch);
}

static long bl_key_turn(__u32 index, void *ctx)
{
	struct bl_super *super = &((struct bl_super_ctx *)ctx)->scratch->super;
	const struct bl_alias *alias = &super->aliases[index & (BL_ALIASES_MAX - 1)];

	super->key = bl_mix(super->key, alias->state.trie);
	super->key = bl_mix(super->key, alias->state.dfa);
	if (super->parts)
		super->key = bl_mix(super->key, alias->root);
	return 0;
}

/*
 * What a name comes to depends on the states that the mount points' paths lead to; where a mount
 * shows a part only, on where that part is as well: a dentry that stays while nothing is mounted.
 */
static __always_inline void bl_super_key(struct bl_super_ctx *ctx)
{
	struct bl_super *super = &ctx->scratch->super;

	super->key = bl_mix(super->generation, super->parts ? super->event : 0);
	bpf_loop(super->n_aliases, bl_key_turn, ctx, 0);
	if (!super->key)
		super->key = 1;
	if (super->overflow || super->many || ctx->scratch->narrow || !bl_short_name())
		super->key = 0;
}

/* Works out scratch->super for scratch->sb. Verified on its own. Returns 0: no image. */
__noinline int bl_super_scan(struct bl_scratch *scratch)
{
	struct bl_matcher m;
	struct bl_super_ctx ctx = { .scratch = scratch, .matcher = &m };

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	scratch->cursor.parts = BL_PARTS_MATTERING;
	bpf_loop(BL_SUPER_TRIES, bl_super_turn, &ctx, 0);
	bl_super_key(&ctx);
	scratch->super.trust = scratch->cursor.seen ? BL_TRUST_HOST : BL_TRUST_CONTAINER;
	return 1;
}

/*
 * A mount point's path can change without a change of the mount table when a directory above it
 * is renamed. That is rare; renames are not: so only records of superblocks that are mounted
 * somewhere below the root go by the sequence.
 */
static __always_inline int bl_super_current(const struct bl_super *super, __u32 sequence)
{
	return super->event == bl_mount_event() && (!super->moves || super->renames == sequence);
}

/*
 * Copies a record of this policy if it is complete and right by rename_lock's sequence: one alias as
 * a rule, all where there are more.
 */
static __always_inline int bl_super_load(struct bl_scratch *scratch, const struct bl_super *super,
					 __u32 sequence)
{
	__u32 lock = super->lock;

	if (lock & 1 || super->generation != scratch->generation)
		return 0;
	bl_barrier();
	if (!bl_super_current(super, sequence))
		return 0;
	__builtin_memcpy(&scratch->super.event, &super->event,
			 offsetof(struct bl_super, aliases[1]) - offsetof(struct bl_super, event));
	if (super->n_aliases > 1)
		__builtin_memcpy(scratch->super.aliases, super->aliases, sizeof(super->aliases));
	bl_barrier();
	return super->lock == lock;
}

static __always_inline void bl_super_store(struct bl_scratch *scratch, struct bl_super *super)
{
	__u32 lock = super->lock;

	if (lock & 1 || !bl_exchange(&super->lock, lock, lock + 1))
		return;
	scratch->super.lock = lock + 1;
	bl_barrier();
	bpf_probe_read_kernel(super, sizeof(*super), &scratch->super);
	bl_barrier();
	super->lock = lock + 2;
}

/*
 * True when scratch->super is still the superblock's, as it nearly always is. One that the host mounts can't have
 * gone, and another one be at its address, without a change of the mount table.
 */
static __always_inline int bl_super_kept(const struct bl_scratch *scratch,
					 const struct super_block *sb, __u32 sequence)
{
	return scratch->sb == (__u64)sb && scratch->super_of == scratch->generation &&
	       bl_super_current(&scratch->super, sequence);
}

/*
 * Leaves the superblock's record, as of rename_lock's sequence, in scratch->super. Returns 0: no
 * image.
 */
static __always_inline int bl_super_get(struct bl_scratch *scratch, struct super_block *sb,
					__u32 sequence)
{
	struct dentry *root = sb->s_root;
	struct inode *inode = root->d_inode;
	struct bl_super *super =
		inode ? bpf_inode_storage_get(&supers, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE)
		      : NULL;

	scratch->sb = (__u64)sb;
	scratch->sb_root = (__u64)root;
	scratch->super_of = 0;
	scratch->narrow = 0;
	if (!super || !bl_super_load(scratch, super, sequence)) {
		if (!bl_super_scan(scratch))
			return 0;
		if (sb->s_user_ns->level)
			scratch->super.trust = BL_TRUST_NONE;
		if (scratch->super.overflow)
			return 1;
		if (super)
			bl_super_store(scratch, super);
	}
	if (scratch->super.trust == BL_TRUST_HOST)
		scratch->super_of = scratch->generation;
	return 1;
}

static __always_inline int bl_is_walked(const struct bl_scratch *scratch)
{
	return scratch->walk_end == BL_WALK_ROOT || scratch->walk_end == BL_WALK_OWN_ROOT;
}

/*
 * Where there are more mounts than a record has room for, leaves those in scratch->super that show the dentry that
 * was just walked or something above it; nothing of that is of use for others. Returns 1 if it is to be walked again:
 * the mounts' paths took the walk's memory. What could not be walked has no names, whatever shows it.
 */
static __always_inline int bl_super_narrow(struct bl_scratch *scratch, struct super_block *sb)
{
	if (!scratch->super.many || !bl_is_walked(scratch))
		return 0;
	scratch->above = bl_above_print(scratch);
	scratch->narrow = 1;
	scratch->super_of = 0;
	if (!bl_super_scan(scratch))
		return 0; /* for want of an image, which the label will want, too */
	if (sb->s_user_ns->level)
		scratch->super.trust = BL_TRUST_NONE;
	scratch->super.overflow |= scratch->super.many;
	return 1;
}

/* After the second walk: if it was another one, mounts may be missing. */
static __always_inline void bl_super_narrowed(struct bl_scratch *scratch)
{
	if (!bl_is_walked(scratch) || bl_above_print(scratch) != scratch->above)
		scratch->super.overflow = 1;
}
