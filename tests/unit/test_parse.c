/* SPDX-License-Identifier: Apache-2.0 */
/* The policy parser: what a policy means, and where each fault is reported. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base.h"
#include "parse.h"
#include "policy_text.h"

/* ---- what a policy means ------------------------------------------------------------------ */

static struct bl_policy *parse_good(const char *marked)
{
	struct policy_text text = policy_text(marked);
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };
	int r = policy_text_parse(&text, &diags, &policy);

	if (diags.count)
		fail_msg("%s: %s [%s]", marked, diags.items[0].message, diags.items[0].code);
	assert_int_equal(r, 0);
	bl_diags_clear(&diags);
	/* Nothing of the policy may point into the source. */
	memset(text.bytes, '#', text.len);
	free(text.bytes);
	return policy;
}

static void test_smallest(void **state)
{
	struct bl_policy *policy = parse_good("{'bailiff': 1}");

	assert_int_equal(policy->n_files, 1);
	assert_int_equal(policy->n_rules, 0);
	assert_int_equal(policy->n_tests, 0);
	assert_string_equal(policy->files[0].path, "dir/p.json");
	assert_string_equal(policy->files[0].name, "p");
	assert_null(policy->files[0].description);
	assert_int_equal(policy->files[0].mode, BL_MODE_MONITOR);
	bl_policy_free(policy);
	bl_policy_free(parse_good("{'$schema': 'x', 'rules': [], 'tests': [], 'lists': {}, "
				  "'bailiff': 1}"));
}

static void test_rule(void **state)
{
	struct bl_policy *policy = parse_good(
		"{'bailiff': 1, 'name': 'web', 'description': 'two\\nlines', 'mode': 'enforce', "
		"'rules': [\n {'id': 'a/b.c_d-1', 'on': ['open'], 'action': 'alert', "
		"'severity': 'critical', 'attack': ['T1059.004', 'TA0002'], 'message': 'caf\\u00e9', "
		"'path': ['/etc/shadow', '/etc/*\\n'], 'access': ['read', 'modify'], "
		"'tuning': 'by exe', 'false-positives': 'none\\nis known', 'description': '', "
		"'by': {'exe': '/usr/bin/*', 'uid': ['5-9', 3, 4, '0-1'], 'gid': 7}, "
		"'unless': [{'path': '/etc/motd'}, {'by': {'uid': 0}, 'access': 'read'}]}]}");
	const struct bl_rule *rule = policy->rules;
	const struct bl_match *match = &rule->match;

	assert_string_equal(policy->files[0].name, "web");
	assert_string_equal(policy->files[0].description, "two\nlines");
	assert_int_equal(policy->files[0].mode, BL_MODE_ENFORCE);
	assert_int_equal(policy->n_rules, 1);
	assert_string_equal(rule->id, "a/b.c_d-1");
	assert_int_equal(rule->ops, 1 << BL_OP_OPEN);
	assert_int_equal(rule->action, BL_ACTION_ALERT);
	assert_int_equal(rule->severity, BL_SEVERITY_CRITICAL);
	assert_int_equal(rule->n_attack, 2);
	assert_string_equal(rule->attack[1], "TA0002");
	assert_string_equal(rule->message, "caf\xc3\xa9");
	assert_string_equal(rule->notes->description, "");
	assert_string_equal(rule->notes->false_positives, "none\nis known");
	assert_string_equal(rule->notes->tuning, "by exe");
	assert_int_equal(rule->place.line, 2);
	assert_int_equal(rule->place.column, 2);
	assert_true(match->has_path && match->has_exe && match->has_uids && match->has_gids);
	assert_false(match->has_to || match->has_ports || match->to_any);
	assert_int_equal(match->path.count, 2);
	assert_string_equal(match->path.items[0].text, "/etc/shadow");
	assert_int_equal(match->path.items[0].len, 11);
	assert_true(match->path.items[0].literal);
	assert_false(match->path.items[0].resolved);
	assert_string_equal(match->path.items[1].text, "/etc/*\n");
	assert_false(match->path.items[1].literal);
	assert_int_equal(match->access, BL_ACCESS_ANY);
	assert_int_equal(match->uids.count, 2);
	assert_int_equal(match->uids.items[0].last, 1);
	assert_int_equal(match->uids.items[1].first, 3);
	assert_int_equal(match->uids.items[1].last, 9);
	assert_int_equal(match->gids.items[0].first, 7);
	assert_int_equal(rule->n_unless, 2);
	assert_string_equal(rule->unless[0].path.items[0].text, "/etc/motd");
	assert_int_equal(rule->unless[0].access, BL_ACCESS_ANY);
	assert_int_equal(rule->unless[0].place.line, 2);
	assert_true(rule->unless[0].place.column < rule->unless[1].place.column);
	assert_int_equal(rule->unless[1].access, BL_ACCESS_READ);
	assert_false(rule->unless[1].has_path);
	bl_policy_free(policy);
}

static void test_defaults(void **state)
{
	struct bl_policy *policy = parse_good(
		RULES("{'id': 'r', 'on': ['exec', 'open', 'connect'], 'action': 'alert'}"));
	const struct bl_rule *rule = policy->rules;

	assert_int_equal(rule->ops, 1 << BL_OP_EXEC | 1 << BL_OP_OPEN | 1 << BL_OP_CONNECT);
	assert_int_equal(rule->severity, BL_SEVERITY_MEDIUM);
	assert_null(rule->message);
	assert_null(rule->notes);
	assert_int_equal(rule->n_attack + rule->n_unless, 0);
	assert_int_equal(rule->match.access, BL_ACCESS_ANY);
	assert_int_equal(rule->match.protocols, BL_PROTO_ANY);
	assert_false(rule->match.has_path || rule->match.has_to || rule->match.has_exe);
	bl_policy_free(policy);
}

static void expect_net(const struct bl_net *net, const char *address, uint8_t prefix)
{
	uint8_t family = strchr(address, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16] = { 0 };

	inet_pton(family, address, addr);
	assert_int_equal(net->family, family);
	assert_memory_equal(net->addr, addr, sizeof(addr));
	assert_int_equal(net->prefix, prefix);
}

static void test_connect(void **state)
{
	struct bl_policy *policy = parse_good(CONNECT(
		"'to': ['192.0.2.1', '10.0.0.0/8', '2001:DB8::/32', '::ffff:192.0.2.0/120', "
		"'0.0.0.0/0', '::/0', '::ffff:0:0/96'], 'port': [443, '8000-8100', 0, 442, "
		"'444-500', 65535], 'protocol': ['tcp', 'icmp']"));
	const struct bl_match *match = &policy->rules->match;

	assert_true(match->has_to && match->has_ports);
	assert_false(match->to_any);
	assert_int_equal(match->to.count, 7);
	expect_net(&match->to.items[0], "192.0.2.1", 32);
	expect_net(&match->to.items[1], "10.0.0.0", 8);
	expect_net(&match->to.items[2], "2001:db8::", 32);
	expect_net(&match->to.items[3], "192.0.2.0", 24);
	expect_net(&match->to.items[4], "0.0.0.0", 0);
	expect_net(&match->to.items[5], "::", 0);
	expect_net(&match->to.items[6], "0.0.0.0", 0);
	assert_int_equal(match->ports.count, 4);
	assert_int_equal(match->ports.items[1].first, 442);
	assert_int_equal(match->ports.items[1].last, 500);
	assert_int_equal(match->ports.items[3].first, 65535);
	assert_int_equal(match->protocols, BL_PROTO_TCP | BL_PROTO_ICMP);
	bl_policy_free(policy);
}

static void test_any(void **state)
{
	struct bl_policy *policy = parse_good("{'bailiff': 1, 'lists': {'l': ['any', '::1']}, "
					      "'rules': [{'id': 'a', 'on': 'connect', "
					      "'action': 'deny', 'to': 'any'}, {'id': 'b', "
					      "'on': 'connect', 'action': 'deny', "
					      "'to': ['127.0.0.1', '@l']}]}");

	assert_true(policy->rules[0].match.has_to && policy->rules[0].match.to_any);
	assert_int_equal(policy->rules[0].match.to.count, 0);
	assert_true(policy->rules[1].match.to_any);
	assert_int_equal(policy->rules[1].match.to.count, 2);
	bl_policy_free(policy);
}

/* A connect to the any-address reaches this host; so does the rule. */
static void test_any_address(void **state)
{
	struct policy_text text = policy_text(CONNECT("'to': ['0.0.0.0', '::', '::ffff:0.0.0.0', "
						      "'0.0.0.0/32', '::/128', '0.0.0.0/31']"));
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };
	const struct bl_net *to;

	assert_int_equal(policy_text_parse(&text, &diags, &policy), 0);
	assert_int_equal(diags.count, 5);
	for (size_t i = 0; i < diags.count; i++) {
		assert_int_equal(diags.items[i].level, BL_DIAG_NOTE);
		assert_string_equal(diags.items[i].code, "any-address");
	}
	to = policy->rules->match.to.items;
	expect_net(&to[0], "127.0.0.1", 32);
	expect_net(&to[1], "::1", 128);
	expect_net(&to[2], "127.0.0.1", 32);
	expect_net(&to[3], "127.0.0.1", 32);
	expect_net(&to[4], "::1", 128);
	expect_net(&to[5], "0.0.0.0", 31);
	bl_diags_clear(&diags);
	bl_policy_free(policy);
	free(text.bytes);
}

static void test_paths(void **state)
{
	struct bl_policy *policy = parse_good(EXEC(
		"'path': ['/', '/**', '/a b/\\u00fc', '/new\\nline', '/\\\\xff\\\\xfe', '/\\\\*', "
		"'/.../x', '/{a,b}', '/[a-z]?']"));
	const struct bl_patterns *path = &policy->rules->match.path;
	static const bool literal[] = { true, false, true, true, true, true, true, false, false };

	assert_int_equal(path->count, BL_ARRAY_SIZE(literal));
	for (size_t i = 0; i < path->count; i++)
		assert_int_equal(path->items[i].literal, literal[i]);
	assert_string_equal(path->items[4].text, "/\\xff\\xfe");
	bl_policy_free(policy);
}

static void test_embedded_tests(void **state)
{
	struct bl_policy *policy = parse_good(TEST(
		"{'on': 'exec', 'path': '/x', 'by': {'exe': '/y\\\\*', 'uid': 33, 'gid': [4]}, "
		"'expect': 'would-deny', 'rule': 'r'}, "
		"{'on': 'open', 'path': ['/\\\\xff'], 'access': ['write', 'create'], "
		"'expect': 'allow'}, "
		"{'on': 'open', 'path': '/x', 'expect': 'alert'}, "
		"{'on': 'connect', 'to': '::1', 'port': 65535, 'expect': 'deny'}, "
		"{'on': 'connect', 'to': '::ffff:1.2.3.4', 'protocol': 'icmp', 'expect': 'deny'}"));
	const struct bl_test *test = policy->tests;

	assert_int_equal(policy->n_tests, 5);
	assert_int_equal(test[0].op, BL_OP_EXEC);
	assert_string_equal(test[0].path, "/x");
	assert_string_equal(test[0].exe, "/y*");
	assert_int_equal(test[0].uid, 33);
	assert_int_equal(test[0].gid, 4);
	assert_int_equal(test[0].expect, BL_VERDICT_WOULD_DENY);
	assert_string_equal(test[0].rule, "r");
	assert_string_equal(test[1].path, "/\xff");
	assert_int_equal(test[1].access, BL_ACCESS_WRITE | BL_ACCESS_CREATE);
	assert_int_equal(test[1].expect, BL_VERDICT_ALLOW);
	assert_null(test[1].rule);
	assert_null(test[1].exe);
	assert_int_equal(test[2].access, BL_ACCESS_READ);
	assert_int_equal(test[2].index, 2);
	assert_int_equal(test[3].protocol, BL_PROTO_TCP);
	assert_int_equal(test[3].port, 65535);
	expect_net(&test[4].to, "1.2.3.4", 32);
	assert_int_equal(test[4].protocol, BL_PROTO_ICMP);
	bl_policy_free(policy);
}

static void test_facts(void **state)
{
	struct bl_policy *policy = parse_good(
		"{'bailiff': 1, 'rules': [{'id': 'a', 'on': 'exec', 'action': 'kill', 'file': "
		"['memfd', 'deleted', 'tmpfs', 'setuid', 'writable-by-others', 'script'], 'unless': "
		"{'file': 'script'}}, {'id': 'b', 'on': 'exec', 'action': 'alert', 'path': '/x'}], "
		"'tests': [{'on': 'exec', 'file': ['memfd', 'script'], 'expect': 'would-kill'}, "
		"{'on': 'exec', 'path': '/x', 'file': 'setuid', 'expect': 'allow'}]}");

	assert_int_equal(policy->rules[0].action, BL_ACTION_KILL);
	assert_int_equal(policy->rules[0].match.facts, BL_FACT_ANY);
	assert_false(policy->rules[0].match.has_path);
	assert_int_equal(policy->rules[0].unless[0].facts, BL_FACT_SCRIPT);
	assert_int_equal(policy->rules[1].match.facts, 0);
	assert_int_equal(policy->tests[0].facts, BL_FACT_MEMFD | BL_FACT_SCRIPT);
	assert_null(policy->tests[0].path);
	assert_int_equal(policy->tests[0].expect, BL_VERDICT_WOULD_KILL);
	assert_int_equal(policy->tests[1].facts, BL_FACT_SETUID);
	bl_policy_free(policy);
}

static void test_args(void **state)
{
	struct bl_policy *policy = parse_good(
		"{'bailiff': 1, 'lists': {'l': ['-x', '\\\\@y']}, 'rules': [{'id': 'a', 'on': 'exec', "
		"'action': 'kill', 'args': ['@l', '*=*']}], 'tests': [{'on': 'exec', 'path': '/x', "
		"'args': ['', 'a b'], 'expect': 'allow'}]}");
	const struct bl_match *match = &policy->rules[0].match;

	assert_true(match->has_args);
	assert_int_equal(match->args.count, 3);
	assert_string_equal(match->args.items[0].text, "=-x");
	assert_string_equal(match->args.items[1].text, "=\\@y");
	assert_string_equal(match->args.items[2].text, "=*=*");
	assert_int_equal(policy->tests[0].n_args, 2);
	assert_int_equal(policy->tests[0].args_len, 5);
	assert_memory_equal(policy->tests[0].args, "\0a b", 5);
	bl_policy_free(policy);
}

/* ---- lists -------------------------------------------------------------------------------- */

static void test_lists(void **state)
{
	struct bl_policy *policy = parse_good(
		"{'bailiff': 1, 'lists': {'shells': ['/bin/sh', '@more'], 'more': '/bin/zsh', "
		"'both': ['@shells', '@more', '/x'], 'ports': [80, '443-444'], 'ids': [0, '@ports']}, "
		"'rules': [{'id': 'a', 'on': 'exec', 'action': 'deny', 'path': '@shells'}, "
		"{'id': 'b', 'on': 'exec', 'action': 'deny', 'path': ['@shells'], "
		"'by': {'exe': '@shells', 'uid': '@ids', 'gid': ['@ids', 5]}, "
		"'unless': {'path': '@shells'}}, "
		"{'id': 'c', 'on': 'exec', 'action': 'deny', 'path': ['/a', '@both']}, "
		"{'id': 'd', 'on': 'connect', 'action': 'deny', 'port': '@ports'}]}");
	const struct bl_rule *rules = policy->rules;

	/* One array for all that use the list alone. */
	assert_int_equal(rules[0].match.path.count, 2);
	assert_ptr_equal(rules[0].match.path.items, rules[1].match.path.items);
	assert_ptr_equal(rules[0].match.path.items, rules[1].match.exe.items);
	assert_ptr_equal(rules[0].match.path.items, rules[1].unless->path.items);
	assert_int_equal(rules[0].match.path.items[0].place.column, 37);
	assert_int_equal(rules[2].match.path.count, 5);
	assert_string_equal(rules[2].match.path.items[0].text, "/a");
	assert_string_equal(rules[2].match.path.items[2].text, "/bin/zsh");
	assert_int_equal(rules[1].match.uids.count, 3);
	assert_int_equal(rules[1].match.gids.count, 4);
	assert_int_equal(rules[3].match.ports.count, 2);
	bl_policy_free(policy);
}

/* A list that has the one before it, once with a value beside it or twice, and so on. */
static char *many_lists(size_t levels, bool twice)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("{'bailiff': 1, 'lists': {", out);
	for (size_t i = 0; i < levels; i++)
		fprintf(out, "'l%zu': ['@l%zu', '%sl%zu'],", i + 1, i, twice ? "@" : "/", i);
	fputs("'l0': ['/x', '/y']}, 'rules': [{'id': 'a', 'on': 'exec', 'action': 'deny', ", out);
	fprintf(out, "'path': '@l%zu'}]}", levels);
	fclose(out);
	return text;
}

static void expect_code(const char *marked, const char *code)
{
	struct policy_text text = policy_text(marked);
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	assert_int_equal(policy_text_parse(&text, &diags, &policy), -EINVAL);
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.items[0].code, code);
	bl_diags_clear(&diags);
	free(text.bytes);
}

static void test_list_limits(void **state)
{
	char *text = many_lists(BL_LIST_DEPTH_MAX - 1, false);

	bl_policy_free(parse_good(text));
	free(text);
	text = many_lists(BL_LIST_DEPTH_MAX, false);
	expect_code(text, "too-deep");
	free(text);
	/* Each twice as long as the one before: 2^31 paths are not even tried. */
	text = many_lists(BL_LIST_DEPTH_MAX - 2, true);
	expect_code(text, "too-many-values");
	free(text);
}

/* The depth of a list does not depend on the order in which lists are written. */
static void test_list_depth_order(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("{'bailiff': 1, 'lists': {'l0': ['/x']", out);
	for (int i = 1; i < 100000; i++)
		fprintf(out, ",'l%d': ['@l%d']", i, i - 1);
	fputs("}, 'rules': []}", out);
	fclose(out);
	for (char *at = text; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	{
		struct bl_source source = { .path = "p", .bytes = text, .len = size };
		struct bl_diags diags = { 0 };
		struct bl_policy *policy = NULL;

		assert_int_equal(bl_policy_parse(&source, 1, NULL, &diags, &policy), -EINVAL);
		assert_string_equal(diags.items[0].code, "too-deep");
		bl_diags_clear(&diags);
	}
	free(text);
}

static void test_cycle_is_named(void **state)
{
	struct policy_text text =
		policy_text(LISTS("'x': ['@a'], 'a': ['@b'], 'b': ['/y', '@c'], 'c': ['@a']"));
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	assert_int_equal(policy_text_parse(&text, &diags, &policy), -EINVAL);
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.items[0].message, "a list contains itself: @a -> @b -> @c -> @a");
	bl_diags_clear(&diags);
	free(text.bytes);
}

/* ---- sets of files ------------------------------------------------------------------------ */

static const char first_file[] =
	"{\"bailiff\": 1, \"mode\": \"enforce\", \"lists\": {\"l\": \"/l\"},"
	"\n\"rules\": [{\"id\": \"a\", \"on\": \"exec\", \"path\": \"@l\", "
	"\"action\": \"deny\"}]}";

static int parse_second(const char *second, struct bl_diags *diags, struct bl_policy **ret)
{
	struct bl_source sources[] = {
		{ .path = "/etc/b/10-a.json", .bytes = first_file, .len = strlen(first_file) },
		{ .path = "20-b", .bytes = second, .len = strlen(second) },
	};

	return bl_policy_parse(sources, 2, NULL, diags, ret);
}

static void test_set(void **state)
{
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	assert_int_equal(
		parse_second("{\"bailiff\": 1, \"rules\": [{\"id\": \"b\", \"on\": \"exec\", "
			     "\"action\": \"alert\"}], \"tests\": [{\"on\": \"exec\", \"path\": "
			     "\"/l\", \"expect\": \"deny\", \"rule\": \"a\"}]}",
			     &diags, &policy),
		0);
	assert_int_equal(diags.count, 0);
	assert_int_equal(policy->n_files, 2);
	assert_string_equal(policy->files[0].name, "10-a");
	assert_string_equal(policy->files[1].name, "20-b");
	assert_int_equal(policy->n_rules, 2);
	assert_int_equal(policy->rules[1].file, 1);
	assert_int_equal(policy->rules[1].index, 0);
	assert_int_equal(policy->rules[0].match.path.items->place.file, 0);
	bl_policy_free(policy);
}

static void test_set_faults(void **state)
{
	static const struct {
		const char *text, *code, *hint;
	} wrong[] = {
		{ "{\"bailiff\": 1, \"rules\": [{\"id\": \"a\", \"on\": \"exec\", \"action\": \"alert\"}]}",
		  "duplicate-id", "/etc/b/10-a.json:2:11" },
		{ "{\"bailiff\": 1", "truncated", NULL },
		{ "", "empty-file", NULL },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(wrong); i++) {
		struct bl_policy *policy = NULL;
		struct bl_diags diags = { 0 };

		assert_int_equal(parse_second(wrong[i].text, &diags, &policy), -EINVAL);
		assert_null(policy);
		assert_int_equal(diags.count, 1);
		assert_string_equal(diags.items[0].code, wrong[i].code);
		assert_string_equal(diags.items[0].file, "20-b");
		if (wrong[i].hint)
			assert_non_null(strstr(diags.items[0].hint, wrong[i].hint));
		bl_diags_clear(&diags);
	}
}

static void test_too_many_files(void **state)
{
	struct bl_source *sources = calloc(BL_FILES_MAX + 1, sizeof(*sources));
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	for (size_t i = 0; i <= BL_FILES_MAX; i++)
		sources[i] =
			(struct bl_source){ .path = "p", .bytes = "{\"bailiff\":1}", .len = 13 };
	assert_int_equal(bl_policy_parse(sources, BL_FILES_MAX, NULL, &diags, &policy), 0);
	bl_policy_free(policy);
	assert_int_equal(bl_policy_parse(sources, BL_FILES_MAX + 1, NULL, &diags, &policy),
			 -EINVAL);
	assert_string_equal(diags.items[0].code, "too-many-files");
	bl_diags_clear(&diags);
	assert_int_equal(bl_policy_parse(NULL, 0, NULL, &diags, &policy), 0);
	bl_policy_free(policy);
	free(sources);
}

/* One error must not hide the next, in the same file or in another one. */
static void test_all_errors(void **state)
{
	static const char *const codes[] = { "unknown-value", "unknown-key", "out-of-range",
					     "missing-key",   "bad-prefix",  "bad-number" };
	static const char first[] =
		"{\"bailiff\": 1, \"mode\": \"x\",\n \"rules\": [\n"
		"{\"id\": \"a\", \"on\": \"exec\", \"action\": \"deny\", \"pth\": 1},\n"
		"{\"id\": \"b\", \"on\": \"connect\", \"action\": \"deny\", "
		"\"port\": 70000},\n{\"id\": \"c\", \"on\": \"connect\", "
		"\"to\": \"::/200\"}]}";
	static const char second[] = "{\"bailiff\": 01}";
	struct bl_source sources[] = {
		{ .path = "a", .bytes = first, .len = strlen(first) },
		{ .path = "b", .bytes = second, .len = strlen(second) },
	};
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };
	size_t next = 0;

	assert_int_equal(bl_policy_parse(sources, 2, NULL, &diags, &policy), -EINVAL);
	for (size_t i = 0; i < diags.count; i++) {
		if (diags.items[i].level != BL_DIAG_ERROR)
			continue;
		assert_string_equal(diags.items[i].code, codes[next]);
		next++;
	}
	assert_int_equal(next, BL_ARRAY_SIZE(codes));
	bl_diags_clear(&diags);
}

/* ---- limits ------------------------------------------------------------------------------- */

/* A text with so many letters in the place of its '%'. */
static char *with_long(const char *text, size_t len)
{
	_cleanup_free_ char *letters = malloc(len + 1);
	const char *place = strchr(text, '%');

	memset(letters, 'a', len);
	letters[len] = '\0';
	return bl_format("%.*s%s%s", (int)(place - text), text, letters, place + 1);
}

static void expect_limit(const char *text, size_t limit, const char *code)
{
	_cleanup_free_ char *good = with_long(text, limit), *wrong = with_long(text, limit + 1);

	bl_policy_free(parse_good(good));
	expect_code(wrong, code);
}

static void test_text_limits(void **state)
{
	expect_limit(RULES("{'id': '%', 'on': 'exec', 'action': 'alert'}"), BL_ID_BYTES_MAX,
		     "bad-name");
	expect_limit(EXEC("'path': '/x', 'message': '%'"), BL_TEXT_BYTES_MAX, "text-too-long");
	expect_limit(TOP("'description': '%'"), BL_TEXT_BYTES_MAX, "text-too-long");
	expect_limit(EXEC("'path': '/x', 'description': '%'"), BL_TEXT_BYTES_MAX, "text-too-long");
	expect_limit(EXEC("'path': '/x', 'false-positives': '%'"), BL_TEXT_BYTES_MAX,
		     "text-too-long");
	expect_limit(EXEC("'path': '/x', 'tuning': '%'"), BL_TEXT_BYTES_MAX, "text-too-long");
	expect_limit(EXEC("'path': '/%'"), 255, "bad-path");
}

static void test_path_limit(void **state)
{
	char path[BL_PATTERN_BYTES_MAX + 1];
	char *text;

	for (size_t i = 0; i < BL_PATTERN_BYTES_MAX; i++)
		path[i] = i % 200 ? 'a' : '/';
	path[BL_PATTERN_BYTES_MAX] = '\0';
	text = bl_format(EXEC("'path': '%s'"), path);
	expect_code(text, "path-too-long");
	free(text);
	path[BL_PATTERN_BYTES_MAX - 1] = '\0';
	text = bl_format(EXEC("'path': '%s'"), path);
	bl_policy_free(parse_good(text));
	free(text);
}

static char *repeat(const char *before, const char *item, size_t count, const char *after)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(before, out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "", item);
	fputs(after, out);
	fclose(out);
	return text;
}

static void expect_count_limit(const char *before, const char *item, size_t limit,
			       const char *after)
{
	char *text = repeat(before, item, limit, after);

	bl_policy_free(parse_good(text));
	free(text);
	text = repeat(before, item, limit + 1, after);
	expect_code(text, "too-many-values");
	free(text);
}

#define EXEC_BEFORE "{'bailiff': 1, 'rules': [{'id': 'r', 'on': 'exec', 'action': 'deny', "

static void test_count_limits(void **state)
{
	expect_count_limit(EXEC_BEFORE "'unless': [", "{'by': {'uid': 0}}", BL_EXCEPTS_MAX, "]}]}");
	expect_count_limit(EXEC_BEFORE "'path': '/x', 'attack': [", "'T1059'", BL_ATTACK_MAX,
			   "]}]}");
}

/* What is only counted must take no time: 100,000 notes, each at the end of a long list. */
static void test_many_notes(void **state)
{
	char *marked = repeat("{'bailiff': 1, 'rules': [{'id': 'a', 'on': 'connect', "
			      "'action': 'deny', 'to': [",
			      "'0.0.0.0'", 100000, "]}]}");
	struct policy_text text = policy_text(marked);
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	assert_int_equal(policy_text_parse(&text, &diags, &policy), 0);
	assert_int_equal(diags.count, BL_DIAGS_MAX / 2);
	assert_int_equal(diags.dropped, 100000 - BL_DIAGS_MAX / 2);
	bl_diags_clear(&diags);
	bl_policy_free(policy);
	free(text.bytes);
	free(marked);
}

/* Errors are counted beyond what is kept, and take no longer for it. */
static void test_many_errors(void **state)
{
	char *marked = repeat("{'bailiff': 1, 'rules': [", "{'id': 7}", 20000, "]}");
	struct policy_text text = policy_text(marked);
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };

	assert_int_equal(policy_text_parse(&text, &diags, &policy), -EINVAL);
	assert_int_equal(diags.count, BL_DIAGS_MAX);
	assert_int_equal(diags.errors, 3 * 20000);
	bl_diags_clear(&diags);
	free(text.bytes);
	free(marked);
}

static void test_words(void **state)
{
	assert_string_equal(bl_op_name(BL_OP_CONNECT), "connect");
	assert_string_equal(bl_verdict_name(BL_VERDICT_WOULD_DENY), "would-deny");
	assert_string_equal(bl_verdict_name(BL_VERDICT_KILL), "kill");
	assert_string_equal(bl_severity_name(BL_SEVERITY_INFO), "info");
	assert_string_equal(bl_mode_name(BL_MODE_ENFORCE), "enforce");
	assert_string_equal(bl_action_name(BL_ACTION_ALERT), "alert");
	assert_string_equal(bl_action_name(BL_ACTION_KILL), "kill");
	assert_null(bl_op_name(_BL_OP_MAX));
	assert_null(bl_verdict_name(BL_VERDICT_UNSET));
	assert_null(bl_severity_name(0));
	assert_null(bl_mode_name(_BL_MODE_MAX));
	assert_null(bl_action_name(0));
}

static void test_nearest(void **state)
{
	static const struct {
		const char *text, *candidate;
		bool near;
	} pairs[] = {
		{ "pth", "path", true },
		{ "apth", "path", true },
		{ "PATH", "path", true },
		{ "paths", "path", true },
		{ "pahts", "path", false },
		{ "by", "on", false },
		{ "severty", "severity", true },
		{ "x", "on", false },
		{ "", "on", false },
		{ "protokoll", "protocol", true },
		{ "uid", "gid", true },
		{ "a", "b", false },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(pairs); i++) {
		struct bl_nearest nearest = { 0 };

		bl_nearest_offer(&nearest, pairs[i].text, pairs[i].candidate);
		if (!!nearest.name != pairs[i].near)
			fail_msg("%s and %s", pairs[i].text, pairs[i].candidate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_any_address),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_embedded_tests),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_list_limits),
		cmocka_unit_test(test_list_depth_order),
		cmocka_unit_test(test_cycle_is_named),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_faults),
		cmocka_unit_test(test_too_many_files),
		cmocka_unit_test(test_all_errors),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_path_limit),
		cmocka_unit_test(test_count_limits),
		cmocka_unit_test(test_many_notes),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
