/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: the tests within policy files, decided by the compiled tables. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "expect.h"
#include "hostfs.h"

/* The object that a path means: the kernel sees names only after links are followed. */
static int real_name(int host_fd, const char *path, char **ret)
{
	int r = path ? bl_hostfs_realpath(host_fd, path, ret) : 0;

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		*ret = strdup(path);
	return path && !*ret ? -ENOMEM : 0;
}

static uint8_t access_of(const struct bl_test *test)
{
	switch (test->op) {
	case BL_OP_EXEC:
		return BL_ACCESS_EXEC | test->facts;
	case BL_OP_OPEN:
		return test->access;
	case BL_OP_CONNECT:
		return test->family || test->socket ? BL_PROTO_NONE : test->protocol;
	case _BL_OP_MAX:
		break;
	}
	return 0;
}

static int decide(const struct bl_built *built, const struct bl_test *test, int host_fd,
		  struct bl_answer *ret)
{
	_cleanup_free_ char *path = NULL, *exe = NULL, *socket = NULL;
	struct bl_query query = {
		.op = test->op,
		.pseudo = test->facts & BL_FACT_MEMFD,
		.args = test->args,
		.args_len = test->args_len,
		.n_args = test->n_args,
		.access = access_of(test),
		.addr = test->to.addr,
		.family = test->family ? test->family : test->to.family,
		.port = test->port,
		.socket = test->socket,
		.socket_len = test->socket_len,
		.uid = test->uid,
		.gids = &test->gid,
		.n_gids = 1,
	};

	if (test->socket && test->socket[0] == '/') {
		if (real_name(host_fd, test->socket, &socket) < 0)
			return -ENOMEM;
		query.socket = socket;
	}
	if (real_name(host_fd, test->path, &path) < 0 || real_name(host_fd, test->exe, &exe) < 0)
		return -ENOMEM;
	query.path = path;
	query.exe = exe;
	bl_decide(built->tables, &query, ret);
	return 0;
}

static bool as_expected(const struct bl_built *built, const struct bl_test *test,
			const struct bl_answer *answer)
{
	if (answer->verdict != test->expect)
		return false;
	if (!test->rule || answer->verdict == BL_VERDICT_ALLOW)
		return true;
	return strcmp(built->policy->rules[answer->rule].id, test->rule) == 0;
}

static void report(struct bl_built *built, const struct bl_test *test,
		   const struct bl_answer *answer)
{
	const struct bl_policy *policy = built->policy;
	const struct bl_diag_at at = {
		.file = policy->files[test->file].path,
		.line = test->place.line,
		.column = test->place.column,
	};
	const char *winner = answer->verdict == BL_VERDICT_ALLOW ? NULL
								 : policy->rules[answer->rule].id;

	bl_diag_add(&built->diags, BL_DIAG_ERROR, &at, "test-failed",
		    "test %u: expected %s%s%s%s, is %s%s%s%s", test->index + 1,
		    bl_verdict_name(test->expect), test->rule ? " by '" : "",
		    test->rule ? test->rule : "", test->rule ? "'" : "",
		    bl_verdict_name(answer->verdict), winner ? " by '" : "", winner ? winner : "",
		    winner ? "'" : "");
}

int bl_expect_run(struct bl_built *built, int host_fd, struct bl_expect_report *ret)
{
	struct bl_expect_report counts = { 0 };

	for (size_t i = 0; i < built->policy->n_tests; i++) {
		const struct bl_test *test = &built->policy->tests[i];
		struct bl_answer answer = { 0 };

		if (decide(built, test, host_fd, &answer) < 0)
			return -ENOMEM;
		counts.run++;
		if (as_expected(built, test, &answer))
			continue;
		counts.failed++;
		report(built, test, &answer);
	}
	*ret = counts;
	return 0;
}
