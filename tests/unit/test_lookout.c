/* SPDX-License-Identifier: Apache-2.0 */
/* The lookout: which files it touches, and when it ends. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <sys/xattr.h>

#include "lookout.h"
#include "tree.h"

static struct tree tree;
static char touched[4096]; /* one name a line, sorted as they come */

/* In place of libc's: what it is called with is what the lookout is for. */
ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	assert_string_equal(name, "security.bailiff");
	assert_true(n > 0);
	target[n] = '\0';
	strcat(touched, target + strlen(tree.path));
	strcat(touched, "\n");
	return -1;
}

static void make_link(const char *from, const char *to)
{
	tree_parents(&tree, to);
	assert_int_equal(linkat(tree.fd, from + 1, tree.fd, to + 1, 0), 0);
}

static int setup(void **state)
{
	tree_make(&tree);
	tree_write(&tree, "/elsewhere/a", "x", 1);
	tree_write(&tree, "/srv/alone", "x", 1);
	tree_write(&tree, "/srv/deep/down/alone", "x", 1);
	make_link("/elsewhere/a", "/srv/deep/down/linked");
	if (symlinkat("/elsewhere", tree.fd, "srv/symlink") < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(&tree);
	return 0;
}

static struct bl_lookout_report look(struct bl_area *items, size_t count, bool files_only,
				     bool stopped)
{
	const atomic_bool stop = stopped;
	const struct bl_lookout lookout = {
		.root_fd = tree.fd,
		.files_only = files_only,
		.stop = &stop,
	};
	const struct bl_areas areas = { .items = items, .count = count };
	struct bl_lookout_report report;

	touched[0] = '\0';
	bl_lookout_run(&lookout, &areas, &report);
	return report;
}

/* A symbolic link leads to no further names: they are areas of their own. */
static void below_a_directory(void **state)
{
	struct bl_area area = { .path = "/srv", .below = true };
	struct bl_lookout_report report = look(&area, 1, false, false);

	assert_string_equal(touched, "/srv/deep/down/linked\n");
	assert_true(report.complete);
	assert_int_equal(report.linked, 1);
	assert_int_equal(report.entries, 7); /* srv, its three, down, its two */
}

static void single_paths(void **state)
{
	struct bl_area areas[] = {
		{ .path = "/srv" },
		{ .path = "/elsewhere/a" },
		{ .path = "/srv/alone" },
		{ .path = "/srv/missing" },
		{ .path = "/srv/alone/below-a-file" },
	};
	struct bl_lookout_report report = look(areas, 5, false, false);

	assert_string_equal(touched, "/elsewhere/a\n/srv/alone\n");
	assert_int_equal(report.linked, 1);
	assert_true(report.complete);
}

static void only_files(void **state)
{
	struct bl_area areas[] = {
		{ .path = "/elsewhere/a" },
		{ .path = "/srv", .below = true },
	};

	look(areas, 2, true, false);
	assert_string_equal(touched, "/elsewhere/a\n");
}

static void stopped(void **state)
{
	struct bl_area area = { .path = "/srv", .below = true };
	struct bl_lookout_report report = look(&area, 1, false, true);

	assert_string_equal(touched, "");
	assert_false(report.complete);
}

/* Automatic mounts, the kernel's own trees: an area may be one of them. */
static void made_up_file_systems(void **state)
{
	struct bl_area area = { .path = "/", .below = true };
	const struct bl_areas areas = { .items = &area, .count = 1 };
	struct bl_lookout lookout = { .root_fd = open("/proc", O_PATH | O_DIRECTORY) };
	struct bl_lookout_report report;

	bl_lookout_run(&lookout, &areas, &report);
	assert_int_equal(report.entries, 1);
	close(lookout.root_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_a_directory), cmocka_unit_test(single_paths),
		cmocka_unit_test(only_files),	     cmocka_unit_test(stopped),
		cmocka_unit_test(made_up_file_systems),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
