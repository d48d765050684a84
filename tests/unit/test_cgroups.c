/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through all cgroups, on directories of any kind. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cgroups.h"
#include "cleanup.h"
#include "tree.h"

#define SEEN_MAX 512

struct seen {
	uint64_t ids[SEEN_MAX];
	char *paths[SEEN_MAX];
	size_t n;
	int tree;
	const char *remove; /* when the first one is seen */
	int answer;	    /* to the second one */
};

static int see(void *userdata, uint64_t id, const char *path)
{
	struct seen *seen = userdata;

	assert_in_range(seen->n, 0, SEEN_MAX - 1);
	seen->ids[seen->n] = id;
	seen->paths[seen->n++] = strdup(path);
	if (seen->n == 1 && seen->remove)
		assert_int_equal(unlinkat(seen->tree, seen->remove, AT_REMOVEDIR), 0);
	return seen->n == 2 ? seen->answer : 0;
}

static void seen_clear(struct seen *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		free(seen->paths[i]);
	bl_close(seen->tree);
}

static bool has(const struct seen *seen, const char *path)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct stat st;

		if (strcmp(seen->paths[i], path) != 0)
			continue;
		assert_int_equal(fstatat(seen->tree, *path ? path + 1 : ".", &st, 0), 0);
		assert_int_equal(seen->ids[i], st.st_ino);
		return true;
	}
	return false;
}

static int make(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	tree_make(tree);
	*state = tree;
	return 0;
}

static int unmake(void **state)
{
	tree_remove(*state);
	free(*state);
	return 0;
}

static void begin(struct seen *seen, const struct tree *tree)
{
	*seen = (struct seen){
		.tree = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	assert_in_range(seen->tree, 0, INT32_MAX);
}

static void test_all_are_seen(void **state)
{
	_cleanup_(seen_clear) struct seen seen = {};

	begin(&seen, *state);
	assert_int_equal(mkdirat(seen.tree, "a.slice", 0700), 0);
	assert_int_equal(mkdirat(seen.tree, "a.slice/b c.service", 0700), 0);
	assert_int_equal(mkdirat(seen.tree, "a.slice/b c.service/\x01\xff", 0700), 0);
	assert_int_equal(mkdirat(seen.tree, "d", 0700), 0);
	assert_int_equal(symlinkat("/", seen.tree, "d/link"), 0);
	bl_close(openat(seen.tree, "d/cgroup.procs", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(bl_cgroups_walk(seen.tree, see, &seen), 0);
	assert_int_equal(seen.n, 5);
	assert_true(has(&seen, ""));
	assert_true(has(&seen, "/a.slice"));
	assert_true(has(&seen, "/a.slice/b c.service"));
	assert_true(has(&seen, "/a.slice/b c.service/\x01\xff"));
	assert_true(has(&seen, "/d"));
	assert_int_equal(bl_cgroups_walk(seen.tree, see, &seen), 0);
	assert_int_equal(seen.n, 10);
}

static void test_what_vanishes_is_passed_over(void **state)
{
	_cleanup_(seen_clear) struct seen seen = {};

	begin(&seen, *state);
	assert_int_equal(mkdirat(seen.tree, "gone", 0700), 0);
	assert_int_equal(mkdirat(seen.tree, "left", 0700), 0);
	seen.remove = "gone";
	assert_int_equal(bl_cgroups_walk(seen.tree, see, &seen), 0);
	assert_true(has(&seen, "/left"));
	assert_int_equal(seen.n, 2);
}

static void test_an_answer_ends_it(void **state)
{
	_cleanup_(seen_clear) struct seen seen = {};

	begin(&seen, *state);
	assert_int_equal(mkdirat(seen.tree, "a", 0700), 0);
	assert_int_equal(mkdirat(seen.tree, "b", 0700), 0);
	seen.answer = -E2BIG;
	assert_int_equal(bl_cgroups_walk(seen.tree, see, &seen), -E2BIG);
	assert_int_equal(seen.n, 2);
}

/* Whoever may make cgroups makes them as deep as he likes. */
static void test_depth_ends(void **state)
{
	_cleanup_(seen_clear) struct seen seen = {};
	int at;

	begin(&seen, *state);
	at = dup(seen.tree);
	for (int i = 0; i < BL_CGROUPS_DEPTH + 40; i++) {
		int next;

		assert_int_equal(mkdirat(at, "x", 0700), 0);
		next = openat(at, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bl_close(at);
		at = next;
	}
	bl_close(at);
	assert_int_equal(bl_cgroups_walk(seen.tree, see, &seen), 0);
	assert_int_equal(seen.n, BL_CGROUPS_DEPTH + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_are_seen, make, unmake),
		cmocka_unit_test_setup_teardown(test_what_vanishes_is_passed_over, make, unmake),
		cmocka_unit_test_setup_teardown(test_an_answer_ends_it, make, unmake),
		cmocka_unit_test_setup_teardown(test_depth_ends, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
