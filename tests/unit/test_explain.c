/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations of single accesses, and words of a command line as accesses. */
#include <errno.h>

#include "ask.h"
#include "explain.h"
#include "verdicts.h"

/* What an exec of a path by a user comes to, explained. */
static int explain(const struct bl_policy *policy, const struct bl_tables *tables, const char *path,
		   uint32_t uid, struct bl_explanation *ret)
{
	const uint32_t gid = 0;
	const struct bl_query query = {
		.op = BL_OP_EXEC,
		.access = BL_ACCESS_EXEC,
		.path = path,
		.uid = uid,
		.gids = &gid,
		.n_gids = 1,
	};

	return bl_explain(policy, tables, &query, BL_KEY_BIT(BL_KEY_UID), ret);
}

static struct compiled compiled_of(const char *text)
{
	struct compiled compiled = compile(text);

	assert_int_equal(compiled.r, 0);
	return compiled;
}

/* ---- explanations ------------------------------------------------------------------------- */

/* A long list, and one that several rules share. */
#define LONG                                                                                    \
	"['/a/1', '/a/2', '/a/3', '/a/4', '/a/5*', '/a/6', '/a/7', '/a/{8,9}', '/a/b/**/c', '/']"

static void long_lists(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compiled_of(
		"{'bailiff': 1, 'mode': 'enforce', 'lists': {'many': " LONG "}, 'rules': ["
		"{'id': 'one', 'on': 'exec', 'path': '@many', 'by': {'uid': 1}, 'action': 'deny'},"
		"{'id': 'two', 'on': 'exec', 'path': '@many', 'action': 'alert'}]}");
	static const char *const holding[] = { "/a/1",	 "/a/5",     "/a/5x", "/a/9",
					       "/a/b/c", "/a/b/x/c", "/" };
	static const char *const failing[] = { "/a",	  "/a/",    "/a/10", "/a/b",
					       "/a/b/c/", "/a/5/x", "/b" };

	for (size_t i = 0; i < BL_ARRAY_SIZE(holding); i++) {
		_cleanup_(bl_explanation_clear) struct bl_explanation it = {};

		assert_int_equal(explain(compiled.policy, compiled.tables, holding[i], 2, &it), 0);
		assert_int_equal(it.n_matching, 1);
		assert_string_equal(it.matching[0]->id, "two");
		assert_int_equal(it.n_nearest, 1);
		assert_int_equal(it.nearest[0].failing, BL_KEY_BIT(BL_KEY_UID));
	}
	for (size_t i = 0; i < BL_ARRAY_SIZE(failing); i++) {
		_cleanup_(bl_explanation_clear) struct bl_explanation it = {};

		assert_int_equal(explain(compiled.policy, compiled.tables, failing[i], 1, &it), 0);
		assert_int_equal(it.n_matching, 0);
		assert_null(it.exception);
		assert_int_equal(it.n_nearest, 2);
		assert_string_equal(it.nearest[0].rule->id, "one");
	}
}

/* Tables of another policy, as a fault of the compiler would make them. */
static void disagreement_is_told(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled =
		compiled_of(ENFORCE(DENY("a", "exec", "'path': '/x'")));
	_cleanup_(compiled_clear) struct compiled other =
		compiled_of(ENFORCE(DENY("a", "exec", "'path': '/y'")));
	_cleanup_(compiled_clear) struct compiled milder =
		compiled_of(ENFORCE(ALERT("a", "exec", "'path': '/x'")));
	_cleanup_(compiled_clear) struct compiled more = compiled_of(
		ENFORCE(DENY("a", "exec", "'path': '/x'"), ALERT("b", "exec", "'path': '/x'")));
	_cleanup_(compiled_clear) struct compiled replaced = compiled_of(
		ENFORCE(DENY("a", "exec", "'path': '/x'"), ALERT("b", "exec", "'path': '/y'"),
			ALERT("c", "exec", "'path': '/x'")));
	_cleanup_(compiled_clear) struct compiled three = compiled_of(
		ENFORCE(DENY("a", "exec", "'path': '/x'"), ALERT("b", "exec", "'path': '/x'"),
			ALERT("c", "exec", "'path': '/y'")));
	const struct {
		const struct compiled *policy, *tables;
	} cases[] = {
		{ &compiled, &other }, { &compiled, &milder },	{ &milder, &compiled },
		{ &compiled, &more },  { &more, &compiled },	{ &three, &replaced },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		_cleanup_(bl_explanation_clear) struct bl_explanation it = {};

		assert_int_equal(explain(cases[i].policy->policy, cases[i].tables->tables, "/x", 0,
					 &it),
				 -EBADMSG);
	}
}

/* Only the nearest are kept, the nearest first. */
static void which_are_near(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compiled_of(ENFORCE(
		DENY("user", "exec", "'path': '/srv/program', 'by': {'uid': 7}"),
		DENY("nobody", "exec", "'by': {'uid': 7}"),
		DENY("start", "exec", "'path': '/srv/pro'"),
		DENY("two", "exec", "'path': '/srv/program2', 'by': {'uid': 7}"),
		DENY("far", "exec", "'path': '/etc/x'"),
		DENY("other", "open", "'path': '/srv/program'"),
		ALERT("far2", "exec", "'path': '/etc/x'"),
		DENY("except", "exec", "'path': '/srv/*', 'unless': {'path': '/srv/program'}")));
	static const char *const wanted[] = { "except", "user", "start", "far", "far2" };
	_cleanup_(bl_explanation_clear) struct bl_explanation it = {};

	assert_int_equal(explain(compiled.policy, compiled.tables, "/srv/program", 3, &it), 0);
	assert_int_equal(it.answer.verdict, BL_VERDICT_ALLOW);
	assert_int_equal(it.n_nearest, BL_EXPLAIN_NEAREST_MAX);
	for (size_t i = 0; i < it.n_nearest; i++)
		assert_string_equal(it.nearest[i].rule->id, wanted[i]);
	assert_int_equal(it.nearest[0].failing, BL_KEY_BIT(BL_KEY_UNLESS));
	assert_ptr_equal(it.nearest[0].except, &it.nearest[0].rule->unless[0]);
}

/* ---- words -------------------------------------------------------------------------------- */

struct said {
	const char *operation, *object, *option, *value;
	int r;
	const char *path, *socket, *to; /* of what comes of it */
	uint16_t port;
	uint8_t family, protocol, facts, access;
};

static void expect_said(const struct said *said)
{
	_cleanup_(bl_ask_clear) struct bl_ask ask = {};
	_cleanup_(bl_diags_clear) struct bl_diags diags = {};
	struct bl_policy *policy = NULL;
	const struct bl_test *test;
	char text[INET6_ADDRSTRLEN] = "";
	int r = bl_ask_about(&ask, said->operation, said->object);

	print_message("# %s %s\n", said->operation, said->object);
	if (!r && said->option)
		r = bl_ask_add(&ask, said->option, said->value, strlen(said->value));
	if (!r)
		r = bl_ask_parse(&ask, NULL, &diags, &policy);
	assert_int_equal(r, said->r);
	if (r == -EINVAL)
		assert_int_not_equal(diags.errors, 0);
	if (r)
		return;
	test = &policy->tests[0];
	assert_int_equal(policy->n_tests, 1);
	if (said->path)
		assert_string_equal(test->path, said->path);
	if (said->socket)
		assert_memory_equal(test->socket, said->socket, test->socket_len);
	if (said->to)
		assert_string_equal(inet_ntop(test->to.family, test->to.addr, text, sizeof(text)),
				    said->to);
	assert_int_equal(test->port, said->port);
	assert_int_equal(test->family, said->family);
	assert_int_equal(test->facts, said->facts);
	if (said->protocol)
		assert_int_equal(test->protocol, said->protocol);
	if (said->access)
		assert_int_equal(test->access, said->access);
	bl_policy_free(policy);
}

static void what_is_said(void **state)
{
	static const struct said cases[] = {
		{ .operation = "exec", .object = "/a*\\[b", .path = "/a*\\[b" },
		{ .operation = "trace", .object = "/a", .path = "/a" },
		{ .operation = "exec", .object = "/\xff\x01{a,b}", .path = "/\xff\x01{a,b}" },
		{ .operation = "exec", .object = "memfd", .facts = BL_FACT_MEMFD },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "file",
		  .value = "tmpfs,setuid",
		  .facts = BL_FACT_TMPFS | BL_FACT_SETUID },
		{ .operation = "open",
		  .object = "/a",
		  .option = "access",
		  .value = "read,delete",
		  .access = BL_ACCESS_READ | BL_ACCESS_DELETE },
		{ .operation = "open",
		  .object = "/a",
		  .option = "access",
		  .value = "modify",
		  .access = BL_ACCESS_MODIFY },
		{ .operation = "connect", .object = "192.0.2.1:5", .to = "192.0.2.1", .port = 5 },
		{ .operation = "connect",
		  .object = "[2001:db8::1]:5",
		  .to = "2001:db8::1",
		  .port = 5 },
		{ .operation = "connect",
		  .object = "2001:db8::1",
		  .option = "port",
		  .value = "7",
		  .to = "2001:db8::1",
		  .port = 7 },
		{ .operation = "connect",
		  .object = "192.0.2.1",
		  .option = "protocol",
		  .value = "icmp,raw",
		  .to = "192.0.2.1",
		  .protocol = BL_PROTO_ICMP | BL_PROTO_RAW },
		{ .operation = "connect",
		  .object = "192.0.2.1",
		  .option = "protocol",
		  .value = "raw",
		  .to = "192.0.2.1",
		  .protocol = BL_PROTO_RAW },
		{ .operation = "connect", .object = "/s", .socket = "/s" },
		{ .operation = "connect", .object = "@s*", .socket = "\0s*" },
		{ .operation = "connect", .object = "packet", .family = 17 },
		{ .operation = "connect", .object = "40", .family = 40 },
		{ .operation = "read", .object = "/a", .r = -ENOENT },
		{ .operation = "open",
		  .object = "/a",
		  .option = "colour",
		  .value = "1",
		  .r = -ENOENT },
		{ .operation = "open", .object = "a", .r = -EINVAL },
		{ .operation = "open", .object = "", .r = -EINVAL },
		{ .operation = "open", .object = "memfd", .r = -EINVAL },
		{ .operation = "connect", .object = "", .r = -EINVAL },
		{ .operation = "connect", .object = "192.0.2.1", .r = -EINVAL },
		{ .operation = "connect", .object = "192.0.2.1:", .r = -EINVAL },
		{ .operation = "connect", .object = "[2001:db8::1", .r = -EINVAL },
		{ .operation = "connect", .object = "[2001:db8::1]", .r = -EINVAL },
		{ .operation = "connect", .object = "[2001:db8::1]:x", .r = -EINVAL },
		{ .operation = "connect", .object = "inet", .r = -EINVAL },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "uid",
		  .value = "root",
		  .r = -EINVAL },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "uid",
		  .value = "00",
		  .r = -EINVAL },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "uid",
		  .value = "99999999999",
		  .r = -EINVAL },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "file",
		  .value = ",",
		  .r = -EINVAL },
		{ .operation = "exec",
		  .object = "/a",
		  .option = "file",
		  .value = "\"",
		  .r = -EINVAL },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++)
		expect_said(&cases[i]);
}

static void who_is_known(void **state)
{
	_cleanup_(bl_ask_clear) struct bl_ask ask = {};
	_cleanup_(bl_diags_clear) struct bl_diags diags = {};
	struct bl_policy *policy = NULL;

	assert_int_equal(bl_ask_about(&ask, "exec", "/a"), 0);
	assert_int_equal(bl_ask_known(&ask), 0);
	assert_int_equal(bl_ask_add(&ask, "uid", "1", 1), 0);
	assert_int_equal(bl_ask_add(&ask, "uid", "2", 1), 0); /* the last one counts */
	assert_int_equal(bl_ask_add(&ask, "exe", "/b*", 3), 0);
	assert_int_equal(bl_ask_add(&ask, "arg", "-x", 2), 0);
	assert_int_equal(bl_ask_add(&ask, "arg", "", 0), 0);
	assert_int_equal(bl_ask_known(&ask), BL_KEY_BIT(BL_KEY_UID) | BL_KEY_BIT(BL_KEY_EXE));
	assert_int_equal(bl_ask_parse(&ask, NULL, &diags, &policy), 0);
	assert_int_equal(policy->tests[0].uid, 2);
	assert_string_equal(policy->tests[0].exe, "/b*");
	assert_int_equal(policy->tests[0].n_args, 2);
	assert_memory_equal(policy->tests[0].args, "-x\0", 4);
	bl_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_lists),	cmocka_unit_test(disagreement_is_told),
		cmocka_unit_test(which_are_near), cmocka_unit_test(what_is_said),
		cmocka_unit_test(who_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
