/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: which are found, which mask which, which are refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "policies.h"
#include "tree.h"

#define VENDOR "/usr/share/bailiff/policy.d/"
#define ADMIN  "/etc/bailiff/policy.d/"
#define RUN    "/run/bailiff/policy.d/"

struct fixture {
	struct tree tree;
	struct bl_diags diags;
	struct bl_policies policies;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	tree_make(&fixture->tree);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bl_policies_clear(&fixture->policies);
	bl_diags_clear(&fixture->diags);
	tree_remove(&fixture->tree);
	free(fixture);
	return 0;
}

static int installed(struct fixture *fixture)
{
	return bl_policies_installed(fixture->tree.fd, &fixture->diags, &fixture->policies);
}

static void has(const struct fixture *fixture, size_t i, const char *path, const char *text)
{
	const struct bl_source *source = &fixture->policies.sources[i];

	assert_true(i < fixture->policies.count);
	assert_string_equal(source->path, path);
	assert_int_equal(source->len, strlen(text));
	assert_memory_equal(source->bytes, text, source->len);
}

static void refused(struct fixture *fixture, const char *code)
{
	assert_int_equal(installed(fixture), -EINVAL);
	assert_int_equal(fixture->policies.count, 0);
	assert_int_equal(fixture->diags.errors, 1);
	assert_string_equal(fixture->diags.items[0].code, code);
}

static void nothing_installed(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(installed(fixture), 0);
	assert_int_equal(fixture->policies.count, 0);
	assert_int_equal(fixture->diags.count, 0);
}

static void ordered_by_name(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, VENDOR "20-b.json", "vb");
	tree_text(&fixture->tree, ADMIN "10-a.json", "aa");
	tree_text(&fixture->tree, RUN "30-c.json", "rc");
	tree_text(&fixture->tree, ADMIN "README", "no");
	tree_text(&fixture->tree, ADMIN ".hidden.json", "no");
	tree_text(&fixture->tree, ADMIN "x.json~", "no");
	tree_text(&fixture->tree, ADMIN ".json", "no");
	assert_int_equal(installed(fixture), 0);
	assert_int_equal(fixture->policies.count, 3);
	has(fixture, 0, ADMIN "10-a.json", "aa");
	has(fixture, 1, VENDOR "20-b.json", "vb");
	has(fixture, 2, RUN "30-c.json", "rc");
}

static void masked_by_name(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, VENDOR "a.json", "vendor");
	tree_text(&fixture->tree, ADMIN "a.json", "admin");
	tree_text(&fixture->tree, VENDOR "b.json", "vendor");
	tree_text(&fixture->tree, ADMIN "b.json", "admin");
	tree_text(&fixture->tree, RUN "b.json", "run");
	tree_text(&fixture->tree, VENDOR "c.json", "vendor");
	tree_link(&fixture->tree, ADMIN "c.json", "/dev/null");
	tree_text(&fixture->tree, VENDOR "d.json", "vendor");
	tree_text(&fixture->tree, ADMIN "d.json", "admin");
	tree_link(&fixture->tree, RUN "d.json", "/dev/null");
	assert_int_equal(installed(fixture), 0);
	assert_int_equal(fixture->policies.count, 2);
	has(fixture, 0, ADMIN "a.json", "admin");
	has(fixture, 1, RUN "b.json", "run");
}

/* A link within the tree stays there: the root of --root is the root. */
static void links_within_the_tree(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/srv/real.json", "real");
	tree_link(&fixture->tree, ADMIN "a.json", "/srv/real.json");
	assert_int_equal(installed(fixture), 0);
	has(fixture, 0, ADMIN "a.json", "real");
}

static void dangling_link(void **state)
{
	struct fixture *fixture = *state;

	tree_link(&fixture->tree, ADMIN "a.json", "/srv/gone.json");
	refused(fixture, "unreadable");
}

static void a_directory(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, ADMIN "a.json/b.json", "");
	refused(fixture, "not-a-file");
}

static void a_pipe(void **state)
{
	struct fixture *fixture = *state;
	char path[256];

	tree_parents(&fixture->tree, ADMIN "a.json");
	snprintf(path, sizeof(path), "%s%s", fixture->tree.path, ADMIN "a.json");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(fixture, "not-a-file"); /* and does not wait for a writer */
}

static void writable_by_others(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, ADMIN "a.json", "{}");
	tree_mode(&fixture->tree, ADMIN "a.json", 0646);
	refused(fixture, "unsafe-file");
}

static void owned_by_another(void **state)
{
	struct fixture *fixture = *state;
	char path[256];

	if (geteuid() != 0)
		skip();
	tree_text(&fixture->tree, ADMIN "a.json", "{}");
	snprintf(path, sizeof(path), "%s%s", fixture->tree.path, ADMIN "a.json");
	assert_int_equal(chown(path, 1000, 0), 0);
	refused(fixture, "unsafe-file");
}

static void too_big(void **state)
{
	struct fixture *fixture = *state;
	char path[256];

	tree_text(&fixture->tree, ADMIN "a.json", "");
	snprintf(path, sizeof(path), "%s%s", fixture->tree.path, ADMIN "a.json");
	assert_int_equal(truncate(path, (off_t)BL_FILE_BYTES_MAX + 1), 0);
	refused(fixture, "file-too-big");
}

/* One bad file does not hide what is wrong with the next. */
static void reads_on_after_an_error(void **state)
{
	struct fixture *fixture = *state;

	tree_link(&fixture->tree, ADMIN "a.json", "/srv/gone.json");
	tree_link(&fixture->tree, ADMIN "b.json", "/srv/gone.json");
	assert_int_equal(installed(fixture), -EINVAL);
	assert_int_equal(fixture->diags.errors, 2);
}

static void too_many(void **state)
{
	struct fixture *fixture = *state;
	char name[128];

	for (unsigned int i = 0; i <= BL_FILES_MAX; i++) {
		snprintf(name, sizeof(name), ADMIN "%u.json", i);
		tree_text(&fixture->tree, name, "{}");
	}
	refused(fixture, "too-many-files");
}

static void named(void **state)
{
	struct fixture *fixture = *state;
	char file[256], dir[256], gone[256];
	char *paths[] = { file, dir };
	char *bad[] = { gone };

	tree_text(&fixture->tree, "/one.policy", "1");
	tree_text(&fixture->tree, "/dir/b.json", "b");
	tree_text(&fixture->tree, "/dir/a.json", "a");
	tree_text(&fixture->tree, "/dir/c.txt", "c");
	snprintf(file, sizeof(file), "%s/one.policy", fixture->tree.path);
	snprintf(dir, sizeof(dir), "%s/dir", fixture->tree.path);
	snprintf(gone, sizeof(gone), "%s/gone.json", fixture->tree.path);
	assert_int_equal(bl_policies_named(paths, 2, &fixture->diags, &fixture->policies), 0);
	assert_int_equal(fixture->policies.count, 3);
	assert_memory_equal(fixture->policies.sources[0].bytes, "1", 1);
	assert_memory_equal(fixture->policies.sources[1].bytes, "a", 1);
	assert_memory_equal(fixture->policies.sources[2].bytes, "b", 1);
	bl_policies_clear(&fixture->policies);
	assert_int_equal(bl_policies_named(bad, 1, &fixture->diags, &fixture->policies), -EINVAL);
	assert_string_equal(fixture->diags.items[0].code, "unreadable");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_installed),
		TEST(ordered_by_name),
		TEST(masked_by_name),
		TEST(links_within_the_tree),
		TEST(dangling_link),
		TEST(a_directory),
		TEST(a_pipe),
		TEST(writable_by_others),
		TEST(owned_by_another),
		TEST(too_big),
		TEST(reads_on_after_an_error),
		TEST(too_many),
		TEST(named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
