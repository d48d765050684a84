/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries as events of the Open Cybersecurity Schema Framework. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kind.h"
#include "show.h"
#include "show_words.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_MS	  1000
#define LINUX_OS	  200
#define OTHER		  99

enum class { CLASS_BASE = 0, CLASS_FILE = 1001, CLASS_PROCESS = 1007, CLASS_NETWORK = 4001 };

struct build {
	struct bl_out out;
	const struct bl_shown *entry;
	const char *version;
	struct bl_kind kind;
	enum class class;
	unsigned int activity;
	const char *activity_name;
};

static void text(struct build *b, const char *path, const char *field)
{
	bl_show_text(&b->out, path, b->entry, field);
}

static void number(struct build *b, const char *path, const char *field)
{
	bl_show_number(&b->out, path, b->entry, field);
}

static void milliseconds(struct build *b, const char *path, uint64_t us)
{
	bl_out_number(&b->out, path, us / US_PER_MS);
}

/* ---- classification ----------------------------------------------------------------------- */

/* One word of access has an activity of its own, several are an open. */
static void classify_open(struct build *b)
{
	static const struct {
		const char *word, *name;
		unsigned int activity;
	} activities[] = {
		{ "create", "Create", 1 },
		{ "read", "Read", 2 },
		{ "write", "Update", 3 },
		{ "delete", "Delete", 4 },
		{ "attributes", "Set Attributes", 6 },
	};

	b->class = CLASS_FILE;
	b->activity = 14;
	b->activity_name = "Open";
	for (size_t i = 0; i < ARRAY_SIZE(activities); i++) {
		if (!bl_shown_has(b->entry, "BAILIFF_ACCESS", activities[i].word))
			continue;
		b->activity = activities[i].activity;
		b->activity_name = activities[i].name;
	}
}

/*
 * Whose process is taken hold of an event does not say, and Process Activity asks for it; that the rule is about
 * the file which it runs, the event does say.
 */
static void classify_exec(struct build *b)
{
	b->class = b->kind.trace ? CLASS_FILE : CLASS_PROCESS;
	b->activity = b->kind.trace ? OTHER : 1;
	b->activity_name = b->kind.trace ? "Trace" : "Launch";
}

static void classify(struct build *b)
{
	bl_kind_of(b->entry, &b->kind);
	b->class = CLASS_BASE;
	b->activity = OTHER;
	b->activity_name = bl_kind_action(&b->kind);
	switch (b->kind.op) {
	case BL_OP_EXEC:
		classify_exec(b);
		break;
	case BL_OP_OPEN:
		classify_open(b);
		break;
	case BL_OP_CONNECT:
		b->class = CLASS_NETWORK;
		b->activity = 1;
		b->activity_name = "Open";
		break;
	case _BL_OP_MAX:
		break;
	}
}

static void put_class(struct build *b)
{
	static const struct {
		enum class class;
		const char *name, *category;
		unsigned int uid;
	} classes[] = {
		{ CLASS_BASE, "Base Event", "Uncategorized", 0 },
		{ CLASS_FILE, "File System Activity", "System Activity", 1 },
		{ CLASS_PROCESS, "Process Activity", "System Activity", 1 },
		{ CLASS_NETWORK, "Network Activity", "Network Activity", 4 },
	};

	bl_out_number(&b->out, "activity_id", b->activity);
	bl_out_word(&b->out, "activity_name", b->activity_name);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].class != b->class)
			continue;
		bl_out_word(&b->out, "category_name", classes[i].category);
		bl_out_number(&b->out, "category_uid", classes[i].uid);
		bl_out_word(&b->out, "class_name", classes[i].name);
		bl_out_number(&b->out, "class_uid", classes[i].class);
	}
	bl_out_number(&b->out, "type_uid", (uint64_t)b->class * 100 + b->activity);
}

static void put_severity(struct build *b)
{
	static const char *const names[] = { "Informational", "Low", "Medium", "High", "Critical" };

	bl_out_word(&b->out, "severity", names[b->kind.severity]);
	bl_out_number(&b->out, "severity_id", b->kind.severity + 1);
}

/* The security control profile. */
static void put_control(struct build *b)
{
	bool refused = b->kind.refused;

	if (!b->kind.op)
		return;
	bl_out_word(&b->out, "action", refused ? "Denied" : "Observed");
	bl_out_number(&b->out, "action_id", refused ? 2 : 3);
	bl_out_number(&b->out, "count", bl_shown_times(b->entry));
	bl_out_word(&b->out, "disposition",
		    refused					? "Blocked"
		    : b->kind.verdict == BL_VERDICT_ALERT ? "Alert"
							  : "Detected");
	bl_out_number(&b->out, "disposition_id",
		      refused				      ? 2
		      : b->kind.verdict == BL_VERDICT_ALERT ? 19
							    : 15);
	bl_out_bool(&b->out, "is_alert", true);
	bl_out_word(&b->out, "status", refused ? "Failure" : "Success");
	text(b, "status_code", "ERRNO");
	text(b, "status_detail", "BAILIFF_MESSAGE");
	bl_out_number(&b->out, "status_id", refused ? 2 : 1);
	text(b, "policy.name", "BAILIFF_POLICY");
	text(b, "policy.uid", "BAILIFF_POLICY");
	text(b, "policy.version", "BAILIFF_POLICY_DIGEST");
	if (b->class != CLASS_NETWORK)
		return;
	text(b, "firewall_rule.name", "BAILIFF_RULE");
	text(b, "firewall_rule.uid", "BAILIFF_RULE");
	text(b, "firewall_rule.desc", "BAILIFF_MESSAGE");
}

static void put_attack(FILE *out, const struct bl_show_attacks *attack)
{
	static const char *const keys[] = {
		[BL_SHOW_TACTIC] = "tactic",
		[BL_SHOW_TECHNIQUE] = "technique",
		[BL_SHOW_SUB_TECHNIQUE] = "sub_technique",
	};

	fputc('{', out);
	if (attack->kind == BL_SHOW_SUB_TECHNIQUE) {
		fputs("\"technique\":{\"uid\":", out);
		bl_out_string(out, attack->bytes, attack->technique_len);
		fputs("},", out);
	}
	fprintf(out, "\"%s\":{\"uid\":", keys[attack->kind]);
	bl_out_string(out, attack->bytes, attack->len);
	fputs("}}", out);
}

static void put_attacks(struct build *b)
{
	struct bl_show_attacks attacks = { .entry = b->entry };
	bool any = false;

	while (bl_show_attack_next(&attacks)) {
		if (!any)
			bl_out_key(&b->out, "attacks");
		fputc(any ? ',' : '[', b->out.file);
		put_attack(b->out.file, &attacks);
		any = true;
	}
	if (any)
		fputc(']', b->out.file);
}

static void put_metadata(struct build *b)
{
	static const char profiles[] = "security_control,host,container";

	text(b, "metadata.event_code", "MESSAGE_ID");
	bl_out_word(&b->out, "metadata.log_name", "journal");
	milliseconds(b, "metadata.logged_time", b->entry->realtime_us);
	text(b, "metadata.original_time", "BAILIFF_TIME");
	bl_out_list(&b->out, "metadata.profiles", profiles, strlen(profiles), ',');
	number(b, "metadata.sequence", "BAILIFF_SEQ");
	text(b, "metadata.uid", "BAILIFF_EVENT_ID");
	bl_out_word(&b->out, "metadata.version", BL_OCSF_VERSION);
	bl_out_word(&b->out, "metadata.product.name", "bailiff");
	bl_out_word(&b->out, "metadata.product.vendor_name", "bailiff");
	bl_out_word(&b->out, "metadata.product.version", b->version);
}

/* An exported entry need not have any of journald's fields. */
static void put_device(struct build *b)
{
	text(b, "device.boot_uid", "_BOOT_ID");
	text(b, "device.hostname", "_HOSTNAME");
	bl_out_number(&b->out, "device.type_id", 0);
	text(b, "device.uid", "_MACHINE_ID");
	if (!bl_shown_find(b->entry, "_HOSTNAME") && !bl_shown_find(b->entry, "_MACHINE_ID"))
		bl_out_word(&b->out, "device.name", "unknown");
	bl_out_word(&b->out, "device.os.name", "Linux");
	bl_out_number(&b->out, "device.os.type_id", LINUX_OS);
}

/* ---- who ---------------------------------------------------------------------------------- */

/* A program's file below a path of the output; type: of file.type_id. */
static void put_program(struct build *b, const char *parent, const char *field)
{
	const struct bl_shown_field *exe = bl_shown_find(b->entry, field);
	const char *slash = exe ? memrchr(exe->value, '/', exe->value_len) : NULL;
	const char *name = slash ? slash + 1 : exe ? exe->value : NULL;
	char path[96];

	if (!exe)
		return;
	snprintf(path, sizeof(path), "%s.name", parent);
	bl_out_text(&b->out, path, name, exe->value_len - (size_t)(name - exe->value));
	snprintf(path, sizeof(path), "%s.path", parent);
	bl_out_text(&b->out, path, exe->value, exe->value_len);
	snprintf(path, sizeof(path), "%s.type_id", parent);
	bl_out_number(&b->out, path, 1);
}

static void put_actor(struct build *b)
{
	struct bl_show_id id = bl_show_process_id(b->entry);
	uint64_t us, ppid;

	if (!b->kind.op)
		return;
	text(b, "actor.app_name", "BAILIFF_UNIT");
	text(b, "actor.process.cmd_line", "BAILIFF_CMDLINE");
	if (bl_shown_start_us(b->entry, &us))
		milliseconds(b, "actor.process.created_time", us);
	put_program(b, "actor.process.file", "BAILIFF_EXE");
	text(b, "actor.process.name", "BAILIFF_COMM");
	if (bl_shown_number(b->entry, "BAILIFF_PPID", &ppid)) {
		put_program(b, "actor.process.parent_process.file", "BAILIFF_PARENT_EXE");
		text(b, "actor.process.parent_process.name", "BAILIFF_PARENT_COMM");
		bl_out_number(&b->out, "actor.process.parent_process.pid", ppid);
		text(b, "actor.process.parent_process.uid", "BAILIFF_PARENT_PROCESS_ID");
	}
	text(b, "actor.process.path", "BAILIFF_EXE");
	number(b, "actor.process.pid", "BAILIFF_PID");
	number(b, "actor.process.tid", "BAILIFF_TID");
	if (*id.text)
		bl_out_word(&b->out, "actor.process.uid", id.text);
	text(b, "actor.process.user.uid", "BAILIFF_EUID");
	text(b, "actor.process.working_directory", "BAILIFF_CWD");
	text(b, "actor.session.uid", "BAILIFF_SESSION");
	text(b, "actor.user.uid", "BAILIFF_UID");
}

/* ---- what --------------------------------------------------------------------------------- */

/* The type in st_mode's octal digits, in OCSF's numbers. */
static unsigned int file_type(const struct build *b)
{
	static const struct {
		const char *digits;
		unsigned int type;
	} types[] = {
		{ "010", 1 }, { "004", 2 }, { "002", 3 }, { "006", 4 },
		{ "014", 5 }, { "001", 6 }, { "012", 7 },
	};
	const struct bl_shown_field *mode = bl_shown_find(b->entry, "BAILIFF_OBJECT_MODE");

	for (size_t i = 0; mode && mode->value_len == 7 && i < ARRAY_SIZE(types); i++) {
		if (!memcmp(mode->value, types[i].digits, 3))
			return types[i].type;
	}
	return 0;
}

/* The object as a file below a path. Its name and type are required. */
static void put_file(struct build *b, const char *parent)
{
	struct bl_show_path path = bl_show_object_path(b->entry);
	char key[96];

	snprintf(key, sizeof(key), "%s.name", parent);
	bl_out_text(&b->out, key,
		    path.name_len ? path.name
		    : path.bytes  ? path.bytes
				  : "",
		    path.name_len ? path.name_len : path.len);
	if (path.directory_len) {
		snprintf(key, sizeof(key), "%s.parent_folder", parent);
		bl_out_text(&b->out, key, path.bytes, path.directory_len);
	}
	if (path.len) {
		snprintf(key, sizeof(key), "%s.path", parent);
		bl_out_text(&b->out, key, path.bytes, path.len);
	}
	snprintf(key, sizeof(key), "%s.type_id", parent);
	bl_out_number(&b->out, key, file_type(b));
	snprintf(key, sizeof(key), "%s.uid", parent);
	text(b, key, "BAILIFF_INODE");
	snprintf(key, sizeof(key), "%s.owner.uid", parent);
	text(b, key, "BAILIFF_OBJECT_OWNER");
}

static void put_process(struct build *b)
{
	put_file(b, "process.file");
	number(b, "process.pid", "BAILIFF_PID");
	bl_out_word(&b->out, "launch_type", "Exec");
	bl_out_number(&b->out, "launch_type_id", 3);
}

static void put_connection(struct build *b)
{
	bool inbound = bl_shown_find(b->entry, "BAILIFF_INTERRUPTED") != NULL;
	struct bl_show_protocol protocol = bl_show_protocol(b->entry);
	bool ipv6 = bl_shown_has(b->entry, "BAILIFF_FAMILY", "ipv6");

	bl_out_number(&b->out, "connection_info.direction_id", inbound ? 0 : 2);
	if (protocol.name)
		bl_out_word(&b->out, "connection_info.protocol_name", protocol.name);
	if (protocol.number >= 0)
		bl_out_number(&b->out, "connection_info.protocol_num", (uint64_t)protocol.number);
	if (bl_shown_find(b->entry, "BAILIFF_ADDRESS"))
		bl_out_number(&b->out, "connection_info.protocol_ver_id", ipv6 ? 6 : 4);
	text(b, "dst_endpoint.ip", "BAILIFF_ADDRESS");
	number(b, "dst_endpoint.port", "BAILIFF_PORT");
	/* Where there is no address: the socket, or the family. */
	if (bl_shown_find(b->entry, "BAILIFF_SOCKET"))
		text(b, "dst_endpoint.name", "BAILIFF_SOCKET");
	else if (!bl_shown_find(b->entry, "BAILIFF_ADDRESS"))
		text(b, "dst_endpoint.name", "BAILIFF_FAMILY");
}

static void put_object(struct build *b)
{
	switch (b->class) {
	case CLASS_FILE:
		put_file(b, "file");
		break;
	case CLASS_PROCESS:
		put_process(b);
		break;
	case CLASS_NETWORK:
		put_connection(b);
		break;
	case CLASS_BASE:
		break;
	}
}

int bl_show_ocsf(FILE *file, const struct bl_shown *entry, const char *version)
{
	struct build b = { .entry = entry, .version = version };
	int r;

	classify(&b);
	bl_out_begin(&b.out, file);
	put_class(&b);
	milliseconds(&b, "time", bl_shown_time_us(entry));
	put_severity(&b);
	text(&b, "message", "MESSAGE");
	put_control(&b);
	put_attacks(&b);
	put_metadata(&b);
	put_device(&b);
	put_actor(&b);
	text(&b, "container.uid", "BAILIFF_CONTAINER");
	text(&b, "container.runtime", "BAILIFF_CONTAINER_RUNTIME");
	put_object(&b);
	r = bl_show_fields(&b.out, "unmapped", entry);
	return bl_show_end(&b.out) < 0 ? -EIO : r;
}
