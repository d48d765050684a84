/* SPDX-License-Identifier: Apache-2.0 */
/* What "by" says of logins, capabilities and cgroups: what it comes to, and how it is written back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base.h"
#include "cgroup.h"
#include "called.h"
#include "compile.h"
#include "glob.h"
#include "policy_text.h"
#include "write.h"

static int find_account(void *userdata, enum bl_account account, const char *name, uint32_t *ret)
{
	assert_int_equal(account, BL_ACCOUNT_USER);
	if (strcmp(name, "alice") != 0)
		return -ENOENT;
	*ret = 1000;
	return 0;
}

static struct bl_policy *parse_good(const char *marked)
{
	const struct bl_policy_host host = { .find_account = find_account };
	struct policy_text text = policy_text(marked);
	struct bl_source source = { .path = "p.json", .bytes = text.bytes, .len = text.len };
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };
	int r = bl_policy_parse(&source, 1, &host, &diags, &policy);

	if (diags.count)
		fail_msg("%s: %s [%s]", marked, diags.items[0].message, diags.items[0].code);
	assert_int_equal(r, 0);
	bl_diags_clear(&diags);
	free(text.bytes);
	return policy;
}

static void test_numbers(void **state)
{
	struct bl_policy *policy = parse_good(BY(
		"'login': ['alice', 'unset', '7-9'], 'capability': ['kill', 'CAP_BPF', 'SYSLOG']"));
	const struct bl_match *match = &policy->rules[0].match;

	assert_true(match->has_logins && match->has_capabilities);
	assert_false(match->has_units || match->has_slices || match->has_cgroups ||
		     match->has_containers || match->has_uids || match->has_parent);
	assert_int_equal(match->logins.count, 3);
	assert_int_equal(match->logins.items[0].first, 7);
	assert_int_equal(match->logins.items[1].first, 1000);
	assert_int_equal(match->logins.items[1].last, 1000);
	assert_int_equal(match->logins.items[2].first, BL_LOGIN_UNSET);
	assert_int_equal(match->logins.items[2].last, BL_LOGIN_UNSET);
	assert_true(match->capabilities ==
		    (1ull << CAP_KILL | 1ull << CAP_BPF | 1ull << CAP_SYSLOG));
	bl_policy_free(policy);
}

static void test_names(void **state)
{
	struct bl_policy *policy = parse_good(
		TOP("'lists': {'web': ['nginx.service', 'apache2@*.service']}, "
		    "'rules': [{'id': 'r', 'on': 'exec', 'action': 'deny', 'by': {'unit': "
		    "'@web', 'slice': '-.slice', 'cgroup': ['/', '/a.slice/**'], 'container': "
		    "[true, false, 'abc*']}}]"));
	const struct bl_match *match = &policy->rules[0].match;

	assert_true(match->has_units && match->has_slices && match->has_cgroups &&
		    match->has_containers);
	assert_int_equal(match->units.count, 2);
	assert_string_equal(match->units.items[0].text, "\x01nginx.service");
	assert_int_equal(match->units.items[0].len, 14);
	assert_string_equal(match->slices.items[0].text, "\x02-.slice");
	assert_string_equal(match->cgroups.items[0].text, "\x04/");
	assert_string_equal(match->cgroups.items[1].text, "\x04/a.slice/**");
	assert_int_equal(match->containers.count, 3);
	assert_string_equal(match->containers.items[0].text, "\x03/*");
	assert_string_equal(match->containers.items[1].text, "\x03");
	assert_string_equal(match->containers.items[2].text, "\x03/"
							     "abc*");
	assert_string_equal(bl_glob_written(match->containers.items[2].text), "abc*");
	assert_string_equal(bl_glob_written(match->cgroups.items[1].text), "/a.slice/**");
	bl_policy_free(policy);
}

static void test_everywhere(void **state)
{
	struct bl_policy *policy = parse_good(TOP(
		"'profiles': [{'id': 'p', 'by': {'container': true}, 'allow': {'exec': [{'path': '/x', "
		"'by': {'capability': 'chown'}}]}, 'otherwise': 'deny'}], 'rules': [{'id': 'r', 'on': "
		"'exec', 'action': 'deny', 'path': '/x', 'unless': {'by': {'unit': 'a.scope'}}}]"));

	assert_int_equal(policy->n_rules, 2);
	assert_true(policy->rules[0].unless[0].has_units);
	assert_false(policy->rules[0].match.has_units);
	assert_true(policy->rules[1].match.has_containers);
	assert_true(policy->rules[1].unless[0].has_capabilities);
	bl_policy_free(policy);
}

static void test_of_tests(void **state)
{
	struct bl_policy *policy = parse_good(TOP(
		"'tests': [{'on': 'exec', 'path': '/x', 'expect': 'allow'}, {'on': 'exec', 'path': '/x', "
		"'expect': 'allow', 'by': {'login': ['alice'], 'capability': ['kill', 'chown'], 'unit': "
		"'a\\\\*.service', 'slice': 'x.slice', 'cgroup': '/x.slice', 'container': 'web'}}, "
		"{'on': 'exec', 'path': '/x', 'expect': 'allow', 'by': {'container': [true]}}, "
		"{'on': 'exec', 'path': '/x', 'expect': 'allow', 'by': {'container': false}}]"));
	const struct bl_test *test = policy->tests;

	assert_int_equal(test->login, BL_LOGIN_UNSET);
	assert_true(!test->capabilities && !test->unit && !test->slice && !test->cgroup &&
		    !test->has_container);
	test++;
	assert_int_equal(test->login, 1000);
	assert_true(test->capabilities == (1ull << CAP_KILL | 1ull << CAP_CHOWN));
	assert_string_equal(test->unit, "a*.service");
	assert_string_equal(test->slice, "x.slice");
	assert_string_equal(test->cgroup, "/x.slice");
	assert_true(test->has_container && test->in_container);
	assert_string_equal(test->container, "web");
	test++;
	assert_true(test->has_container && test->in_container && !test->container);
	test++;
	assert_true(test->has_container && !test->in_container && !test->container);
	bl_policy_free(policy);
}

/* What is written back, apart from what a rule has beside it. */
static void expect_written(const char *by, const char *expected)
{
	_cleanup_free_ char *policy_bytes = bl_format("%s%s%s",
						      "{'bailiff': 1, 'rules': [{'id': 'r', "
						      "'on': 'exec', 'action': 'deny', 'by': {",
						      by, "}}]}");
	struct bl_policy *policy = parse_good(policy_bytes);
	struct policy_text wanted = policy_text(expected);
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	bl_rule_write(&policy->rules[0], out);
	fclose(out);
	if (!memmem(text, len, wanted.bytes, wanted.len))
		fail_msg("%s: %s", by, text);
	free(wanted.bytes);
	bl_policy_free(policy);
}

static void test_written(void **state)
{
	expect_written("'login': 'unset'", "'by': { 'login': 'unset' }");
	expect_written("'login': [5, 'unset']", "'login': [5, 'unset'] }");
	expect_written("'login': ['unset', '1000-4294967294', 3]",
		       "'login': [3, '1000-4294967294', 'unset'] }");
	expect_written("'login': [4294967294, 'unset']", "'login': [4294967294, 'unset'] }");
	expect_written("'capability': 'sys_admin'", "'by': { 'capability': 'CAP_SYS_ADMIN' }");
	expect_written("'capability': ['CAP_BPF', 'chown', 'bpf']",
		       "'capability': ['CAP_CHOWN', 'CAP_BPF'] }");
	expect_written("'container': [true, 'a\\\\*', false]",
		       "'container': [true, 'a\\\\*', false] }");
	expect_written("'container': '*'", "'container': true }");
	expect_written(
		"'cgroup': '/a/**', 'slice': ['a.slice'], 'unit': ['*.service', 'b.scope']",
		"'by': { 'unit': ['*.service', 'b.scope'], 'slice': 'a.slice', 'cgroup': '/a/**' "
		"}");
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* container: 'h' none, 's' sure, '?' unsure. */
static const struct {
	const char *cgroup;
	bool nested;
	const char *unit, *slice, *id;
	char container;
} called[] = {
	{ "/", false, "", "-.slice", "", 'h' },
	{ NULL, true, "", "-.slice", "", '?' },
	{ "/init.scope", false, "init.scope", "-.slice", "", 'h' },
	{ "/system.slice/nginx.service", false, "nginx.service", "system.slice", "", 'h' },
	{ "/system.slice/nginx.service", true, "nginx.service", "system.slice", "", '?' },
	{ "/a.slice/a-b.slice/_x.mount/y.service", false, "x.mount", "a-b.slice", "", 'h' },
	{ "/.slice/x.service", false, "", "-.slice", "", 'h' },
	{ "/x.timer/y.service", false, "", "-.slice", "", 'h' },
	{ "/system.slice/docker-" HEX ".scope/x.service", true, "docker-" HEX ".scope",
	  "system.slice", HEX, 's' },
	{ "/system.slice/x.service/docker-" HEX ".scope", false, "x.service", "system.slice", HEX,
	  '?' },
	{ "/machine.slice/libpod-conmon-" HEX ".scope", false, "libpod-conmon-" HEX ".scope",
	  "machine.slice", "", 'h' },
	{ "/kubepods/burstable/pod1/" HEX, true, "", "-.slice", HEX, 's' },
	{ "/docker/" HEX "/docker/x", false, "", "-.slice", HEX, 's' },
	{ "/docker/0" HEX, false, "", "-.slice", "", 'h' },
	{ "/machine.slice/machine-web\\x2d1.scope/payload", true, "machine-web\\x2d1.scope",
	  "machine.slice", "web\\x2d1", 's' },
	{ "/machine.slice/machine-web.scope/supervisor", false, "machine-web.scope",
	  "machine.slice", "", 'h' },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", false,
	  "machine-qemu\\x2d1\\x2dvm.scope", "machine.slice", "", 'h' },
	{ "/machine.slice/systemd-nspawn@db.service/payload", true, "systemd-nspawn@db.service",
	  "machine.slice", "db", 's' },
	{ "/lxc.payload.box/x", true, "", "-.slice", "box", 's' },
	{ "/lxc.payload/box", true, "", "-.slice", "box", 's' },
	{ "/lxc/box", true, "", "-.slice", "box", 's' },
	{ "/lxc.monitor.box", false, "", "-.slice", "", 'h' },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" HEX ".scope", true,
	  "user@1000.service", "user-1000.slice", HEX, '?' },
};

static void test_called(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(called); i++) {
		const struct bl_query query = { .cgroup = called[i].cgroup,
						.nested = called[i].nested };
		struct bl_called named;

		bl_called_read(&query, &named);
		if (strcmp(named.unit, called[i].unit) || strcmp(named.slice, called[i].slice) ||
		    strcmp(named.container, called[i].id) ||
		    "hs?"[named.contained] != called[i].container)
			fail_msg("%s: %s %s %s %u", called[i].cgroup, named.unit, named.slice,
				 named.container, named.contained);
		assert_false(named.cut);
	}
}

/* What a test says one by one takes the place of what its cgroup says. */
static void test_said(void **state)
{
	struct bl_query query = { .cgroup = "/a.slice/b.service", .unit = "c.service" };
	struct bl_called named;

	bl_called_read(&query, &named);
	assert_string_equal(named.unit, "c.service");
	assert_string_equal(named.slice, "a.slice");
	query.slice = "d.slice";
	query.has_container = query.in_container = true;
	bl_called_read(&query, &named);
	assert_string_equal(named.slice, "d.slice");
	assert_int_equal(named.contained, BL_CONTAINED_MAYBE);
	query.container = "web";
	bl_called_read(&query, &named);
	assert_int_equal(named.contained, BL_CONTAINED_SURE);
	assert_string_equal(named.container, "web");
	query.nested = true;
	query.in_container = false;
	bl_called_read(&query, &named);
	assert_int_equal(named.contained, BL_CONTAINED_NOT);
	query.cgroup = "/1/2/3/4/5/6/7/8/9/10/11/12/13";
	bl_called_read(&query, &named);
	assert_true(named.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_names),
		cmocka_unit_test(test_everywhere), cmocka_unit_test(test_of_tests),
		cmocka_unit_test(test_written),	   cmocka_unit_test(test_called),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
