/* SPDX-License-Identifier: Apache-2.0 */
/* Whose symbolic links decide what a rule means: the tree's owner's, and nobody else's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostfs.h"

#define STRANGER 65534

struct tree {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	strcpy(tree->path, "/tmp/hostfs.XXXXXX");
	if (!mkdtemp(tree->path))
		return -1;
	tree->fd = open(tree->path, O_PATH | O_DIRECTORY);
	*state = tree;
	return mkdirat(tree->fd, "own", 0755) || mkdirat(tree->fd, "open", 0777) ||
	       fchmodat(tree->fd, "open", 0777, 0) || mkdirat(tree->fd, "sticky", 0777) ||
	       fchmodat(tree->fd, "sticky", 01777, 0) || symlinkat("/x", tree->fd, "own/link") ||
	       symlinkat("/x", tree->fd, "open/link") || symlinkat("/x", tree->fd, "sticky/link") ||
	       symlinkat("/x", tree->fd, "link");
}

static int teardown(void **state)
{
	struct tree *tree = *state;
	static const char *const files[] = { "own/link", "open/link", "sticky/link", "link" };
	static const char *const folders[] = { "own", "open", "sticky" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(tree->fd, files[i], 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		unlinkat(tree->fd, folders[i], AT_REMOVEDIR);
	close(tree->fd);
	rmdir(tree->path);
	free(tree);
	return 0;
}

static int target(struct tree *tree, const char *path)
{
	char buf[64];

	return bl_hostfs_readlink(&tree->fd, path, buf, sizeof(buf));
}

static void owners_links_are_followed(void **state)
{
	assert_int_equal(target(*state, "/own/link"), 2);
	assert_int_equal(target(*state, "/link"), 2);
	assert_int_equal(target(*state, "/sticky/link"), 2);
}

static void links_that_anybody_can_replace_are_not(void **state)
{
	assert_int_equal(target(*state, "/open/link"), -EPERM);
}

static void strangers_links_are_not(void **state)
{
	struct tree *tree = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchownat(tree->fd, "own/link", STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_int_equal(target(tree, "/own/link"), -EPERM);
}

static void what_is_no_link_is_told_apart(void **state)
{
	assert_int_equal(target(*state, "/own"), -EINVAL);
	assert_int_equal(target(*state, "/"), -EINVAL);
	assert_int_equal(target(*state, "/missing"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(owners_links_are_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(links_that_anybody_can_replace_are_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(strangers_links_are_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_link_is_told_apart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
