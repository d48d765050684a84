/* SPDX-License-Identifier: Apache-2.0 */
/* One table from event to journal fields; docs/events.md describes each of them. */
#include "fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "escape.h"
#include "event_words.h"
#include "fields_build.h"
#include "line.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define NS_PER_S	1000000000
#define NS_PER_US	1000
#define UNSET_ID	UINT32_MAX /* the kernel's 'no such id' */
#define RULE_BYTES_MAX	1024	   /* display bytes of each text that a policy brings */
#define LINE_PATH_BYTES 1024
#define LINE_EXE_BYTES	512
#define LINE_TEXT_BYTES 256
#define BOOT_DIGITS	12 /* of the boot id, in an event's id */
#define SOCKET_NAME_MAX 107 /* bytes of an abstract name */

#define OP_BIT(op) (1u << (op))
#define ON_FILE	   (OP_BIT(BL_OP_EXEC) | OP_BIT(BL_OP_OPEN))
#define ON_EXEC	   OP_BIT(BL_OP_EXEC)
#define ON_CONNECT OP_BIT(BL_OP_CONNECT)
#define ON_ALL	   (ON_FILE | ON_CONNECT)

/* ---- putters by type ---------------------------------------------------------------------- */

static uint64_t load(const struct build *b, const struct field *field, size_t size)
{
	const char *from = (const char *)&b->event->fixed + field->offset;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case sizeof(u16):
		memcpy(&u16, from, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, from, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, from, sizeof(u64));
		return u64;
	}
}

static void put_u16(struct build *b, const struct field *field)
{
	bl_entry_uint(b->entry, field->name, load(b, field, sizeof(uint16_t)));
}

static void put_u32(struct build *b, const struct field *field)
{
	bl_entry_uint(b->entry, field->name, load(b, field, sizeof(uint32_t)));
}

static void put_u64(struct build *b, const struct field *field)
{
	bl_entry_uint(b->entry, field->name, load(b, field, sizeof(uint64_t)));
}

/* An id that ~0 stands for 'unset' in. */
static void put_id(struct build *b, const struct field *field)
{
	if (load(b, field, sizeof(uint32_t)) != UNSET_ID)
		put_u32(b, field);
}

/* A number of which 0 means 'not known'. */
static void put_known(struct build *b, const struct field *field)
{
	if (load(b, field, sizeof(uint64_t)))
		put_u64(b, field);
}

static void put_known32(struct build *b, const struct field *field)
{
	if (load(b, field, sizeof(uint32_t)))
		put_u32(b, field);
}

/* Returns whether the display form is anything but the bytes themselves. */
static bool put_escaped(struct build *b, const char *name, struct bl_text text, size_t limit)
{
	char *room = bl_entry_reserve(b->entry, limit);
	bool changed;

	if (!room)
		return false;
	bl_entry_commit(b->entry, name,
			bl_escape_text(text.bytes, text.len, room, limit, NULL, &changed));
	return changed;
}

static void put_bytes(struct build *b, const struct field *field)
{
	const struct bl_text *text = (const void *)((const char *)b->event + field->offset);
	char *room;

	if (!text->len || !put_escaped(b, field->name, *text, BL_FIELD_BYTES_MAX))
		return;
	room = bl_entry_reserve(b->entry, 2 * text->len);
	if (room)
		bl_entry_commit(b->entry, field->hex_name,
				bl_escape_hex(text->bytes, text->len, room));
}

/*
 * A unix socket: the path that it is bound to, or '@' and its abstract name, of which the bytes begin
 * with a NUL.
 */
static struct bl_text abstract_name(const struct bl_event_view *event)
{
	struct bl_text name = { event->path.bytes + 1, event->path.len - 1 };

	return name;
}

static bool is_abstract(const struct bl_event_view *event)
{
	return event->path.len && !event->path.bytes[0];
}

static void put_socket(struct build *b, const struct field *field)
{
	struct bl_text name;
	bool changed;
	size_t len;
	char *room;

	if (!is_abstract(b->event)) {
		put_bytes(b, field);
		return;
	}
	name = abstract_name(b->event);
	room = bl_entry_reserve(b->entry, BL_FIELD_BYTES_MAX);
	if (!room)
		return;
	room[0] = '@';
	len = bl_escape_text(name.bytes, name.len, room + 1, BL_FIELD_BYTES_MAX - 1, NULL,
			     &changed);
	bl_entry_commit(b->entry, field->name, len + 1);
	room = bl_entry_reserve(b->entry, 2 * (name.len + 1));
	if (room)
		bl_entry_commit(b->entry, field->hex_name,
				bl_escape_hex(b->event->path.bytes, name.len + 1, room));
}

/* Text of a policy's author: may hold a newline, but is nobody's attack. */
static void put_policy_text(struct build *b, const char *name, const char *text)
{
	if (text)
		put_escaped(b, name, (struct bl_text){ text, strlen(text) }, RULE_BYTES_MAX);
}

/* A NUL-terminated name in struct bl_cgroup_names; only characters of unit names are in it. */
static void put_cgroup_name(struct build *b, const struct field *field)
{
	const char *name = (const char *)&b->enriched->cgroup + field->offset;

	if (*name)
		bl_entry_text(b->entry, field->name, name);
}

static const char *rule_text(const struct build *b, size_t offset)
{
	const char *text;

	if (!b->rule)
		return NULL;
	memcpy(&text, (const char *)b->rule + offset, sizeof(text));
	return text;
}

static void put_rule_text(struct build *b, const struct field *field)
{
	put_policy_text(b, field->name, rule_text(b, field->offset));
}

/* ---- words -------------------------------------------------------------------------------- */

static const char *severity_of(const struct build *b)
{
	return b->rule && b->rule->severity ? b->rule->severity : "medium";
}

static const char *rule_id(const struct build *b)
{
	return b->rule && b->rule->id ? b->rule->id : b->unknown_rule;
}

static void put_words(struct build *b, const struct field *field, struct bl_event_words words)
{
	if (words.len)
		bl_entry_add(b->entry, field->name, words.text, words.len);
}

/* ---- putters of one field each ------------------------------------------------------------ */

static void put_message_id(struct build *b, const struct field *field)
{
	const struct bl_event *event = &b->event->fixed;

	bl_entry_text(b->entry, field->name,
		      bl_message_id(bl_message_of_verdict(event->op, event->verdict)));
}

static void put_priority(struct build *b, const struct field *field)
{
	bl_entry_uint(b->entry, field->name,
		      (uint64_t)bl_fields_priority(b->event->fixed.verdict, severity_of(b)));
}

static void put_identifier(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, "bailiff");
}

static void put_facility(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, "10"); /* authpriv; else forwarded as 'user' */
}

static void put_documentation(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, "man:bailiff(8)");
}

static void put_errno(struct build *b, const struct field *field)
{
	if (b->event->fixed.ret < 0)
		bl_entry_uint(b->entry, field->name, (uint64_t)-b->event->fixed.ret);
}

/* journald reads /proc/PID for it; of another process that bears the number now it must not. */
static void put_object_pid(struct build *b, const struct field *field)
{
	if (b->event->fixed.pid && b->enriched->process != BL_PROCESS_REUSED)
		put_u32(b, field);
}

/*
 * journald adds OBJECT_SYSTEMD_* of its own if it finds the process alive. Where it finds another
 * unit than we, the field would have two values, so ours is left out; equal values are merged
 * into one, and ours stays where the process dies before journald looks.
 */
static void put_object_name(struct build *b, const struct field *field)
{
	switch (b->enriched->process) {
	case BL_PROCESS_SAME_UNIT:
	case BL_PROCESS_GONE:
	case BL_PROCESS_REUSED:
		put_cgroup_name(b, field);
		break;
	case BL_PROCESS_UNKNOWN:
	case BL_PROCESS_MOVED:
		break;
	}
}

static void put_schema(struct build *b, const struct field *field)
{
	bl_entry_uint(b->entry, field->name, BL_EVENT_SCHEMA);
}

/* The time is in it because sequence numbers start anew with each load of the programs. */
static void put_event_id(struct build *b, const struct field *field)
{
	const struct bl_event *event = &b->event->fixed;

	bl_entry_format(b->entry, field->name, "%.*s-%" PRIx64 "-%x-%" PRIx64, BOOT_DIGITS,
			b->context->boot_id, (uint64_t)event->time_ns, event->cpu,
			(uint64_t)event->seq);
}

static void put_verdict(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, bl_event_verdict_name(b->event->fixed.verdict));
}

static void put_on(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, bl_event_op_name(b->event->fixed.op));
}

static void put_hook(struct build *b, const struct field *field)
{
	bl_entry_text(b->entry, field->name, bl_event_hook_name(b->event->fixed.hook));
}

static void put_rule(struct build *b, const struct field *field)
{
	put_policy_text(b, field->name, rule_id(b));
}

static void put_severity(struct build *b, const struct field *field)
{
	if (b->rule)
		put_policy_text(b, field->name, severity_of(b));
}

static void put_digest(struct build *b, const struct field *field)
{
	const struct bl_fields_context *context = b->context;

	if (context->digest)
		put_policy_text(b, field->name,
				context->digest(context->userdata, b->event->fixed.generation));
}

/* Of an exec it goes without saying, but for one that is none. */
static void put_access(struct build *b, const struct field *field)
{
	if (b->event->fixed.access != BL_ACCESS_EXEC)
		put_words(b, field, bl_event_access_words(&b->event->fixed));
}

static void put_spared(struct build *b, const struct field *field)
{
	if (b->event->fixed.flags & BL_EF_SPARED)
		bl_entry_uint(b->entry, field->name, 1);
}

static void put_facts(struct build *b, const struct field *field)
{
	put_words(b, field, bl_event_fact_words(&b->event->fixed));
}

/* Where the path starts: whose file system it is. */
static void put_filesystem(struct build *b, const struct field *field)
{
	unsigned int flags = b->event->fixed.flags;

	if (flags & BL_EF_PSEUDO)
		bl_entry_text(b->entry, field->name, "kernel");
	else if (flags & BL_EF_UNTRUSTED)
		bl_entry_text(b->entry, field->name, "untrusted");
	else if (flags & BL_EF_CONTAINER)
		bl_entry_text(b->entry, field->name, "container");
	else if (flags & BL_EF_HOST)
		bl_entry_text(b->entry, field->name, "host");
}

static void put_device(struct build *b, const struct field *field)
{
	const struct bl_event *event = &b->event->fixed;

	if (event->dev_major || event->dev_minor)
		bl_entry_format(b->entry, field->name, "%u:%u", event->dev_major, event->dev_minor);
}

static void put_object_mode(struct build *b, const struct field *field)
{
	if (b->event->fixed.mode)
		bl_entry_format(b->entry, field->name, "%07o", b->event->fixed.mode);
}

static void put_object_owner(struct build *b, const struct field *field)
{
	if (b->event->fixed.mode)
		put_u32(b, field);
}

static void put_family(struct build *b, const struct field *field)
{
	put_words(b, field, bl_event_family_words(&b->event->fixed));
}

static void put_port(struct build *b, const struct field *field)
{
	if (bl_event_has_address(&b->event->fixed))
		put_u16(b, field);
}

static void put_address(struct build *b, const struct field *field)
{
	put_words(b, field, bl_event_address_words(&b->event->fixed));
}

static void put_protocol(struct build *b, const struct field *field)
{
	if (!b->event->path.len)
		put_words(b, field, bl_event_protocol_words(&b->event->fixed));
}

static void put_runtime(struct build *b, const struct field *field)
{
	if (b->enriched->cgroup.runtime)
		bl_entry_text(b->entry, field->name, b->enriched->cgroup.runtime);
}

/* RFC 3339 in UTC, microseconds. */
static void put_time(struct build *b, const struct field *field)
{
	int64_t ns = (int64_t)b->event->fixed.time_ns + b->context->realtime_offset_ns;
	time_t seconds = ns / NS_PER_S;
	struct tm tm;
	char text[40];
	size_t len;

	if (ns < 0 || !gmtime_r(&seconds, &tm))
		return;
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (len)
		bl_entry_format(b->entry, field->name, "%s.%06" PRId64 "Z", text,
				ns % NS_PER_S / NS_PER_US);
}

static void put_series(struct build *b, const struct field *field)
{
	if (*b->context->series)
		bl_entry_text(b->entry, field->name, b->context->series);
}

static void put_truncated(struct build *b, const struct field *field)
{
	put_words(b, field, bl_event_truncated_words(&b->event->fixed));
}

static void put_kernel_thread(struct build *b, const struct field *field)
{
	if (b->event->fixed.flags & BL_EF_KTHREAD)
		bl_entry_uint(b->entry, field->name, 1);
}

/* Who was interrupted has nothing to do with it. */
static void put_interrupted(struct build *b, const struct field *field)
{
	if (b->event->fixed.flags & BL_EF_INTERRUPT)
		bl_entry_uint(b->entry, field->name, 1);
}

/* ---- MESSAGE ------------------------------------------------------------------------------ */

static void quote_text(struct bl_line *line, const char *key, const char *text)
{
	if (text && *text)
		bl_line_quoted(line, key, text, strlen(text), LINE_TEXT_BYTES);
}

static void say_destination(struct bl_line *line, const struct bl_event *event)
{
	struct bl_event_words words;

	if (bl_event_has_address(event)) {
		words = bl_event_address_words(event);
		bl_line_quoted(line, "to", words.text, words.len, LINE_TEXT_BYTES);
		bl_line_number(line, "port", event->port);
	} else {
		words = bl_event_family_words(event);
		bl_line_quoted(line, "family", words.text, words.len, LINE_TEXT_BYTES);
	}
	words = bl_event_protocol_words(event);
	bl_line_quoted(line, "protocol", words.text, words.len, LINE_TEXT_BYTES);
}

/* The '@' goes with the text: no byte of it is changed by escaping. */
static void say_socket(struct bl_line *line, const struct bl_event_view *event)
{
	char text[1 + SOCKET_NAME_MAX] = "@";
	struct bl_text name;

	if (!is_abstract(event)) {
		bl_line_quoted(line, "socket", event->path.bytes, event->path.len, LINE_PATH_BYTES);
		return;
	}
	name = abstract_name(event);
	if (name.len > SOCKET_NAME_MAX)
		name.len = SOCKET_NAME_MAX;
	memcpy(text + 1, name.bytes, name.len);
	bl_line_quoted(line, "socket", text, name.len + 1, LINE_PATH_BYTES);
}

static void say_object(struct bl_line *line, const struct bl_event_view *event)
{
	struct bl_event_words words;

	if (event->fixed.op == BL_OP_CONNECT && event->path.len) {
		say_socket(line, event);
		return;
	}
	if (event->fixed.op == BL_OP_CONNECT) {
		say_destination(line, &event->fixed);
		return;
	}
	bl_line_quoted(line, "path", event->path.bytes, event->path.len, LINE_PATH_BYTES);
	if (event->fixed.hook == BL_HOOK_BPRM_COMMITTED)
		bl_line_quoted(line, "argument", event->argument.bytes, event->argument.len,
			       LINE_TEXT_BYTES);
	if (event->fixed.access != BL_ACCESS_EXEC) {
		words = bl_event_access_words(&event->fixed);
		bl_line_quoted(line, "access", words.text, words.len, LINE_TEXT_BYTES);
	}
	if (event->fixed.facts) {
		words = bl_event_fact_words(&event->fixed);
		bl_line_quoted(line, "file", words.text, words.len, LINE_TEXT_BYTES);
	}
}

static void say_subject(struct bl_line *line, const struct build *b)
{
	const struct bl_event_view *event = b->event;
	const struct bl_cgroup_names *names = &b->enriched->cgroup;

	bl_line_words(line, "by");
	if (event->exe.len)
		bl_line_quoted(line, "exe", event->exe.bytes, event->exe.len, LINE_EXE_BYTES);
	else
		bl_line_quoted(line, "comm", event->comm.bytes, event->comm.len, LINE_TEXT_BYTES);
	bl_line_number(line, "pid", event->fixed.pid);
	bl_line_number(line, "uid", event->fixed.uid);
	quote_text(line, "unit", names->unit);
	quote_text(line, "user_unit", names->user_unit);
	quote_text(line, "container", names->container);
}

static void say_rule(struct bl_line *line, const struct build *b)
{
	quote_text(line, "rule", rule_id(b));
	if (!b->rule)
		return;
	quote_text(line, "policy", b->rule->policy);
	bl_line_word(line, "severity", severity_of(b));
	quote_text(line, "attack", b->rule->attack);
	quote_text(line, "message", b->rule->message);
}

static const char *verb(enum bl_verdict verdict)
{
	switch (verdict) {
	case BL_VERDICT_KILL:
		return "killed";
	case BL_VERDICT_WOULD_KILL:
		return "would-kill";
	case BL_VERDICT_DENY:
		return "denied";
	case BL_VERDICT_WOULD_DENY:
		return "would-deny";
	case BL_VERDICT_ALERT:
		return "alert";
	case BL_VERDICT_UNSET:
	case BL_VERDICT_ALLOW:
	case _BL_VERDICT_MAX:
		break;
	}
	return "saw";
}

static void put_message(struct build *b, const struct field *field)
{
	struct bl_line line = { .len = 0 };

	bl_line_words(&line, verb(b->event->fixed.verdict));
	bl_line_words(&line, bl_event_op_name(b->event->fixed.op));
	say_object(&line, b->event);
	say_subject(&line, b);
	if (b->event->fixed.folded)
		bl_line_number(&line, "folded", b->event->fixed.folded);
	say_rule(&line, b);
	bl_entry_add(b->entry, field->name, line.text, line.len);
}

/* ---- the table ---------------------------------------------------------------------------- */

#define EVENT(member)  offsetof(struct bl_event, member)
#define TEXT(member)   offsetof(struct bl_event_view, member)
#define RULE(member)   offsetof(struct bl_rule_info, member)
#define CGROUP(member) offsetof(struct bl_cgroup_names, member)

static const struct field fields[] = {
	{ "MESSAGE", put_message, ON_ALL, 0, NULL },
	{ "MESSAGE_ID", put_message_id, ON_ALL, 0, NULL },
	{ "PRIORITY", put_priority, ON_ALL, 0, NULL },
	{ "SYSLOG_IDENTIFIER", put_identifier, ON_ALL, 0, NULL },
	{ "SYSLOG_FACILITY", put_facility, ON_ALL, 0, NULL },
	{ "DOCUMENTATION", put_documentation, ON_ALL, 0, NULL },
	{ "ERRNO", put_errno, ON_ALL, 0, NULL },
	{ "OBJECT_PID", put_object_pid, ON_ALL, EVENT(pid), NULL },
	{ "OBJECT_SYSTEMD_UNIT", put_object_name, ON_ALL, CGROUP(unit), NULL },
	{ "OBJECT_SYSTEMD_SLICE", put_object_name, ON_ALL, CGROUP(slice), NULL },
	{ "OBJECT_SYSTEMD_USER_UNIT", put_object_name, ON_ALL, CGROUP(user_unit), NULL },

	{ "BAILIFF_SCHEMA", put_schema, ON_ALL, 0, NULL },
	{ "BAILIFF_EVENT_ID", put_event_id, ON_ALL, 0, NULL },
	{ "BAILIFF_VERDICT", put_verdict, ON_ALL, 0, NULL },
	{ "BAILIFF_ON", put_on, ON_ALL, 0, NULL },
	{ "BAILIFF_RULE", put_rule, ON_ALL, 0, NULL },
	{ "BAILIFF_POLICY", put_rule_text, ON_ALL, RULE(policy), NULL },
	{ "BAILIFF_SEVERITY", put_severity, ON_ALL, 0, NULL },
	{ "BAILIFF_ATTACK", put_rule_text, ON_ALL, RULE(attack), NULL },
	{ "BAILIFF_MESSAGE", put_rule_text, ON_ALL, RULE(message), NULL },
	{ "BAILIFF_GENERATION", put_u32, ON_ALL, EVENT(generation), NULL },
	{ "BAILIFF_POLICY_DIGEST", put_digest, ON_ALL, 0, NULL },
	{ "BAILIFF_OTHERS", put_u32, ON_ALL, EVENT(others), NULL },
	{ "BAILIFF_HOOK", put_hook, ON_ALL, 0, NULL },

	{ "BAILIFF_PATH", put_bytes, ON_FILE, TEXT(path), "BAILIFF_PATH_HEX" },
	{ "BAILIFF_ACCESS", put_access, ON_FILE, 0, NULL },
	{ "BAILIFF_FILE", put_facts, ON_EXEC, 0, NULL },
	{ "BAILIFF_ARGUMENT", put_bytes, ON_EXEC, TEXT(argument), "BAILIFF_ARGUMENT_HEX" },
	{ "BAILIFF_FILESYSTEM", put_filesystem, ON_ALL, 0, NULL },
	{ "BAILIFF_FILESYSTEM_TYPE", bl_put_fs_type, ON_ALL, 0, NULL },
	{ "BAILIFF_INODE", put_known, ON_ALL, EVENT(inode), NULL },
	{ "BAILIFF_DEVICE", put_device, ON_ALL, 0, NULL },
	{ "BAILIFF_OBJECT_MODE", put_object_mode, ON_ALL, 0, NULL },
	{ "BAILIFF_OBJECT_OWNER", put_object_owner, ON_ALL, EVENT(owner), NULL },

	{ "BAILIFF_ADDRESS", put_address, ON_CONNECT, 0, NULL },
	{ "BAILIFF_PORT", put_port, ON_CONNECT, EVENT(port), NULL },
	{ "BAILIFF_PROTOCOL", put_protocol, ON_CONNECT, 0, NULL },
	{ "BAILIFF_FAMILY", put_family, ON_CONNECT, 0, NULL },
	{ "BAILIFF_SOCKET", put_socket, ON_CONNECT, TEXT(path), "BAILIFF_SOCKET_HEX" },

	{ "BAILIFF_PID", put_u32, ON_ALL, EVENT(pid), NULL },
	{ "BAILIFF_TID", put_u32, ON_ALL, EVENT(tid), NULL },
	{ "BAILIFF_PPID", put_u32, ON_ALL, EVENT(ppid), NULL },
	{ "BAILIFF_UID", put_u32, ON_ALL, EVENT(uid), NULL },
	{ "BAILIFF_EUID", put_u32, ON_ALL, EVENT(euid), NULL },
	{ "BAILIFF_GID", put_u32, ON_ALL, EVENT(gid), NULL },
	{ "BAILIFF_EGID", put_u32, ON_ALL, EVENT(egid), NULL },
	{ "BAILIFF_LOGIN_UID", put_id, ON_ALL, EVENT(login_uid), NULL },
	{ "BAILIFF_SESSION", put_id, ON_ALL, EVENT(session), NULL },
	{ "BAILIFF_START_NS", put_u64, ON_ALL, EVENT(start_ns), NULL },
	{ "BAILIFF_COMM", put_bytes, ON_ALL, TEXT(comm), "BAILIFF_COMM_HEX" },
	{ "BAILIFF_EXE", put_bytes, ON_ALL, TEXT(exe), "BAILIFF_EXE_HEX" },
	{ "BAILIFF_PARENT_COMM", put_bytes, ON_ALL, TEXT(parent_comm), "BAILIFF_PARENT_COMM_HEX" },
	{ "BAILIFF_PARENT_EXE", put_bytes, ON_ALL, TEXT(parent_exe), "BAILIFF_PARENT_EXE_HEX" },
	{ "BAILIFF_PROCESS_ID", bl_put_process_id, ON_ALL, 0, NULL },
	{ "BAILIFF_PARENT_PROCESS_ID", bl_put_parent_id, ON_ALL, 0, NULL },
	{ "BAILIFF_CAPABILITIES", bl_put_capabilities, ON_ALL, 0, NULL },
	{ "BAILIFF_CWD", put_bytes, ON_ALL, TEXT(cwd), "BAILIFF_CWD_HEX" },
	{ "BAILIFF_CMDLINE", bl_put_cmdline, ON_ALL, 0, "BAILIFF_CMDLINE_HEX" },
	{ "BAILIFF_ANCESTOR_1_PID", put_known32, ON_ALL, EVENT(ancestors[0].pid), NULL },
	{ "BAILIFF_ANCESTOR_1_EXE", put_bytes, ON_ALL, TEXT(ancestors[0]),
	  "BAILIFF_ANCESTOR_1_EXE_HEX" },
	{ "BAILIFF_ANCESTOR_2_PID", put_known32, ON_ALL, EVENT(ancestors[1].pid), NULL },
	{ "BAILIFF_ANCESTOR_2_EXE", put_bytes, ON_ALL, TEXT(ancestors[1]),
	  "BAILIFF_ANCESTOR_2_EXE_HEX" },
	{ "BAILIFF_ANCESTOR_3_PID", put_known32, ON_ALL, EVENT(ancestors[2].pid), NULL },
	{ "BAILIFF_ANCESTOR_3_EXE", put_bytes, ON_ALL, TEXT(ancestors[2]),
	  "BAILIFF_ANCESTOR_3_EXE_HEX" },
	{ "BAILIFF_ANCESTOR_4_PID", put_known32, ON_ALL, EVENT(ancestors[3].pid), NULL },
	{ "BAILIFF_ANCESTOR_4_EXE", put_bytes, ON_ALL, TEXT(ancestors[3]),
	  "BAILIFF_ANCESTOR_4_EXE_HEX" },
	{ "BAILIFF_PID_NAMESPACE", put_known32, ON_ALL, EVENT(pid_ns), NULL },
	{ "BAILIFF_INNER_PID", put_known32, ON_ALL, EVENT(inner_pid), NULL },
	{ "BAILIFF_MOUNT_NAMESPACE", put_known32, ON_ALL, EVENT(mnt_ns), NULL },
	{ "BAILIFF_NET_NAMESPACE", put_known32, ON_ALL, EVENT(net_ns), NULL },
	{ "BAILIFF_USER_NAMESPACE", put_known32, ON_ALL, EVENT(user_ns), NULL },
	{ "BAILIFF_KERNEL_THREAD", put_kernel_thread, ON_ALL, 0, NULL },
	{ "BAILIFF_INTERRUPTED", put_interrupted, ON_CONNECT, 0, NULL },
	{ "BAILIFF_CGROUP", put_bytes, ON_ALL, TEXT(cgroup), "BAILIFF_CGROUP_HEX" },
	{ "BAILIFF_CGROUP_ID", put_known, ON_ALL, EVENT(cgroup_id), NULL },
	{ "BAILIFF_UNIT", put_cgroup_name, ON_ALL, CGROUP(unit), NULL },
	{ "BAILIFF_SLICE", put_cgroup_name, ON_ALL, CGROUP(slice), NULL },
	{ "BAILIFF_USER_UNIT", put_cgroup_name, ON_ALL, CGROUP(user_unit), NULL },
	{ "BAILIFF_USER_SLICE", put_cgroup_name, ON_ALL, CGROUP(user_slice), NULL },
	{ "BAILIFF_CONTAINER", put_cgroup_name, ON_ALL, CGROUP(container), NULL },
	{ "BAILIFF_CONTAINER_RUNTIME", put_runtime, ON_ALL, 0, NULL },

	{ "BAILIFF_TIME", put_time, ON_ALL, 0, NULL },
	{ "BAILIFF_TIME_BOOTTIME_NS", put_u64, ON_ALL, EVENT(time_ns), NULL },
	{ "BAILIFF_CPU", put_u32, ON_ALL, EVENT(cpu), NULL },
	{ "BAILIFF_SEQ", put_u64, ON_ALL, EVENT(seq), NULL },
	{ "BAILIFF_SERIES", put_series, ON_ALL, 0, NULL },
	{ "BAILIFF_FOLDED", put_known, ON_ALL, EVENT(folded), NULL },
	{ "BAILIFF_FOLDED_SINCE_NS", put_known, ON_ALL, EVENT(since_ns), NULL },
	{ "BAILIFF_SPARED", put_spared, ON_ALL, 0, NULL },
	{ "BAILIFF_TRUNCATED", put_truncated, ON_ALL, 0, NULL },
};

/* Each may bring a second, hexadecimal one. */
_Static_assert(ARRAY_SIZE(fields) + 13 <= BL_ENTRY_FIELDS_MAX, "an entry holds every field");

int bl_fields_priority(enum bl_verdict verdict, const char *severity)
{
	static const struct {
		const char *severity;
		int priority;
	} priorities[] = {
		{ "critical", 3 }, { "high", 3 }, { "medium", 4 }, { "low", 5 }, { "info", 6 },
	};
	int priority = 4;

	for (size_t i = 0; severity && i < ARRAY_SIZE(priorities); i++) {
		if (!strcmp(severity, priorities[i].severity))
			priority = priorities[i].priority;
	}
	return verdict >= BL_VERDICT_DENY && priority > 5 ? 5 : priority;
}

int bl_fields_verdict(struct bl_entry *entry, const struct bl_event_view *event,
		      const struct bl_enriched *enriched, const struct bl_fields_context *context)
{
	struct build b = {
		.entry = entry,
		.event = event,
		.enriched = enriched,
		.context = context,
	};

	if (context->rule)
		b.rule = context->rule(context->userdata, event->fixed.generation,
				       event->fixed.rule);
	snprintf(b.unknown_rule, sizeof(b.unknown_rule), "#%u@%u", event->fixed.rule,
		 event->fixed.generation);

	bl_entry_reset(entry);
	entry->repeats = event->fixed.folded;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].ops & OP_BIT(event->fixed.op))
			fields[i].put(&b, &fields[i]);
	}
	return bl_entry_error(entry);
}

bool bl_fields_is_number(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];

		if (strlen(field->name) == len && !memcmp(field->name, name, len))
			return field->put == put_port || field->put == put_u32 ||
			       field->put == put_u64 || field->put == put_id ||
			       field->put == put_known || field->put == put_known32 ||
			       field->put == put_object_owner || field->put == put_schema ||
			       field->put == put_kernel_thread || field->put == put_spared ||
			       field->put == put_interrupted;
	}
	return false;
}
