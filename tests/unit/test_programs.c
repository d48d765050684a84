/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs are loaded when, and who waits for whom. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "hooks.h"
#include "parts.h"
#include "programs.h"

#define HOOKS_MAX 128

/* ---- in place of enforcer/parts.c --------------------------------------------------------- */

static struct {
	atomic_bool held; /* loading takes as long as this is set */
	atomic_int calls;
	atomic_int error;
	bool last[HOOKS_MAX];
} kernel;

size_t bl_parts_at_a_time(void)
{
	return 3;
}

int bl_parts_load(const struct lsm_bpf *first, const struct bl_hook_entry *table,
		  const bool *wanted, size_t n_hooks, size_t at_a_time, int ret_fds[])
{
	memcpy(kernel.last, wanted, n_hooks);
	atomic_fetch_add(&kernel.calls, 1);
	while (atomic_load(&kernel.held))
		usleep(1000);
	for (size_t i = 0; i < n_hooks; i++)
		ret_fds[i] = wanted[i] && !kernel.error ? open("/dev/null", O_RDONLY) : -1;
	return kernel.error;
}

/* ---- tests -------------------------------------------------------------------------------- */

struct fixture {
	struct bl_programs *programs;
	bool available[HOOKS_MAX], wanted[HOOKS_MAX];
	size_t n_hooks;
	pthread_t thread;
	atomic_int answer;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	memset(&kernel, 0, sizeof(kernel));
	bl_hook_table(&fixture->n_hooks);
	assert_in_range(fixture->n_hooks, 4, HOOKS_MAX);
	for (size_t i = 0; i < fixture->n_hooks; i++)
		fixture->available[i] = i != 1; /* one that this kernel doesn't have */
	assert_int_equal(bl_programs_new(NULL, fixture->available, NULL, &fixture->programs), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	atomic_store(&kernel.held, false);
	while (bl_programs_loading(fixture->programs))
		usleep(1000);
	assert_true(bl_programs_free(fixture->programs));
	free(fixture);
	return 0;
}

static int need(struct fixture *fixture, size_t entry, char **ret_text)
{
	memset(fixture->wanted, 0, sizeof(fixture->wanted));
	fixture->wanted[entry] = true;
	return bl_programs_need(fixture->programs, fixture->wanted, ret_text);
}

static void test_what_is_needed_is_loaded_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(bl_programs_fd(fixture->programs, 0), -1);
	assert_int_equal(need(fixture, 0, NULL), 0);
	assert_int_equal(need(fixture, 0, NULL), 0);
	assert_int_equal(kernel.calls, 1);
	assert_true(kernel.last[0]);
	assert_false(kernel.last[2]);
	assert_in_range(bl_programs_fd(fixture->programs, 0), 0, INT32_MAX);
	assert_int_equal(bl_programs_fd(fixture->programs, 2), -1);
	/* What the kernel doesn't have nobody waits for. */
	assert_int_equal(need(fixture, 1, NULL), 0);
	assert_int_equal(kernel.calls, 1);
}

static void test_a_failure_is_told_at_once(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;

	kernel.error = -EPERM;
	assert_int_equal(need(fixture, 0, &text), -EPERM);
	assert_non_null(strstr(text, "CAP_BPF"));
	kernel.error = 0;
	assert_int_equal(need(fixture, 0, NULL), 0);
}

static void *waiter(void *argument)
{
	struct fixture *fixture = argument;

	atomic_store(&fixture->answer, need(fixture, 3, NULL));
	return NULL;
}

/* Who needs something of the rest waits, and nobody else does. */
static void test_the_rest(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(need(fixture, 0, NULL), 0);
	atomic_store(&kernel.held, true);
	atomic_store(&fixture->answer, 1);
	assert_int_equal(bl_programs_load_rest(fixture->programs), 0);
	assert_int_equal(bl_programs_load_rest(fixture->programs), 0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, waiter, fixture), 0);
	usleep(50000);
	assert_int_equal(fixture->answer, 1);
	assert_true(bl_programs_loading(fixture->programs));
	assert_int_equal(bl_programs_failure(fixture->programs), 0);
	assert_in_range(bl_programs_fd(fixture->programs, 0), 0, INT32_MAX);
	assert_int_equal(bl_programs_fd(fixture->programs, 3), -1);
	assert_int_equal(need(fixture, 0, NULL), 0);
	atomic_store(&kernel.held, false);
	pthread_join(fixture->thread, NULL);
	assert_int_equal(fixture->answer, 0);
	assert_int_equal(kernel.calls, 2);
	assert_false(kernel.last[0]);
	assert_false(kernel.last[1]);
	for (size_t i = 2; i < fixture->n_hooks; i++)
		assert_in_range(bl_programs_fd(fixture->programs, i), 0, INT32_MAX);
	assert_false(bl_programs_loading(fixture->programs));
	assert_int_equal(bl_programs_failure(fixture->programs), 0);
}

static void test_the_rest_fails(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(need(fixture, 0, NULL), 0);
	kernel.error = -ENOMEM;
	assert_int_equal(bl_programs_load_rest(fixture->programs), 0);
	assert_int_equal(need(fixture, 3, &text), -ENOMEM);
	assert_non_null(strstr(text, bl_hook_table(&(size_t){ 0 })[3].hook));
	assert_int_equal(need(fixture, 0, NULL), 0);
	assert_int_equal(bl_programs_failure(fixture->programs), -ENOMEM);
	assert_int_equal(bl_programs_failure(fixture->programs), 0);
}

/* A daemon that ends takes nobody's waiting for its own. */
static void test_giving_up(void **state)
{
	struct fixture *fixture = *state;

	atomic_store(&kernel.held, true);
	assert_int_equal(bl_programs_load_rest(fixture->programs), 0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, waiter, fixture), 0);
	usleep(20000);
	bl_programs_give_up(fixture->programs);
	pthread_join(fixture->thread, NULL);
	assert_int_equal(fixture->answer, -ECANCELED);
	assert_false(bl_programs_free(fixture->programs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_needed_is_loaded_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_failure_is_told_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_rest_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_giving_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
