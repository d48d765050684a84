/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries as accesses to explain. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "explain_event.h"

#define FIELDS_MAX 12

/* Lines of NAME=VALUE. */
static struct bl_shown entry_of(const char *text, struct bl_shown_field fields[FIELDS_MAX])
{
	struct bl_shown entry = { .fields = fields, .cursor = "s=0;i=1" };

	while (*text) {
		size_t len = strcspn(text, "\n"), name = strcspn(text, "=");

		assert_true(entry.n_fields < FIELDS_MAX && name < len);
		fields[entry.n_fields++] = (struct bl_shown_field){
			.name = text,
			.name_len = name,
			.value = text + name + 1,
			.value_len = len - name - 1,
		};
		text += len + (text[len] == '\n');
	}
	return entry;
}

struct read {
	struct bl_ask ask;
	struct bl_told told;
	struct bl_diags diags;
	struct bl_policy *policy;
};

static void read_clear(struct read *read)
{
	bl_ask_clear(&read->ask);
	bl_told_clear(&read->told);
	bl_diags_clear(&read->diags);
	bl_policy_free(read->policy);
}

static int read_entry(struct read *read, const char *text)
{
	struct bl_shown_field fields[FIELDS_MAX];
	struct bl_shown entry = entry_of(text, fields);
	const char *why = NULL;
	int r = bl_told_read(&entry, &read->ask, &read->told, &why);

	if (r == -EINVAL)
		assert_non_null(why);
	return r ? r : bl_ask_parse(&read->ask, NULL, &read->diags, &read->policy);
}

#define READ(name, text)                                 \
	_cleanup_(read_clear) struct read name = {};     \
	assert_int_equal(read_entry(&(name), (text)), 0)

static const struct bl_test *test_of(const struct read *read)
{
	return &read->policy->tests[0];
}

static void executions(void **state)
{
	READ(plain,
	     "BAILIFF_ON=exec\nBAILIFF_PATH=/tmp/a\\\\*\nBAILIFF_PATH_HEX=2f746d702f615c2a\n"
	     "BAILIFF_FILE=tmpfs,script\nBAILIFF_ARGUMENT=-e\nBAILIFF_EXE=/usr/bin/dash\n"
	     "BAILIFF_UID=5\nBAILIFF_EUID=6\nBAILIFF_GID=7\nBAILIFF_EGID=8\nBAILIFF_VERDICT=deny\n"
	     "BAILIFF_RULE=r\n");
	READ(memfd,
	     "BAILIFF_ON=exec\nBAILIFF_PATH=/memfd:x (deleted)\nBAILIFF_FILE=memfd,setuid\n");
	READ(trace,
	     "BAILIFF_ON=exec\nBAILIFF_PATH=/srv/x\nBAILIFF_ACCESS=trace\nBAILIFF_FILE=setuid\n");

	assert_string_equal(test_of(&plain)->path, "/tmp/a\\*");
	assert_string_equal(test_of(&plain)->exe, "/usr/bin/dash");
	assert_string_equal(test_of(&plain)->args, "-e");
	assert_int_equal(test_of(&plain)->facts, BL_FACT_TMPFS | BL_FACT_SCRIPT);
	assert_int_equal(test_of(&plain)->uid, 6);
	assert_int_equal(test_of(&plain)->gid, 8);
	assert_string_equal(plain.told.verdict, "deny");
	assert_string_equal(plain.told.rule, "r");
	assert_null(plain.told.digest);
	assert_false(plain.told.truncated || plain.told.interrupted || plain.ask.trace);
	assert_null(test_of(&memfd)->path);
	assert_int_equal(test_of(&memfd)->facts, BL_FACT_MEMFD | BL_FACT_SETUID);
	assert_true(trace.ask.trace);
	assert_string_equal(test_of(&trace)->path, "/srv/x");
}

static void subjects(void **state)
{
	/* No event says all that a process comes from. */
	const uint32_t capability = BL_KEY_BIT(BL_KEY_CAPABILITY) | BL_KEY_BIT(BL_KEY_PARENT) |
				    BL_KEY_BIT(BL_KEY_ANCESTOR),
		       container = BL_KEY_BIT(BL_KEY_CONTAINER),
		       names = BL_KEY_BIT(BL_KEY_UNIT) | BL_KEY_BIT(BL_KEY_SLICE) |
			       BL_KEY_BIT(BL_KEY_CGROUP) | container;
	const uint32_t programs = BL_KEY_BIT(BL_KEY_EXE) | BL_KEY_BIT(BL_KEY_UID) |
				  BL_KEY_BIT(BL_KEY_GID);
#define OPEN "BAILIFF_ON=open\nBAILIFF_PATH=/a\nBAILIFF_ACCESS=read\n"
	READ(unit, OPEN "BAILIFF_LOGIN_UID=1000\nBAILIFF_CGROUP=/a.slice/b\\x2d*.service\n"
			"BAILIFF_EXE=/x\nBAILIFF_EUID=1\nBAILIFF_EGID=1\n");
	READ(box, OPEN "BAILIFF_CGROUP=/docker/x\nBAILIFF_CONTAINER=x\n");
	READ(cut, OPEN "BAILIFF_CGROUP=/a.slice/b\nBAILIFF_TRUNCATED=exe,cgroup\n");
	READ(none, OPEN);

	assert_int_equal(test_of(&unit)->login, 1000);
	assert_string_equal(test_of(&unit)->cgroup, "/a.slice/b\\x2d*.service");
	assert_int_equal(unit.told.unknown, capability | container);
	assert_int_equal(test_of(&box)->login, BL_LOGIN_UNSET);
	assert_int_equal(box.told.unknown, programs | capability);
	assert_null(test_of(&cut)->cgroup);
	assert_int_equal(cut.told.unknown, programs | capability | names);
	assert_int_equal(none.told.unknown, programs | capability | names);
}

static void opens(void **state)
{
	READ(one,
	     "BAILIFF_ON=open\nBAILIFF_PATH=/a\nBAILIFF_ACCESS=read,write,create,delete,attributes\n"
	     "BAILIFF_TRUNCATED=exe\n");

	assert_int_equal(test_of(&one)->access, BL_ACCESS_ANY);
	assert_true(one.told.truncated);
}

static void connections(void **state)
{
	READ(tcp, "BAILIFF_ON=connect\nBAILIFF_ADDRESS=192.0.2.1\nBAILIFF_PORT=443\n"
		  "BAILIFF_PROTOCOL=mptcp\nBAILIFF_FAMILY=ipv4\n");
	READ(raw, "BAILIFF_ON=connect\nBAILIFF_ADDRESS=2001:db8::1\nBAILIFF_PORT=0\n"
		  "BAILIFF_PROTOCOL=icmpv6,raw\nBAILIFF_FAMILY=ipv6\nBAILIFF_INTERRUPTED=1\n");
	READ(other, "BAILIFF_ON=connect\nBAILIFF_ADDRESS=192.0.2.1\nBAILIFF_PROTOCOL=47\n");
	READ(name,
	     "BAILIFF_ON=connect\nBAILIFF_SOCKET=@a*\nBAILIFF_SOCKET_HEX=00612a\nBAILIFF_FAMILY=unix\n");
	READ(path, "BAILIFF_ON=connect\nBAILIFF_SOCKET=/run/x\nBAILIFF_FAMILY=unix\n");
	READ(family, "BAILIFF_ON=connect\nBAILIFF_FAMILY=packet\nBAILIFF_PROTOCOL=768\n");

	assert_int_equal(test_of(&tcp)->port, 443);
	assert_int_equal(test_of(&tcp)->protocol, BL_PROTO_TCP);
	assert_int_equal(test_of(&raw)->protocol, BL_PROTO_ICMP | BL_PROTO_RAW);
	assert_int_equal(test_of(&raw)->to.family, AF_INET6);
	assert_true(raw.told.interrupted);
	assert_int_equal(test_of(&other)->protocol, BL_PROTO_OTHER);
	assert_int_equal(test_of(&name)->socket_len, 3);
	assert_memory_equal(test_of(&name)->socket, "\0a*", 3);
	assert_string_equal(test_of(&path)->socket, "/run/x");
	assert_int_equal(test_of(&family)->family, 17);
}

static void what_says_too_little(void **state)
{
	static const char *const texts[] = {
		"BAILIFF_ON=exec\n",
		"BAILIFF_ON=open\nBAILIFF_ACCESS=read\n",
		"BAILIFF_ON=open\nBAILIFF_PATH=/a\nBAILIFF_PATH_HEX=2f6\n",
		"BAILIFF_ON=open\nBAILIFF_PATH=/a\nBAILIFF_PATH_HEX=2f6x\n",
		"BAILIFF_ON=connect\nBAILIFF_PORT=1\n",
		"BAILIFF_ON=listen\nBAILIFF_PATH=/a\n",
		"BAILIFF_VERDICT=deny\n",
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(texts); i++) {
		_cleanup_(read_clear) struct read read = {};

		assert_int_equal(read_entry(&read, texts[i]), -EINVAL);
		assert_null(read.policy);
	}
}

/* Whoever can write what looks like an event gets no further than to the parser of policies. */
static void nonsense(void **state)
{
	static const char *const texts[] = {
		"BAILIFF_ON=open\nBAILIFF_PATH=a\n",
		"BAILIFF_ON=open\nBAILIFF_PATH=/a\", \"by\": {\nBAILIFF_ACCESS=\"\n",
		"BAILIFF_ON=open\nBAILIFF_PATH=/a\nBAILIFF_EUID=-1\n",
		"BAILIFF_ON=connect\nBAILIFF_ADDRESS=x\nBAILIFF_PORT=y\nBAILIFF_PROTOCOL=tcp\n",
		"BAILIFF_ON=connect\nBAILIFF_FAMILY=inet\n",
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(texts); i++) {
		_cleanup_(read_clear) struct read read = {};

		assert_int_equal(read_entry(&read, texts[i]), -EINVAL);
		assert_int_not_equal(read.diags.errors, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(executions),
		cmocka_unit_test(subjects),
		cmocka_unit_test(opens),
		cmocka_unit_test(connections),
		cmocka_unit_test(what_says_too_little),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
