/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's mounts call things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "cleanup.h"
#include "mounts.h"

#define DEV(major, minor) ((major) << 20 | (minor))

static void parse(struct bl_mounts *mounts, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	assert_non_null(copy);
	assert_int_equal(bl_mounts_parse(copy, mounts), 0);
}

static void test_parse(void **state)
{
	_cleanup_(bl_mounts_clear) struct bl_mounts mounts = {};

	parse(&mounts, "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		       "36 22 8:1 /srv/a\\040b /mnt/c\\011d rw - ext4 /dev/sda1 rw\n"
		       "nonsense\n"
		       "1 2 x / /y rw\n"
		       "40 22 0:35 /@sub /opt/\\134x rw - btrfs /dev/sdb rw\n");
	assert_int_equal(mounts.count, 3);
	assert_string_equal(mounts.items[1].root, "/srv/a b");
	assert_string_equal(mounts.items[1].point, "/mnt/c\td");
	assert_string_equal(mounts.items[2].point, "/opt/\\x");
	assert_int_equal(mounts.items[0].dev, DEV(8, 1));
	assert_true(bl_mounts_have(&mounts, DEV(0, 35)));
	assert_false(bl_mounts_have(&mounts, DEV(35, 0)));
}

static void shows(const struct bl_mount *mount, const char *name, const char *expected)
{
	char path[64];

	if (!expected) {
		assert_false(bl_mount_shows(mount, DEV(8, 1), name, path, sizeof(path)));
		return;
	}
	assert_true(bl_mount_shows(mount, DEV(8, 1), name, path, sizeof(path)));
	assert_string_equal(path, expected);
}

static void test_shows(void **state)
{
	_cleanup_(bl_mounts_clear) struct bl_mounts mounts = {};
	char path[4];

	parse(&mounts, "22 1 8:1 / / rw - ext4 x rw\n"
		       "23 22 8:1 / /mnt rw - ext4 x rw\n"
		       "24 22 8:1 /srv/a /b rw - ext4 x rw\n"
		       "25 22 8:1 /srv/file /c rw - ext4 x rw\n");
	shows(&mounts.items[0], "/usr/bin/x", "/usr/bin/x");
	shows(&mounts.items[1], "/usr/bin/x", "/mnt/usr/bin/x");
	shows(&mounts.items[2], "/srv/a/x", "/b/x");
	shows(&mounts.items[2], "/srv/ab/x", NULL);
	shows(&mounts.items[2], "/srv", NULL);
	shows(&mounts.items[3], "/srv/file", "/c");
	assert_false(bl_mount_shows(&mounts.items[0], DEV(8, 2), "/x", path, sizeof(path)));
	/* What doesn't fit is no name. */
	assert_false(bl_mount_shows(&mounts.items[0], DEV(8, 1), "/xyz", path, sizeof(path)));
	assert_true(bl_mount_shows(&mounts.items[0], DEV(8, 1), "/xy", path, sizeof(path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
