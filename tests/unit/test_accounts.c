/* SPDX-License-Identifier: Apache-2.0 */
/* Names of users and groups in the files of a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "accounts.h"
#include "tree.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "\n"
			     "# a comment:x:1:1::/:/\n"
			     "web:x:33:33:web:/var/www:/usr/sbin/nologin\n"
			     "web:x:34:34:a second one:/:/\n"
			     "short:x\n"
			     "nobody-at-all:x:4294967295:0::/:/\n"
			     "huge:x:99999999999999999999:0::/:/\n"
			     "negative:x:-1:0::/:/\n"
			     "trailing:x:5x:0::/:/\n"
			     "+@nis::::::\n"
			     "last:x:4294967294:7::/:/";

static const char group[] = "adm:x:4:syslog,somebody\nweb:x:70:\n";

static void expect(struct bl_accounts *accounts, enum bl_account account, const char *name,
		   int result, uint32_t id)
{
	uint32_t found = 0;

	assert_int_equal(bl_accounts_find(accounts, account, name, &found), result);
	assert_int_equal(found, id);
}

static void test_find(void **state)
{
	static const char *const none[] = {
		"short", "nobody-at-all", "huge", "negative", "trailing",
		"+@nis", "# a comment",	  "",	  "adm",      "we"
	};
	struct bl_accounts accounts = { 0 };
	struct tree tree;

	tree_make(&tree);
	tree_write(&tree, "/etc/passwd", passwd, strlen(passwd));
	tree_write(&tree, "/etc/group", group, strlen(group));
	accounts.root_fd = tree.fd;
	expect(&accounts, BL_ACCOUNT_USER, "root", 0, 0);
	expect(&accounts, BL_ACCOUNT_USER, "web", 0, 33);
	expect(&accounts, BL_ACCOUNT_USER, "last", 0, 4294967294);
	expect(&accounts, BL_ACCOUNT_GROUP, "web", 0, 70);
	expect(&accounts, BL_ACCOUNT_GROUP, "adm", 0, 4);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		expect(&accounts, BL_ACCOUNT_USER, none[i], -ENOENT, 0);
	/* Both files are read once. */
	tree_write(&tree, "/etc/group", "new:x:1:\n", 9);
	expect(&accounts, BL_ACCOUNT_GROUP, "new", -ENOENT, 0);
	bl_accounts_clear(&accounts);
	expect(&accounts, BL_ACCOUNT_GROUP, "new", 0, 1);
	bl_accounts_clear(&accounts);
	tree_remove(&tree);
}

static void test_without_files(void **state)
{
	struct bl_accounts accounts = { 0 };
	struct tree tree;

	tree_make(&tree);
	accounts.root_fd = tree.fd;
	expect(&accounts, BL_ACCOUNT_USER, "root", -ENOENT, 0);
	tree_parents(&tree, "/etc/group/x");
	expect(&accounts, BL_ACCOUNT_GROUP, "root", -EISDIR, 0);
	expect(&accounts, BL_ACCOUNT_GROUP, "root", -EISDIR, 0);
	bl_accounts_clear(&accounts);
	tree_remove(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_without_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
