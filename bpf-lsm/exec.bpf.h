/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* exec: programs, interpreters and scripts that are started, and files that are mapped as code. */
#pragma once

#include "decide.bpf.h"

#define PROT_EXEC 0x4
#define VM_EXEC	  0x4

static __always_inline int bl_exec_act(struct file *file, struct linux_binprm *bprm, __u64 shown,
				       __u32 hook)
{
	struct bl_act act = {
		.dentry = file->f_path.dentry,
		.sb = file->f_inode->i_sb,
		.inode = file->f_inode,
		.bprm = bprm,
		.shown = shown,
		.op = BL_OP_EXEC,
		.access = BL_ACCESS_EXEC,
		.search = BL_ACCESS_EXEC,
		.hook = hook,
		.own = hook == BL_HOOK_MMAP_BACKING,
		.layered = bprm && bl_is_layered(file->f_path.dentry),
	};

	return bl_path_decide(&act);
}

static __always_inline int bl_exec_file(struct file *file, struct linux_binprm *bprm, __u32 hook)
{
	return bl_exec_act(file, bprm, (__u64)file->f_path.dentry, hook);
}

/* Only for AT_EXECVE_CHECK, which asks and never comes to bprm_check_security. */
static __always_inline int bl_exec_check(struct linux_binprm *bprm)
{
	if (!bpf_core_field_exists(struct linux_binprm___check, is_check))
		return 0;
	if (!BPF_CORE_READ_BITFIELD((struct linux_binprm___check *)bprm, is_check))
		return 0;
	return bl_exec_file(bprm->file, bprm, BL_HOOK_BPRM_CREDS);
}

/*
 * A file that becomes code: libraries, preloads, a program given to the loader by hand. What execve
 * itself maps of the program was judged when it was started; only then, since a process can make
 * any file its exe later on (PR_SET_MM_EXE_FILE).
 */
static __always_inline int bl_exec_map(struct file *file, __u32 hook)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	if (mm && mm->exe_file == file && BPF_CORE_READ_BITFIELD(task, in_execve))
		return 0;
	return bl_exec_file(file, NULL, hook);
}

/*
 * An overlay's file becomes code: here is the real one, below the overlay, with the name that it has
 * itself. The overlay's own name was judged when the program was started, or in mmap_file.
 */
static __always_inline int bl_exec_backing(struct vm_area_struct *vma, struct file *backing,
					   struct file *shown)
{
	if (!backing || !shown || !(vma->vm_flags & VM_EXEC))
		return 0;
	return bl_exec_act(backing, NULL, (__u64)shown->f_path.dentry, BL_HOOK_MMAP_BACKING);
}

static __always_inline int bl_exec_mprotect(struct vm_area_struct *vma, unsigned long prot)
{
	struct file *file = vma->vm_file;

	if (!file || !(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC)
		return 0;
	return bl_exec_map(file, BL_HOOK_MPROTECT);
}

/* The values that this kernel gives the reasons for which it reads files. */
#define bl_is_reading(id, type, name) \
	(bpf_core_enum_value_exists(type, name) && (id) == bpf_core_enum_value(type, name))

static __always_inline int bl_becomes_kernel(__u32 id)
{
	return bl_is_reading(id, enum kernel_read_file_id, READING_MODULE) ||
	       bl_is_reading(id, enum kernel_read_file_id, READING_KEXEC_IMAGE) ||
	       bl_is_reading(id, enum kernel_read_file_id, READING_KEXEC_INITRAMFS) ||
	       bl_is_reading(id, enum kernel_read_file_id___packed, READING_MODULE_COMPRESSED);
}

/* A file becomes the kernel's own code: finit_module(2), kexec_file_load(2). */
static __always_inline int bl_exec_kernel(struct file *file, __u32 id)
{
	if (!file || !bl_becomes_kernel(id))
		return 0;
	return bl_exec_file(file, NULL, BL_HOOK_READ_FILE);
}

/* Whatever waits for the arguments fails closed like a verdict that can't be computed. */
static __always_inline int bl_exec_args(struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_exec *exec = bpf_task_storage_get(&execs, task, NULL, 0);
	struct bl_exec_path *path = bpf_task_storage_get(&exec_paths, task, NULL, 0);

	if (!exec || !path)
		return 0;
	if (exec->generation && !bl_args_judge(bprm, exec, path) && bl_fail_closed())
		bl_kill();
	bl_args_drop();
	return 0;
}
