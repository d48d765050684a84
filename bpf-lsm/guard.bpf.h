/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What keeps cached answers honest: changes of mounts and credentials, the host's root. */
#pragma once

#include "decide.bpf.h"

#define BL_ANCESTORS_MAX 256

/* include/uapi/linux/prctl.h */
#define PR_SET_MM	   35
#define PR_SET_MM_EXE_FILE 13
#define PR_SET_MM_MAP	   14

/* include/uapi/linux/capability.h */
#define CAP_SYS_ADMIN	  21
#define CAP_AUDIT_CONTROL 30

/*
 * Whether the current task may change the host's mount table: it has the right in the initial user namespace,
 * which is that of the host's mounts and of all namespaces that theirs propagate from. To another user
 * namespace's they are slaves: nothing comes back. The capabilities are one word of 64 bits or two of 32.
 */
static __always_inline int bl_may_mount(void)
{
	const struct cred *cred = bpf_get_current_task_btf()->cred;
	__u64 effective = ~0ull;

	if (cred->user_ns->level)
		return 0;
	bpf_probe_read_kernel(&effective, sizeof(effective),
			      (const void *)cred +
				      bpf_core_field_offset(struct cred, cap_effective));
	return effective >> CAP_SYS_ADMIN & 1;
}

/*
 * The mount table is about to change: every label is worked out anew, and none is kept until it has
 * changed: then user space sees it, and has them all made anew once more. mount(2) comes here before it is
 * asked whether it is allowed: nobody else's attempts make labels stale.
 */
static __always_inline int bl_mounts_change(void)
{
	if (!bl_may_mount())
		return 0;
	bl_count(BL_COUNT_MOUNTS);
	globals.mounted = bpf_jiffies64() + BL_JIFFIES_MOUNT;
	__sync_fetch_and_add(&globals.epoch, 1);
	return 0;
}

/*
 * The daemon looks for the names of objects with several: what it touches becomes known, for the
 * policy that is in force or about to be.
 */
static __always_inline int bl_look_at(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;
	struct bl_scratch *scratch;

	if (!globals.looking || !bl_is_daemon() || !inode || !bl_has_names(dentry, inode))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch)
		return 0;
	scratch->stamp = globals.stamp;
	scratch->generation = globals.looking;
	scratch->search = BL_ACCESS_ANY;
	bl_label_compute(scratch, dentry, dentry->d_sb, bl_sequence(&rename_lock));
	bl_scratch_put(scratch);
	return 0;
}

/*
 * Where rules go by executables, nobody makes another file his own after the start: in a user namespace
 * of one's own, which anybody may make, that takes no privilege, and a child that shares the memory does
 * it for a process that never left the host's. PR_SET_MM_MAP may leave the executable alone; what it
 * says is in the caller's memory, where it can change after a look. Such a process runs no program that rules
 * know (bl_is_started()): it has no exception by that, but no rule for its own program holds for it either. So
 * where rules refuse it is refused.
 */
static __always_inline int bl_exe_keep(int option, unsigned long what)
{
	if (option != PR_SET_MM || (what != PR_SET_MM_EXE_FILE && what != PR_SET_MM_MAP))
		return 0;
	if (globals.ceiling || !globals.denies)
		return 0;
	bl_count(BL_COUNT_EXE_KEPT);
	return -EPERM;
}

/*
 * Where rules go by logins, nobody but a login program of the host says who has logged in: the kernel asks for
 * CAP_AUDIT_CONTROL only to change that, and whoever is nobody yet, as all services and containers are, could
 * become anybody. To who may not it is as if the kernel had no audit: pam_loginuid goes on without.
 */
static __always_inline int bl_login_keep(struct file *file)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	__u64 name = 0;

	if (!(file->f_mode & FMODE_WRITE) || file->f_inode->i_sb->s_magic != BL_MAGIC_PROC ||
	    file->f_path.dentry->d_name.len != sizeof(name))
		return 0;
	bpf_probe_read_kernel(&name, sizeof(name), file->f_path.dentry->d_name.name);
	if (name != BL_WORD('l', 'o', 'g', 'i', 'n', 'u', 'i', 'd'))
		return 0;
	if (!task->thread_pid->level && bl_capabilities(bl_actor(task)) >> CAP_AUDIT_CONTROL & 1)
		return 0;
	if (globals.ceiling || !globals.denies)
		return 0;
	bl_count(BL_COUNT_LOGIN_KEPT);
	return -ENOENT;
}

/* Whoever runs this is the daemon from here on: only root has the program. */
static __always_inline void bl_claim(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	globals.daemon_tgid = 0;
	bl_barrier();
	globals.daemon_start = task->group_leader->start_boottime;
	bl_barrier();
	globals.daemon_tgid = bpf_get_current_pid_tgid() >> 32;
}

/* Climbs from the current task to PID 1 of the initial PID namespace. */
static __always_inline int bl_host_find(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bl_claim();
	for (int i = 0; i < BL_ANCESTORS_MAX; i++) {
		if (task->tgid == 1) {
			globals.host_ns = (__u64)task->nsproxy->mnt_ns;
			globals.root_mount = (__u64)task->fs->root.mnt -
					     bpf_core_field_offset(struct mount, mnt);
			globals.root_dentry = (__u64)task->fs->root.dentry;
			return 0;
		}
		task = task->real_parent;
	}
	return 1;
}
