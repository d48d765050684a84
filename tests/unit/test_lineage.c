/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that a process comes from, by number; and what a policy says of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "compile.h"
#include "lineage.h"

static void test_fork(void **state)
{
	struct bl_line line = { .parent = BL_ORIGIN_NONE, .own = 7 };

	bl_line_fork(&line);
	assert_int_equal(line.n, 1);
	assert_int_equal(line.numbers[0], 7);
	assert_int_equal(line.parent, 7);
	assert_int_equal(line.own, 7);
	bl_line_fork(&line); /* the same program again */
	assert_int_equal(line.n, 1);
	line.own = 9; /* an exec */
	bl_line_fork(&line);
	assert_int_equal(line.n, 2);
	assert_int_equal(line.parent, 9);
	assert_int_equal(line.flags, 0);
}

/* Nothing of what is missing is forgotten. */
static void test_what_is_missing(void **state)
{
	struct bl_line line = { .own = BL_ORIGIN_NONE };

	bl_line_fork(&line);
	assert_int_equal(line.n, 0);
	assert_int_equal(line.flags, 0);
	line.own = 0; /* no number */
	bl_line_fork(&line);
	assert_int_equal(line.n, 0);
	assert_int_equal(line.parent, 0);
	assert_int_equal(line.flags, BL_LINE_SHORT);
	line.flags |= BL_LINE_OWN_ANY;
	bl_line_fork(&line);
	assert_int_equal(line.flags,
			 BL_LINE_SHORT | BL_LINE_ANY | BL_LINE_PARENT_ANY | BL_LINE_OWN_ANY);
	line.flags &= ~BL_LINE_OWN_ANY;
	line.own = 3;
	bl_line_fork(&line);
	assert_int_equal(line.parent, 3);
	assert_int_equal(line.flags, BL_LINE_SHORT | BL_LINE_ANY);
}

static void test_no_more_room(void **state)
{
	struct bl_line line = {};

	for (uint32_t i = 1; i <= BL_LINE_MAX; i++)
		bl_line_add(&line, i);
	assert_int_equal(line.n, BL_LINE_MAX);
	assert_int_equal(line.flags, 0);
	bl_line_add(&line, BL_LINE_MAX);
	assert_int_equal(line.flags, 0);
	bl_line_add(&line, BL_LINE_MAX + 1);
	assert_int_equal(line.n, BL_LINE_MAX);
	assert_int_equal(line.numbers[BL_LINE_MAX - 1], BL_LINE_MAX);
	assert_int_equal(line.flags, BL_LINE_SHORT);
}

static uint64_t key_of(const struct bl_origin *origin)
{
	static const __u64 keys[2] = { 0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u };

	return bl_origin_key(origin, keys);
}

/* Each thing that tells programs apart is in the key; the number is not. */
static void test_key(void **state)
{
	struct bl_origin origin = { .trust = BL_TRUST_HOST, .dev = 1, .len = 8, .path = "/usr/a/b" };
	struct bl_origin other = origin;

	other.number = 5;
	assert_int_equal(key_of(&origin), key_of(&other));
	other.path[7] = 'c';
	assert_int_not_equal(key_of(&origin), key_of(&other));
	other = origin;
	other.prefix_len = 4;
	assert_int_not_equal(key_of(&origin), key_of(&other));
	other = origin;
	other.dev = 2;
	assert_int_not_equal(key_of(&origin), key_of(&other));
	other = origin;
	other.trust = BL_TRUST_CONTAINER;
	assert_int_not_equal(key_of(&origin), key_of(&other));
	other = origin;
	other.inode = 1;
	assert_int_not_equal(key_of(&origin), key_of(&other));
}

static const char text[] =
	"{ \"bailiff\": 1, \"mode\": \"enforce\", \"rules\": ["
	"{ \"id\": \"p\", \"on\": \"exec\", \"path\": \"/x\", \"by\": { \"parent\": \"/p\" }, \"action\": \"deny\" },"
	"{ \"id\": \"a\", \"on\": \"exec\", \"path\": \"/y\", \"by\": { \"ancestor\": \"/a/**\" }, \"action\": \"deny\","
	"  \"unless\": [{ \"by\": { \"ancestor\": \"/a/good\" } }] } ] }";

static size_t count(const uint64_t *bits)
{
	size_t n = 0;

	for (size_t i = 0; i < BL_COND_WORDS; i++)
		n += (size_t)__builtin_popcountll(bits[i]);
	return n;
}

static void kin(const struct bl_tables *tables, const char *path, unsigned int trust,
		size_t parents, size_t ancestors)
{
	uint64_t parent[BL_COND_WORDS] = {}, ancestor[BL_COND_WORDS] = {};

	bl_kin_of_path(tables, path, trust, parent, ancestor);
	assert_int_equal(count(parent), parents);
	assert_int_equal(count(ancestor), ancestors);
}

static void test_kin_of_names(void **state)
{
	const struct bl_source source = { .path = "x", .bytes = text, .len = sizeof(text) - 1 };
	struct bl_policy *policy = NULL;
	struct bl_tables *tables = NULL;
	struct bl_diags diags = {};

	assert_int_equal(bl_policy_parse(&source, 1, NULL, &diags, &policy), 0);
	assert_int_equal(bl_compile(policy, NULL, &diags, &tables), 0);
	kin(tables, "/other", BL_TRUST_HOST, 0, 0);
	kin(tables, "/p", BL_TRUST_HOST, 1, 0);
	kin(tables, "/a/x", BL_TRUST_HOST, 0, 1);
	kin(tables, "/a/good", BL_TRUST_HOST, 0, 2);
	/* No container's own program grants anything, nor anything of a user namespace's. */
	kin(tables, "/a/good", BL_TRUST_CONTAINER, 0, 1);
	kin(tables, "/a/good", BL_TRUST_NONE, 0, 0);
	bl_tables_free(tables);
	bl_policy_free(policy);
	bl_diags_clear(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),	  cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_no_more_room), cmocka_unit_test(test_key),
		cmocka_unit_test(test_kin_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
