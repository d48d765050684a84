/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* open: reading, writing, creating, deleting and changing what a path names. */
#pragma once

#include "btrfs.bpf.h"
#include "call.bpf.h"
#include "decide.bpf.h"
#include "real.bpf.h"

/* include/linux/fs.h */
#define ATTR_MODE  (1 << 0)
#define ATTR_UID   (1 << 1)
#define ATTR_GID   (1 << 2)
#define ATTR_SIZE  (1 << 3)
#define ATTR_ATIME (1 << 4)
#define ATTR_MTIME (1 << 5)
#define ATTR_FORCE (1 << 9)
#define ATTR_FILE  (1 << 13)
#define ATTR_OPEN  (1 << 15)

/* include/uapi/linux/fs.h: the ioctls that change an inode's attributes */
#define FS_IOC_SETFLAGS	  0x40086602
#define FS_IOC32_SETFLAGS 0x40046602
#define FS_IOC_FSSETXATTR 0x401c5820
#define FS_IOC_SETVERSION   0x40087602
#define FS_IOC32_SETVERSION 0x40047602
#define EXT4_IOC_SWAP_BOOT    0x6611
#define EXT4_IOC_SETVERSION   0x40086604
#define EXT4_IOC32_SETVERSION 0x40046604
#define FS_IOC_ENABLE_VERITY 0x40806685
#define FS_IOC_SET_ENCRYPTION_POLICY 0x800c6613

/* Another name for an object, or none of the old one: whatever any rule on that refuses. */
#define BL_ACCESS_TAKE (BL_ACCESS_ANY | BL_ACCESS_CONNECT | BL_ACCESS_MOVE)

static __always_inline int bl_open_object(struct dentry *dentry, struct super_block *sb,
					  struct inode *inode, struct inode *linked, __u8 access,
					  __u8 search, __u32 hook)
{
	struct bl_act act = {
		.dentry = dentry,
		.sb = sb,
		.inode = inode,
		.linked = linked,
		.op = BL_OP_OPEN,
		.access = access,
		.search = search,
		.hook = hook,
	};

	return bl_path_decide(&act);
}

static __always_inline int bl_open_dentry(struct dentry *dentry, struct inode *inode, __u8 access,
					  __u8 search, __u32 hook)
{
	return bl_open_object(dentry, dentry->d_sb, inode, NULL, access, search, hook);
}

/* The daemon's self-test: one inode is refused to one process, whatever the policy says. */
static __always_inline int bl_is_canary(struct file *file)
{
	return globals.canary_tgid && file->f_inode->i_ino == globals.canary_inode &&
	       file->f_inode->i_sb->s_dev == globals.canary_dev &&
	       bpf_get_current_pid_tgid() >> 32 == globals.canary_tgid;
}

_Static_assert(FMODE_READ == BL_ACCESS_READ && FMODE_WRITE == BL_ACCESS_WRITE &&
		       O_TRUNC >> 8 == BL_ACCESS_WRITE,
	       "an open's modes are the accesses that rules name, bit by bit");

static __always_inline __u32 bl_open_modes(__u32 mode, __u32 flags)
{
	return (mode & (FMODE_READ | FMODE_WRITE)) | (flags >> 8 & BL_ACCESS_WRITE);
}

/* mode and flags: the file's. */
static __always_inline __u32 bl_open_access(__u32 mode, __u32 flags)
{
	__u32 access = bl_open_modes(mode, flags);

	/* Access mode 3 is for ioctls; it needs both rights. */
	return access ? access : BL_ACCESS_READ | BL_ACCESS_WRITE;
}

/*
 * The kernel lists a directory that has no parent yet to find where a file handle belongs
 * (exportfs_get_name). Nobody else can have one open: a handle is opened when that is done.
 */
static __always_inline int bl_is_reconnected(const struct bl_act *act)
{
	struct dentry *dentry = act->dentry;

	return dentry->d_flags & DCACHE_DISCONNECTED && dentry == dentry->d_parent &&
	       act->access == BL_ACCESS_READ && (act->inode->i_mode & S_IFMT) == S_IFDIR;
}

/*
 * An open of which the label could not tell at once. The second, internal open of an overlay is the
 * kernel's, with the credentials of whoever mounted it: it is judged for who acts. What is opened to start a program
 * is judged as exec, by the overlay's own where that does it; but XFS by its handles, mq_open and TIOCGPTPEER take
 * the flag for that from anybody.
 */
BL_CALLED int bl_open_search(struct file *file, struct bl_label *label, int valid, __u32 sequence)
{
	__u32 flags = file->f_flags, mode = file->f_mode, starts;
	struct bl_act act = {
		.dentry = file->f_path.dentry,
		.sb = file->f_inode->i_sb,
		.inode = file->f_inode,
		.op = BL_OP_OPEN,
		.hook = BL_HOOK_FILE_OPEN,
	};

	if (bl_is_canary(file))
		return -EPERM;
	if (!globals.generation)
		return 0;
	starts = flags & FMODE_EXEC && bl_call_starts();
	act.access = bl_open_access(mode, flags);
	if (act.sb != act.dentry->d_sb) {
		struct inode *shown = act.dentry->d_inode;

		act.search = act.access;
		return bl_fake_paths() && shown ? bl_real_decide(&act, shown, starts) : 0;
	}
	if (starts) {
		if (bl_fake_paths() || !(mode & FMODE_NOACCOUNT))
			return 0;
		act.starts = 1;
		act.access = 0;
		valid = 0;
	}
	act.own = (mode & FMODE_NOACCOUNT) != 0;
	act.shown = (__u64)file;
	if (bl_is_reconnected(&act))
		return 0;
	act.search = act.access;
	valid = valid && label && label->dentry == (__u64)act.dentry;
	return bl_path_search(&act, label, valid, sequence);
}

/*
 * What a valid label and what is remembered can tell: that no rule concerns the open. That no mode is
 * given, or that it is for execution, is rare: it is found out in the search.
 */
static __always_inline int bl_open_passes(struct file *file, const struct bl_label *label)
{
	volatile __u32 access = bl_open_modes(file->f_mode, file->f_flags);
	__u64 who;

	if (label->open_access & BL_ACCESS_EXEC &&
	    (bl_fake_paths() ? label->dentry != (__u64)file->f_path.dentry
			     : file->f_flags & FMODE_EXEC))
		return 0;
	if (!(label->open_access & access))
		return access != 0;
	if (label->dentry != (__u64)file->f_path.dentry)
		return 0;
	who = bl_identity();
	if (!who)
		return 0;
	BL_BARRIER(who); /* and it takes no further register */
	return bl_print_known(bl_print_of(who, label->key, BL_OP_OPEN, access));
}

/*
 * The kernel's own opens for execution are judged as exec. Nothing is read of the file that the
 * label can spare: this is the hook that runs most. What is volatile is on the stack during the
 * calls: a register that keeps it would be saved and restored in every run.
 */
static __always_inline int bl_open_file(struct file *file)
{
	struct file *volatile opened = file;
	struct bl_label *label = bpf_inode_storage_get(&labels, file->f_inode, NULL, 0);
	int valid = 0, pass = 0;
	__u32 sequence;

	if (label && label->stamp == globals.stamp) {
		bl_sequence_read(&rename_lock, &sequence);
		if (label->unmentioned == sequence)
			goto passed;
		valid = label->renames == sequence;
		if (valid && bl_open_passes(opened, label))
			goto passed;
	} else {
		bl_sequence_read(&rename_lock, &sequence);
	}
	return bl_open_search(opened, label, valid, *(volatile __u32 *)&sequence);
passed:
	BL_BARRIER(pass);
	return pass;
}

/* For rules on exec alone: only what an overlay opens to have it executed, and on older kernels anything of its. */
static __always_inline int bl_open_file_real(struct file *file)
{
	if (!bl_fake_paths() && !(file->f_flags & FMODE_EXEC && file->f_mode & FMODE_NOACCOUNT))
		return 0;
	return bl_open_file(file);
}

/*
 * A descriptor is taken over: by SCM_RIGHTS, by pidfd_getfd, from the supervisor of a seccomp filter. Who
 * may not open the file gets it no more from somebody who may. One for the path alone opens nothing.
 */
static __always_inline int bl_open_receive(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	__u8 access = bl_open_access(file->f_mode, 0);

	if (file->f_mode & FMODE_PATH || file->f_inode->i_sb != dentry->d_sb)
		return 0;
	return bl_open_object(dentry, file->f_inode->i_sb, file->f_inode, NULL, access, access,
			      BL_HOOK_FILE_RECEIVE);
}

/*
 * binfmt_misc with the flag O: the interpreter that is about to start gets the file that it was started
 * for, opened by the kernel for execution. It can read that, as if it had opened it.
 */
static __always_inline int bl_open_hand_over(struct linux_binprm *bprm)
{
	struct file *file = bprm->executable;
	struct bl_act act = {
		.op = BL_OP_OPEN,
		.access = BL_ACCESS_READ,
		.search = BL_ACCESS_READ,
		.hook = BL_HOOK_BPRM_CHECK,
	};

	if (!file || !BPF_CORE_READ_BITFIELD(bprm, have_execfd))
		return 0;
	act.dentry = file->f_path.dentry;
	act.sb = file->f_inode->i_sb;
	act.inode = file->f_inode;
	act.layered = bl_is_layered(act.dentry);
	return bl_path_decide(&act);
}

/* Of a name that exists; the kernel checks that before the hook, the verifier wants it said. */
static __always_inline int bl_open_there(struct dentry *dentry, __u8 access, __u8 search,
					 __u32 hook)
{
	struct inode *inode = dentry->d_inode;

	return inode ? bl_open_dentry(dentry, inode, access, search, hook) : 0;
}

static __always_inline int bl_open_create(struct dentry *dentry, __u32 hook)
{
	return bl_open_dentry(dentry, NULL, BL_ACCESS_CREATE, BL_ACCESS_CREATE, hook);
}

/*
 * What is removed while somebody has it open goes on under a hidden name next to its own where the server of a
 * file system doesn't know of descriptors, and no hook tells of that. Verified on its own.
 */
__noinline int bl_hides_removed(__u32 d_flags, __u64 magic)
{
	if (!(d_flags & DCACHE_OP_REVALIDATE))
		return 0;
	return magic == BL_MAGIC_NFS || magic == BL_MAGIC_FUSE || magic == BL_MAGIC_CIFS ||
	       magic == BL_MAGIC_SMB2 || magic == BL_MAGIC_AFS;
}

/*
 * What a name's going takes the right to: of an object that goes on under another name whatever any
 * rule refuses, since the rule may not know that one. So does what is mounted on it: who is in a mount namespace
 * without that mount may remove the mount point, and the mount goes with it, the host's, too. What was
 * opened of it before has no name in the host's tree from then on.
 */
static __always_inline __u8 bl_going_search(struct dentry *dentry, struct inode *inode)
{
	return bl_is_linked(inode) || dentry->d_flags & bl_flag_mounted() ||
			       bl_hides_removed(dentry->d_flags, inode->i_sb->s_magic)
		       ? BL_ACCESS_TAKE
		       : BL_ACCESS_DELETE;
}

static __always_inline int bl_open_rmdir(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	if (!inode)
		return 0;
	return bl_open_dentry(dentry, inode, BL_ACCESS_DELETE, bl_going_search(dentry, inode),
			      BL_HOOK_RMDIR);
}

/* What a rename or a link takes of the old name; with a frame of its own, of which nothing is left for the new one. */
BL_CALLED int bl_open_old(struct dentry *from, struct inode *inode, struct inode *linked,
			  __u8 access, __u32 hook)
{
	return bl_open_object(from, from->d_sb, inode, linked, access, BL_ACCESS_TAKE, hook);
}

/* What it takes of the new one. */
BL_CALLED int bl_open_new(struct dentry *to, struct inode *linked, __u8 access, __u8 search,
			  __u32 hook)
{
	return bl_open_object(to, to->d_sb, NULL, linked, access, search, hook);
}

/*
 * Another name for an object would be a way around every rule on it: so a rename or a link takes
 * the right to whatever any rule on the old name refuses.
 */
static __always_inline int bl_open_rename(struct dentry *from, struct dentry *to)
{
	struct inode *inode = from->d_inode, *replaced = to->d_inode;
	/* What is asked at last is one number to the verifier, and not each that it can be. */
	volatile __u8 access = BL_ACCESS_CREATE, search = BL_ACCESS_CREATE;

	if (inode && bl_open_old(from, inode, NULL, BL_ACCESS_DELETE, BL_HOOK_RENAME))
		return -EPERM;
	if (replaced) {
		access |= BL_ACCESS_DELETE;
		search |= bl_going_search(to, replaced);
	}
	if (inode && !bl_is_linked(inode))
		inode = NULL;
	return bl_open_new(to, inode, access, search, BL_HOOK_RENAME);
}

static __always_inline int bl_open_link(struct dentry *from, struct dentry *to)
{
	struct inode *inode = from->d_inode;

	if (!inode || !globals.generation)
		return 0;
	if (!bl_label_forbid(inode))
		return bl_fail_closed();
	if (bl_open_old(from, inode, inode, BL_ACCESS_ATTRIBUTES, BL_HOOK_LINK))
		return -EPERM;
	return bl_open_new(to, inode, BL_ACCESS_CREATE, BL_ACCESS_CREATE, BL_HOOK_LINK);
}

/* One of several names goes: what is left of them may be another one than the label's. */
static __always_inline int bl_open_unlink(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	if (!inode || !globals.generation)
		return 0;
	if (inode->i_nlink > 1 && !bl_label_forbid(inode))
		return bl_fail_closed();
	if (bl_open_dentry(dentry, inode, BL_ACCESS_DELETE, bl_going_search(dentry, inode),
			   BL_HOOK_UNLINK))
		return -EPERM;
	if (globals.linked && inode->i_nlink == 1 && bl_label_forbidden(inode))
		bl_linked_drop(inode);
	return 0;
}

static __always_inline int bl_open_attributes(struct dentry *dentry, __u32 hook)
{
	return bl_open_there(dentry, BL_ACCESS_ATTRIBUTES, BL_ACCESS_ATTRIBUTES, hook);
}

/*
 * truncate(2) is a write; by a descriptor it was judged when that was opened. What the kernel
 * changes by itself (ATTR_FORCE: a write takes the set-user-ID bit away) is nobody's act.
 */
static __always_inline int bl_open_setattr(struct dentry *dentry, struct iattr *attr)
{
	__u32 valid = attr->ia_valid;
	__u8 access = BL_ACCESS_ATTRIBUTES;

	if (valid & ATTR_SIZE) {
		if (valid & (ATTR_FILE | ATTR_OPEN))
			return 0;
		access = BL_ACCESS_WRITE;
	} else if (valid & ATTR_FORCE ||
		   !(valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME))) {
		return 0;
	}
	return bl_open_there(dentry, access, access, BL_HOOK_SETATTR);
}

/*
 * A file system takes a file for its quotas, by quotactl(2) or as it is mounted. Without any open the kernel reads
 * and writes it, for whoever asks for limits, and marks it as one that nobody else changes.
 */
static __always_inline int bl_open_quota(struct dentry *dentry)
{
	__u8 access = BL_ACCESS_READ | BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES;

	return bl_open_there(dentry, access, access, BL_HOOK_QUOTA_ON);
}

/* Newer kernels ask again in inode_file_setattr, where the file system does it by the common way. */
static __always_inline int bl_ioctl_sets_flags(struct file *file, __u32 cmd)
{
	if (cmd != FS_IOC_SETFLAGS && cmd != FS_IOC32_SETFLAGS && cmd != FS_IOC_FSSETXATTR)
		return 0;
	return !bpf_core_type_exists(struct file_kattr) || !file->f_inode->i_op->fileattr_set;
}

static __always_inline int bl_ioctl_sets_version(__u32 cmd)
{
	return cmd == FS_IOC_SETVERSION || cmd == FS_IOC32_SETVERSION ||
	       cmd == EXT4_IOC_SETVERSION || cmd == EXT4_IOC32_SETVERSION;
}

/* A file with verity can't be written any more, an encrypted directory not be used without the key. */
static __always_inline int bl_ioctl_seals(__u32 cmd)
{
	return cmd == FS_IOC_ENABLE_VERITY || cmd == FS_IOC_SET_ENCRYPTION_POLICY;
}

/*
 * What an object's other names come to is kept by its number and version: a new version has them forgotten, which
 * is as good as a name that no rule knows. Nearly all calls are none of these.
 */
static __always_inline int bl_open_ioctl(struct file *file, __u32 cmd, __u32 hook)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = file->f_inode;
	__u8 access = BL_ACCESS_ATTRIBUTES, search = BL_ACCESS_ATTRIBUTES;

	if (bl_ioctl_sets_version(cmd)) {
		if (bl_has_names(dentry, inode))
			search = BL_ACCESS_TAKE;
	} else if (cmd == EXT4_IOC_SWAP_BOOT) {
		/* It is enough to have opened it to be written, and whatever was in it is another file's. */
		access = search = BL_ACCESS_READ | BL_ACCESS_WRITE;
	} else if (!bl_ioctl_sets_flags(file, cmd) && !bl_ioctl_seals(cmd)) {
		access = bl_btrfs_shared(file, cmd);
		search = BL_ACCESS_MOVE;
		if (!access)
			return 0;
	}
	return bl_open_object(dentry, inode->i_sb, inode, NULL, access, search, hook);
}
