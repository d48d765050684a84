// SPDX-License-Identifier: Apache-2.0
/* What is said of an executable file: from its mode, its names and its file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/magic.h>
#include <sys/stat.h>

#include "base.h"
#include "file.h"

#define KERNEL_MOUNT (1u << 22) /* SB_KERNMOUNT */
#define NO_USER	     (1u << 31) /* SB_NOUSER */
#define EXT4	     0xef53

static const struct {
	uint32_t mode, nlink, magic, sb_flags, facts;
} files[] = {
	{ 0100755, 1, EXT4, 0, 0 },
	{ 0100755, 2, EXT4, 0, 0 },
	{ 0100755, 0, EXT4, 0, BL_FACT_DELETED },
	/* mode */
	{ 0104755, 1, EXT4, 0, BL_FACT_SETUID },
	{ 0104000, 1, EXT4, 0, BL_FACT_SETUID },
	{ 0102755, 1, EXT4, 0, BL_FACT_SETUID },
	{ 0102705, 1, EXT4, 0, 0 },
	{ 0106705, 1, EXT4, 0, BL_FACT_SETUID },
	{ 0101755, 1, EXT4, 0, 0 },
	{ 0100757, 1, EXT4, 0, BL_FACT_WRITABLE },
	{ 0100775, 1, EXT4, 0, 0 },
	{ 0104757, 0, EXT4, 0, BL_FACT_SETUID | BL_FACT_WRITABLE | BL_FACT_DELETED },
	/* file systems */
	{ 0100755, 1, TMPFS_MAGIC, 0, BL_FACT_TMPFS },
	{ 0100755, 1, RAMFS_MAGIC, 0, BL_FACT_TMPFS },
	{ 0100755, 0, TMPFS_MAGIC, 0, BL_FACT_TMPFS | BL_FACT_DELETED },
	{ 0100755, 1, HUGETLBFS_MAGIC, 0, 0 },
	{ 0100777, 0, TMPFS_MAGIC, KERNEL_MOUNT | NO_USER, BL_FACT_MEMFD | BL_FACT_WRITABLE },
	{ 0100755, 0, TMPFS_MAGIC, NO_USER, BL_FACT_MEMFD },
	{ 0100755, 0, RAMFS_MAGIC, KERNEL_MOUNT, BL_FACT_MEMFD },
	{ 0100755, 0, HUGETLBFS_MAGIC, KERNEL_MOUNT, BL_FACT_MEMFD },
	{ 0100755, 0, PIPEFS_MAGIC, NO_USER, BL_FACT_DELETED },
};

static void test_facts(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(files); i++)
		assert_int_equal(bl_file_facts(files[i].mode, files[i].nlink, files[i].magic,
					       files[i].sb_flags),
				 files[i].facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
