/* SPDX-License-Identifier: Apache-2.0 */
/* What two compiled sets decide otherwise: what differs at one point alone, and what nobody can reach. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "diff.h"
#include "outline.h"
#include "policy_text.h"

/* Two policies, and what came of comparing them. */
struct pair {
	struct bl_policy *policy[BL_SIDES];
	struct bl_tables *tables[BL_SIDES];
	struct bl_outline outlines[BL_SIDES];
	struct bl_diff diff;
	int r;
};

static void pair_clear(struct pair *pair)
{
	for (int side = 0; side < BL_SIDES; side++) {
		bl_tables_free(pair->tables[side]);
		bl_outline_clear(&pair->outlines[side]);
		bl_policy_free(pair->policy[side]);
	}
	bl_diff_clear(&pair->diff);
}

static void load(struct pair *pair, int side, const char *body)
{
	_cleanup_free_ char *whole =
		bl_format("{'bailiff': 1, 'mode': 'enforce', 'rules': [%s]}", body);
	struct policy_text text = policy_text(whole);
	struct bl_diags diags = {};

	assert_int_equal(policy_text_parse(&text, &diags, &pair->policy[side]), 0);
	assert_int_equal(bl_compile_outlined(pair->policy[side], NULL, &diags, &pair->tables[side],
					     &pair->outlines[side]),
			 0);
	bl_diags_clear(&diags);
	free(text.bytes);
}

static void compare(struct pair *pair, const char *old, const char *new)
{
	struct bl_diff_input input = {};

	load(pair, BL_OLD, old);
	load(pair, BL_NEW, new);
	for (int side = 0; side < BL_SIDES; side++) {
		input.tables[side] = pair->tables[side];
		input.outlines[side] = &pair->outlines[side];
	}
	pair->r = bl_diff(&input, &pair->diff);
}

#define OPEN_RULE(id, body)    "{'id': '" id "', 'on': 'open', 'action': 'deny', " body "}"
#define EXEC_RULE(id, body)    "{'id': '" id "', 'on': 'exec', 'action': 'deny', " body "}"
#define CONNECT_RULE(id, body) "{'id': '" id "', 'on': 'connect', 'action': 'deny', " body "}"

static const struct {
	const char *name, *old, *new;
} same[] = {
	{ "nothing", "", "" },
	{ "a glob and what it is made of", OPEN_RULE("a", "'path': '/a/?'"),
	  OPEN_RULE("a", "'path': ['/a/[!a-m]', '/a/[a-m]']") },
	{ "what can be no file's name", OPEN_RULE("a", "'path': '/a/*', 'access': 'read'"),
	  OPEN_RULE("a", "'path': ['/a/[!.]*', '/a/.[!.]*', '/a/..?*'], 'access': 'read'") },
	{ "directories above a brace", OPEN_RULE("a", "'path': '/a/{b,c/d{/e,}}/*x'"),
	  OPEN_RULE("a", "'path': ['/a/b/*x', '/a/c/d/e/*x', '/a/c/d/*x']") },
	{ "neighbours", CONNECT_RULE("a", "'to': '10.0.0.0/8'"),
	  CONNECT_RULE("a", "'to': ['10.0.0.0/9', '10.128.0.0/9']") },
	{ "ranges that touch", OPEN_RULE("a", "'path': '/a', 'by': {'uid': '0-99'}"),
	  OPEN_RULE("a", "'path': '/a', 'by': {'uid': ['0-49', '50-99']}") },
	{ "a rule that a stricter one hides",
	  OPEN_RULE(
		  "a",
		  "'path': '/a/b'") ", {'id': 'b', 'on': 'open', 'action': 'alert', 'path': '/a/b', "
				    "'by': {'uid': 5, 'gid': 6}}",
	  OPEN_RULE("a", "'path': '/a/b'") },
	{ "users apart by two dimensions", EXEC_RULE("a", "'path': '/a', 'by': {'uid': '0-9'}"),
	  EXEC_RULE("a", "'path': '/a', 'by': {'uid': '0-9', 'gid': '0-9'}") ", " EXEC_RULE(
		  "b", "'path': '/a', 'by': {'uid': '0-9'}, 'unless': {'by': {'gid': '0-9'}}") },
	{ "arguments apart",
	  EXEC_RULE(
		  "d",
		  "'path': '/x'") ", {'id': 'a', 'on': 'exec', 'action': 'kill', 'path': '/x', 'args': '-x'}",
	  EXEC_RULE("d", "'path': '/x'") },
	{ "a mapped prefix", CONNECT_RULE("a", "'to': '::ffff:10.0.0.0/104'"),
	  CONNECT_RULE("a", "'to': '10.0.0.0/8'") },
	/* Teredo has the IPv4 address inverted. */
	{ "Teredo's of a prefix", CONNECT_RULE("a", "'to': ['2001::f500:0/104', '10.0.0.0/8']"),
	  CONNECT_RULE("a", "'to': '10.0.0.0/8'") },
	{ "NAT64's of a prefix", CONNECT_RULE("a", "'to': ['64:ff9b:1::a00:0/104', '10.0.0.0/8']"),
	  CONNECT_RULE("a", "'to': '10.0.0.0/8'") },
};

static void test_same(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(same); i++) {
		_cleanup_(pair_clear) struct pair pair = {};

		compare(&pair, same[i].old, same[i].new);
		if (pair.r || pair.diff.count || pair.diff.undecided || pair.diff.unreachable)
			fail_msg("%s: %d, %zu differences", same[i].name, pair.r, pair.diff.count);
	}
}

/* The one difference by which two policies of one rule each can be told apart. */
static const struct bl_difference *only(struct pair *pair, enum bl_op op, uint8_t access)
{
	const struct bl_difference *found = NULL;

	assert_int_equal(pair->r, 0);
	for (size_t i = 0; i < pair->diff.count; i++) {
		const struct bl_difference *item = &pair->diff.items[i];

		if (item->op != op || !(item->access & access))
			continue;
		assert_null(found);
		found = item;
	}
	assert_non_null(found);
	return found;
}

static void test_one_path(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair, OPEN_RULE("a", "'path': '/a/*/c', 'access': 'read'"),
		OPEN_RULE("a",
			  "'path': '/a/*/c', 'access': 'read', 'unless': {'path': '/a/.../c'}"));
	d = only(&pair, BL_OP_OPEN, BL_ACCESS_READ);
	assert_string_equal(d->witness.name, "/a/.../c");
	assert_int_equal(d->decided[BL_OLD].verdict, BL_VERDICT_DENY);
	assert_int_equal(d->decided[BL_NEW].verdict, BL_VERDICT_ALLOW);
	assert_int_equal(d->access, BL_ACCESS_READ);
	assert_true(d->witness.testable);
}

/* '/a/b' is a literal of one, so that what begins like it leaves the other's literals early. */
static void test_between_literals(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair, OPEN_RULE("a", "'path': ['/lib64/x', '/lib/**'], 'access': 'write'"),
		OPEN_RULE(
			"a",
			"'path': ['/lib64/x', '/lib/?**'], 'access': 'write', 'unless': {'path': '/lib/x6'}"));
	d = only(&pair, BL_OP_OPEN, BL_ACCESS_WRITE);
	assert_string_equal(d->witness.name, "/lib/x6");
}

static void test_several_groups(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair,
		EXEC_RULE("a", "'path': '/a', 'by': {'gid': 10}, 'unless': {'by': {'gid': 20}}"),
		EXEC_RULE("a", "'path': '/a', 'by': {'gid': 10}"));
	d = only(&pair, BL_OP_EXEC, BL_ACCESS_EXEC);
	assert_int_equal(d->witness.n_gids, 2);
	assert_false(d->witness.testable);
}

static void test_several_names(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair,
		OPEN_RULE(
			"a",
			"'path': '/a', 'by': {'exe': '/bin/x'}, 'unless': {'by': {'exe': '/bin/y'}}"),
		OPEN_RULE("a", "'path': '/a', 'by': {'exe': '/bin/x'}"));
	d = only(&pair, BL_OP_OPEN, BL_ACCESS_READ);
	assert_int_equal(d->witness.n_exes, 2);
	assert_false(d->witness.testable);
}

/* An exception never holds for what runs in a container, and a rule does. */
static void test_containers(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair,
		OPEN_RULE("a",
			  "'path': '/a', 'by': {'exe': '/x'}, 'unless': {'by': {'exe': '/x'}}"),
		OPEN_RULE("a", "'path': '/b', 'by': {'uid': 1}, 'unless': {'by': {'uid': 1}}"));
	d = only(&pair, BL_OP_OPEN, BL_ACCESS_READ);
	assert_int_equal(d->witness.trust, BL_EXE_CONTAINER);
	assert_false(d->witness.testable);
}

#define SOME(by) OPEN_RULE("a", "'path': '/a', 'by': {" by "}")
#define UNLESS(by) OPEN_RULE("a", "'path': '/a', 'unless': {'by': {" by "}}")
#define ALWAYS OPEN_RULE("a", "'path': '/a'")

/* What is the same whoever it is. */
static void test_same_tasks(void **state)
{
	static const char *const pairs[][2] = {
		{ SOME("'login': ['0-999', '1000-4294967294', 'unset']"), ALWAYS },
		{ SOME("'capability': ['CAP_KILL', 'CAP_CHOWN']"),
		  SOME("'capability': ['chown', 'kill']") },
		{ SOME("'unit': '*'"),
		  SOME("'unit': ['*.service', '*.scope', '*.socket', '*.mount', '*.swap']") },
		{ SOME("'slice': '*'"), ALWAYS },
		{ SOME("'slice': '?*.slice'"), ALWAYS },
		{ SOME("'cgroup': ['/', '/**']"), ALWAYS },
		{ SOME("'container': [true, false]"), ALWAYS },
		{ SOME("'container': ['*', false]"), ALWAYS },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(pairs); i++) {
		_cleanup_(pair_clear) struct pair pair = {};

		print_message("# %s, %s\n", pairs[i][0], pairs[i][1]);
		compare(&pair, pairs[i][0], pairs[i][1]);
		assert_int_equal(pair.r, 0);
		assert_int_equal(pair.diff.count, 0);
		assert_int_equal(pair.diff.undecided, 0);
	}
}

/* What a difference comes from: programs, each with a '^' before that of the parent. */
static void test_kin(void **state)
{
	static const struct {
		const char *old, *new, *kin[3];
		bool same, container;
	} cases[] = {
		{ .old = SOME("'parent': ['/x', '/y']"),
		  .new = SOME("'parent': '/y'"),
		  .kin = { "^/x" } },
		{ .old = SOME("'ancestor': ['/x', '/y']"),
		  .new = SOME("'ancestor': '/y'"),
		  .kin = { "/x" } },
		/* The parent is one of the ancestors. */
		{ .old = SOME("'parent': '/x'"),
		  .new = SOME("'parent': '/x', 'ancestor': '/x'"),
		  .same = true },
		{ .old = SOME("'parent': '/x', 'ancestor': '/y'"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .kin = { "^/x", "/y" } },
		{ .old = SOME("'ancestor': '/x'"),
		  .new = SOME("'parent': '/x'"),
		  .kin = { "/x" } },
		/* Who may come from anything is asked by rules, and excused by nothing. */
		{ .old = OPEN_RULE(
			  "a",
			  "'path': '/a', 'by': {'parent': '/x'}, 'unless': {'by': {'ancestor': '/**'}}"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .kin = { "^/x" },
		  .container = true },
		{ .old = UNLESS("'ancestor': ['/**', '/']"),
		  .new = OPEN_RULE("a",
				   "'path': '/a', 'unless': {'by': {'uid': '0-4294967294'}}") },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		_cleanup_(pair_clear) struct pair pair = {};
		const struct bl_witness *w = NULL;
		size_t n = 0;

		print_message("# %s, %s\n", cases[i].old, cases[i].new);
		compare(&pair, cases[i].old, cases[i].new);
		assert_int_equal(pair.r, 0);
		for (size_t k = 0; k < pair.diff.count; k++)
			if (pair.diff.items[k].access & BL_ACCESS_READ &&
			    strcmp(pair.diff.items[k].witness.name, "/a") == 0)
				w = &pair.diff.items[k].witness;
		while (n < 3 && cases[i].kin[n])
			n++;
		if (cases[i].same) {
			assert_null(w);
			continue;
		}
		assert_non_null(w);
		assert_false(w->kin_unknown);
		assert_int_equal(w->testable, !cases[i].container);
		assert_int_equal(w->n_kin, n);
		for (size_t k = 0; k < n; k++) {
			bool parent = cases[i].kin[k][0] == '^';

			assert_int_equal(w->kin[k].parent, parent);
			assert_int_equal(w->kin[k].trust,
					 cases[i].container ? BL_EXE_CONTAINER : BL_EXE_HOST);
			assert_string_equal(w->kin[k].name, cases[i].kin[k] + parent);
		}
	}
}

/* Who shows a difference; NULL: nothing is said of that. */
struct task_case {
	const char *old, *new;
	uint32_t login; /* 0: nobody's */
	uint64_t capabilities;
	const char *unit, *slice, *cgroup, *container, *place;
	bool in_container, perhaps, assumed, no_test;
};

static void assert_text(const char *text, const char *wanted)
{
	if (wanted && text)
		assert_string_equal(text, wanted);
	else
		assert_ptr_equal(text, wanted);
}

static void test_tasks(void **state)
{
	static const struct task_case cases[] = {
		{ .old = SOME("'login': '1000-2000'"),
		  .new = SOME("'login': '1001-2000'"),
		  .login = 1000 },
		{ .old = SOME("'login': ['unset', 1000]"), .new = SOME("'login': 1000") },
		{ .old = SOME("'capability': ['CAP_NET_ADMIN', 'CAP_NET_RAW']"),
		  .new = SOME("'capability': 'CAP_NET_ADMIN'"),
		  .capabilities = 1 << 13 },
		{ .old = SOME("'capability': 'CAP_KILL'"),
		  .new = OPEN_RULE(
			  "a",
			  "'path': '/a', 'by': {'capability': 'kill'}, 'unless': {'by': {'capability': 'CAP_CHOWN'}}"),
		  .capabilities = 1 << 5 | 1 << 0 },
		{ .old = SOME("'unit': 'nginx*.service'"),
		  .new = SOME("'unit': 'nginx?*.service'"),
		  .unit = "nginx.service",
		  .place = "/nginx.service" },
		{ .old = ALWAYS, .new = SOME("'unit': '*'") },
		{ .old = SOME("'slice': ['-.slice', 'a-b.slice']"),
		  .new = SOME("'slice': '-.slice'"),
		  .slice = "a-b.slice",
		  .place = "/a.slice/a-b.slice" },
		{ .old = SOME("'cgroup': '/a.slice/**', 'unit': ['b.service', 'c.service']"),
		  .new = SOME("'cgroup': '/a.slice/**', 'unit': 'c.service'"),
		  .unit = "b.service",
		  .cgroup = "/a.slice/b.service",
		  .place = "/a.slice/b.service" },
		{ .old = ALWAYS, .new = SOME("'cgroup': '/**'") },
		{ .old = SOME("'container': 'web*'"),
		  .new = SOME("'container': 'web?*'"),
		  .container = "web",
		  .in_container = true,
		  .place = "/lxc.payload.web" },
		/* Who may be in a container is one for rules, and is excused by nothing. */
		{ .old = UNLESS("'container': [true, false]"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .in_container = true,
		  .perhaps = true,
		  .place = "/" },
		/* What is below a unit anybody can have named. */
		{ .old = OPEN_RULE(
			  "a",
			  "'path': '/a', 'by': {'container': 'web'}, 'unless': {'by': {'container': 'web'}}"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .container = "web",
		  .in_container = true,
		  .perhaps = true,
		  .no_test = true },
		/* A path that is too deep may be any. */
		{ .old = SOME("'cgroup': '/x', 'unit': 'b.service'"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .unit = "b.service",
		  .cgroup = "/b.service/x/x/x/x/x/x/x/x/x/x/x/x/x",
		  .place = "/b.service/x/x/x/x/x/x/x/x/x/x/x/x/x" },
		/* The unit says itself which container it is. */
		{ .old = SOME("'container': 'web', 'unit': 'machine-db.scope'"),
		  .new = OPEN_RULE("a", "'path': '/b'"),
		  .unit = "machine-db.scope",
		  .container = "web",
		  .in_container = true,
		  .assumed = true },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		_cleanup_(pair_clear) struct pair pair = {};
		const struct task_case *wanted = &cases[i];
		const struct bl_witness *w = NULL;

		print_message("# %s, %s\n", wanted->old, wanted->new);
		compare(&pair, wanted->old, wanted->new);
		assert_int_equal(pair.r, 0);
		for (size_t k = 0; k < pair.diff.count; k++)
			if (pair.diff.items[k].decided[BL_OLD].verdict == BL_VERDICT_DENY &&
			    pair.diff.items[k].access & BL_ACCESS_READ)
				w = &pair.diff.items[k].witness;
		assert_non_null(w);
		assert_int_equal(w->login, wanted->login ? wanted->login : BL_LOGIN_UNSET);
		assert_int_equal(w->capabilities, wanted->capabilities);
		assert_int_equal(w->assumed, wanted->assumed);
		if (wanted->no_test) {
			assert_non_null(w->place);
			continue;
		}
		assert_text(w->unit, wanted->unit);
		assert_text(w->slice, wanted->slice);
		assert_text(w->cgroup, wanted->cgroup);
		assert_text(w->container, wanted->container);
		assert_text(w->place, wanted->place);
		assert_int_equal(w->in_container, wanted->in_container);
		assert_int_equal(w->perhaps, wanted->perhaps);
		assert_int_equal(w->testable, !wanted->assumed);
	}
}

static void test_embedded(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;
	char text[INET6_ADDRSTRLEN];

	/* All of 6to4 is refused but by the IPv4 address in it; so one address alone differs. */
	compare(&pair, CONNECT_RULE("a", "'to': ['2002:a00::/24', '10.0.0.0/8']"),
		CONNECT_RULE(
			"a",
			"'to': ['2002:a00::/24', '10.0.0.0/8'], 'unless': [{'to': '2002:b00::/24'}]"));
	assert_int_equal(pair.r, 0);
	assert_int_equal(pair.diff.count, 0);
	pair_clear(&pair);
	pair = (struct pair){};
	compare(&pair,
		CONNECT_RULE("a", "'to': '2002:a00::/24'") ", " CONNECT_RULE("b",
									     "'to': '10.0.0.0/8'"),
		CONNECT_RULE("a", "'to': '2002:a00:1::/48'") ", " CONNECT_RULE(
			"b", "'to': '10.0.0.0/8'"));
	assert_int_equal(pair.r, 0);
	assert_int_equal(pair.diff.count, 0);
	pair_clear(&pair);
	pair = (struct pair){};
	compare(&pair, CONNECT_RULE("a", "'to': '2002:a00::/24', 'protocol': 'tcp'"),
		CONNECT_RULE(
			"a",
			"'to': '2002:a00::/24', 'protocol': 'tcp', 'unless': {'to': '2002:a01:203::/48'}"));
	d = only(&pair, BL_OP_CONNECT, BL_PROTO_TCP);
	assert_non_null(inet_ntop(AF_INET6, d->witness.addr, text, sizeof(text)));
	assert_string_equal(text, "2002:a01:203::");
	pair_clear(&pair);
	pair = (struct pair){};
	compare(&pair,
		CONNECT_RULE("a", "'to': ['2001::f400:0/103', '10.0.0.0/8'], 'protocol': 'tcp'"),
		CONNECT_RULE("a", "'to': '10.0.0.0/8', 'protocol': 'tcp'"));
	d = only(&pair, BL_OP_CONNECT, BL_PROTO_TCP);
	assert_non_null(inet_ntop(AF_INET6, d->witness.addr, text, sizeof(text)));
	assert_string_equal(text, "2001::f400:0");
}

static void test_memfd(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};

	compare(&pair, EXEC_RULE("a", "'file': ['memfd', 'setuid']"),
		EXEC_RULE("a", "'file': 'setuid'"));
	assert_int_equal(only(&pair, BL_OP_EXEC, BL_ACCESS_EXEC)->witness.kind, BL_WITNESS_MEMFD);
}

/* An exception by path never holds on a file system that somebody made in a user namespace. */
static void test_untrusted(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair, OPEN_RULE("a", "'path': '/a', 'access': 'read', 'unless': {'path': '/a'}"),
		"");
	d = only(&pair, BL_OP_OPEN, BL_ACCESS_READ);
	assert_string_equal(d->witness.name, "/a");
	assert_true(d->witness.untrusted);
	assert_false(d->witness.testable);
}

/* Pairs that differ in one thing alone: it is told of, by a test, and of no other. */
static const struct {
	const char *name, *old, *new;
	enum bl_op op;
	uint8_t access;
	enum bl_witness_kind kind;
} single[] = {
	{ "a family", CONNECT_RULE("a", "'family': ['netlink', 'vsock']"),
	  CONNECT_RULE("a", "'family': 'netlink'"), BL_OP_CONNECT, BL_PROTO_NONE,
	  BL_WITNESS_FAMILY },
	{ "a family of a number", CONNECT_RULE("a", "'family': [63, 62]"),
	  CONNECT_RULE("a", "'family': 63"), BL_OP_CONNECT, BL_PROTO_NONE, BL_WITNESS_FAMILY },
	{ "an abstract name", CONNECT_RULE("a", "'socket': ['@a/*', '@b']"),
	  CONNECT_RULE("a", "'socket': ['@a/?*', '@b']"), BL_OP_CONNECT, BL_ACCESS_CONNECT,
	  BL_WITNESS_SOCKET },
	{ "a socket", CONNECT_RULE("a", "'socket': ['/run/a', '/run/b']"),
	  CONNECT_RULE("a", "'socket': '/run/a'"), BL_OP_CONNECT, BL_ACCESS_CONNECT,
	  BL_WITNESS_SOCKET },
	{ "a name that begins like a literal",
	  OPEN_RULE("a", "'path': ['/abc', '/ab[d]'], 'access': 'read'"),
	  OPEN_RULE("a", "'path': '/abc', 'access': 'read'"), BL_OP_OPEN, BL_ACCESS_READ,
	  BL_WITNESS_PATH },
	{ "an access", OPEN_RULE("a", "'path': '/a', 'access': ['read', 'delete']"),
	  OPEN_RULE("a", "'path': '/a', 'access': 'read'"), BL_OP_OPEN, BL_ACCESS_DELETE,
	  BL_WITNESS_PATH },
	{ "a user", OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'uid': '5-9'}"),
	  OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'uid': '5-8'}"), BL_OP_OPEN,
	  BL_ACCESS_READ, BL_WITNESS_PATH },
	{ "a group", OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'gid': '5-9'}"),
	  OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'gid': '5-8'}"), BL_OP_OPEN,
	  BL_ACCESS_READ, BL_WITNESS_PATH },
	{ "a program",
	  OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'exe': ['/x', '/y']}"),
	  OPEN_RULE("a", "'path': '/a', 'access': 'read', 'by': {'exe': '/x'}"), BL_OP_OPEN,
	  BL_ACCESS_READ, BL_WITNESS_PATH },
	{ "a fact", EXEC_RULE("a", "'file': ['tmpfs', 'script']"),
	  EXEC_RULE("a", "'file': 'script'"), BL_OP_EXEC, BL_ACCESS_EXEC, BL_WITNESS_PATH },
	{ "a port", CONNECT_RULE("a", "'port': '80-90', 'protocol': 'udp'"),
	  CONNECT_RULE("a", "'port': '80-89', 'protocol': 'udp'"), BL_OP_CONNECT, BL_PROTO_UDP,
	  BL_WITNESS_ADDRESS },
	{ "a protocol", CONNECT_RULE("a", "'to': '10.0.0.0/8', 'protocol': ['udp', 'tcp']"),
	  CONNECT_RULE("a", "'to': '10.0.0.0/8', 'protocol': 'udp'"), BL_OP_CONNECT, BL_PROTO_TCP,
	  BL_WITNESS_ADDRESS },
	{ "an address",
	  CONNECT_RULE("a", "'to': ['fd00::/64', 'fd00:0:0:1::1'], 'protocol': 'tcp'"),
	  CONNECT_RULE("a", "'to': 'fd00::/64', 'protocol': 'tcp'"), BL_OP_CONNECT, BL_PROTO_TCP,
	  BL_WITNESS_ADDRESS },
	{ "an IPv4 address", CONNECT_RULE("a", "'to': '10.0.0.0/31', 'protocol': 'tcp'"),
	  CONNECT_RULE("a", "'to': '10.0.0.0', 'protocol': 'tcp'"), BL_OP_CONNECT, BL_PROTO_TCP,
	  BL_WITNESS_ADDRESS },
};

static void test_single(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(single); i++) {
		for (int way = 0; way < 2; way++) {
			_cleanup_(pair_clear) struct pair pair = {};
			const struct bl_difference *d;

			compare(&pair, way ? single[i].new : single[i].old,
				way ? single[i].old : single[i].new);
			d = only(&pair, single[i].op, single[i].access);
			if (d->access != single[i].access || d->witness.kind != single[i].kind ||
			    !d->witness.testable || d->decided[!way].verdict != BL_VERDICT_ALLOW)
				fail_msg("%s", single[i].name);
		}
	}
}

static void test_raw(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	const struct bl_difference *d;

	compare(&pair, CONNECT_RULE("a", "'to': '10.0.0.0/8', 'protocol': ['raw', 'udp']"),
		CONNECT_RULE("a", "'to': '10.0.0.0/8', 'protocol': 'udp'"));
	assert_int_equal(pair.diff.count, 1);
	d = only(&pair, BL_OP_CONNECT, BL_PROTO_RAW);
	assert_int_not_equal(d->witness.protocol, BL_PROTO_UDP);
	pair_clear(&pair);
	pair = (struct pair){};
	/* Every raw socket has a protocol that is refused anyway. */
	compare(&pair,
		CONNECT_RULE(
			"a",
			"'to': '10.0.0.0/8', 'protocol': ['raw', 'tcp', 'udp', 'sctp', 'dccp', 'icmp', 'other']"),
		CONNECT_RULE(
			"a",
			"'to': '10.0.0.0/8', 'protocol': ['tcp', 'udp', 'sctp', 'dccp', 'icmp', 'other']"));
	assert_int_equal(pair.r, 0);
	assert_int_equal(pair.diff.count, 0);
}

/* Tables that name what the outline doesn't can't be compared. */
static void test_outline(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};
	struct bl_diff_input input = {};
	struct bl_diff diff = {};

	compare(&pair, OPEN_RULE("a", "'path': '/a'"), OPEN_RULE("a", "'path': '/b'"));
	assert_int_equal(pair.r, 0);
	for (int side = 0; side < BL_SIDES; side++) {
		input.tables[side] = pair.tables[side];
		input.outlines[side] = &pair.outlines[BL_OLD];
	}
	assert_int_equal(bl_diff(&input, &diff), -EBADMSG);
	bl_diff_clear(&diff);
}

/* What 15 bytes ago was an 'a', and what a 'b': both sets' states multiply. */
static void test_too_much(void **state)
{
	_cleanup_(pair_clear) struct pair pair = {};

	compare(&pair,
		OPEN_RULE("a", "'path': '/**a??????????????"
			       "'"),
		OPEN_RULE("a", "'path': '/**b??????????????"
			       "'"));
	assert_int_equal(pair.r, -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_one_path),
		cmocka_unit_test(test_between_literals),
		cmocka_unit_test(test_several_groups),
		cmocka_unit_test(test_several_names),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_kin),
		cmocka_unit_test(test_same_tasks),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_outline),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
