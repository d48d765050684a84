/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: the tests within policy files, decided by the compiled tables. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "expect.h"
#include "hostfs.h"
#include "words.h"

/* The object that a path means: the kernel sees names only after links are followed. */
static int real_name(int host_fd, const char *path, char **ret)
{
	int r = path ? (host_fd < 0 ? -ENOENT : bl_hostfs_realpath(host_fd, path, ret)) : 0;

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

/* A test that says nothing of a parent is about a process that has none; its parent is an ancestor. */
static int read_kin(const struct bl_test *test, int host_fd, struct bl_expect_access *ret)
{
	size_t n = test->n_ancestors;

	if (!test->parent && !n)
		return 0;
	ret->ancestors = calloc(n + 1, sizeof(*ret->ancestors));
	if (!ret->ancestors || real_name(host_fd, test->parent, &ret->parent) < 0)
		return -ENOMEM;
	for (; ret->query.n_ancestors < n; ret->query.n_ancestors++)
		if (real_name(host_fd, test->ancestors[ret->query.n_ancestors],
			      &ret->ancestors[ret->query.n_ancestors]) < 0)
			return -ENOMEM;
	if (test->parent)
		ret->ancestors[ret->query.n_ancestors++] = ret->parent;
	ret->query.parent = ret->parent;
	ret->query.ancestors = (const char *const *)ret->ancestors;
	return 0;
}

int bl_expect_access(const struct bl_test *test, int host_fd, struct bl_expect_access *ret)
{
	*ret = (struct bl_expect_access){
		.query = {
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
			.has_login = test->login != BL_LOGIN_UNSET,
			.login = test->login,
			.capabilities = test->capabilities,
			.cgroup = test->cgroup,
			.unit = test->unit,
			.slice = test->slice,
			.has_container = test->has_container,
			.in_container = test->in_container,
			.container = test->container,
		},
	};
	if (test->socket && test->socket[0] == '/') {
		if (real_name(host_fd, test->socket, &ret->socket) < 0)
			return -ENOMEM;
		ret->query.socket = ret->socket;
		ret->query.socket_len = strlen(ret->socket);
	}
	if (real_name(host_fd, test->path, &ret->path) < 0 ||
	    real_name(host_fd, test->exe, &ret->exe) < 0 || read_kin(test, host_fd, ret) < 0)
		return -ENOMEM;
	ret->query.path = ret->path;
	ret->query.exe = ret->exe;
	return 0;
}

void bl_expect_access_clear(struct bl_expect_access *access)
{
	free(access->path);
	free(access->exe);
	free(access->socket);
	for (size_t i = 0; access->ancestors && i < access->query.n_ancestors; i++)
		if (access->ancestors[i] != access->parent)
			free(access->ancestors[i]);
	free(access->ancestors);
	free(access->parent);
	*access = (struct bl_expect_access){ 0 };
}

static int decide(const struct bl_built *built, const struct bl_test *test, int host_fd,
		  struct bl_answer *ret)
{
	_cleanup_(bl_expect_access_clear) struct bl_expect_access access = { 0 };
	int r = bl_expect_access(test, host_fd, &access);

	if (r == 0)
		bl_decide(built->tables, &access.query, ret);
	return r;
}

static bool as_expected(const struct bl_test *test, const struct bl_expect_result *result)
{
	if (result->verdict != test->expect)
		return false;
	return !test->rule || !result->rule || strcmp(result->rule, test->rule) == 0;
}

/* Where another file than the test's adjusts a rule; NULL: nowhere. */
static const struct bl_place *adjustment_of(const struct bl_rule *rule, const struct bl_test *test)
{
	const struct bl_place *place = NULL;

	if (rule->disabled)
		place = &rule->disabled_at;
	else if (rule->adjusted_at.line)
		place = &rule->adjusted_at;
	for (size_t i = 0; !place && i < rule->n_unless; i++) {
		if (rule->unless[i].place.file != rule->place.file)
			place = &rule->unless[i].place;
	}
	return place && place->file != test->file ? place : NULL;
}

static const struct bl_place *find_adjustment(const struct bl_policy *policy,
					      const struct bl_test *test)
{
	const struct bl_place *place = NULL;

	for (size_t i = 0; test->rule && !place && i < policy->n_rules; i++) {
		if (strcmp(policy->rules[i].id, test->rule) == 0)
			place = adjustment_of(&policy->rules[i], test);
	}
	for (size_t i = 0; test->rule && !place && i < policy->n_removed; i++) {
		if (strcmp(policy->removed[i].id, test->rule) == 0)
			place = adjustment_of(&policy->removed[i], test);
	}
	return place;
}

static bool is_packaged(const struct bl_policy *policy, uint32_t file)
{
	static const char dir[] = "/usr/share/bailiff/policy.d/";

	return strncmp(policy->files[file].path, dir, strlen(dir)) == 0;
}

/* Who writes a rule of his own need not ask what the packages' tests say of it. */
static const struct bl_place *find_overruling(const struct bl_policy *policy,
					      const struct bl_test *test,
					      const struct bl_rule *winner)
{
	if (!winner || !is_packaged(policy, test->file) || is_packaged(policy, winner->place.file))
		return NULL;
	return &winner->place;
}

static void diagnose_adjusted(struct bl_built *built, const struct bl_expect_result *result,
			      const struct bl_diag_at *at)
{
	bl_diag_add(&built->diags, BL_DIAG_NOTE, at, "test-adjusted",
		    "test %u comes to %s%s%s%s, not %s%s%s%s, as %s:%u has it",
		    result->test->index + 1, bl_verdict_name(result->verdict),
		    result->rule ? " by '" : "", result->rule ? result->rule : "",
		    result->rule ? "'" : "", bl_verdict_name(result->test->expect),
		    result->test->rule ? " by '" : "", result->test->rule ? result->test->rule : "",
		    result->test->rule ? "'" : "",
		    built->policy->files[result->adjusted->file].path, result->adjusted->line);
}

int bl_expect_diagnose(void *userdata, struct bl_built *built,
		       const struct bl_expect_result *result)
{
	const struct bl_test *test = result->test;
	const char *winner = result->rule;
	const struct bl_diag_at at = {
		.file = built->policy->files[test->file].path,
		.line = test->place.line,
		.column = test->place.column,
	};

	if (result->passed)
		return 0;
	if (result->adjusted) {
		diagnose_adjusted(built, result, &at);
		return 0;
	}
	bl_diag_add(&built->diags, BL_DIAG_ERROR, &at, "test-failed",
		    "test %u: expected %s%s%s%s, is %s%s%s%s", test->index + 1,
		    bl_verdict_name(test->expect), test->rule ? " by '" : "",
		    test->rule ? test->rule : "", test->rule ? "'" : "",
		    bl_verdict_name(result->verdict), winner ? " by '" : "", winner ? winner : "",
		    winner ? "'" : "");
	return 0;
}

int bl_expect_run(struct bl_built *built, int host_fd, bl_expect_fn take, void *userdata,
		  struct bl_expect_report *ret)
{
	struct bl_expect_report counts = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < built->policy->n_tests; i++) {
		struct bl_expect_result result = { .test = &built->policy->tests[i] };
		struct bl_answer answer = { 0 };

		if (decide(built, result.test, host_fd, &answer) < 0)
			return -ENOMEM;
		result.verdict = answer.verdict;
		result.others = answer.others;
		if (answer.verdict != BL_VERDICT_ALLOW)
			result.rule = built->policy->rules[answer.rule].id;
		result.passed = as_expected(result.test, &result);
		counts.run++;
		if (!result.passed)
			result.adjusted = find_adjustment(built->policy, result.test);
		if (!result.passed && !result.adjusted && result.rule)
			result.adjusted = find_overruling(built->policy, result.test,
							  &built->policy->rules[answer.rule]);
		counts.adjusted += result.adjusted != NULL;
		counts.failed += !result.passed && !result.adjusted;
		r = take ? take(userdata, built, &result) : 0;
	}
	*ret = counts;
	return r;
}

/* ---- in words ----------------------------------------------------------------------------- */

/* The words of a mask; of those that stand for several bits none is needed. */
static void print_words(const struct bl_words *words, uint32_t mask, FILE *out)
{
	const char *comma = " ";

	for (size_t i = 0; i < words->count; i++) {
		uint32_t value = words->items[i].value;

		if (!(mask & value) || value & (value - 1))
			continue;
		fprintf(out, "%s%s", comma, words->items[i].name);
		comma = ",";
	}
}

static void print_destination(const struct bl_test *test, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (test->socket) {
		fprintf(out, " socket %s%s", test->socket[0] ? "" : "@",
			test->socket + (test->socket[0] ? 0 : 1));
		return;
	}
	if (test->family) {
		fprintf(out, " family %u", test->family);
		return;
	}
	print_words(&bl_words_protocol, test->protocol, out);
	if (inet_ntop(test->to.family, test->to.addr, text, sizeof(text)))
		fprintf(out, " %s", text);
	if (test->port)
		fprintf(out, " port %u", test->port);
}

static void print_arguments(const struct bl_test *test, FILE *out)
{
	const char *at = test->args;

	for (uint32_t i = 0; i < test->n_args; i++, at += strlen(at) + 1)
		fprintf(out, " '%s'", at);
}

static void print_capabilities(uint64_t mask, FILE *out)
{
	const char *comma = " with ";

	for (size_t i = 0; i < bl_words_capability.count; i++) {
		if (!(mask >> bl_words_capability.items[i].value & 1))
			continue;
		fprintf(out, "%s%s", comma, bl_words_capability.items[i].name);
		comma = ",";
	}
}

/* What a test says of a process beside its program, user and group. */
static void print_task(const struct bl_test *test, FILE *out)
{
	if (test->login != BL_LOGIN_UNSET)
		fprintf(out, " login %u", test->login);
	if (test->unit)
		fprintf(out, " unit %s", test->unit);
	if (test->slice)
		fprintf(out, " slice %s", test->slice);
	if (test->cgroup)
		fprintf(out, " cgroup %s", test->cgroup);
	if (test->has_container)
		fprintf(out, "%s%s%s", test->in_container ? " container" : " no container",
			test->container ? " " : "", test->container ? test->container : "");
	print_capabilities(test->capabilities, out);
}

char *bl_expect_describe(const struct bl_test *test)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(bl_op_name(test->op), out);
	switch (test->op) {
	case BL_OP_OPEN:
		print_words(&bl_words_access, test->access, out);
		break;
	case BL_OP_EXEC:
		print_words(&bl_words_file, test->facts, out);
		break;
	case BL_OP_CONNECT:
		print_destination(test, out);
		break;
	case _BL_OP_MAX:
		break;
	}
	if (test->path)
		fprintf(out, " %s", test->path);
	print_arguments(test, out);
	if (test->exe)
		fprintf(out, " by %s", test->exe);
	fprintf(out, "%s uid %u gid %u", test->exe ? "" : " by", test->uid, test->gid);
	if (test->parent)
		fprintf(out, " started by %s", test->parent);
	for (size_t i = 0; i < test->n_ancestors; i++)
		fprintf(out, "%s %s", i ? "," : " that comes from", test->ancestors[i]);
	print_task(test, out);
	if (fclose(out) != 0)
		return NULL;
	return bl_printable(text, size);
}
