/* SPDX-License-Identifier: Apache-2.0 */
/* What symbolic links add to a policy, on file systems that are tables. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base.h"
#include "links.h"
#include "policy_text.h"

/* ---- a file system of links --------------------------------------------------------------- */

struct entry {
	const char *path;
	const char *target; /* NULL: the look-up fails with err */
	int err;
};

static const struct entry host[] = {
	{ "/bin", "usr/bin", 0 },
	{ "/sbin", "usr/sbin", 0 },
	{ "/usr/bin/sh", "dash", 0 },
	{ "/usr/bin/awk", "/etc/alternatives/awk", 0 },
	{ "/etc/alternatives/awk", "/usr/bin/mawk", 0 },
	{ "/var/run", "/run", 0 },
	{ "/etc/mtab", "../proc/self/mounts", 0 },
	{ "/up", "a/../../b/./c/", 0 },
	{ "/top", "/", 0 },
	{ "/loop", "pool", 0 },
	{ "/pool", "loop", 0 },
	{ "/grow", "grow/x", 0 },
	{ "/glob", "/a[b]/{c,d}*\\?", 0 },
	{ "/dangling", "/nowhere/x", 0 },
	{ "/dangling2", "/nowhere/../x", 0 },
	{ "/nowhere", NULL, ENOENT },
	{ "/file", NULL, EINVAL },
	{ "/file/below", NULL, ENOTDIR },
	{ "/secret", NULL, EACCES },
	{ "/home/user/link", NULL, EPERM },
	{ "/b/c", "d", 0 },
};

struct host {
	size_t look_ups;
};

static int host_readlink(void *userdata, const char *path, char *buf, size_t size)
{
	struct host *counts = userdata;

	counts->look_ups++;
	for (size_t i = 0; i < BL_ARRAY_SIZE(host); i++) {
		if (strcmp(host[i].path, path) != 0)
			continue;
		if (!host[i].target)
			return -host[i].err;
		assert_true(strlen(host[i].target) < size);
		memcpy(buf, host[i].target, strlen(host[i].target));
		return (int)strlen(host[i].target);
	}
	return -EINVAL;
}

/* ---- single paths ------------------------------------------------------------------------- */

static int append_name(void *userdata, const char *path, size_t len)
{
	char *names = userdata;

	assert_int_equal(strlen(path), len);
	strcat(names, names[0] ? " " : "");
	strcat(names, path);
	return 0;
}

static void test_follow(void **state)
{
	static const struct {
		const char *path, *names;
		int r;
	} walks[] = {
		{ "/usr/bin/dash", "", 0 },
		{ "/", "", 0 },
		{ "/bin/sh", "/usr/bin/sh /usr/bin/dash", 0 },
		{ "/bin/awk", "/usr/bin/awk /etc/alternatives/awk /usr/bin/mawk", 0 },
		{ "/bin", "/usr/bin", 0 },
		{ "/var/run/x/y", "/run/x/y", 0 },
		{ "/top", "/", 0 },
		{ "/top/top/bin/sh", "/top/bin/sh /bin/sh /usr/bin/sh /usr/bin/dash", 0 },
		{ "/up/e", "/b/c/e /b/d/e", 0 },
		{ "/dangling", "/nowhere/x", 0 },
		{ "/dangling2", "", 0 },
		{ "/nowhere/bin", "", 0 },
		{ "/file/below/x", "", 0 },
		{ "/secret/x", "", -EACCES },
		{ "/home/user/link", "", -EPERM },
		{ "/etc/mtab", "/proc/self/mounts", -ENOTUNIQ },
		{ "/proc/self/exe", "", -ENOTUNIQ },
		{ "/proc/thread-self", "", -ENOTUNIQ },
		{ "/proc/selfish", "", 0 },
	};
	struct host counts = { 0 };
	_cleanup_(bl_links_freep) struct bl_links *links = bl_links_new(host_readlink, &counts);

	for (size_t i = 0; i < BL_ARRAY_SIZE(walks); i++) {
		char names[1024] = "";
		int r = bl_links_follow(links, walks[i].path, strlen(walks[i].path), append_name,
					names);

		if (r != walks[i].r || strcmp(names, walks[i].names) != 0)
			fail_msg("%s: %d, %s", walks[i].path, r, names);
	}
}

static void test_follow_ends(void **state)
{
	char names[200000] = "", path[BL_PATTERN_BYTES_MAX + 1];
	struct host counts = { 0 };
	_cleanup_(bl_links_freep) struct bl_links *links = bl_links_new(host_readlink, &counts);

	assert_int_equal(bl_links_follow(links, "/loop/x", 7, append_name, names), -ELOOP);
	assert_int_equal(bl_links_follow(links, "/grow", 5, append_name, names), -ELOOP);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(bl_links_follow(links, path, sizeof(path), append_name, names),
			 -ENAMETOOLONG);
	/* "/var/run" leads to a shorter one, "/bin" to a longer one */
	memcpy(path, "/bin/", 5);
	assert_int_equal(bl_links_follow(links, path, sizeof(path) - 2, append_name, names),
			 -ENAMETOOLONG);
}

static int stop_at_once(void *userdata, const char *path, size_t len)
{
	return 42;
}

static void test_follow_stops(void **state)
{
	struct host counts = { 0 };
	_cleanup_(bl_links_freep) struct bl_links *links = bl_links_new(host_readlink, &counts);

	assert_int_equal(bl_links_follow(links, "/bin/sh", 7, stop_at_once, NULL), 42);
}

/* A folder is looked up once for all that is in it. */
static void test_folders_are_remembered(void **state)
{
	struct host counts = { 0 };
	_cleanup_(bl_links_freep) struct bl_links *links = bl_links_new(host_readlink, &counts);
	char names[64 * 100] = "", path[64];

	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/bin/tool-%d", i);
		assert_int_equal(bl_links_follow(links, path, strlen(path), append_name, names), 0);
	}
	/* /bin, /usr, /usr/bin, and each tool */
	assert_int_equal(counts.look_ups, 3 + 50);
}

/* ---- patterns ----------------------------------------------------------------------------- */

static struct bl_policy *resolve(const char *marked, struct bl_diags *diags, int expected)
{
	struct policy_text text = policy_text(marked);
	struct bl_policy *policy = NULL;
	struct host counts = { 0 };

	assert_int_equal(policy_text_parse(&text, diags, &policy), 0);
	free(text.bytes);
	assert_int_equal(bl_policy_resolve(policy, host_readlink, &counts, diags), expected);
	return policy;
}

/* The patterns that were added, each with its kind. */
static void list_added(const struct bl_patterns *patterns, char *out)
{
	bool added = false;

	out[0] = '\0';
	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];

		assert_int_equal(strlen(pattern->text), pattern->len);
		/* What was written comes first. */
		assert_false(added && !pattern->resolved);
		added |= pattern->resolved;
		if (pattern->resolved) {
			strcat(out, out[0] ? " " : "");
			strcat(out, pattern->literal ? "=" : "~");
			strcat(out, pattern->text);
		}
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *paths; /* JSON */
		const char *added; /* "=" for a literal, "~" for a glob */
		const char *code;  /* of the first diagnostic; NULL: none */
	} cases[] = {
		{ "'/usr/bin/dash'", "", NULL },
		{ "'/bin/sh'", "=/usr/bin/sh =/usr/bin/dash", "symbolic-link" },
		{ "'/bin/s\\\\h'", "=/usr/bin/sh =/usr/bin/dash", "symbolic-link" },
		{ "'/bin/\\\\x73h'", "=/usr/bin/sh =/usr/bin/dash", "symbolic-link" },
		{ "'/bin/*'", "~/usr/bin/*", "symbolic-link" },
		{ "'/bin/**'", "~/usr/bin/**", "symbolic-link" },
		{ "'/bin/s?'", "~/usr/bin/s?", "symbolic-link" },
		{ "'/b*/sh'", "", NULL },
		{ "'/**'", "", NULL },
		{ "'/'", "", NULL },
		{ "'/top/**'", "~/**", "symbolic-link" },
		{ "'/top'", "=/", "symbolic-link" },
		{ "'/var/run/*.pid'", "~/run/*.pid", "symbolic-link" },
		/* braces count as what they stand for */
		{ "'/{bin,sbin}/*'", "~/usr/bin/* ~/usr/sbin/*", "symbolic-link" },
		{ "'/{,usr/}bin/sh'", "=/usr/bin/sh =/usr/bin/dash", "symbolic-link" },
		{ "'/usr/bin/{s{h,x},awk}'", "=/usr/bin/dash =/etc/alternatives/awk =/usr/bin/mawk",
		  "symbolic-link" },
		/* ... but for what nothing is: a path does not end with '/' */
		{ "'/bin/{*,}/{a,}'", "~/usr/bin/*/a", "symbolic-link" },
		{ "'/bin/{a,b}*[{,}]'", "~/usr/bin/a*[{,}] ~/usr/bin/b*[{,}]", "symbolic-link" },
		{ "'/bin\\\\{a,b\\\\}'", "", NULL },
		{ "'/{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b}'", "", "links-unknown" },
		{ "'/bin/{a,b,c,d}{a,b,c,d}{a,b,c,d}'", "=/usr/bin/aaa",
		  "symbolic-link" /* the first of 64 */ },
		/* what leads on is escaped, for it is no pattern */
		{ "'/glob'", "=/a\\[b\\]/\\{c\\,d\\}\\*\\\\\\?", "symbolic-link" },
		{ "'/glob/*'", "~/a\\[b\\]/\\{c\\,d\\}\\*\\\\\\?/*", "symbolic-link" },
		/* no name twice */
		{ "['/bin/sh', '/usr/bin/sh', '/usr/bin/dash']", "", NULL },
		{ "['/bin/sh', '/bin/s\\\\h', '/{bin,usr/bin}/sh']", "=/usr/bin/sh =/usr/bin/dash",
		  "symbolic-link" },
		/* what can't be followed */
		{ "'/dangling'", "=/nowhere/x", "symbolic-link" },
		{ "'/loop'", "=/pool", "link-loop" },
		{ "'/secret/x'", "", "links-unknown" },
		{ "'/home/user/link'", "", "untrusted-link" },
		{ "'/proc/self/exe'", "", "never-matches" },
		{ "'/etc/mtab'", "=/proc/self/mounts", "never-matches" },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = bl_format(EXEC("'path': %s"), cases[i].paths);
		struct bl_diags diags = { 0 };
		struct bl_policy *policy = resolve(text, &diags, 0);
		char added[8192];

		list_added(&policy->rules->match.path, added);
		if (cases[i].added[0] ? strncmp(added, cases[i].added, strlen(cases[i].added))
				      : added[0])
			fail_msg("%s: %s", cases[i].paths, added);
		if (cases[i].code ? !diags.count || strcmp(diags.items[0].code, cases[i].code)
				  : diags.count)
			fail_msg("%s: %s", cases[i].paths,
				 diags.count ? diags.items[0].code : "silent");
		assert_int_equal(diags.errors, 0);
		bl_diags_clear(&diags);
		bl_policy_free(policy);
	}
}

static void test_brace_limit(void **state)
{
	struct bl_diags diags = { 0 };
	struct bl_policy *policy =
		resolve(EXEC("'path': '/bin/{a,b,c,d}{a,b,c,d}{a,b,c,d}'"), &diags, 0);

	assert_int_equal(policy->rules->match.path.count, 65);
	assert_non_null(strstr(diags.items[0].message, "and 60 more"));
	bl_diags_clear(&diags);
	bl_policy_free(policy);
	/* One more and only the folders before the brace are followed. */
	policy = resolve(EXEC("'path': '/bin/{a,b,c,d}{a,b,c,d}{a,b,c,d,e}'"), &diags, 0);
	assert_string_equal(diags.items[0].code, "links-unknown");
	assert_string_equal(
		policy->rules->match.path.items[policy->rules->match.path.count - 1].text,
		"/usr/bin/{a,b,c,d}{a,b,c,d}{a,b,c,d,e}");
	bl_diags_clear(&diags);
	bl_policy_free(policy);
}

/* Everything that is a path is followed, what is shared stays shared, and notes say where. */
static void test_rules(void **state)
{
	struct bl_diags diags = { 0 };
	struct bl_policy *policy = resolve(
		"{'bailiff': 1, 'lists': {'l':\n ['/bin/sh', '/x']}, 'rules': [\n"
		"{'id': 'a', 'on': 'exec', 'action': 'deny', 'path': '@l', 'by': {'exe': '/bin/x'}},\n"
		"{'id': 'b', 'on': 'exec', 'action': 'deny', 'path': '@l', 'unless': [\n"
		"{'path': '/sbin/y', 'by': {'exe': ['@l']}}]},\n"
		"{'id': 'c', 'on': 'connect', 'action': 'deny', 'to': '::1'}]}",
		&diags, 0);
	const struct bl_rule *rules = policy->rules;
	char added[256];

	list_added(&rules[0].match.path, added);
	assert_string_equal(added, "=/usr/bin/sh =/usr/bin/dash");
	assert_int_equal(rules[0].match.path.count, 4);
	assert_ptr_equal(rules[0].match.path.items, rules[1].match.path.items);
	assert_ptr_equal(rules[0].match.path.items, rules[1].unless->exe.items);
	list_added(&rules[0].match.exe, added);
	assert_string_equal(added, "=/usr/bin/x");
	list_added(&rules[1].unless->path, added);
	assert_string_equal(added, "=/usr/sbin/y");
	/* One note for the list, though three keys use it. */
	assert_int_equal(diags.count, 3);
	assert_string_equal(diags.items[0].file, "dir/p.json");
	assert_int_equal(diags.items[0].line, 2);
	assert_int_equal(diags.items[0].column, 3);
	assert_string_equal(diags.items[0].pointer, "/lists/l/0");
	assert_int_equal(diags.items[0].level, BL_DIAG_NOTE);
	assert_string_equal(diags.items[0].message,
			    "\"/bin/sh\" leads on by symbolic links and also means "
			    "\"/usr/bin/sh\", \"/usr/bin/dash\"");
	assert_int_equal(diags.items[1].line, 3);
	assert_string_equal(diags.items[1].pointer, "/rules/0/by/exe");
	assert_int_equal(diags.items[2].line, 5);
	assert_string_equal(diags.items[2].pointer, "/rules/1/unless/0/path");
	bl_diags_clear(&diags);
	bl_policy_free(policy);
}

/* Resolving again, for instance after a package has moved a link, adds nothing twice. */
static void test_again(void **state)
{
	struct bl_diags diags = { 0 };
	struct bl_policy *policy = resolve(EXEC("'path': ['/bin/sh', '/bin/*']"), &diags, 0);
	struct host counts = { 0 };
	size_t count = policy->rules->match.path.count;

	assert_int_equal(bl_policy_resolve(policy, host_readlink, &counts, &diags), 0);
	assert_int_equal(policy->rules->match.path.count, count);
	bl_diags_clear(&diags);
	bl_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow),	     cmocka_unit_test(test_follow_ends),
		cmocka_unit_test(test_follow_stops), cmocka_unit_test(test_folders_are_remembered),
		cmocka_unit_test(test_patterns),     cmocka_unit_test(test_brace_limit),
		cmocka_unit_test(test_rules),	     cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
