/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of records: what is right comes out whole, what is wrong in any part is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include "event.h"
#include "record.h"

static void decodes_whole(void **state)
{
	struct record record;
	struct bl_event_view view;

	record_exec(&record);
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	assert_int_equal(view.fixed.pid, 812);
	assert_int_equal(view.path.len, strlen("/tmp/x"));
	assert_memory_equal(view.path.bytes, "/tmp/x", view.path.len);
	assert_memory_equal(view.exe.bytes, "/usr/bin/bash", view.exe.len);
	assert_memory_equal(view.parent_exe.bytes, "/usr/sbin/nginx", view.parent_exe.len);
	assert_memory_equal(view.cgroup.bytes, "/system.slice/nginx.service", view.cgroup.len);
	assert_int_equal(view.comm.len, 4);
	assert_memory_equal(view.comm.bytes, "bash", 4);
}

static void decodes_unaligned(void **state)
{
	char bytes[sizeof(struct record) + 1];
	struct record record;
	struct bl_event_view view;

	record_exec(&record);
	memcpy(bytes + 1, record.bytes, record.size);
	assert_int_equal(bl_event_decode(bytes + 1, record.size, &view, NULL), 0);
	assert_memory_equal(view.exe.bytes, "/usr/bin/bash", view.exe.len);
}

static void comm_without_nul(void **state)
{
	struct record record;
	struct bl_event_view view;

	record_exec(&record);
	memset(record.event.comm, 'c', BL_COMM_BYTES);
	memcpy(record.event.parent_comm, "p\0garbage", 9);
	record_seal(&record);
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	assert_int_equal(view.comm.len, BL_COMM_BYTES);
	assert_int_equal(view.parent_comm.len, 1);
}

static void refuse(const struct record *record, size_t size, const char *reason)
{
	struct bl_event_view view, untouched;
	const char *what = NULL;

	memset(&view, 0x5a, sizeof(view));
	memcpy(&untouched, &view, sizeof(view));
	assert_int_equal(bl_event_decode(record->bytes, size, &view, &what), -EBADMSG);
	assert_string_equal(what, reason);
	assert_memory_equal(&view, &untouched, sizeof(view));
}

static void refuses_sizes(void **state)
{
	struct record record;

	record_exec(&record);
	refuse(&record, 0, "shorter than any record");
	refuse(&record, sizeof(struct bl_event) - 1, "shorter than any record");
	refuse(&record, record.size - 1, "sizes that don't add up");
	record_exec(&record);
	refuse(&record, record.size + 8, "sizes that don't add up");
	record.event.path_len++;
	record_seal(&record);
	refuse(&record, record.size, "sizes that don't add up");
	record_exec(&record);
	record.event.exe_len = BL_PATH_BYTES + 1;
	record_seal(&record);
	refuse(&record, record.size, "a string that is too long");
	record_exec(&record);
	record.event.path_len = UINT16_MAX;
	record_seal(&record);
	refuse(&record, record.size, "a string that is too long");
}

/* Of a program that was ended on its way: there is an argument, and no answer of a hook. */
static void arguments(void **state)
{
	struct bl_event_view view;
	struct record record;

	record_exec(&record);
	record_argument(&record, "-e");
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	assert_int_equal(view.argument.len, 2);
	assert_memory_equal(view.argument.bytes, "-e", 2);
	record.event.verdict = BL_VERDICT_DENY;
	record_seal(&record);
	refuse(&record, record.size, "verdict and answer differ");
	record.event.verdict = BL_VERDICT_KILL;
	record.event.ret = -EPERM;
	record_seal(&record);
	refuse(&record, record.size, "verdict and answer differ");
	record.event.hook = BL_HOOK_BPRM_CHECK;
	record_seal(&record);
	refuse(&record, record.size, "an argument that doesn't fit the operation");
	record.event.hook = BL_HOOK_BPRM_COMMITTED;
	record.event.op = BL_OP_OPEN;
	record.event.access = BL_ACCESS_READ;
	record_seal(&record);
	refuse(&record, record.size, "an argument that doesn't fit the operation");
	record.event.argument_len = BL_PATH_BYTES + 1;
	record_seal(&record);
	refuse(&record, record.size, "a string that is too long");
}

static void context(void **state)
{
	static const char argv[] = "cat\0a b";
	struct bl_event_view view;
	struct record record;

	record_exec(&record);
	record_context(&record, argv, sizeof(argv));
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	assert_int_equal(view.cwd.len, 7);
	assert_memory_equal(view.cwd.bytes, "/srv/ww", 7);
	assert_int_equal(view.argv.len, sizeof(argv));
	assert_memory_equal(view.argv.bytes, argv, sizeof(argv));
	assert_int_equal(view.ancestors[0].len, 8);
	assert_memory_equal(view.ancestors[1].bytes, "/sbin/init", 10);
	assert_int_equal(view.ancestors[2].len, 0);
	record.event.ancestors[1].pid = 0;
	record_seal(&record);
	refuse(&record, record.size, "an ancestor without a number");
}

/* Each row breaks one field of a record that is right. */
static void refuses_words(void **state)
{
	static const struct {
		size_t offset;
		uint64_t value;
		size_t size;
		const char *reason;
	} rows[] = {
#define ROW(field, value, reason) \
	{ offsetof(struct bl_event, field), value, sizeof(((struct bl_event *)0)->field), reason }
		ROW(abi, BL_ABI_VERSION + 1, "another ABI version"),
		ROW(abi, 0, "another ABI version"),
		ROW(size, 1, "sizes that don't add up"),
		ROW(kind, 0, "unknown kind of record"),
		ROW(kind, _BL_EVENT_MAX, "unknown kind of record"),
		ROW(op, 0, "unknown operation"),
		ROW(op, _BL_OP_MAX, "unknown operation"),
		ROW(op, 255, "unknown operation"),
		ROW(verdict, BL_VERDICT_UNSET, "a verdict that makes no event"),
		ROW(verdict, BL_VERDICT_ALLOW, "a verdict that makes no event"),
		ROW(verdict, _BL_VERDICT_MAX, "a verdict that makes no event"),
		ROW(hook, 0, "unknown hook"),
		ROW(hook, _BL_HOOK_MAX, "unknown hook"),
		ROW(access, 0, "access that does not fit the operation"),
		ROW(access, BL_ACCESS_READ, "access that does not fit the operation"),
		ROW(access, 0x40, "access that does not fit the operation"),
		ROW(family, AF_INET, "an address without a connect"),
		ROW(facts, 1 << 5, "facts that don't fit the operation"),
		ROW(facts, 1 << 7, "facts that don't fit the operation"),
		ROW(ret, 0, "verdict and answer differ"),
		ROW(ret, 1, "an answer that no hook gives"),
		ROW(ret, (uint64_t)-4096, "an answer that no hook gives"),
		ROW(verdict, BL_VERDICT_ALERT, "verdict and answer differ"),
		ROW(verdict, BL_VERDICT_WOULD_DENY, "verdict and answer differ"),
		ROW(verdict, BL_VERDICT_WOULD_KILL, "verdict and answer differ"),
		ROW(seq, 0, "no sequence number"),
		ROW(folded, 1, "repeats at no time that can be"),
		ROW(since_ns, 1, "repeats at no time that can be"),
		ROW(cwd_len, 1, "sizes that don't add up"),
		ROW(cwd_len, BL_PATH_BYTES + 1, "a string that is too long"),
		ROW(argv_len, BL_ARGV_BYTES + 1, "a string that is too long"),
		ROW(ancestors[3].exe_len, BL_PATH_BYTES + 1, "a string that is too long"),
		ROW(ancestors[3].exe_len, 1, "an ancestor without a number"),
#undef ROW
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record record;

		record_exec(&record);
		memcpy((char *)&record.event + rows[i].offset, &rows[i].value, rows[i].size);
		memcpy(record.bytes, &record.event, sizeof(record.event));
		refuse(&record, record.size, rows[i].reason);
	}
}

/* A process is taken hold of, which some hooks are for and others know nothing of. */
static void traces(void **state)
{
	static const enum bl_hook hooks[] = { BL_HOOK_PTRACE_ACCESS, BL_HOOK_PTRACE_TRACEME,
					      BL_HOOK_BPRM_CHECK, BL_HOOK_CREATE };
	struct bl_event_view view;
	struct record record;

	record_exec(&record);
	record.event.access = BL_ACCESS_TRACE;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		record.event.hook = hooks[i];
		record_seal(&record);
		assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	}
	record.event.hook = BL_HOOK_MMAP;
	record_seal(&record);
	refuse(&record, record.size, "access that does not fit the hook");
	record.event.hook = BL_HOOK_PTRACE_ACCESS;
	record.event.access = BL_ACCESS_EXEC;
	record_seal(&record);
	refuse(&record, record.size, "access that does not fit the hook");
	record.event.hook = BL_HOOK_BPRM_CHECK;
	record.event.access = BL_ACCESS_EXEC | BL_ACCESS_TRACE;
	record_seal(&record);
	refuse(&record, record.size, "access that does not fit the hook");
}

static void connect_needs_a_family(void **state)
{
	struct record record;
	struct bl_event_view view;

	record_connect(&record);
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	record.event.family = AF_NETLINK;
	record_seal(&record);
	refuse(&record, record.size, "access that does not fit the address family");
	record.event.access = BL_PROTO_NONE;
	record_seal(&record);
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	record.event.family = BL_FAMILIES;
	record_seal(&record);
	refuse(&record, record.size, "unknown address family");
	record.event.family = 0;
	record_seal(&record);
	refuse(&record, record.size, "unknown address family");
}

static void every_word_has_a_name(void **state)
{
	for (unsigned int i = 1; i < _BL_OP_MAX; i++)
		assert_non_null(bl_event_op_name(i));
	for (unsigned int i = 1; i < _BL_HOOK_MAX; i++)
		assert_non_null(bl_event_hook_name(i));
	for (unsigned int i = BL_VERDICT_ALLOW; i < _BL_VERDICT_MAX; i++)
		assert_non_null(bl_event_verdict_name(i));
	for (unsigned int bit = 1; bit <= BL_FACT_ANY; bit <<= 1)
		assert_int_equal(bl_event_fact_name(bit) != NULL, (bit & BL_FACT_ANY) != 0);
	assert_null(bl_event_op_name(0));
	assert_null(bl_event_hook_name(_BL_HOOK_MAX));
	assert_null(bl_event_verdict_name(_BL_VERDICT_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_whole),
		cmocka_unit_test(decodes_unaligned),
		cmocka_unit_test(comm_without_nul),
		cmocka_unit_test(refuses_sizes),
		cmocka_unit_test(arguments),
		cmocka_unit_test(context),
		cmocka_unit_test(refuses_words),
		cmocka_unit_test(traces),
		cmocka_unit_test(connect_needs_a_family),
		cmocka_unit_test(every_word_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
