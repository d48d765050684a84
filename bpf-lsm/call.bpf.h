/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The system call that the current task is in. */
#pragma once

#include "kernel.bpf.h"

/* arch/x86/include/uapi/asm/unistd.h */
#define X32_SYSCALL_BIT 0x40000000

static __always_inline const struct pt_regs *bl_call(void)
{
	return (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* The descriptor of the directory that the current system call lists; ~0: it lists none. */
static __always_inline __u64 bl_call_listed(const struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	switch (regs->orig_ax) {
	case 78: /* getdents, and getdents64 */
	case 217:
		return regs->di;
	case 89: /* the same of 32-bit programs, and their readdir */
	case 141:
	case 220:
		return (__u32)regs->bx;
	}
#elif defined(__TARGET_ARCH_arm64)
	if (regs->syscallno == 61)
		return regs->orig_x0;
#endif
	return ~0ull;
}

/*
 * Whether the current task is starting a program: by execve or execveat, or as one of the kernel's helpers, which
 * has no memory before. No number of the one table is one of another's under which a caller gives an open flags.
 * Verified on its own.
 */
__noinline int bl_call_starts(void)
{
	const struct pt_regs *regs;

	if (!bpf_get_current_task_btf()->mm)
		return 1;
	regs = bl_call();
#ifdef __TARGET_ARCH_x86
	switch ((__u32)regs->orig_ax) {
	case 59:
	case 322:
	case 11: /* of 32-bit programs */
	case 358:
	case X32_SYSCALL_BIT | 520:
	case X32_SYSCALL_BIT | 545:
		return 1;
	}
#elif defined(__TARGET_ARCH_arm64)
	switch (regs->syscallno) {
	case 221:
	case 281:
	case 11: /* of 32-bit programs */
	case 387:
		return 1;
	}
#endif
	return 0;
}
