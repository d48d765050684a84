/* SPDX-License-Identifier: Apache-2.0 */
/* The component trie: which atoms hold at an item, and below it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "abi.h"
#include "base.h"
#include "trie.h"

static int add(struct bl_trie *trie, const char *path, bool below, uint32_t atom)
{
	return bl_trie_add(trie, path, strlen(path), below, atom);
}

/* The atoms of a path, by the walk that the kernel does: down while there are items. */
static const uint32_t *find(const struct bl_trie *trie, const char *path, size_t *ret_n)
{
	size_t len = strlen(path);
	uint32_t id = bl_trie_find(trie, path, len);

	if (id)
		return bl_interned(&trie->sets, trie->term[id], ret_n);
	while (!id) {
		while (len && path[len - 1] != '/')
			len--;
		id = bl_trie_find(trie, path, --len);
	}
	return bl_interned(&trie->sets, trie->under[id], ret_n);
}

/* atoms is a string of digits. */
static void expect(const struct bl_trie *trie, const char *path, const char *atoms)
{
	size_t n;
	const uint32_t *found = find(trie, path, &n);

	print_message("# %s\n", path);
	assert_int_equal(n, strlen(atoms));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(found[i], atoms[i] - '0');
}

static void test_closure(void **state)
{
	_cleanup_(bl_trie_clear) struct bl_trie trie = {};

	assert_int_equal(add(&trie, "/a", false, 1), 0);
	assert_int_equal(add(&trie, "/a", true, 2), 0);
	assert_int_equal(add(&trie, "/a/b", false, 3), 0);
	assert_int_equal(add(&trie, "/a/b/c/d", true, 4), 0);
	assert_int_equal(add(&trie, "/a/b", false, 3), 0);
	assert_int_equal(add(&trie, "/a/b", false, 1), 0);
	assert_int_equal(add(&trie, "/x", false, 5), 0);
	assert_int_equal(bl_trie_finish(&trie), 0);
	expect(&trie, "", "");
	expect(&trie, "/a", "1");
	expect(&trie, "/a/z", "2");
	expect(&trie, "/a/b", "123");
	expect(&trie, "/a/b/z", "2");
	expect(&trie, "/a/b/c", "2");
	expect(&trie, "/a/b/c/d", "2");
	expect(&trie, "/a/b/c/d/e", "24");
	expect(&trie, "/a/b/c/d/e/f", "24");
	expect(&trie, "/x", "5");
	expect(&trie, "/x/y", "");
	expect(&trie, "/ab", "");
}

static void test_root(void **state)
{
	_cleanup_(bl_trie_clear) struct bl_trie trie = {}, empty = {};

	assert_int_equal(add(&trie, "", false, 1), 0);
	assert_int_equal(add(&trie, "", true, 2), 0);
	assert_int_equal(bl_trie_finish(&trie), 0);
	expect(&trie, "", "1");
	expect(&trie, "/a", "2");
	expect(&trie, "/a/b", "2");
	assert_int_equal(bl_trie_finish(&empty), 0);
	expect(&empty, "", "");
	expect(&empty, "/a", "");
	assert_int_equal(empty.n_items, 2);
}

static void test_impossible(void **state)
{
	_cleanup_(bl_trie_clear) struct bl_trie trie = {};
	char longest[300] = "/";

	assert_int_equal(add(&trie, "a", false, 1), -EDOM);
	assert_int_equal(add(&trie, "/", false, 1), -EDOM);
	assert_int_equal(add(&trie, "/a/", false, 1), -EDOM);
	assert_int_equal(add(&trie, "//a", false, 1), -EDOM);
	memset(longest + 1, 'n', 255);
	assert_int_equal(add(&trie, longest, false, 1), 0);
	longest[256] = 'n';
	assert_int_equal(add(&trie, longest, false, 1), -EDOM);
	assert_int_equal(bl_trie_finish(&trie), 0);
	assert_int_equal(trie.n_items, 3);
}

/* Parents come before their children, names are kept apart, and nothing gets lost on growing. */
static void test_many(void **state)
{
	_cleanup_(bl_trie_clear) struct bl_trie trie = {};
	char path[64];

	for (uint32_t i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/d%u/e%u/f%u", i % 7, i % 1013, i);
		assert_int_equal(add(&trie, path, i & 1, i), 0);
	}
	assert_int_equal(bl_trie_finish(&trie), 0);
	for (uint32_t id = BL_TRIE_ROOT + 1; id < trie.n_items; id++)
		assert_in_range(trie.items[id].parent, BL_TRIE_ROOT, id - 1);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t id, set;
		size_t n;

		snprintf(path, sizeof(path), "/d%u/e%u/f%u", i % 7, i % 1013, i);
		id = bl_trie_find(&trie, path, strlen(path));
		assert_int_not_equal(id, 0);
		set = i & 1 ? trie.under[id] : trie.term[id];
		assert_int_equal(bl_interned(&trie.sets, set, &n)[0], i);
		assert_int_equal(n, 1);
		assert_int_equal(i & 1 ? trie.term[id] : trie.under[id], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closure),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
