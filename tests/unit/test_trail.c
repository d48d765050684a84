/* SPDX-License-Identifier: Apache-2.0 */
/* What rules' paths lead through: noted once, and seen when it leads elsewhere. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trail.h"

struct fixture {
	char path[32];
	int fd;
	struct bl_trail *trail;
};

/* dir/link -> one, one/file, and nothing at dir/none. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->path, "/tmp/trail.XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->fd = open(f->path, O_PATH | O_DIRECTORY);
	*state = f;
	return mkdirat(f->fd, "dir", 0755) || mkdirat(f->fd, "dir/one", 0755) ||
	       mkdirat(f->fd, "dir/two", 0755) || symlinkat("one", f->fd, "dir/link") ||
	       bl_trail_new(f->fd, &f->trail);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[64];

	bl_trail_free(f->trail);
	close(f->fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	free(f);
	return system(command);
}

static void note_all(struct fixture *f)
{
	static const char *const paths[] = { "/dir",	      "/dir/link", "/dir/one",
					     "/dir/one/file", "/dir/none", "/dir/link" };
	char target[64];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		bl_trail_readlink(f->trail, paths[i], target, sizeof(target));
	assert_int_equal(bl_trail_watch(f->trail), 0);
}

/* Both ways to see it must see the same. */
static void expect(struct fixture *f, bool changed)
{
	assert_int_equal(bl_trail_happened(f->trail), changed);
	assert_int_equal(bl_trail_look(f->trail, SIZE_MAX), changed);
}

static void put(struct fixture *f, const char *path)
{
	int fd = openat(f->fd, path, O_CREAT | O_WRONLY, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static void test_answers(void **state)
{
	struct fixture *f = *state;
	char target[64];

	assert_int_equal(bl_trail_readlink(f->trail, "/dir/link", target, sizeof(target)), 3);
	assert_memory_equal(target, "one", 3);
	assert_int_equal(bl_trail_readlink(f->trail, "/dir", target, sizeof(target)), -EINVAL);
	assert_int_equal(bl_trail_readlink(f->trail, "/none/x", target, sizeof(target)), -ENOENT);
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;

	note_all(f);
	assert_true(bl_trail_fd(f->trail) >= 0);
	assert_int_equal(bl_trail_count(f->trail), 5);
	assert_int_equal(bl_trail_unwatched(f->trail), 0);
	expect(f, false);
	/* Files come, change and go; what nobody asked for does whatever it likes. */
	put(f, "dir/one/file");
	put(f, "dir/none");
	assert_int_equal(symlinkat("two", f->fd, "dir/other"), 0);
	expect(f, false);
	assert_int_equal(unlinkat(f->fd, "dir/one/file", 0), 0);
	assert_int_equal(renameat(f->fd, "dir/other", f->fd, "dir/another"), 0);
	expect(f, false);
}

static void test_another_target(void **state)
{
	struct fixture *f = *state;

	note_all(f);
	assert_int_equal(symlinkat("two", f->fd, "dir/new"), 0);
	expect(f, false);
	assert_int_equal(renameat(f->fd, "dir/new", f->fd, "dir/link"), 0);
	expect(f, true);
	/* Back again before anybody looked is no change. */
	assert_int_equal(symlinkat("one", f->fd, "dir/new"), 0);
	assert_int_equal(renameat(f->fd, "dir/new", f->fd, "dir/link"), 0);
	expect(f, false);
}

static void test_link_goes_and_comes(void **state)
{
	struct fixture *f = *state;

	note_all(f);
	assert_int_equal(unlinkat(f->fd, "dir/link", 0), 0);
	expect(f, true);
	assert_int_equal(symlinkat("one", f->fd, "dir/link"), 0);
	expect(f, false);
	assert_int_equal(symlinkat("two", f->fd, "dir/one/file"), 0);
	expect(f, true);
}

static void test_folder_comes(void **state)
{
	struct fixture *f = *state;

	note_all(f);
	assert_int_equal(mkdirat(f->fd, "dir/none", 0755), 0);
	expect(f, true);
}

/* A link that an ordinary user has made leads nowhere, as when the policy was loaded. */
static void test_link_of_others(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	note_all(f);
	assert_int_equal(symlinkat("two", f->fd, "dir/none"), 0);
	assert_int_equal(fchownat(f->fd, "dir/none", 65534, 65534, AT_SYMLINK_NOFOLLOW), 0);
	expect(f, false);
}

/* The directory itself is another one: its events are lost until all is looked at. */
static void test_another_folder(void **state)
{
	struct fixture *f = *state;

	note_all(f);
	assert_int_equal(renameat(f->fd, "dir", f->fd, "old"), 0);
	assert_int_equal(mkdirat(f->fd, "dir", 0755), 0);
	bl_trail_happened(f->trail);
	assert_true(bl_trail_doubted(f->trail));
	assert_true(bl_trail_look(f->trail, SIZE_MAX));
	assert_false(bl_trail_doubted(f->trail));
	assert_int_equal(symlinkat("one", f->fd, "dir/link"), 0);
	expect(f, false);
	assert_int_equal(unlinkat(f->fd, "dir/link", 0), 0);
	assert_true(bl_trail_happened(f->trail));
}

/* A look goes on where the last one ended. */
static void test_rounds(void **state)
{
	struct fixture *f = *state;
	int seen = 0;

	note_all(f);
	assert_int_equal(unlinkat(f->fd, "dir/link", 0), 0);
	for (int i = 0; i < 10; i++)
		seen += bl_trail_look(f->trail, 1);
	assert_int_equal(seen, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_target, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_goes_and_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
