/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a set share: lists, files of entries, names of accounts, profiles, adjustments. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base.h"
#include "policy_text.h"

#define TEXTS_MAX 4

/* Policies and files of entries as texts, and what became of them. */
struct set {
	struct policy_text texts[TEXTS_MAX];
	struct bl_source sources[TEXTS_MAX];
	struct bl_source entries;
	size_t n_reads;
	struct bl_diags diags;
	struct bl_policy *policy;
};

static int find_account(void *userdata, enum bl_account account, const char *name, uint32_t *ret)
{
	static const struct {
		enum bl_account account;
		const char *name;
		uint32_t id;
	} known[] = {
		{ BL_ACCOUNT_USER, "web", 33 },
		{ BL_ACCOUNT_GROUP, "web", 34 },
		{ BL_ACCOUNT_USER, "a-b_c.d", 7 },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(known); i++) {
		if (known[i].account == account && strcmp(known[i].name, name) == 0) {
			*ret = known[i].id;
			return 0;
		}
	}
	return strcmp(name, "unreadable") == 0 ? -EACCES : -ENOENT;
}

static int read_entries(void *userdata, const char *path, const struct bl_source **ret,
			const char **reterr_why)
{
	struct set *set = userdata;

	set->n_reads++;
	if (strcmp(path, "/lists/loose") == 0) {
		*reterr_why = "others can write it";
		return -EINVAL;
	}
	if (strcmp(path, "/lists/a") != 0)
		return -ENOENT;
	*ret = &set->entries;
	return 0;
}

/* entries is the file /lists/a; the policies are 0.json, 1.json, ... up to NULL. */
static int parse(struct set *set, const char *entries, const char *const *policies)
{
	static const char *const names[TEXTS_MAX] = { "0.json", "1.json", "2.json", "3.json" };
	const struct bl_policy_host host = {
		.find_account = find_account,
		.read_entries = read_entries,
		.userdata = set,
	};
	size_t n = 0;

	*set = (struct set){ .entries = { .path = "/lists/a",
					  .bytes = entries,
					  .len = entries ? strlen(entries) : 0 } };
	for (; policies[n]; n++) {
		set->texts[n] = policy_text(policies[n]);
		set->sources[n] = (struct bl_source){ .path = names[n],
						      .bytes = set->texts[n].bytes,
						      .len = set->texts[n].len };
	}
	return bl_policy_parse(set->sources, n, &host, &set->diags, &set->policy);
}

#define PARSE(set, entries, ...) parse(set, entries, (const char *const[]){ __VA_ARGS__, NULL })

static void clear(struct set *set)
{
	bl_diags_clear(&set->diags);
	bl_policy_free(set->policy);
	for (size_t i = 0; i < TEXTS_MAX; i++)
		free(set->texts[i].bytes);
}

/* The first diagnostic, which must be there. */
static void expect(const struct set *set, const char *code, const char *file, uint32_t line,
		   uint32_t column)
{
	const struct bl_diag *diag = set->diags.items;

	assert_true(set->diags.count > 0);
	if (strcmp(diag->code, code) != 0 || strcmp(diag->file, file) != 0 || diag->line != line ||
	    diag->column != column)
		fail_msg("%s:%u:%u: %s [%s]", diag->file, diag->line, diag->column, diag->message,
			 diag->code);
}

#define RULE(id, keys) "{'id': '" id "', 'on': 'exec', 'action': 'deny', " keys "}"

/* ---- lists of other files ----------------------------------------------------------------- */

static void test_lists_are_shared(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, NULL, RULES(RULE("a", "'path': '@tools'")),
			       LISTS("'tools': ['/b', '@more']"), LISTS("'more': '/c'")),
			 0);
	assert_int_equal(set.diags.count, 0);
	assert_int_equal(set.policy->rules[0].match.path.count, 2);
	assert_string_equal(set.policy->rules[0].match.path.items[1].text, "/c");
	assert_int_equal(set.policy->rules[0].match.path.items[0].place.file, 1);
	assert_int_equal(set.policy->rules[0].match.path.items[1].place.file, 2);
	clear(&set);
}

static void test_own_list_comes_first(void **state)
{
	struct set set;

	assert_int_equal(
		PARSE(&set, NULL, LISTS("'l': '/theirs'"),
		      TOP("'lists': {'l': '/ours'}, 'rules': [" RULE("a", "'path': '@l'") "]")),
		0);
	assert_string_equal(set.policy->rules[0].match.path.items[0].text, "/ours");
	expect(&set, "unused-list", "0.json", 1, 26);
	clear(&set);
	assert_int_equal(PARSE(&set, NULL, LISTS("'l': '/x'"), LISTS("'l': '/y'"),
			       RULES(RULE("a", "'path': '@l'"))),
			 -EINVAL);
	expect(&set, "ambiguous-list", "2.json", 1, 78);
	assert_non_null(strstr(set.diags.items[0].hint, "0.json and 1.json"));
	clear(&set);
}

static void test_cycle_over_files(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, NULL, LISTS("'a': ['/x', '@b']"), LISTS("'b': '@a'"),
			       RULES(RULE("r", "'path': '@a'"))),
			 -EINVAL);
	expect(&set, "list-cycle", "1.json", 1, 31);
	assert_string_equal(set.diags.items[0].message, "a list contains itself: @a -> @b -> @a");
	assert_int_equal(set.diags.count, 1);
	clear(&set);
}

/* What is wrong with a value is told where it stands, whoever uses it. */
static void test_fault_in_a_shared_list(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, NULL, RULES(RULE("r", "'path': ['@l', 'y']")),
			       LISTS("'l': ['/x', 'x']")),
			 -EINVAL);
	assert_int_equal(set.diags.count, 2);
	expect(&set, "relative-path", "0.json", 1, 85);
	assert_string_equal(set.diags.items[1].file, "1.json");
	assert_string_equal(set.diags.items[1].pointer, "/lists/l/1");
	clear(&set);
}

/* ---- files of entries --------------------------------------------------------------------- */

static void test_entries(void **state)
{
	struct set set;
	const struct bl_match *match;

	assert_int_equal(
		PARSE(&set,
		      "# bad hosts\n\n192.0.2.1\r\n  10.0.0.0/8   # ours\n\t::1\n#x\n2001:db8::/32",
		      RULES("{'id': 'r', 'on': 'connect', 'action': 'deny', 'to': "
			    "['@file:/lists/a', '192.0.2.9'], 'unless': {'to': '@file:/lists/a'}}")),
		0);
	assert_int_equal(set.diags.count, 0);
	assert_int_equal(set.n_reads, 1);
	match = &set.policy->rules[0].match;
	assert_int_equal(match->to.count, 5);
	assert_int_equal(match->to.items[1].prefix, 8);
	assert_int_equal(match->to.items[1].place.file, 1);
	assert_int_equal(match->to.items[1].place.line, 4);
	assert_int_equal(match->to.items[1].place.column, 3);
	assert_string_equal(set.policy->files[1].path, "/lists/a");
	assert_int_equal(set.policy->n_files, 1);
	assert_int_equal(set.policy->n_texts, 2);
	assert_int_equal(set.policy->rules[0].unless[0].to.count, 4);
	clear(&set);
}

static void test_entries_of_numbers(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, "80\n443 # tls\n8000-8100\n",
			       TOP("'lists': {'ports': ['@file:/lists/a', 22]}, 'rules': [{'id': "
				   "'r', 'on': 'connect', 'action': 'deny', 'port': '@ports'}]")),
			 0);
	assert_int_equal(set.diags.count, 0);
	assert_int_equal(set.policy->rules[0].match.ports.count, 4);
	assert_int_equal(set.policy->rules[0].match.ports.items[0].first, 22);
	clear(&set);
}

static void test_entries_with_blanks_and_marks(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, "/with blank/x#y\n/\\x23z\n",
			       RULES(RULE("r", "'path': '@file:/lists/a'"))),
			 0);
	assert_string_equal(set.policy->rules[0].match.path.items[0].text, "/with blank/x#y");
	clear(&set);
}

static void test_faults_in_entries(void **state)
{
	static const struct {
		const char *entries, *code;
		uint32_t line, column;
	} wrong[] = {
		{ "/x\nrelative\n", "relative-path", 2, 1 },
		{ "/x\n  @l\n", "bad-entry", 2, 3 },
		{ "/x\n/\xff\n", "not-utf8", 2, 1 },
		{ "7\n", "wrong-type", 1, 1 },
	};
	struct set set;

	for (size_t i = 0; i < BL_ARRAY_SIZE(wrong); i++) {
		assert_int_equal(PARSE(&set, wrong[i].entries,
				       RULES(RULE("r", "'path': '@file:/lists/a'"))),
				 -EINVAL);
		assert_int_equal(set.diags.count, 1);
		expect(&set, wrong[i].code, "/lists/a", wrong[i].line, wrong[i].column);
		clear(&set);
	}
	/* Each is read once and told once, and where it is named. */
	assert_int_equal(
		PARSE(&set, NULL,
		      RULES(RULE("r", "'path': ['@file:/lists/loose', '@file:/lists/loose']"))),
		-EINVAL);
	assert_int_equal(set.diags.count, 1);
	assert_int_equal(set.n_reads, 1);
	expect(&set, "unreadable", "0.json", 1, 79);
	assert_non_null(strstr(set.diags.items[0].message, "others can write it"));
	clear(&set);
}

/* A rule about what a file lists, and the file lists nothing: it must not be about everything. */
static void test_empty_file_of_entries(void **state)
{
	struct set set;

	assert_int_equal(
		PARSE(&set, "# none today\n",
		      TOP("'lists': {'l': '@file:/lists/a'}, 'rules': [" RULE("a", "'path': '@file:/lists/a'") ", " RULE(
			      "b", "'path': '/x', 'unless': [{'path': '@l'}, {'path': "
				   "'/y'}]") ", " RULE("c", "'path': ['@l', '/x']") "]")),
		0);
	assert_int_equal(set.diags.count, 1);
	expect(&set, "no-entries", "0.json", 1, 31);
	assert_int_equal(set.policy->n_rules, 2);
	assert_string_equal(set.policy->rules[0].id, "b");
	assert_int_equal(set.policy->rules[0].n_unless, 1);
	assert_int_equal(set.policy->rules[1].match.path.count, 1);
	clear(&set);
}

/* ---- accounts ----------------------------------------------------------------------------- */

static void test_accounts(void **state)
{
	struct set set;
	const struct bl_match *match;

	assert_int_equal(
		PARSE(&set, NULL,
		      TOP("'lists': {'w': ['web', 5]}, 'rules': [" RULE(
			      "r", "'path': '/x', 'by': {'uid': ['@w', 'a-b_c.d'], 'gid': "
				   "'@w'}") "], 'tests': [{'on': 'exec', 'path': '/x', 'by': "
					    "{'uid': 'web'}, 'expect': 'allow'}]")),
		0);
	assert_int_equal(set.diags.count, 0);
	match = &set.policy->rules[0].match;
	assert_int_equal(match->uids.count, 3);
	assert_int_equal(match->uids.items[1].first, 7);
	assert_int_equal(match->uids.items[2].first, 33);
	assert_int_equal(match->gids.items[1].first, 34);
	assert_int_equal(set.policy->tests[0].uid, 33);
	clear(&set);
}

static void test_unknown_account_is_nobody(void **state)
{
	struct set set;

	assert_int_equal(
		PARSE(&set, NULL,
		      RULES(RULE("r", "'path': '/x', 'by': {'uid': 'gone'}, 'unless': {'by': "
				      "{'gid': 'unreadable'}}"))),
		0);
	assert_int_equal(set.diags.count, 2);
	expect(&set, "unknown-account", "0.json", 1, 98);
	assert_true(set.policy->rules[0].match.has_uids);
	assert_int_equal(set.policy->rules[0].match.uids.count, 0);
	assert_true(set.policy->rules[0].unless[0].has_gids);
	assert_int_equal(set.policy->rules[0].unless[0].gids.count, 0);
	clear(&set);
}

/* ---- profiles ----------------------------------------------------------------------------- */

static void test_profile(void **state)
{
	struct set set;
	const struct bl_rule *rule;

	assert_int_equal(
		PARSE(&set, NULL,
		      TOP("'mode': 'enforce', 'lists': {'libs': ['/lib/**', '/usr/lib/**']}, "
			  "'profiles': [{'id': 'web', 'by': {'uid': 'web'}, 'otherwise': 'kill', "
			  "'severity': 'high', 'allow': {'exec': ['/x', '@libs'], 'open': ['/a/**', "
			  "{'path': '/b', 'access': 'read'}], 'connect': []}}], "
			  "'tests': [{'on': 'exec', 'path': '/z', 'expect': 'kill', 'rule': "
			  "'web/exec'}]")),
		0);
	assert_int_equal(set.diags.count, 0);
	assert_int_equal(set.policy->n_rules, 3);
	rule = &set.policy->rules[0];
	assert_string_equal(rule->id, "web/exec");
	assert_int_equal(rule->ops, BL_OP_BIT(BL_OP_EXEC));
	assert_int_equal(rule->action, BL_ACTION_KILL);
	assert_int_equal(rule->severity, BL_SEVERITY_HIGH);
	assert_int_equal(rule->match.uids.items[0].first, 33);
	assert_false(rule->match.has_path);
	assert_int_equal(rule->n_unless, 1);
	assert_int_equal(rule->unless[0].path.count, 3);
	rule = &set.policy->rules[1];
	assert_string_equal(rule->id, "web/open");
	assert_int_equal(rule->n_unless, 2);
	assert_int_equal(rule->unless[0].access, BL_ACCESS_ANY);
	assert_int_equal(rule->unless[1].access, BL_ACCESS_READ);
	rule = &set.policy->rules[2];
	assert_string_equal(rule->id, "web/connect");
	assert_int_equal(rule->n_unless, 0);
	assert_true(rule->match.families == BL_FAMILIES_ANY);
	clear(&set);
}

static void test_profile_of_nested_names(void **state)
{
	static const char *const allowed[] = {
		"{'open': ['/a', ['/b', '/c']]}",
		"{'open': ['/a', ['/b', '/c'], {'access': 'read'}]}",
		"{'connect': [['192.0.2.1'], {'port': 1}]}",
	};
	struct set set;

	for (size_t i = 0; i < BL_ARRAY_SIZE(allowed); i++) {
		char text[256];

		snprintf(text, sizeof(text), ALLOW("%s"), allowed[i]);
		assert_int_equal(PARSE(&set, NULL, text), -EINVAL);
		assert_int_equal(set.diags.count, 1);
		assert_string_equal(set.diags.items[0].code, "wrong-type");
		clear(&set);
	}
}

/* ---- adjustments -------------------------------------------------------------------------- */

static void test_adjust(void **state)
{
	struct set set;
	const struct bl_rule *rule;

	assert_int_equal(
		PARSE(&set, NULL,
		      TOP("'lists': {'ours': '/opt/x'}, 'adjust': [{'rule': 'a', 'action': 'alert', "
			  "'unless': {'path': '@ours'}}, {'rule': 'b', 'enabled': false}, "
			  "{'rule': 'c', 'enabled': true}, {'rule': 'a', 'unless': [{'by': "
			  "{'uid': 1}}, {'by': {'uid': 2}}]}]"),
		      RULES(RULE("a", "'path': '/opt/**', 'unless': {'path': '/opt/y'}") ", " RULE(
			      "b", "'path': '/b'") ", " RULE("c", "'path': '/c'"))),
		0);
	assert_int_equal(set.diags.count, 0);
	assert_int_equal(set.policy->n_rules, 2);
	rule = &set.policy->rules[0];
	assert_int_equal(rule->action, BL_ACTION_ALERT);
	assert_int_equal(rule->n_unless, 4);
	assert_string_equal(rule->unless[0].path.items[0].text, "/opt/y");
	assert_string_equal(rule->unless[1].path.items[0].text, "/opt/x");
	assert_int_equal(rule->unless[3].uids.items[0].first, 2);
	assert_string_equal(set.policy->rules[1].id, "c");
	clear(&set);
}

static void test_adjusted_profile(void **state)
{
	struct set set;

	assert_int_equal(PARSE(&set, NULL, ALLOW("{'exec': [], 'open': []}"),
			       TOP("'adjust': [{'rule': 'p/open', 'enabled': false}, {'rule': "
				   "'p/exec', 'unless': {'path': '/x'}}]")),
			 0);
	assert_int_equal(set.policy->n_rules, 1);
	assert_int_equal(set.policy->rules[0].n_unless, 1);
	clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_are_shared),
		cmocka_unit_test(test_own_list_comes_first),
		cmocka_unit_test(test_cycle_over_files),
		cmocka_unit_test(test_fault_in_a_shared_list),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_entries_of_numbers),
		cmocka_unit_test(test_entries_with_blanks_and_marks),
		cmocka_unit_test(test_faults_in_entries),
		cmocka_unit_test(test_empty_file_of_entries),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_unknown_account_is_nobody),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_profile_of_nested_names),
		cmocka_unit_test(test_adjust),
		cmocka_unit_test(test_adjusted_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
