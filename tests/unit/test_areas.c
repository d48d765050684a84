/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: which parts of the file tree a policy is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "areas.h"
#include "base.h"
#include "diag.h"

/* One area a line, with two stars behind those with all below, of a rule with these members. */
static void check(const char *members, const char *expected)
{
	_cleanup_free_ char *json = bl_format(
		"{\"bailiff\":1,\"rules\":[{\"id\":\"r\",\"on\":\"open\",\"action\":\"deny\",%s}]}",
		members);
	struct bl_source source = { .path = "a", .bytes = json, .len = strlen(json) };
	struct bl_diags diags = { 0 };
	struct bl_areas areas = { 0 };
	struct bl_policy *policy;
	char found[1024] = "";

	assert_int_equal(bl_policy_parse(&source, 1, NULL, &diags, &policy), 0);
	assert_int_equal(bl_policy_areas(policy, &areas), 0);
	for (size_t i = 0; i < areas.count; i++) {
		strcat(found, areas.items[i].path);
		strcat(found, areas.items[i].below ? "/**\n" : "\n");
	}
	assert_string_equal(found, expected);
	bl_areas_clear(&areas);
	bl_policy_free(policy);
	bl_diags_clear(&diags);
}

static void literals(void **state)
{
	check("\"path\":\"/etc/shadow\"", "/etc/shadow\n");
	check("\"path\":\"/srv/a\\\\*b\"", "/srv/a*b\n");
	check("\"path\":[\"/srv/{a,b}/c\",\"/srv/a/c\"]", "/srv/a/c\n/srv/b/c\n");
}

static void trees(void **state)
{
	check("\"path\":\"/srv/**\"", "/srv/**\n");
	check("\"path\":\"/**\"", "//**\n");
	check("\"path\":[\"/srv/a/x\",\"/srv/**\",\"/srv-a/x\",\"/srv/b/**\"]",
	      "/srv/**\n/srv-a/x\n");
	check("\"path\":[\"/srv\",\"/srv/x\"]", "/srv\n/srv/x\n");
	check("\"path\":[\"/srv\",\"/srv/**\"]", "/srv/**\n");
}

static void globs(void **state)
{
	check("\"path\":\"/home/*/.ssh/id_*\"", "/home/**\n");
	check("\"path\":\"/srv/a\\\\*b/c?\"", "/srv/a*b/**\n");
	check("\"path\":\"/**/secret\"", "//**\n");
	check("\"path\":\"/x*\"", "//**\n");
}

/* An executable that is excepted may have other names as well. */
static void executables_and_exceptions(void **state)
{
	check("\"path\":\"/a\",\"by\":{\"exe\":\"/b\"},"
	      "\"unless\":[{\"path\":\"/c\"},{\"by\":{\"exe\":\"/d/*\"}}]",
	      "/a\n/b\n/c\n/d/**\n");
}

/* Sockets are in directories, but not by their abstract names. */
static void sockets(void **state)
{
	static const char text[] =
		"{\"bailiff\":1,\"rules\":[{\"id\":\"r\",\"on\":\"connect\",\"action\":\"deny\","
		"\"socket\":[\"@name\",\"@na*\",\"/run/s/*\"]}]}";
	struct bl_source source = { .path = "a", .bytes = text, .len = strlen(text) };
	struct bl_diags diags = { 0 };
	struct bl_areas areas = { 0 };
	struct bl_policy *policy;

	assert_int_equal(bl_policy_parse(&source, 1, NULL, &diags, &policy), 0);
	assert_int_equal(bl_policy_areas(policy, &areas), 0);
	assert_int_equal(areas.count, 1);
	assert_string_equal(areas.items[0].path, "/run/s");
	bl_areas_clear(&areas);
	bl_policy_free(policy);
	bl_diags_clear(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals),
		cmocka_unit_test(trees),
		cmocka_unit_test(globs),
		cmocka_unit_test(sockets),
		cmocka_unit_test(executables_and_exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
