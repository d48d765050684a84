/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a verdict: names, values, MESSAGE, and what hostile names can't do to them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "escape.h"
#include "fields.h"
#include "record.h"
#include "report.h"
#include "wire.h"

static const struct bl_rule_info rule_info = {
	.id = "web-no-shell",
	.policy = "web",
	.message = "the web server starts a \"shell\"",
	.attack = "T1059.004 T1505.003",
	.severity = "high",
};

static const struct bl_rule_info *find_rule(void *userdata, uint32_t generation, uint32_t rule)
{
	return generation == 12 && rule == 5 ? userdata : NULL;
}

static const char *find_digest(void *userdata, uint32_t generation)
{
	return generation == 12 ? "00aa" : NULL;
}

static struct bl_fields_context make_context(void)
{
	return (struct bl_fields_context){
		.rule = find_rule,
		.digest = find_digest,
		.userdata = (void *)&rule_info,
		/* 2026-01-02T03:04:05.000006Z, when the event's clock says 1000000.000123456. */
		.realtime_offset_ns = 1767323045000006000ll - 1000000000123456ll,
		.boot_id = "0123456789abcdef0123456789abcdef",
	};
}

static void build_state(struct bl_entry *entry, const struct record *record,
			enum bl_process_state state)
{
	struct bl_fields_context context = make_context();
	struct bl_enriched enriched;
	struct bl_event_view view;

	assert_int_equal(bl_event_decode(record->bytes, record->size, &view, NULL), 0);
	bl_enrich(&view, -1, &enriched);
	enriched.process = state;
	assert_int_equal(bl_fields_verdict(entry, &view, &enriched, &context), 0);
}

static void build(struct bl_entry *entry, const struct record *record)
{
	build_state(entry, record, BL_PROCESS_UNKNOWN);
}

static void expect(const struct bl_entry *entry, const char *name, const char *wanted)
{
	size_t len = 0;
	const char *value = bl_entry_get(entry, name, &len);

	if (!wanted) {
		if (value)
			fail_msg("%s is there", name);
		return;
	}
	if (!value || len != strlen(wanted) || memcmp(value, wanted, len))
		fail_msg("%s is %.*s, not %s", name, (int)len, value ? value : "", wanted);
}

static void expect_rows(const struct bl_entry *entry, const char *const rows[][2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(entry, rows[i][0], rows[i][1]);
}

#define EXPECT_ROWS(entry, rows) expect_rows(entry, rows, sizeof(rows) / sizeof(rows[0]))

static void exec_denied(void **state)
{
	static const char *const rows[][2] = {
		{ "MESSAGE",
		  "denied exec path=\"/tmp/x\" file=\"setuid,script\" by exe=\"/usr/bin/bash\" pid=812 uid=33 "
		  "unit=\"nginx.service\" rule=\"web-no-shell\" policy=\"web\" severity=high "
		  "attack=\"T1059.004 T1505.003\" "
		  "message=\"the web server starts a \\\"shell\\\"\"" },
		{ "MESSAGE_ID", "605187a6e04c4b72b24d4698f4b97985" },
		{ "PRIORITY", "3" },
		{ "SYSLOG_IDENTIFIER", "bailiff" },
		{ "SYSLOG_FACILITY", "10" },
		{ "DOCUMENTATION", "man:bailiff(8)" },
		{ "ERRNO", "1" },
		{ "OBJECT_PID", "812" },
		{ "OBJECT_SYSTEMD_UNIT", NULL },
		{ "BAILIFF_SCHEMA", "1" },
		{ "BAILIFF_EVENT_ID", "0123456789ab-38d7ea4c86240-3-7" },
		{ "BAILIFF_VERDICT", "deny" },
		{ "BAILIFF_ON", "exec" },
		{ "BAILIFF_RULE", "web-no-shell" },
		{ "BAILIFF_POLICY", "web" },
		{ "BAILIFF_SEVERITY", "high" },
		{ "BAILIFF_ATTACK", "T1059.004 T1505.003" },
		{ "BAILIFF_MESSAGE", "the web server starts a \\\"shell\\\"" },
		{ "BAILIFF_GENERATION", "12" },
		{ "BAILIFF_POLICY_DIGEST", "00aa" },
		{ "BAILIFF_OTHERS", "1" },
		{ "BAILIFF_HOOK", "bprm_check_security" },
		{ "BAILIFF_PATH", "/tmp/x" },
		{ "BAILIFF_PATH_HEX", NULL },
		{ "BAILIFF_ACCESS", NULL },
		{ "BAILIFF_FILE", "setuid,script" },
		{ "BAILIFF_FILESYSTEM", "host" },
		{ "BAILIFF_INODE", "99" },
		{ "BAILIFF_DEVICE", "254:1" },
		{ "BAILIFF_OBJECT_MODE", "0100755" },
		{ "BAILIFF_OBJECT_OWNER", "1001" },
		{ "BAILIFF_ADDRESS", NULL },
		{ "BAILIFF_PORT", NULL },
		{ "BAILIFF_PID", "812" },
		{ "BAILIFF_TID", "813" },
		{ "BAILIFF_PPID", "600" },
		{ "BAILIFF_UID", "33" },
		{ "BAILIFF_EUID", "34" },
		{ "BAILIFF_GID", "35" },
		{ "BAILIFF_EGID", "36" },
		{ "BAILIFF_LOGIN_UID", "1000" },
		{ "BAILIFF_SESSION", "2" },
		{ "BAILIFF_START_NS", "999000000000000" },
		{ "BAILIFF_COMM", "bash" },
		{ "BAILIFF_EXE", "/usr/bin/bash" },
		{ "BAILIFF_PARENT_COMM", "nginx" },
		{ "BAILIFF_PARENT_EXE", "/usr/sbin/nginx" },
		{ "BAILIFF_CGROUP", "/system.slice/nginx.service" },
		{ "BAILIFF_CGROUP_ID", "4321" },
		{ "BAILIFF_UNIT", "nginx.service" },
		{ "BAILIFF_SLICE", "system.slice" },
		{ "BAILIFF_USER_UNIT", NULL },
		{ "BAILIFF_CONTAINER", NULL },
		{ "BAILIFF_TIME", "2026-01-02T03:04:05.000006Z" },
		{ "BAILIFF_TIME_BOOTTIME_NS", "1000000000123456" },
		{ "BAILIFF_CPU", "3" },
		{ "BAILIFF_SEQ", "7" },
		{ "BAILIFF_TRUNCATED", NULL },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record.event.facts = BL_FACT_SETUID | BL_FACT_SCRIPT;
	record_seal(&record);
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	bl_entry_clear(&entry);
}

static void open_would_deny(void **state)
{
	static const char *const rows[][2] = {
		{ "MESSAGE", "would-deny open path=\"/tmp/x\" access=\"write,attributes\" by "
			     "exe=\"/usr/bin/bash\" pid=812 uid=33 unit=\"nginx.service\" "
			     "rule=\"#6@12\"" },
		{ "MESSAGE_ID", "71172014bf194f5fb5df67b1a674d220" },
		{ "PRIORITY", "4" },
		{ "ERRNO", NULL },
		{ "BAILIFF_VERDICT", "would-deny" },
		{ "BAILIFF_RULE", "#6@12" },
		{ "BAILIFF_POLICY", NULL },
		{ "BAILIFF_SEVERITY", NULL },
		{ "BAILIFF_ACCESS", "write,attributes" },
		{ "BAILIFF_FILESYSTEM", "untrusted" },
		{ "BAILIFF_LOGIN_UID", NULL },
		{ "BAILIFF_SESSION", NULL },
		{ "BAILIFF_INODE", NULL },
		{ "BAILIFF_DEVICE", NULL },
		{ "BAILIFF_OBJECT_MODE", NULL },
		{ "BAILIFF_OBJECT_OWNER", NULL },
		{ "BAILIFF_CGROUP_ID", NULL },
		{ "BAILIFF_TRUNCATED", "path,exe,parent_exe" },
		{ "BAILIFF_KERNEL_THREAD", "1" },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record.event.op = BL_OP_OPEN;
	record.event.hook = BL_HOOK_FILE_OPEN;
	record.event.verdict = BL_VERDICT_WOULD_DENY;
	record.event.ret = 0;
	record.event.rule = 6;
	record.event.access = BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES;
	record.event.login_uid = UINT32_MAX;
	record.event.session = UINT32_MAX;
	record.event.inode = record.event.dev_major = record.event.dev_minor = 0;
	record.event.mode = 0;
	record.event.cgroup_id = 0;
	record.event.flags = BL_EF_CONTAINER | BL_EF_UNTRUSTED | BL_EF_LOST | BL_EF_EXE_CUT |
			     BL_EF_PARENT_CUT | BL_EF_KTHREAD;
	record_seal(&record);
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	bl_entry_clear(&entry);
}

/* What a rule that kills comes to: where it does, and where nobody can be killed. */
static void kills(void **state)
{
	static const struct {
		enum bl_verdict verdict;
		__u32 flags;
		__s32 ret;
		const char *word, *id, *spared, *errno_text, *message;
	} rows[] = {
		{ BL_VERDICT_KILL, 0, -EPERM, "kill", "8a74f7fd663043b5a421d6ea87312646", NULL, "1",
		  "killed exec path=" },
		{ BL_VERDICT_WOULD_KILL, 0, 0, "would-kill", "304a6974bcc141d1b85d3a4ebe5bccf5",
		  NULL, NULL, "would-kill exec path=" },
		{ BL_VERDICT_DENY, BL_EF_SPARED, -EPERM, "deny", "605187a6e04c4b72b24d4698f4b97985",
		  "1", "1", "denied exec path=" },
	};
	struct bl_entry entry = { 0 };
	struct record record;
	const char *message;
	size_t len;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		record_exec(&record);
		record.event.verdict = (__u8)rows[i].verdict;
		record.event.flags |= rows[i].flags;
		record.event.ret = rows[i].ret;
		record_seal(&record);
		build(&entry, &record);
		expect(&entry, "BAILIFF_VERDICT", rows[i].word);
		expect(&entry, "MESSAGE_ID", rows[i].id);
		expect(&entry, "BAILIFF_SPARED", rows[i].spared);
		expect(&entry, "ERRNO", rows[i].errno_text);
		message = bl_entry_get(&entry, "MESSAGE", &len);
		assert_true(len > strlen(rows[i].message));
		assert_memory_equal(message, rows[i].message, strlen(rows[i].message));
	}
	bl_entry_clear(&entry);
}

static void arguments(void **state)
{
	static const char *const rows[][2] = {
		{ "MESSAGE",
		  "killed exec path=\"/tmp/x\" argument=\"-\\x0ae\" by exe=\"/usr/bin/bash\" "
		  "pid=812 uid=33 unit=\"nginx.service\" rule=\"#6@12\"" },
		{ "BAILIFF_VERDICT", "kill" },
		{ "BAILIFF_HOOK", "bprm_committed_creds" },
		{ "BAILIFF_ARGUMENT", "-\\x0ae" },
		{ "BAILIFF_ARGUMENT_HEX", "2d0a65" },
		{ "BAILIFF_TRUNCATED", "argument" },
		{ "ERRNO", NULL },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record.event.rule = 6;
	record.event.flags |= BL_EF_ARGUMENT_CUT;
	record_argument(&record, "-\ne");
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	bl_entry_clear(&entry);
}

/* Who acts, and how often it happened. Where spaces tell the arguments apart there is no _HEX. */
static void context(void **state)
{
	static const char argv[] = "cat\0--password\0geheim\0x y";
	static const char *const rows[][2] = {
		{ "MESSAGE", "denied exec path=\"/tmp/x\" by exe=\"/usr/bin/bash\" pid=812 uid=33 "
			     "unit=\"nginx.service\" folded=41 rule=\"#6@12\"" },
		{ "BAILIFF_FOLDED", "41" },
		{ "BAILIFF_PROCESS_ID", "0123456789abcdef0123456789abcdef-32c-38c95d0217000" },
		{ "BAILIFF_PARENT_PROCESS_ID",
		  "0123456789abcdef0123456789abcdef-258-38bacfb7c6000" },
		{ "BAILIFF_CAPABILITIES", "00000000000003ff" },
		{ "BAILIFF_CMDLINE", "cat --password geheim x y" },
		{ "BAILIFF_CMDLINE_HEX", "636174002d2d70617373776f72640067656865696d0078207900" },
		{ "BAILIFF_ANCESTOR_1_EXE", "/sbin/a\\x0a" },
		{ "BAILIFF_ANCESTOR_1_EXE_HEX", "2f7362696e2f610a" },
		{ "BAILIFF_ANCESTOR_3_PID", NULL },
		{ "BAILIFF_PID_NAMESPACE", "4026531836" },
		{ "BAILIFF_FILESYSTEM_TYPE", "ext4" },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record.event.rule = 6;
	record.event.folded = 41;
	record.event.since_ns = 1000000000000000ull;
	record_context(&record, argv, sizeof(argv));
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	assert_int_equal(entry.repeats, 41);
	bl_entry_clear(&entry);
}

static void connect_alert(void **state)
{
	static const char *const rows[][2] = {
		{ "MESSAGE", "alert connect to=\"2001:db8::1\" port=53 protocol=\"udp\" by "
			     "comm=\"bash\" pid=812 uid=33 unit=\"nginx.service\" "
			     "rule=\"web-no-shell\" policy=\"web\" severity=high "
			     "attack=\"T1059.004 T1505.003\" "
			     "message=\"the web server starts a \\\"shell\\\"\"" },
		{ "MESSAGE_ID", "cf54652101094417a0b88b0bc4e0b275" },
		{ "BAILIFF_ADDRESS", "2001:db8::1" },
		{ "BAILIFF_PORT", "53" },
		{ "BAILIFF_PROTOCOL", "udp" },
		{ "BAILIFF_FAMILY", "ipv6" },
		{ "BAILIFF_PATH", NULL },
		{ "BAILIFF_INODE", NULL },
		{ "BAILIFF_EXE", NULL },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_connect(&record);
	record.event.verdict = BL_VERDICT_ALERT;
	record.event.ret = 0;
	record.event.family = AF_INET6;
	record.event.port = 53;
	record.event.protocol = IPPROTO_UDP;
	record.event.access = BL_PROTO_UDP;
	inet_pton(AF_INET6, "2001:db8::1", record.event.addr);
	record_texts(&record, "", 0, "", 0, "/system.slice/nginx.service");
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	bl_entry_clear(&entry);
}

static void ipv4_and_unknown_protocols(void **state)
{
	struct bl_entry entry = { 0 };
	struct record record;

	record_connect(&record);
	build(&entry, &record);
	expect(&entry, "BAILIFF_ADDRESS", "192.0.2.1");
	expect(&entry, "BAILIFF_FAMILY", "ipv4");
	record.event.protocol = 262;
	record_seal(&record);
	build(&entry, &record);
	expect(&entry, "BAILIFF_PROTOCOL", "mptcp");
	record.event.protocol = 89;
	record_seal(&record);
	build(&entry, &record);
	expect(&entry, "BAILIFF_PROTOCOL", "89");
	bl_entry_clear(&entry);
}

/* journald's own OBJECT_* and ours must never differ, and never be of another process. */
static void object_fields(void **state)
{
	static const struct {
		enum bl_process_state process;
		const char *pid, *unit, *slice;
	} rows[] = {
		{ BL_PROCESS_UNKNOWN, "812", NULL, NULL },
		{ BL_PROCESS_SAME_UNIT, "812", "nginx.service", "system.slice" },
		{ BL_PROCESS_MOVED, "812", NULL, NULL },
		{ BL_PROCESS_GONE, "812", "nginx.service", "system.slice" },
		{ BL_PROCESS_REUSED, NULL, "nginx.service", "system.slice" },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build_state(&entry, &record, rows[i].process);
		expect(&entry, "OBJECT_PID", rows[i].pid);
		expect(&entry, "OBJECT_SYSTEMD_UNIT", rows[i].unit);
		expect(&entry, "OBJECT_SYSTEMD_SLICE", rows[i].slice);
	}
	bl_entry_clear(&entry);
}

static void hostile_names(void **state)
{
	static const char path[] =
		"/tmp/a\" rule=\"x\"\nBAILIFF_VERDICT=alert\nMESSAGE=\xff\x1b[2J";
	static const char *const rows[][2] = {
		{ "BAILIFF_VERDICT", "deny" },
		{ "BAILIFF_PATH", "/tmp/a\\\" rule=\\\"x\\\"\\x0aBAILIFF_VERDICT=alert\\x0a"
				  "MESSAGE=\\xff\\x1b[2J" },
		{ "BAILIFF_PATH_HEX",
		  "2f746d702f61222072756c653d2278220a4241494c4946465f564552444943"
		  "543d616c6572740a4d4553534147453dff1b5b324a" },
		{ "BAILIFF_COMM", "a\\x0ab" },
		{ "BAILIFF_COMM_HEX", "610a62" },
	};
	struct bl_entry entry = { 0 };
	struct record record;
	const char *message;
	size_t len;

	record_exec(&record);
	memcpy(record.event.comm, "a\nb\0c", 5);
	record_texts(&record, path, sizeof(path) - 1, "/usr/bin/bash", 13, "/");
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	message = bl_entry_get(&entry, "MESSAGE", &len);
	assert_null(memchr(message, '\n', len));
	assert_null(memmem(message, len, " rule=\"x\"", 9));
	for (size_t i = 0; i < entry.n_fields; i++)
		assert_null(
			memchr(entry.bytes + entry.fields[i].offset, '\n', entry.fields[i].len));
	bl_entry_clear(&entry);
}

/* Everything at its longest: each display field must stay under what journalctl shows. */
static void longest_names(void **state)
{
	static char path[BL_PATH_BYTES], exe[BL_PATH_BYTES];
	struct bl_entry entry = { 0 };
	struct record record;
	size_t len;

	memset(path, '\n', sizeof(path));
	memset(exe, 'e', sizeof(exe));
	record_exec(&record);
	record_texts(&record, path, sizeof(path), exe, sizeof(exe), "/");
	build(&entry, &record);
	for (size_t i = 0; i < entry.n_fields; i++) {
		const struct bl_entry_field *field = &entry.fields[i];

		if (!strstr(field->name, "_HEX"))
			assert_true(strlen(field->name) + 1 + field->len < 4096);
	}
	assert_non_null(bl_entry_get(&entry, "BAILIFF_PATH_HEX", &len));
	assert_int_equal(len, 2 * sizeof(path));
	assert_non_null(bl_entry_get(&entry, "BAILIFF_EXE_HEX", &len));
	assert_int_equal(len, 2 * sizeof(exe));
	assert_non_null(memmem(bl_entry_get(&entry, "BAILIFF_EXE", NULL), 3900, BL_ESCAPE_CUT, 4));
	/* The rule is still in the MESSAGE. */
	assert_non_null(
		memmem(bl_entry_get(&entry, "MESSAGE", &len), len, " rule=\"web-no-shell\"", 20));
	bl_entry_clear(&entry);
}

static void containers_and_users(void **state)
{
	static const char *const rows[][2] = {
		{ "BAILIFF_UNIT", "user@1000.service" },
		{ "BAILIFF_SLICE", "user-1000.slice" },
		{ "BAILIFF_USER_UNIT",
		  "libpod-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope" },
		{ "BAILIFF_USER_SLICE", "user.slice" },
		{ "BAILIFF_CONTAINER",
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "BAILIFF_CONTAINER_RUNTIME", "podman" },
	};
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record_texts(&record, "/x", 2, "/y", 2,
		     "/user.slice/user-1000.slice/user@1000.service/user.slice/"
		     "libpod-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		     ".scope/container");
	build(&entry, &record);
	EXPECT_ROWS(&entry, rows);
	bl_entry_clear(&entry);
}

static void priorities(void **state)
{
	static const struct {
		const char *severity;
		int deny, alert;
	} rows[] = {
		{ "critical", 3, 3 }, { "high", 3, 3 }, { "medium", 4, 4 },   { "low", 5, 5 },
		{ "info", 5, 6 },     { NULL, 4, 4 },	{ "nonsense", 4, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bl_fields_priority(BL_VERDICT_DENY, rows[i].severity),
				 rows[i].deny);
		assert_int_equal(bl_fields_priority(BL_VERDICT_KILL, rows[i].severity),
				 rows[i].deny);
		assert_int_equal(bl_fields_priority(BL_VERDICT_WOULD_KILL, rows[i].severity),
				 rows[i].alert);
		assert_int_equal(bl_fields_priority(BL_VERDICT_ALERT, rows[i].severity),
				 rows[i].alert);
		assert_int_equal(bl_fields_priority(BL_VERDICT_WOULD_DENY, rows[i].severity),
				 rows[i].alert);
	}
}

/* ---- entries and the wire ----------------------------------------------------------------- */

static void wire_equals_entry(void **state)
{
	struct bl_entry entry = { 0 };
	struct wire wire;
	char *bytes;
	size_t size;

	bl_entry_text(&entry, "MESSAGE", "one\ntwo\nFAKE=1\n");
	bl_entry_add(&entry, "BAILIFF_PATH", "a=b\0c", 5);
	bl_entry_text(&entry, "EMPTY", "");
	bl_entry_text(&entry, "NEWLINE", "\n");
	bl_entry_uint(&entry, "NUMBER", UINT64_MAX);
	bl_entry_format(&entry, "FORMAT", "%d:%s", 5, "x");
	assert_int_equal(bl_entry_error(&entry), 0);
	size = bl_entry_wire_size(&entry);
	bytes = malloc(size);
	assert_int_equal(bl_entry_wire_write(&entry, bytes), size);
	assert_true(wire_parse(bytes, size, &wire));
	assert_int_equal(wire.n, entry.n_fields);
	for (size_t i = 0; i < wire.n; i++) {
		assert_int_equal(wire.fields[i].name_len, strlen(entry.fields[i].name));
		assert_memory_equal(wire.fields[i].name, entry.fields[i].name,
				    wire.fields[i].name_len);
		assert_int_equal(wire.fields[i].value_len, entry.fields[i].len);
		assert_memory_equal(wire.fields[i].value, entry.bytes + entry.fields[i].offset,
				    wire.fields[i].value_len);
	}
	expect(&entry, "NUMBER", "18446744073709551615");
	free(bytes);
	bl_entry_clear(&entry);
}

static void entry_limits(void **state)
{
	static char names[BL_ENTRY_FIELDS_MAX + 1][8];
	struct bl_entry entry = { 0 };
	char *big = calloc(1, BL_ENTRY_BYTES_MAX + 1);

	bl_entry_text(&entry, "A", "1");
	bl_entry_text(&entry, "A", "2");
	assert_int_equal(bl_entry_error(&entry), -EEXIST);
	bl_entry_text(&entry, "B", "1"); /* sticks */
	assert_null(bl_entry_get(&entry, "B", NULL));
	bl_entry_reset(&entry);
	assert_int_equal(bl_entry_error(&entry), 0);
	bl_entry_add(&entry, "A", big, BL_ENTRY_BYTES_MAX + 1);
	assert_int_equal(bl_entry_error(&entry), -E2BIG);
	bl_entry_reset(&entry);
	for (size_t i = 0; i <= BL_ENTRY_FIELDS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "F%zu", i);
		bl_entry_text(&entry, names[i], "v");
		assert_int_equal(bl_entry_error(&entry), i < BL_ENTRY_FIELDS_MAX ? 0 : -E2BIG);
	}
	free(big);
	bl_entry_clear(&entry);
}

/* ---- message ids and their catalog -------------------------------------------------------- */

static void ids_are_distinct(void **state)
{
	for (unsigned int i = 1; i < _BL_MESSAGE_MAX; i++) {
		assert_int_equal(strlen(bl_message_id(i)), 32);
		assert_int_equal(strspn(bl_message_id(i), "0123456789abcdef"), 32);
		assert_int_equal(bl_message_find(bl_message_id(i), 32), i);
	}
	assert_null(bl_message_id(0));
	assert_null(bl_message_id(_BL_MESSAGE_MAX));
	assert_int_equal(bl_message_find("605187a6e04c4b72b24d4698f4b97986", 32), 0);
	assert_int_equal(bl_message_find("6051", 4), 0);
}

/* A file of the source tree. */
static FILE *open_source(const char *name)
{
	const char *root = getenv("BAILIFF_SOURCE");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s does not open; BAILIFF_SOURCE is to name the source tree", path);
	return file;
}

/* Every @FIELD@ in the catalog is a field that we send. */
static void check_substitutions(const char *line, const struct bl_entry *known)
{
	for (const char *at = strchr(line, '@'); at; at = strchr(at + 1, '@')) {
		const char *end = strchr(at + 1, '@');
		char name[65];

		assert_non_null(end);
		snprintf(name, sizeof(name), "%.*s", (int)(end - at - 1), at + 1);
		if (!bl_entry_get(known, name, NULL))
			fail_msg("the catalog asks for a field %s that is never sent", name);
		at = end;
	}
}

/* All fields of all kinds of entries in one, for look-up. */
static void gather(struct bl_entry *known, const struct bl_entry *entry)
{
	for (size_t i = 0; i < entry->n_fields; i++) {
		if (!bl_entry_get(known, entry->fields[i].name, NULL))
			bl_entry_text(known, entry->fields[i].name, "");
	}
}

static void gather_all(struct bl_entry *known)
{
	struct bl_report_policy policy = { 1, "d", 1, 1, 1, 1, 1 };
	struct bl_report_numbers numbers = { "s", "0:1" };
	struct bl_report_start start = { &numbers, "v", "k", "e", "m" };
	struct bl_lost_report lost = { .fresh_sum = 1 };
	uint64_t counters[_BL_COUNT_MAX] = { 0 };
	struct bl_report_heartbeat beat = { .counters = counters, .numbers = numbers };
	struct bl_entry entry = { 0 };
	struct record record;

	record_exec(&record);
	record.event.facts = BL_FACT_MEMFD;
	record.event.flags |= BL_EF_SPARED;
	record.event.folded = 3;
	record.event.since_ns = 1;
	record_seal(&record);
	build_state(&entry, &record, BL_PROCESS_GONE);
	gather(known, &entry);
	record.event.op = BL_OP_OPEN;
	record.event.facts = 0;
	record.event.access = BL_ACCESS_READ;
	record.event.flags |= BL_EF_EXE_CUT | BL_EF_KTHREAD;
	record_texts(&record, "\n", 1, "\n", 1,
		     "/user.slice/user-1.slice/user@1.service/lxc.payload.x/a.service\n");
	record_seal(&record);
	build(&entry, &record);
	gather(known, &entry);
	record_connect(&record);
	build(&entry, &record);
	gather(known, &entry);
	bl_report_started(&entry, &start);
	gather(known, &entry);
	bl_report_stopped(&entry, "c", &numbers);
	gather(known, &entry);
	bl_report_policy_loaded(&entry, &policy);
	gather(known, &entry);
	bl_report_policy_rejected(&entry, 1, "f", 1);
	gather(known, &entry);
	bl_report_degraded(&entry, "e", "r", "r");
	gather(known, &entry);
	bl_report_lost(&entry, &lost, &numbers);
	gather(known, &entry);
	bl_report_heartbeat(&entry, &beat);
	gather(known, &entry);
	bl_report_canary_failed(&entry, "r");
	gather(known, &entry);
	bl_entry_clear(&entry);
}

static void catalog_and_code_agree(void **state)
{
	bool seen[_BL_MESSAGE_MAX] = { false };
	struct bl_entry known = { 0 };
	FILE *file = open_source("packaging/bailiff.catalog");
	char line[512];

	gather_all(&known);
	while (fgets(line, sizeof(line), file)) {
		enum bl_message message;

		line[strcspn(line, "\n")] = '\0';
		check_substitutions(line, &known);
		if (strncmp(line, "-- ", 3)) {
			if (strlen(line) > 76)
				fail_msg("longer than 76 columns: %s", line);
			continue;
		}
		message = bl_message_find(line + 3, strlen(line + 3));
		if (!message)
			fail_msg("no message has the catalog's id %s", line + 3);
		assert_false(seen[message]);
		seen[message] = true;
	}
	fclose(file);
	for (unsigned int i = 1; i < _BL_MESSAGE_MAX; i++) {
		if (!seen[i])
			fail_msg("the catalog has no entry for %s", bl_message_id(i));
	}
	bl_entry_clear(&known);
}

/* Every field and every MESSAGE_ID that is sent is described. */
static void documentation_is_complete(void **state)
{
	struct bl_entry known = { 0 };
	FILE *file = open_source("docs/events.md");
	char *text = NULL;
	size_t size = 0;

	assert_true(getdelim(&text, &size, '\0', file) > 0);
	fclose(file);
	gather_all(&known);
	for (size_t i = 0; i < known.n_fields; i++) {
		/* "and their _HEX" */
		if (!strstr(known.fields[i].name, "_HEX") && !strstr(text, known.fields[i].name))
			fail_msg("docs/events.md does not name %s", known.fields[i].name);
	}
	for (unsigned int i = 1; i < _BL_MESSAGE_MAX; i++) {
		if (!strstr(text, bl_message_id(i)))
			fail_msg("docs/events.md does not name %s", bl_message_id(i));
	}
	free(text);
	bl_entry_clear(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_denied),
		cmocka_unit_test(open_would_deny),
		cmocka_unit_test(arguments),
		cmocka_unit_test(context),
		cmocka_unit_test(connect_alert),
		cmocka_unit_test(kills),
		cmocka_unit_test(ipv4_and_unknown_protocols),
		cmocka_unit_test(object_fields),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(longest_names),
		cmocka_unit_test(containers_and_users),
		cmocka_unit_test(priorities),
		cmocka_unit_test(wire_equals_entry),
		cmocka_unit_test(entry_limits),
		cmocka_unit_test(ids_are_distinct),
		cmocka_unit_test(catalog_and_code_agree),
		cmocka_unit_test(documentation_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
