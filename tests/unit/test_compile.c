/* SPDX-License-Identifier: Apache-2.0 */
/* Policies -> tables -> verdicts: who wins, what excuses, what is refused, and the same bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"
#include "verdicts.h"

static void test_empty(void **state)
{
	EXPECT("{'bailiff': 1, 'rules': []}", { { .exec = "/bin/sh" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "10.0.0.1" }, BL_VERDICT_ALLOW, NULL, 0 });
}

static void test_order(void **state)
{
	EXPECT(ENFORCE(ALERT("a1", "exec", "'path': '/x', 'severity': 'critical'"),
		       DENY("d0", "exec", "'path': '/x', 'severity': 'low'"),
		       DENY("d3", "exec", "'path': '/*', 'severity': 'high'"),
		       DENY("d1", "exec", "'path': '/**', 'severity': 'high'"),
		       ALERT("a0", "exec", "'path': ['/x', '/y*']")),
	       { { .exec = "/x" }, BL_VERDICT_DENY, "d1", 4 },
	       { { .exec = "/y/z" }, BL_VERDICT_DENY, "d1", 0 },
	       { { .exec = "/yy" }, BL_VERDICT_DENY, "d1", 2 },
	       { { .open = "/x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/" }, BL_VERDICT_ALLOW, NULL, 0 });
}

static void test_monitor(void **state)
{
	EXPECT("{'bailiff': 1, 'rules': [" DENY("d", "open", "'path': '/x'") "," ALERT_START(
		       "a", "open") "'path': '/x'}]}",
	       { { .open = "/x" }, BL_VERDICT_WOULD_DENY, "d", 1 });
}

/* The action comes before the mode's consequence of another, and both before the severity. */
static void test_kill(void **state)
{
	EXPECT(ENFORCE("{'id': 'k', 'on': ['exec', 'open'], 'action': 'kill', 'path': '/x', "
		       "'severity': 'info'}",
		       DENY("d", "open", "'path': '/x', 'severity': 'critical'"),
		       ALERT("a", "exec", "'path': '/x', 'severity': 'critical'")),
	       { { .open = "/x" }, BL_VERDICT_KILL, "k", 1 },
	       { { .exec = "/x" }, BL_VERDICT_KILL, "k", 1 });
	EXPECT("{'bailiff': 1, 'rules': [{'id': 'k', 'on': 'connect', 'action': 'kill', 'port': 1}," DENY(
		       "d", "connect", "'port': 1, 'severity': 'critical'") "]}",
	       { { .connect = "10.0.0.1", .port = 1 }, BL_VERDICT_WOULD_KILL, "k", 1 });
}

/* A rule that both machines find is one rule. */
static void test_both_machines(void **state)
{
	EXPECT(ENFORCE(DENY("d", "open", "'path': ['/a/b', '/a/*', '/a/**', '/**/b']")),
	       { { .open = "/a/b" }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/a/c" }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/a" }, BL_VERDICT_ALLOW, NULL, 0 });
}

static void test_access(void **state)
{
	EXPECT(ENFORCE(DENY("w", "open", "'path': '/x', 'access': 'write'"),
		       ALERT("m", "open", "'path': '/x', 'access': 'modify'"),
		       DENY("r", "open", "'path': '/y', 'access': ['read', 'delete']")),
	       { { .open = "/x", .access = BL_ACCESS_READ }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x", .access = BL_ACCESS_READ | BL_ACCESS_WRITE },
		 BL_VERDICT_DENY,
		 "w",
		 1 },
	       { { .open = "/x", .access = BL_ACCESS_DELETE }, BL_VERDICT_ALERT, "m", 0 },
	       { { .open = "/y", .access = BL_ACCESS_DELETE }, BL_VERDICT_DENY, "r", 0 },
	       { { .open = "/y", .access = BL_ACCESS_WRITE }, BL_VERDICT_ALLOW, NULL, 0 });
}

static void test_subjects(void **state)
{
	EXPECT(ENFORCE(DENY("u", "open", "'path': '/x', 'by': {'uid': '1000-2000'}"),
		       DENY("g", "open", "'path': '/x', 'by': {'gid': [5, 7]}"),
		       DENY("e", "open", "'path': '/x', 'by': {'exe': ['/bin/a', '/opt/*/b']}"),
		       DENY("ue", "open", "'path': '/x', 'by': {'uid': 3, 'exe': '/bin/**'}")),
	       { { .open = "/x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x", .uid = 1500 }, BL_VERDICT_DENY, "u", 0 },
	       { { .open = "/x", .gid = 7 }, BL_VERDICT_DENY, "g", 0 },
	       { { .open = "/x", .exe = "/bin/a" }, BL_VERDICT_DENY, "e", 0 },
	       { { .open = "/x", .exe = "/opt/z/b" }, BL_VERDICT_DENY, "e", 0 },
	       { { .open = "/x", .exe = "/opt/z/b", .uid = 3 }, BL_VERDICT_DENY, "e", 0 },
	       { { .open = "/x", .exe = "/bin/c", .uid = 3 }, BL_VERDICT_DENY, "ue", 0 },
	       { { .open = "/x", .exe = "/bin/a", .uid = 3, .gid = 5 }, BL_VERDICT_DENY, "e", 2 });
}

#define MOVE(path)                                     \
	{                                              \
		.open = path, .access = BL_ACCESS_MOVE \
	}

/* Whoever may not touch a file renames none of the directories above it. */
static void test_names_are_held(void **state)
{
	EXPECT(ENFORCE(DENY("l", "open", "'path': '/a/b/c', 'access': 'read'"),
		       DENY("t", "open", "'path': '/t/u/**', 'by': {'uid': 7}"),
		       DENY("g", "open", "'path': ['/g/*/h/{x,y/z}', '/g/**/k/l*']"),
		       ALERT("a", "open", "'path': '/alert/x'"),
		       DENY("e", "exec", "'path': '/e/f/tool'"),
		       DENY("p", "exec", "'path': ['/place/**', '/e/**/more']")),
	       { MOVE("/a"), BL_VERDICT_DENY, "l", 0 }, { MOVE("/a/b"), BL_VERDICT_DENY, "l", 0 },
	       { MOVE("/a/b/x"), BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/a/b", .access = BL_ACCESS_ANY }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/t/u", .access = BL_ACCESS_MOVE, .uid = 7 }, BL_VERDICT_DENY, "t", 0 },
	       { MOVE("/t/u"), BL_VERDICT_ALLOW, NULL, 0 }, { MOVE("/g"), BL_VERDICT_DENY, "g", 0 },
	       { MOVE("/g/1/h"), BL_VERDICT_DENY, "g", 0 },
	       { MOVE("/g/1"), BL_VERDICT_DENY, "g", 0 },
	       { MOVE("/g/1/2/k"), BL_VERDICT_DENY, "g", 0 },
	       { MOVE("/g/1/2"), BL_VERDICT_ALLOW, NULL, 0 },
	       { MOVE("/alert"), BL_VERDICT_ALLOW, NULL, 0 },
	       { MOVE("/e/f/tool"), BL_VERDICT_DENY, "e", 0 },
	       { MOVE("/e/f"), BL_VERDICT_DENY, "e", 0 },
	       { MOVE("/place"), BL_VERDICT_DENY, "p", 0 },
	       { MOVE("/place/file"), BL_VERDICT_ALLOW, NULL, 0 });
}

/* Nothing is held by a rule that means everything, nor by one whose exception means the subject. */
static void test_names_that_are_not_held(void **state)
{
	EXPECT(ENFORCE(DENY("all", "exec", "'by': {'uid': 7}"),
		       DENY("u", "open", "'path': '/u/v', 'unless': {'by': {'uid': 9}}"),
		       DENY("w", "open", "'path': '/w/**', 'unless': {'path': '/w/x/y'}")),
	       { { .open = "/x", .access = BL_ACCESS_MOVE, .uid = 7 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/u", .access = BL_ACCESS_MOVE, .uid = 9 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { MOVE("/u"), BL_VERDICT_DENY, "u", 0 }, { MOVE("/w"), BL_VERDICT_DENY, "w", 0 },
	       { { .open = "/w/x", .access = BL_ACCESS_READ }, BL_VERDICT_DENY, "w", 0 },
	       { { .open = "/w/x/y", .access = BL_ACCESS_READ }, BL_VERDICT_ALLOW, NULL, 0 });
}

/* ---- exceptions --------------------------------------------------------------------------- */

static void test_unless(void **state)
{
	EXPECT(ENFORCE(DENY("d", "open",
			    "'path': '/x/**', 'unless': [{'by': {'exe': '/bin/a'}}, "
			    "{'path': '/x/free/**'},{'access': 'read', "
			    "'by': {'uid': 7}},{'path': '/x/y', 'by': {'uid': 9}}, "
			    "{'path': '/x/r', 'access': 'read'}]")),
	       { { .open = "/x/y" }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/x/y", .exe = "/bin/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/r" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/r", .access = BL_ACCESS_WRITE }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/x/free" }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/x/free/z" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/y", .uid = 7 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/y", .uid = 7, .access = BL_ACCESS_WRITE }, BL_VERDICT_DENY, "d", 0 },
	       { { .open = "/x/y", .uid = 9 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/z", .uid = 9 }, BL_VERDICT_DENY, "d", 0 });
}

/* The rule's pattern and the exception's in every mixture of literal, below and glob. */
static void test_unless_across_machines(void **state)
{
	EXPECT(ENFORCE(DENY("lit", "open", "'path': ['/l/a', '/l/b'], 'unless': {'path': '/*/a'}"),
		       DENY("below", "open", "'path': '/b/**', 'unless': {'path': '/b/*/a'}"),
		       DENY("glob", "open",
			    "'path': '/g/*', 'unless': {'path': ['/g/a', '/g/b/**']}"),
		       DENY("mix", "open",
			    "'path': ['/m/a', '/m/d/**', "
			    "'/m/*.x'],'unless': {'path': ['/m/d/e/**', '/m/?', '/m/b.x']}"),
		       DENY("any", "open", "'by': {'uid': 5}, 'unless': {'path': '/tmp*/**'}"),
		       DENY("any-root", "open",
			    "'by': {'uid': 6}, 'unless': {'path': ['/{,*}', '/x/**']}")),
	       { { .open = "/l/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/l/b" }, BL_VERDICT_DENY, "lit", 0 },
	       { { .open = "/b/c/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/b/c/d/a" }, BL_VERDICT_DENY, "below", 0 },
	       { { .open = "/g/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/g/b" }, BL_VERDICT_DENY, "glob", 0 },
	       { { .open = "/m/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/m/d/f" }, BL_VERDICT_DENY, "mix", 0 },
	       { { .open = "/m/d/e" }, BL_VERDICT_DENY, "mix", 0 },
	       { { .open = "/m/d/e/f" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/m/b.x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/m/c.x" }, BL_VERDICT_DENY, "mix", 0 },
	       { { .open = "/tmp1/a", .uid = 5 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/tmp", .uid = 5 }, BL_VERDICT_DENY, "any", 0 },
	       { { .open = "/", .uid = 5 }, BL_VERDICT_DENY, "any", 0 },
	       { { .open = "/", .uid = 6 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/x/y", .uid = 6 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/y/y", .uid = 6 }, BL_VERDICT_DENY, "any-root", 0 });
}

/* What a rule's exceptions leave does not depend on where another rule has the same paths. */
static void test_unless_of_shared_paths(void **state)
{
	EXPECT(ENFORCE(DENY("lit", "open", "'path': ['/l/a', '/l/b'], 'unless': {'path': '/*/a'}"),
		       DENY("any", "open",
			    "'by': {'uid': 5}, 'unless': [{'path': ['/l/a', '/l/b']}, {'path': '/*'}]")),
	       { { .open = "/l/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/l/b" }, BL_VERDICT_DENY, "lit", 0 },
	       { { .open = "/l/c", .uid = 5 }, BL_VERDICT_DENY, "any", 0 });
}

/* Who has made a file system says what is called how on it: what a path excepts holds, but not there. */
static void test_unless_on_untrusted(void **state)
{
	EXPECT(ENFORCE(DENY("all", "exec", "'path': '/**', 'unless': {'path': '/usr/**'}"),
		       DENY("dir", "open",
			    "'path': '/d/**', 'unless': [{'path': '/d/*.x'}, {'by': {'uid': 5}}]"),
		       ALERT("any", "open", "'by': {'uid': 6}, 'unless': {'path': '/tmp/a'}"),
		       DENY("sock", "connect",
			    "'socket': ['/s/**', '@s*'], 'unless': {'socket': ['/s/a', '@sa']}")),
	       { { .exec = "/usr/bin/x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/usr/bin/x", .untrusted = true }, BL_VERDICT_DENY, "all", 0 },
	       { { .open = "/d/a.x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/d/a.x", .untrusted = true }, BL_VERDICT_DENY, "dir", 0 },
	       { { .open = "/d/a.x", .uid = 5, .untrusted = true }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/tmp/a", .uid = 6 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/tmp/a", .uid = 6, .untrusted = true }, BL_VERDICT_ALERT, "any", 0 },
	       { { .open = "/tmp/a", .uid = 7, .untrusted = true }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "/s/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "/s/a", .untrusted = true }, BL_VERDICT_DENY, "sock", 0 },
	       { { .socket = "/s/b", .untrusted = true }, BL_VERDICT_DENY, "sock", 0 });
}

/* Many rules without a path, many literals: the former move to the DFA, and nothing changes. */
static void test_everywhere(void **state)
{
	_cleanup_free_ char *text = calloc(1, 1 << 20);
	_cleanup_(compiled_clear) struct compiled compiled = {};
	struct asked asked = { .open = "/lit/77", .uid = 7 };
	struct bl_answer answer;
	size_t len = 0;

	len += (size_t)sprintf(text + len, "{'bailiff': 1, 'mode': 'enforce', 'rules': [");
	for (int i = 0; i < 2000; i++)
		len += (size_t)sprintf(text + len, ALERT("l%d", "open", "'path': '/lit/%d'") ",", i,
				       i);
	for (int i = 0; i < 1000; i++)
		len += (size_t)sprintf(text + len, ALERT("u%d", "open", "'by': {'uid': %d}") ",", i,
				       i);
	sprintf(text + len, DENY_START("x", "open") "'path': '/x'}]}");
	compiled = compile(text);
	assert_int_equal(compiled.r, 0);
	assert_true(compiled.tables->stats.dfa_states > 0);
	assert_true(compiled.tables->len < 4 << 20);
	answer = ask(compiled.tables, &asked);
	assert_int_equal(answer.verdict, BL_VERDICT_ALERT);
	assert_int_equal(answer.others, 1);
	asked = (struct asked){ .open = "/", .uid = 7 };
	assert_string_equal(compiled.policy->rules[ask(compiled.tables, &asked).rule].id, "u7");
	asked = (struct asked){ .open = "/other/file", .uid = 7 };
	assert_string_equal(compiled.policy->rules[ask(compiled.tables, &asked).rule].id, "u7");
}

static uint64_t bits_at(const struct compiled *compiled, uint32_t offset)
{
	uint64_t bits;

	memcpy(&bits, compiled->tables->bytes + offset, sizeof(bits));
	return bits;
}

/* What excuses by its executable must be known apart from what accuses by it. */
static void test_grant(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled =
		compile(ENFORCE(DENY("d", "open",
				     "'path': '/x', "
				     "'by': {'exe': '/bin/a'},'unless': [{'by': {'exe': '/bin/a', "
				     "'uid': 1}}, {'by': {'gid': 5}},{'by': {'exe': '/bin/a'}}]")));
	const struct bl_header *header = compiled_header(&compiled);

	assert_int_equal(compiled.r, 0);
	assert_int_equal(compiled.tables->stats.conds, 5);
	assert_int_equal(header->cond_words, 1);
	assert_int_equal(header->flags,
			 BL_TABLES_SUBJECTS | BL_TABLES_GIDS | BL_TABLES_EXES | BL_TABLES_DENIES);
	assert_int_equal(bits_at(&compiled, header->exe_any), 1 << 0 | 1 << 3);
	assert_int_equal(bits_at(&compiled, header->exe_grant), 1 << 2 | 1 << 4);
}

/* Whoever takes hold of an excepted program could act as it. */
static void test_traces(void **state)
{
	static const char text[] = ENFORCE(
		DENY("secret", "open",
		     "'path': '/x', 'by': {'uid': '1-99'}, 'unless': [{'by': {'exe': '/bin/a'}}, "
		     "{'by': {'exe': '/opt/**'}, 'access': 'read'}, {'by': {'gid': 7}}, "
		     "{'by': {'gid': 8}, 'path': '/x'}]"),
		ALERT("net", "connect", "'to': '192.0.2.1', 'unless': {'by': {'exe': '/bin/a'}}"),
		DENY("tool", "exec", "'path': '/bin/a', 'by': {'uid': 50}"));
	static const struct expected cases[] = {
		{ { .exec = "/bin/a", .trace = true, .uid = 1 }, BL_VERDICT_DENY, "secret", 1 },
		{ { .exec = "/opt/b", .trace = true, .uid = 1 }, BL_VERDICT_DENY, "secret", 0 },
		{ { .exec = "/bin/b", .trace = true, .uid = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
		/* the rule does not hold for him anyway */
		{ { .exec = "/bin/a", .trace = true }, BL_VERDICT_ALERT, "net", 0 },
		{ { .exec = "/opt/b", .trace = true }, BL_VERDICT_ALLOW, NULL, 0 },
		/* the exception is for him, too, or one that holds whatever he does */
		{ { .exec = "/bin/a", .trace = true, .uid = 1, .exe = "/bin/a" },
		  BL_VERDICT_ALLOW,
		  NULL,
		  0 },
		{ { .exec = "/opt/b", .trace = true, .uid = 1, .exe = "/bin/a" },
		  BL_VERDICT_ALLOW,
		  NULL,
		  0 },
		{ { .exec = "/opt/b", .trace = true, .uid = 1, .gid = 7 },
		  BL_VERDICT_ALLOW,
		  NULL,
		  0 },
		/* one that holds for something only is not enough */
		{ { .exec = "/bin/a", .trace = true, .uid = 1, .exe = "/opt/b" },
		  BL_VERDICT_DENY,
		  "secret",
		  1 },
		{ { .exec = "/bin/a", .trace = true, .uid = 1, .gid = 8 },
		  BL_VERDICT_DENY,
		  "secret",
		  1 },
		/* starting it is another matter, and so is what it does */
		{ { .exec = "/bin/a", .uid = 50 }, BL_VERDICT_DENY, "tool", 0 },
		{ { .exec = "/bin/a", .uid = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
		{ { .open = "/bin/a", .uid = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
		{ { .open = "/x", .uid = 1, .exe = "/opt/b" }, BL_VERDICT_ALLOW, NULL, 0 },
	};
	_cleanup_(compiled_clear) struct compiled with = compile(text);
	_cleanup_(compiled_clear) struct compiled without =
		compile(ENFORCE(DENY("d", "open", "'path': '/x', 'by': {'exe': '/bin/a'}")));

	expect(text, cases, BL_ARRAY_SIZE(cases));
	assert_true(compiled_header(&with)->ops & BL_OPS_TRACE);
	assert_false(compiled_header(&without)->ops & BL_OPS_TRACE);
}

/* Thousands of rules with one exception are one question about the program. */
static void test_traces_of_many_rules(void **state)
{
	_cleanup_free_ char *text = malloc(1 << 20);
	size_t at = (size_t)sprintf(text, "{'bailiff': 1, 'mode': 'enforce', 'rules': [");
	const struct asked asked = { .exec = "/bin/a", .trace = true };
	_cleanup_(compiled_clear) struct compiled compiled = {};

	for (int i = 0; i < 2 * BL_CANDS_MAX; i++)
		at += (size_t)sprintf(text + at,
				      "%s{'id': 'r%04d', 'on': 'open', 'path': '/x/%d', 'action': "
				      "'deny', 'unless': {'by': {'exe': '/bin/*'}}}",
				      i ? "," : "", i, i);
	sprintf(text + at, "]}");
	compiled = compile(text);
	assert_int_equal(compiled.r, 0);
	assert_int_equal(ask(compiled.tables, &asked).verdict, BL_VERDICT_DENY);
	assert_int_equal(ask(compiled.tables, &asked).others, 0);
}

/* ---- objects without a usable name -------------------------------------------------------- */

static void test_unnamed(void **state)
{
	static char deep[2 * 400 + 1], wide[4200];

	for (int i = 0; i < 400; i++)
		memcpy(deep + 2 * i, "/a", 3);
	for (size_t i = 0; i < sizeof(wide) - 1; i++)
		wide[i] = i % 200 ? 'a' : '/';
	EXPECT(ENFORCE(DENY("lit", "open", "'path': '/x', 'by': {'uid': 1}"),
		       ALERT("star", "open", "'path': '/x/*', 'by': {'uid': 2}"),
		       DENY("below", "open",
			    "'path': '/y/**', 'by': {'uid': 3},'unless': [{'path': '/y/z/**'}, "
			    "{'by': {'gid': 4}}]"),
		       DENY("any", "open", "'by': {'uid': 5}")),
	       { { .open = deep, .uid = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = deep, .uid = 2 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = deep, .uid = 3 }, BL_VERDICT_DENY, "below", 0 },
	       { { .open = deep, .uid = 3, .gid = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = deep, .uid = 5 }, BL_VERDICT_DENY, "any", 0 },
	       { { .open = wide, .uid = 3 }, BL_VERDICT_DENY, "below", 0 },
	       { { .open = "", .unnamed = true, .uid = 1 }, BL_VERDICT_DENY, "lit", 0 },
	       { { .open = "", .unnamed = true, .uid = 2 }, BL_VERDICT_ALERT, "star", 0 },
	       { { .open = "", .unnamed = true, .uid = 3 }, BL_VERDICT_DENY, "below", 0 },
	       { { .open = "", .unnamed = true, .uid = 3, .gid = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "", .unnamed = true, .uid = 5 }, BL_VERDICT_DENY, "any", 0 },
	       { { .exec = "", .unnamed = true, .uid = 5 }, BL_VERDICT_ALLOW, NULL, 0 });
	EXPECT(ENFORCE(DENY("r", "open", "'path': '/y/**', 'unless': {'path': '/y/z/**'}")),
	       { { .open = "/y/z/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = deep }, BL_VERDICT_DENY, "r", 0 },
	       { { .open = "", .unnamed = true }, BL_VERDICT_DENY, "r", 0 });
}

#define ARGS(text) .args = (text), .args_len = sizeof(text) - 1

/* Any argument of any of the patterns; what is denied has none, and what is reported is not refused. */
static void test_args(void **state)
{
	EXPECT(ENFORCE(KILL("args", "exec", "'path': '/x', 'args': ['-e', '*/evil']"),
		       KILL("any", "exec", "'args': 'x?', 'unless': {'path': '/z'}"),
		       ALERT("seen", "exec", "'path': '/x', 'args': '-*', 'severity': 'critical'"),
		       ALERT("plain", "exec", "'path': ['/x', '/y']"),
		       DENY("not", "exec", "'path': '/y', 'by': {'uid': 1}")),
	       { { .exec = "/x" }, BL_VERDICT_ALERT, "plain", 0 },
	       { { .exec = "/x", ARGS("-\0") }, BL_VERDICT_ALERT, "seen", 1 },
	       { { .exec = "/x", ARGS("e\0-e\0") }, BL_VERDICT_KILL, "args", 2 },
	       { { .exec = "/x", ARGS("\0\0a/b\n/evil\0") }, BL_VERDICT_KILL, "args", 1 },
	       { { .exec = "/x", ARGS("/evil/\0-ex\0") }, BL_VERDICT_ALERT, "seen", 1 },
	       { { .exec = "/x", ARGS("x/\0") }, BL_VERDICT_KILL, "any", 1 },
	       { { .exec = "/w", ARGS("x\0xy\0") }, BL_VERDICT_KILL, "any", 0 },
	       { { .exec = "/w", ARGS("x\0xyz\0-e\0") }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/z", ARGS("xy\0") }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/y", ARGS("xy\0") }, BL_VERDICT_KILL, "any", 1 },
	       { { .exec = "/y", ARGS("xy\0"), .uid = 1 }, BL_VERDICT_DENY, "not", 1 },
	       { { .exec = "", ARGS("xy\0"), .facts = BL_FACT_MEMFD }, BL_VERDICT_KILL, "any", 0 },
	       { { .open = "/x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0xy", .name_len = 3 }, BL_VERDICT_ALLOW, NULL, 0 });
}

/* What is asked of a file beyond its name; rules without a path are about memfds, too. */
static void test_facts(void **state)
{
	EXPECT(ENFORCE(DENY("su", "exec",
			    "'path': '/x/*', 'file': ['setuid', 'writable-by-others']"),
		       ALERT("mem", "exec", "'file': 'memfd', 'by': {'uid': 1}"),
		       ALERT("all", "exec", "'by': {'uid': 2}"),
		       DENY("gone", "exec",
			    "'file': ['deleted', 'tmpfs'], 'unless': [{'file': 'script'}, {'path': '/y', "
			    "'file': 'tmpfs', 'by': {'uid': 3}}]"),
		       DENY("named", "exec", "'path': '/**', 'by': {'uid': 4}")),
	       { { .exec = "/x/a" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/x/a", .facts = BL_FACT_SETUID }, BL_VERDICT_DENY, "su", 0 },
	       { { .exec = "/x/a", .facts = BL_FACT_WRITABLE | BL_FACT_TMPFS },
		 BL_VERDICT_DENY,
		 "gone",
		 1 },
	       { { .exec = "/y", .facts = BL_FACT_SETUID }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "", .facts = BL_FACT_MEMFD }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "", .facts = BL_FACT_MEMFD, .uid = 1 }, BL_VERDICT_ALERT, "mem", 0 },
	       { { .exec = "/y", .uid = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "", .facts = BL_FACT_MEMFD, .uid = 2 }, BL_VERDICT_ALERT, "all", 0 },
	       { { .exec = "", .facts = BL_FACT_MEMFD, .uid = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/y", .facts = BL_FACT_DELETED }, BL_VERDICT_DENY, "gone", 0 },
	       { { .exec = "/y", .facts = BL_FACT_DELETED | BL_FACT_SCRIPT },
		 BL_VERDICT_ALLOW,
		 NULL,
		 0 },
	       { { .exec = "/y", .facts = BL_FACT_TMPFS, .uid = 3 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .exec = "/y", .facts = BL_FACT_TMPFS | BL_FACT_DELETED, .uid = 3 },
		 BL_VERDICT_ALLOW,
		 NULL,
		 0 },
	       { { .exec = "/y", .facts = BL_FACT_DELETED, .uid = 3 }, BL_VERDICT_DENY, "gone", 0 },
	       { { .exec = "", .unnamed = true, .facts = BL_FACT_SETUID },
		 BL_VERDICT_DENY,
		 "su",
		 0 },
	       { { .exec = "", .unnamed = true }, BL_VERDICT_ALLOW, NULL, 0 });
}

/* ---- the same bytes ----------------------------------------------------------------------- */

#define SAMPLE                                                                              \
	ENFORCE(DENY("a", "exec", "'path': ['/a/b', '/c/**', '/d/*/e'], 'by': {'uid': 5}"), \
		DENY("b", "open",                                                           \
		     "'path': '/**/k', 'unless': [{'path': '/h/*/k'},"                      \
		     "{'by': {'exe': '/bin/x', 'gid': 3}}]"),                               \
		DENY("c", "connect", "'to': ['10.0.0.0/8', '10.1.0.0/16'], 'port': 80"),    \
		DENY("d", "connect", "'port': '1-1024', 'unless': {'to': '192.0.2.1'}"))

static void test_deterministic(void **state)
{
	_cleanup_(compiled_clear) struct compiled a = compile(SAMPLE), b = compile(SAMPLE);

	assert_int_equal(a.r, 0);
	assert_int_equal(a.tables->len, b.tables->len);
	assert_memory_equal(a.tables->bytes, b.tables->bytes, a.tables->len);
}

static void test_key(void **state)
{
	_cleanup_(compiled_clear) struct compiled a = compile(SAMPLE), b = {};
	static uint64_t key[2][BL_HASH_WORDS];
	struct asked asked = { .exec = "/a/b", .uid = 5 };
	const char *what;

	for (size_t i = 0; i < 2 * BL_HASH_WORDS; i++)
		key[i / BL_HASH_WORDS][i % BL_HASH_WORDS] = (i + 7) * 0x9e3779b97f4a7c15u;
	b = compile_key(SAMPLE, (const uint64_t(*)[BL_HASH_WORDS])key);
	assert_int_equal(b.r, 0);
	assert_memory_not_equal(a.tables->bytes, b.tables->bytes, a.tables->len);
	assert_memory_equal(compiled_header(&a)->digest, compiled_header(&b)->digest, 32);
	assert_memory_equal(compiled_header(&b)->key, key, sizeof(key));
	assert_int_equal(bl_tables_verify(b.tables->bytes, b.tables->len, &what), 0);
	assert_int_equal(ask(b.tables, &asked).verdict, BL_VERDICT_DENY);
}

/* A key under which all edges collide: another one is derived from it. */
static void test_bad_key(void **state)
{
	static const uint64_t zero[2][BL_HASH_WORDS];
	_cleanup_(compiled_clear) struct compiled compiled = compile_key(SAMPLE, zero);
	struct asked asked = { .exec = "/a/b", .uid = 5 };

	assert_int_equal(compiled.r, 0);
	assert_memory_not_equal(compiled_header(&compiled)->key, zero, sizeof(zero));
	assert_int_equal(ask(compiled.tables, &asked).verdict, BL_VERDICT_DENY);
}

static bool same_digest(const char *left, const char *right)
{
	_cleanup_(compiled_clear) struct compiled a = compile(left), b = compile(right);

	assert_int_equal(a.r, 0);
	assert_int_equal(b.r, 0);
	return !memcmp(compiled_header(&a)->digest, compiled_header(&b)->digest, 32);
}

static void test_digest(void **state)
{
	const char *base = ENFORCE(DENY("a", "open",
					"'path': ['/a', '/b'], 'unless': [{'by': {'uid': 1}}, "
					"{'by': {'uid': 2}}]"));

	assert_true(same_digest(
		base, ENFORCE(DENY("a", "open",
				   "'path': ['/b', '/a', '/b'],'unless': [{'by': {'uid': 2}}, "
				   "{'by': {'uid': 1}}]"))));
	assert_false(same_digest(
		base,
		ENFORCE(DENY("a", "open", "'path': ['/b', '/a'],'unless': [{'by': {'uid': 2}}]"))));
	assert_false(same_digest(
		base, ENFORCE(ALERT("a", "open",
				    "'path': ['/a', '/b'], 'unless': [{'by': {'uid': 1}}, "
				    "{'by': {'uid': 2}}]"))));
	assert_false(same_digest(ENFORCE(DENY("a", "open", "'path': '/a'")),
				 TOP("'rules': [" DENY_START("a", "open") "'path': '/a'}]")));
	assert_false(same_digest(ENFORCE(DENY("a", "connect", "'to': '10.0.0.1'")),
				 ENFORCE(DENY("a", "connect", "'to': '10.0.0.2'"))));
	assert_false(same_digest(ENFORCE(DENY("a", "connect", "'port': 1")),
				 ENFORCE(DENY("a", "connect", "'port': 2"))));
	assert_true(same_digest(ENFORCE(DENY("a", "exec", "'file': ['memfd', 'script']")),
				ENFORCE(DENY("a", "exec", "'file': ['script', 'memfd']"))));
	assert_false(same_digest(ENFORCE(DENY("a", "exec", "'file': ['memfd', 'script']")),
				 ENFORCE(DENY("a", "exec", "'file': 'memfd'"))));
	assert_false(same_digest(ENFORCE(DENY("a", "exec", "'unless': {'file': 'tmpfs'}")),
				 ENFORCE(DENY("a", "exec", "'unless': {'file': 'setuid'}"))));
	assert_false(
		same_digest(ENFORCE(DENY("a", "exec", "'path': '/x'")),
			    ENFORCE("{'id': 'a', 'on': 'exec', 'action': 'kill', 'path': '/x'}")));
}

/* ---- limits ------------------------------------------------------------------------------- */

/* Rules made by printing (number, number) with a format. */
static struct compiled compile_many(const char *before, const char *format, int n,
				    const char *after)
{
	_cleanup_free_ char *text = calloc(1, 4 << 20);
	size_t len =
		(size_t)sprintf(text, "{'bailiff': 1, 'mode': 'enforce', 'rules': [%s", before);

	for (int i = 0; i < n; i++) {
		if (i)
			text[len++] = ',';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		len += (size_t)sprintf(text + len, format, i, i);
#pragma GCC diagnostic pop
	}
	sprintf(text + len, "%s]}", after);
	return compile(text);
}

static void expect_refused(const struct compiled *compiled, const char *code, const char *part)
{
	assert_int_equal(compiled->r, -EINVAL);
	assert_null(compiled->tables);
	assert_int_equal(compiled->diags.errors, 1);
	print_message("# %s\n", compiled->diags.items[0].message);
	assert_string_equal(compiled->diags.items[0].code, code);
	assert_non_null(strstr(compiled->diags.items[0].message, part));
	assert_non_null(compiled->diags.items[0].hint);
}

static void test_too_many_subjects(void **state)
{
	_cleanup_(compiled_clear) struct compiled few =
		compile_many("", DENY("r%d", "open", "'path': '/x', 'by': {'uid': %d}"), 4095, "");
	_cleanup_(compiled_clear) struct compiled many =
		compile_many("", DENY("r%d", "open", "'path': '/x', 'by': {'uid': %d}"), 4096, "");

	assert_int_equal(few.r, 0);
	expect_refused(&many, "too-many-subjects", "4095");
	assert_string_equal(many.diags.items[0].pointer, "/rules/4095");
}

static void test_too_many_candidates(void **state)
{
	_cleanup_(compiled_clear) struct compiled few =
		compile_many("", DENY("r%d", "open", "'path': ['/x', '/y%d']"), 4096, "");
	_cleanup_(compiled_clear) struct compiled many =
		compile_many("", DENY("r%d", "open", "'path': ['/x', '/y%d']"), 4097, "");

	assert_int_equal(few.r, 0);
	expect_refused(&many, "too-many-candidates", "4096");
}

/* More rules than that may well be below one directory. */
static void test_many_below_one_directory(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled =
		compile_many("", DENY("r%d", "open", "'path': '/x/y%d'"), 9000, "");

	assert_int_equal(compiled.r, 0);
}

/* The parser has a limit of its own, for all exceptions of a rule: more are made here. */
static void test_too_many_exceptions(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled =
		compile(ENFORCE(DENY("r", "open", "'path': '/x', 'unless': {'by': {'uid': 1}}")));
	static struct bl_range uids[BL_EXCEPTS_MAX + 1];
	static struct bl_match unless[BL_EXCEPTS_MAX + 1];
	struct bl_tables *tables = NULL;

	assert_int_equal(compiled.r, 0);
	bl_tables_free(TAKE_PTR(compiled.tables));
	for (uint32_t i = 0; i <= BL_EXCEPTS_MAX; i++) {
		uids[i] = (struct bl_range){ 2 * i, 2 * i };
		unless[i] = compiled.policy->rules[0].unless[0];
		unless[i].uids = (struct bl_ranges_in){ &uids[i], 1 };
	}
	compiled.policy->rules[0].unless = unless;
	compiled.policy->rules[0].n_unless = BL_EXCEPTS_MAX;
	assert_int_equal(bl_compile(compiled.policy, NULL, &compiled.diags, &tables), 0);
	bl_tables_free(TAKE_PTR(tables));
	compiled.policy->rules[0].n_unless++;
	compiled.r = bl_compile(compiled.policy, NULL, &compiled.diags, &tables);
	expect_refused(&compiled, "too-many-exceptions", "256");
}

/* The innocent are not named. */
static void test_dfa_budget(void **state)
{
	const char *innocent = JOIN(DENY("i1", "open", "'path': '/home/*/.ssh/**'"),
				    DENY("i2", "open", "'path': '/opt/*/bin/?ool'"), "");
	_cleanup_(compiled_clear) struct compiled compiled =
		compile_many(innocent, DENY("r%d", "open", "'path': '/srv/**/latch%d/**'"), 40, "");

	expect_refused(&compiled, "dfa-budget", "/srv/**/latch");
	assert_non_null(strstr(compiled.diags.items[0].message, "and 35 more"));
	assert_null(strstr(compiled.diags.items[0].message, "/home"));
	assert_null(strstr(compiled.diags.items[0].message, "/opt"));
	assert_non_null(compiled.diags.items[0].pointer);
}

static void test_one_list_of_latches(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile_many(
		DENY_START("r", "open") "'path': [", "'/srv/**/latch%d/**'", 300, "]}");
	struct asked asked = { .open = "/srv/a/b/latch299/c" };

	assert_int_equal(compiled.r, 0);
	assert_int_equal(ask(compiled.tables, &asked).verdict, BL_VERDICT_DENY);
}

/* A hundred alerts in one machine don't hide the deny in the other. */
static void test_crowd(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled =
		compile_many("", ALERT("r%d", "open", "'path': ['/x', '/y%d']"), 100,
			     "," DENY("d", "open", "'path': '/?'"));
	struct asked asked = { .open = "/x" };
	struct bl_answer answer = ask(compiled.tables, &asked);

	assert_int_equal(answer.verdict, BL_VERDICT_DENY);
	assert_int_equal(answer.rule, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_both_machines),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_names_are_held),
		cmocka_unit_test(test_names_that_are_not_held),
		cmocka_unit_test(test_unless),
		cmocka_unit_test(test_unless_across_machines),
		cmocka_unit_test(test_unless_of_shared_paths),
		cmocka_unit_test(test_unless_on_untrusted),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_traces_of_many_rules),
		cmocka_unit_test(test_unnamed),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_bad_key),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_too_many_subjects),
		cmocka_unit_test(test_too_many_candidates),
		cmocka_unit_test(test_many_below_one_directory),
		cmocka_unit_test(test_too_many_exceptions),
		cmocka_unit_test(test_dfa_budget),
		cmocka_unit_test(test_one_list_of_latches),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
