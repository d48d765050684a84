/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries as events of the Elastic Common Schema. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kind.h"
#include "show.h"
#include "show_words.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct build {
	struct bl_out out;
	const struct bl_shown *entry;
	const char *version;
	struct bl_kind kind;
};

struct row {
	const char *path;
	void (*put)(struct build *b, const struct row *row);
	const char *field; /* or what 'put' takes it for */
};

/* ---- by type ------------------------------------------------------------------------------ */

static void text(struct build *b, const struct row *row)
{
	bl_show_text(&b->out, row->path, b->entry, row->field);
}

static void number(struct build *b, const struct row *row)
{
	bl_show_number(&b->out, row->path, b->entry, row->field);
}

static void word(struct build *b, const struct row *row)
{
	bl_out_word(&b->out, row->path, row->field);
}

/* ---- event -------------------------------------------------------------------------------- */

static void time_of(struct build *b, const struct row *row)
{
	bl_out_time(&b->out, row->path, bl_shown_time_us(b->entry));
}

static void created(struct build *b, const struct row *row)
{
	bl_out_time(&b->out, row->path, b->entry->realtime_us);
}

static void product_version(struct build *b, const struct row *row)
{
	bl_out_word(&b->out, row->path, b->version);
}

static void action(struct build *b, const struct row *row)
{
	bl_out_word(&b->out, row->path, bl_kind_action(&b->kind));
}

/*
 * Categories and the types that they may have. "denied" is a type of intrusion_detection and network only, which
 * is why a verdict is in two categories.
 */
static const char *categories(const struct bl_kind *kind)
{
	switch (kind->op) {
	case BL_OP_EXEC:
		return "process,intrusion_detection";
	case BL_OP_OPEN:
		return "file,intrusion_detection";
	case BL_OP_CONNECT:
		return "network,intrusion_detection";
	case _BL_OP_MAX:
		break;
	}
	return kind->message == BL_MESSAGE_POLICY_LOADED ||
			       kind->message == BL_MESSAGE_POLICY_REJECTED
		       ? "configuration"
		       : "host";
}

static const char *types(const struct bl_kind *kind)
{
	bool alert = kind->verdict == BL_VERDICT_ALERT;

	switch (kind->op) {
	case BL_OP_EXEC:
		if (kind->trace)
			return kind->refused ? "access,denied"
			       : alert	     ? "access,info"
					     : "access,allowed";
		return kind->refused ? "start,denied" : alert ? "start,info" : "start,allowed";
	case BL_OP_OPEN:
		return kind->refused ? "access,denied" : alert ? "access,info" : "access,allowed";
	case BL_OP_CONNECT:
		return kind->refused ? "connection,denied"
		       : alert	     ? "connection,info"
				     : "connection,allowed";
	case _BL_OP_MAX:
		break;
	}
	switch (kind->message) {
	case BL_MESSAGE_STARTED:
		return "start";
	case BL_MESSAGE_STOPPED:
		return "end";
	case BL_MESSAGE_POLICY_LOADED:
		return "change";
	default:
		return "info";
	}
}

static void put_words(struct build *b, const char *path, const char *words)
{
	bl_out_list(&b->out, path, words, strlen(words), ',');
}

static void category(struct build *b, const struct row *row)
{
	put_words(b, row->path, categories(&b->kind));
}

static void type(struct build *b, const struct row *row)
{
	put_words(b, row->path, types(&b->kind));
}

static void outcome(struct build *b, const struct row *row)
{
	if (b->kind.op)
		bl_out_word(&b->out, row->path, b->kind.refused ? "failure" : "success");
	else if (b->kind.message == BL_MESSAGE_POLICY_LOADED)
		bl_out_word(&b->out, row->path, "success");
	else if (b->kind.message == BL_MESSAGE_POLICY_REJECTED)
		bl_out_word(&b->out, row->path, "failure");
}

static void kind(struct build *b, const struct row *row)
{
	bl_out_word(&b->out, row->path, b->kind.op ? "alert" : "event");
}

static void dataset(struct build *b, const struct row *row)
{
	bl_out_word(&b->out, row->path, b->kind.op ? "bailiff.verdict" : "bailiff.daemon");
}

/* Elastic's own scale: up to 100. */
static void severity(struct build *b, const struct row *row)
{
	static const unsigned int scores[] = { 10, 21, 47, 73, 99 };

	bl_out_number(&b->out, row->path, scores[b->kind.severity]);
}

static void level(struct build *b, const struct row *row)
{
	static const char *const names[] = { "emergency", "alert",  "critical",	     "error",
					     "warning",	  "notice", "informational", "debug" };
	uint64_t priority;

	if (bl_shown_number(b->entry, "PRIORITY", &priority) && priority < ARRAY_SIZE(names))
		bl_out_word(&b->out, row->path, names[priority]);
}

/* ---- who ---------------------------------------------------------------------------------- */

static void start(struct build *b, const struct row *row)
{
	uint64_t us;

	if (bl_shown_start_us(b->entry, &us))
		bl_out_time(&b->out, row->path, us);
}

static void entity(struct build *b, const struct row *row)
{
	struct bl_show_id id = bl_show_process_id(b->entry);

	if (*id.text)
		bl_out_word(&b->out, row->path, id.text);
}

/* A unit without what it is the name of. */
static void service(struct build *b, const struct row *row)
{
	const struct bl_shown_field *unit = bl_shown_find(b->entry, row->field);
	const char *dot;

	if (!unit || !unit->value_len)
		return;
	dot = memrchr(unit->value, '.', unit->value_len);
	bl_out_text(&b->out, row->path, unit->value,
		    dot && dot > unit->value ? (size_t)(dot - unit->value) : unit->value_len);
}

/* ---- what --------------------------------------------------------------------------------- */

static void path(struct build *b, const struct row *row)
{
	struct bl_show_path path = bl_show_object_path(b->entry);

	if (path.len)
		bl_out_text(&b->out, row->path, path.bytes, path.len);
}

static void directory(struct build *b, const struct row *row)
{
	struct bl_show_path path = bl_show_object_path(b->entry);

	if (path.directory_len)
		bl_out_text(&b->out, row->path, path.bytes, path.directory_len);
}

static void name(struct build *b, const struct row *row)
{
	struct bl_show_path path = bl_show_object_path(b->entry);

	if (path.name_len)
		bl_out_text(&b->out, row->path, path.name, path.name_len);
}

static void direction(struct build *b, const struct row *row)
{
	if (b->kind.op == BL_OP_CONNECT && !bl_shown_find(b->entry, "BAILIFF_INTERRUPTED"))
		bl_out_word(&b->out, row->path, "egress");
}

static void transport(struct build *b, const struct row *row)
{
	struct bl_show_protocol protocol = bl_show_protocol(b->entry);

	if (protocol.name)
		bl_out_word(&b->out, row->path, protocol.name);
}

static void iana(struct build *b, const struct row *row)
{
	struct bl_show_protocol protocol = bl_show_protocol(b->entry);
	char digits[16];

	if (protocol.number < 0)
		return;
	snprintf(digits, sizeof(digits), "%d", protocol.number);
	bl_out_word(&b->out, row->path, digits);
}

static void family(struct build *b, const struct row *row)
{
	if (bl_shown_find(b->entry, "BAILIFF_ADDRESS"))
		text(b, row);
}

/* ---- ATT&CK ------------------------------------------------------------------------------- */

static void techniques(struct build *b, const struct row *row, enum bl_show_attack wanted)
{
	struct bl_show_attacks attacks = { .entry = b->entry };
	bool any = false;

	while (bl_show_attack_next(&attacks)) {
		size_t len = wanted == BL_SHOW_TECHNIQUE ? attacks.technique_len : attacks.len;

		if (attacks.kind != wanted &&
		    !(wanted == BL_SHOW_TECHNIQUE && attacks.kind == BL_SHOW_SUB_TECHNIQUE))
			continue;
		if (!any)
			bl_out_key(&b->out, row->path);
		fputc(any ? ',' : '[', b->out.file);
		bl_out_string(b->out.file, attacks.bytes, len);
		any = true;
	}
	if (any)
		fputc(']', b->out.file);
}

static void framework(struct build *b, const struct row *row)
{
	struct bl_show_attacks attacks = { .entry = b->entry };

	if (bl_show_attack_next(&attacks))
		bl_out_word(&b->out, row->path, "MITRE ATT&CK");
}

static void tactic(struct build *b, const struct row *row)
{
	techniques(b, row, BL_SHOW_TACTIC);
}

static void technique(struct build *b, const struct row *row)
{
	techniques(b, row, BL_SHOW_TECHNIQUE);
}

static void sub_technique(struct build *b, const struct row *row)
{
	techniques(b, row, BL_SHOW_SUB_TECHNIQUE);
}

/* ---- all ---------------------------------------------------------------------------------- */

/* What belongs to one object stands together. */
static const struct row rows[] = {
	{ "@timestamp", time_of, NULL },
	{ "message", text, "MESSAGE" },
	{ "ecs.version", word, BL_ECS_VERSION },
	{ "container.id", text, "BAILIFF_CONTAINER" },
	{ "container.runtime", text, "BAILIFF_CONTAINER_RUNTIME" },
	{ "destination.address", text, "BAILIFF_ADDRESS" },
	{ "destination.ip", text, "BAILIFF_ADDRESS" },
	{ "destination.port", number, "BAILIFF_PORT" },
	{ "error.code", text, "ERRNO" },
	{ "event.action", action, NULL },
	{ "event.category", category, NULL },
	{ "event.code", text, "MESSAGE_ID" },
	{ "event.created", created, NULL },
	{ "event.dataset", dataset, NULL },
	{ "event.id", text, "BAILIFF_EVENT_ID" },
	{ "event.kind", kind, NULL },
	{ "event.module", word, "bailiff" },
	{ "event.outcome", outcome, NULL },
	{ "event.provider", word, "bailiffd" },
	{ "event.reason", text, "BAILIFF_MESSAGE" },
	{ "event.sequence", number, "BAILIFF_SEQ" },
	{ "event.severity", severity, NULL },
	{ "event.type", type, NULL },
	{ "file.device", text, "BAILIFF_DEVICE" },
	{ "file.directory", directory, NULL },
	{ "file.inode", text, "BAILIFF_INODE" },
	{ "file.mode", text, "BAILIFF_OBJECT_MODE" },
	{ "file.name", name, NULL },
	{ "file.path", path, NULL },
	{ "file.uid", text, "BAILIFF_OBJECT_OWNER" },
	{ "host.boot.id", text, "_BOOT_ID" },
	{ "host.hostname", text, "_HOSTNAME" },
	{ "host.id", text, "_MACHINE_ID" },
	{ "host.name", text, "_HOSTNAME" },
	{ "host.os.type", word, "linux" },
	{ "log.level", level, NULL },
	{ "log.syslog.appname", text, "SYSLOG_IDENTIFIER" },
	{ "log.syslog.facility.code", number, "SYSLOG_FACILITY" },
	{ "log.syslog.severity.code", number, "PRIORITY" },
	{ "network.direction", direction, NULL },
	{ "network.iana_number", iana, NULL },
	{ "network.transport", transport, NULL },
	{ "network.type", family, "BAILIFF_FAMILY" },
	{ "observer.product", word, "bailiff" },
	{ "observer.type", word, "host-enforcer" },
	{ "observer.vendor", word, "bailiff" },
	{ "observer.version", product_version, NULL },
	{ "process.command_line", text, "BAILIFF_CMDLINE" },
	{ "process.entity_id", entity, NULL },
	{ "process.executable", text, "BAILIFF_EXE" },
	{ "process.group.id", text, "BAILIFF_EGID" },
	{ "process.name", text, "BAILIFF_COMM" },
	{ "process.parent.entity_id", text, "BAILIFF_PARENT_PROCESS_ID" },
	{ "process.parent.executable", text, "BAILIFF_PARENT_EXE" },
	{ "process.parent.name", text, "BAILIFF_PARENT_COMM" },
	{ "process.parent.pid", number, "BAILIFF_PPID" },
	{ "process.pid", number, "BAILIFF_PID" },
	{ "process.real_group.id", text, "BAILIFF_GID" },
	{ "process.real_user.id", text, "BAILIFF_UID" },
	{ "process.start", start, NULL },
	{ "process.thread.id", number, "BAILIFF_TID" },
	{ "process.user.id", text, "BAILIFF_EUID" },
	{ "process.working_directory", text, "BAILIFF_CWD" },
	{ "rule.description", text, "BAILIFF_MESSAGE" },
	{ "rule.id", text, "BAILIFF_RULE" },
	{ "rule.name", text, "BAILIFF_RULE" },
	{ "rule.ruleset", text, "BAILIFF_POLICY" },
	{ "rule.version", text, "BAILIFF_POLICY_DIGEST" },
	{ "service.name", service, "BAILIFF_UNIT" },
	{ "threat.framework", framework, NULL },
	{ "threat.tactic.id", tactic, NULL },
	{ "threat.technique.id", technique, NULL },
	{ "threat.technique.subtechnique.id", sub_technique, NULL },
	{ "user.id", text, "BAILIFF_EUID" },
};

int bl_show_ecs(FILE *file, const struct bl_shown *entry, const char *version)
{
	struct build b = { .entry = entry, .version = version };
	int r;

	bl_kind_of(entry, &b.kind);
	bl_out_begin(&b.out, file);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i].put(&b, &rows[i]);
	r = bl_show_fields(&b.out, "bailiff", entry);
	return bl_show_end(&b.out) < 0 ? -EIO : r;
}
