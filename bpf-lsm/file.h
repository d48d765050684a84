/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What rules can ask of an executable file beyond its name; compiled as BPF and as host C. */
#pragma once

#include "match.h"

/* include/uapi/linux/magic.h, stat.h, include/linux/fs.h */
#define BL_MAGIC_TMPFS	   0x01021994
#define BL_MAGIC_RAMFS	   0x858458f6
#define BL_MAGIC_HUGETLBFS 0x958458f6
#define BL_MODE_SETUID	   04000
#define BL_MODE_SETGID	   02000
#define BL_MODE_GROUP_EXEC 00010
#define BL_MODE_OTHERS_WRITE 00002
#define BL_SB_KERNMOUNT	   (1 << 22)
#define BL_SB_NOUSER	   (1u << 31)

BL_INLINE __u32 bl_file_mode_facts(__u32 mode)
{
	__u32 facts = 0;

	/* Without group execute the bit means mandatory locking, and the kernel ignores it. */
	if (mode & BL_MODE_SETUID ||
	    (mode & (BL_MODE_SETGID | BL_MODE_GROUP_EXEC)) == (BL_MODE_SETGID | BL_MODE_GROUP_EXEC))
		facts |= BL_FACT_SETUID;
	if (mode & BL_MODE_OTHERS_WRITE)
		facts |= BL_FACT_WRITABLE;
	return facts;
}

/*
 * What rules can ask of a file, from its inode and superblock: all but BL_FACT_SCRIPT. What has a memfd's
 * file system has no name, ever: that it has none left says nothing of it.
 */
BL_INLINE __u32 bl_file_facts(__u32 mode, __u32 nlink, __u32 magic, __u32 sb_flags)
{
	__u32 facts = bl_file_mode_facts(mode);
	int memory = magic == BL_MAGIC_TMPFS || magic == BL_MAGIC_RAMFS;

	if (sb_flags & (BL_SB_KERNMOUNT | BL_SB_NOUSER) && (memory || magic == BL_MAGIC_HUGETLBFS))
		return facts | BL_FACT_MEMFD;
	if (memory)
		facts |= BL_FACT_TMPFS;
	if (!nlink)
		facts |= BL_FACT_DELETED;
	return facts;
}
