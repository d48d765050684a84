/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy is loaded at which boot. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base.h"
#include "boot.h"
#include "cleanup.h"
#include "tree.h"

#define ZEROS "00000000000000000000000000000000"
#define ONES  "11111111111111111111111111111111"

/* ---- the record --------------------------------------------------------------------------- */

static void lines(void **state)
{
	static const char *const bad[] = {
		"",
		"s 0 " ZEROS " " ONES ONES,
		"x 0 " ZEROS " " ONES ONES "\n",
		"s a " ZEROS " " ONES ONES "\n",
		"s 0 " ZEROS " " ONES ONES "\n\n",
		"s 0 " ZEROS "0 " ONES ONES "\n",
		"s 0 G" ZEROS " " ONES ONES "\n",
		"s 0 " ZEROS ONES ONES "1\n",
	};
	struct bl_boot_record record;

	assert_int_equal(bl_boot_parse("b 3 " ZEROS " " ONES ONES "\n", &record), 0);
	assert_int_equal(record.state, BL_BOOT_BROKEN);
	assert_int_equal(record.failed, 3);
	assert_string_equal(record.boot, ZEROS);
	assert_string_equal(record.digest, ONES ONES);
	for (size_t i = 0; i < BL_ARRAY_SIZE(bad); i++)
		assert_int_equal(bl_boot_parse(bad[i], &record), -EBADMSG);
}

/* ---- boots -------------------------------------------------------------------------------- */

struct machine {
	struct tree tree;
	int dir, fd;
	enum bl_boot_state state;
	unsigned int boots;
	char id[33];
	struct bl_policies instead;
};

static int setup(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	tree_make(&machine->tree);
	machine->dir = open(machine->tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	machine->fd = -1;
	*state = machine;
	return machine->dir < 0;
}

static int teardown(void **state)
{
	struct machine *machine = *state;

	bl_close(machine->fd);
	bl_close(machine->dir);
	bl_policies_clear(&machine->instead);
	tree_remove(&machine->tree);
	free(machine);
	return 0;
}

static void boot(struct machine *machine)
{
	snprintf(machine->id, sizeof(machine->id), "%032x", ++machine->boots);
}

/* A daemon starts, with that text in its one policy file. Returns whether it may load it. */
static int start(struct machine *machine, const char *text)
{
	struct bl_source source = { .path = "/a.json", .bytes = text, .len = strlen(text) };
	const struct bl_policies policies = { .sources = &source, .count = 1 };

	bl_close(machine->fd);
	bl_policies_clear(&machine->instead);
	return bl_boot_begin(machine->dir, machine->id, &policies, &machine->instead, &machine->fd,
			     &machine->state);
}

static void boots(struct machine *machine, const char *text, int may, bool to_its_end)
{
	boot(machine);
	assert_int_equal(start(machine, text), may);
	if (to_its_end && may)
		assert_int_equal(bl_boot_end(machine->fd), 0);
}

static void instead_is(const struct machine *machine, const char *text)
{
	assert_int_equal(machine->instead.count, text ? 1 : 0);
	if (text)
		assert_string_equal(machine->instead.sources[0].bytes, text);
}

/* What broke the last boot is not loaded at the next, nor at any other; the last good one is. */
static void breaks_a_boot(void **state)
{
	struct machine *machine = *state;

	boots(machine, "old", 1, true);
	boots(machine, "new", 1, false);
	for (int i = 0; i < 3; i++) {
		boots(machine, "new", 0, false);
		instead_is(machine, "old");
		/* Another start in the same boot is no other. */
		assert_int_equal(start(machine, "new"), 0);
		instead_is(machine, "old");
	}
	boots(machine, "mended", 1, true);
	boots(machine, "mended", 1, true);
}

/* None was good yet. */
static void the_first_one_breaks_it(void **state)
{
	struct machine *machine = *state;

	boots(machine, "new", 1, false);
	boots(machine, "new", 0, false);
	instead_is(machine, NULL);
}

/* One that was good is not given up for a power cut. */
static void was_good_before(void **state)
{
	struct machine *machine = *state;

	boots(machine, "old", 1, true);
	for (int i = 0; i < BL_BOOT_FAILURES_MAX; i++)
		boots(machine, "old", 1, false);
	boots(machine, "old", 0, false);
	instead_is(machine, NULL);
	assert_int_equal(bl_boot_forgive(machine->fd), 0);
	boots(machine, "old", 1, true);
	/* Failures count in a row. */
	boots(machine, "old", 1, false);
	boots(machine, "old", 1, true);
	for (int i = 0; i < BL_BOOT_FAILURES_MAX; i++)
		boots(machine, "old", 1, false);
}

/* A daemon that is killed in the middle of a boot breaks none; one that is started later doesn't begin any. */
static void starts_in_one_boot(void **state)
{
	struct machine *machine = *state;

	boots(machine, "old", 1, false);
	for (int i = 0; i < 5; i++)
		assert_int_equal(start(machine, "old"), 1);
	assert_int_equal(bl_boot_end(machine->fd), 0);
	assert_int_equal(start(machine, "new"), 1);
	boots(machine, "new", 1, false);
	boots(machine, "new", 0, false);
	instead_is(machine, "old");
}

static void a_damaged_record(void **state)
{
	struct machine *machine = *state;

	boots(machine, "new", 1, false);
	tree_text(&machine->tree, "/boot", "nonsense");
	boots(machine, "new", 1, false);
	tree_text(&machine->tree, "/good", "nonsense");
	boots(machine, "new", 0, false);
	instead_is(machine, NULL);
}

/* A disk that takes no note keeps no policy out. */
static void a_disk_that_is_full(void **state)
{
	struct machine *machine = *state;
	char path[128];

	/* What it would write to is taken. */
	snprintf(path, sizeof(path), "%s/tried.new", machine->tree.path);
	assert_int_equal(mkdir(path, 0700), 0);
	boot(machine);
	assert_int_equal(start(machine, "new"), -EISDIR);
	assert_int_equal(machine->fd, -1);
	assert_int_equal(bl_boot_end(machine->fd), -EBADF);
}

/* A minute after logins are allowed, and not for what was not loaded at this boot's beginning. */
static void comes_to_its_end(void **state)
{
	const uint64_t second = 1000000000;
	struct machine *machine = *state;
	struct bl_boot of = { 0 };

	boots(machine, "new", 1, false);
	of = (struct bl_boot){ .fd = machine->fd, .state = machine->state };
	bl_boot_tick(&of, true, 1 * second);
	bl_boot_tick(&of, false, 50 * second);
	bl_boot_tick(&of, true, 62 * second);
	bl_boot_tick(&of, true, 121 * second);
	assert_int_equal(of.state, BL_BOOT_STARTED);
	bl_boot_tick(&of, true, 122 * second);
	assert_int_equal(of.state, BL_BOOT_GOOD);
	boots(machine, "new", 1, false);
	assert_int_equal(start(machine, "other"), 1);
	boots(machine, "other", 0, false); /* it was in force when that boot was ended */
	of = (struct bl_boot){ .fd = machine->fd, .state = machine->state };
	bl_boot_tick(&of, true, 1 * second);
	bl_boot_tick(&of, true, 500 * second);
	assert_int_equal(of.state, BL_BOOT_BROKEN);
	boots(machine, "other", 0, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),   TEST(breaks_a_boot),	     TEST(the_first_one_breaks_it),
		TEST(was_good_before),	   TEST(starts_in_one_boot), TEST(a_damaged_record),
		TEST(a_disk_that_is_full), TEST(comes_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
