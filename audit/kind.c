/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of thing an entry tells of: one table from MESSAGE_ID to operation, verdict and words. */
#include "kind.h"

#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const severities[] = { "info", "low", "medium", "high", "critical" };

enum { INFO = 0, MEDIUM = 2, HIGH = 3 };

static const struct {
	const char *action;
	enum bl_op op;
	enum bl_verdict verdict;
	unsigned int severity; /* of what is about the daemon */
} kinds[_BL_MESSAGE_MAX] = {
	[0] = { .action = "message" },
	[BL_MESSAGE_EXEC_KILL] = { "exec-killed", BL_OP_EXEC, BL_VERDICT_KILL, 0 },
	[BL_MESSAGE_EXEC_DENY] = { "exec-denied", BL_OP_EXEC, BL_VERDICT_DENY, 0 },
	[BL_MESSAGE_EXEC_WOULD_KILL] = { "exec-would-kill", BL_OP_EXEC, BL_VERDICT_WOULD_KILL, 0 },
	[BL_MESSAGE_EXEC_WOULD_DENY] = { "exec-would-deny", BL_OP_EXEC, BL_VERDICT_WOULD_DENY, 0 },
	[BL_MESSAGE_EXEC_ALERT] = { "exec-alert", BL_OP_EXEC, BL_VERDICT_ALERT, 0 },
	[BL_MESSAGE_OPEN_KILL] = { "open-killed", BL_OP_OPEN, BL_VERDICT_KILL, 0 },
	[BL_MESSAGE_OPEN_DENY] = { "open-denied", BL_OP_OPEN, BL_VERDICT_DENY, 0 },
	[BL_MESSAGE_OPEN_WOULD_KILL] = { "open-would-kill", BL_OP_OPEN, BL_VERDICT_WOULD_KILL, 0 },
	[BL_MESSAGE_OPEN_WOULD_DENY] = { "open-would-deny", BL_OP_OPEN, BL_VERDICT_WOULD_DENY, 0 },
	[BL_MESSAGE_OPEN_ALERT] = { "open-alert", BL_OP_OPEN, BL_VERDICT_ALERT, 0 },
	[BL_MESSAGE_CONNECT_KILL] = { "connect-killed", BL_OP_CONNECT, BL_VERDICT_KILL, 0 },
	[BL_MESSAGE_CONNECT_DENY] = { "connect-denied", BL_OP_CONNECT, BL_VERDICT_DENY, 0 },
	[BL_MESSAGE_CONNECT_WOULD_KILL] = { "connect-would-kill", BL_OP_CONNECT,
					    BL_VERDICT_WOULD_KILL, 0 },
	[BL_MESSAGE_CONNECT_WOULD_DENY] = { "connect-would-deny", BL_OP_CONNECT,
					    BL_VERDICT_WOULD_DENY, 0 },
	[BL_MESSAGE_CONNECT_ALERT] = { "connect-alert", BL_OP_CONNECT, BL_VERDICT_ALERT, 0 },
	[BL_MESSAGE_STARTED] = { "started", 0, 0, INFO },
	[BL_MESSAGE_STOPPED] = { "stopped", 0, 0, MEDIUM },
	[BL_MESSAGE_POLICY_LOADED] = { "policy-loaded", 0, 0, INFO },
	[BL_MESSAGE_POLICY_REJECTED] = { "policy-rejected", 0, 0, HIGH },
	[BL_MESSAGE_ENGINE_DEGRADED] = { "engine-degraded", 0, 0, HIGH },
	[BL_MESSAGE_EVENTS_LOST] = { "events-lost", 0, 0, HIGH },
	[BL_MESSAGE_CANARY_FAILED] = { "self-test-failed", 0, 0, HIGH },
	[BL_MESSAGE_HEARTBEAT] = { "heartbeat", 0, 0, INFO },
};

static bool is_refused(enum bl_verdict verdict)
{
	return verdict == BL_VERDICT_DENY || verdict == BL_VERDICT_KILL;
}

static bool has_trace(const struct bl_shown *entry)
{
	const struct bl_shown_field *access = bl_shown_find(entry, "BAILIFF_ACCESS");

	return access && memmem(access->value, access->value_len, "trace", strlen("trace"));
}

void bl_kind_of(const struct bl_shown *entry, struct bl_kind *ret)
{
	const struct bl_shown_field *id = bl_shown_find(entry, "MESSAGE_ID");
	enum bl_message message = id ? bl_message_find(id->value, id->value_len) : 0;

	*ret = (struct bl_kind){
		.op = kinds[message].op,
		.verdict = kinds[message].verdict,
		.message = message,
		.severity = kinds[message].op ? MEDIUM : kinds[message].severity,
		.refused = is_refused(kinds[message].verdict),
		.trace = kinds[message].op == BL_OP_EXEC && has_trace(entry),
	};
	for (unsigned int i = 0; i < ARRAY_SIZE(severities); i++) {
		if (bl_shown_has(entry, "BAILIFF_SEVERITY", severities[i]))
			ret->severity = i;
	}
}

const char *bl_kind_action(const struct bl_kind *kind)
{
	return kinds[kind->message].action;
}

const char *bl_kind_severity(const struct bl_kind *kind)
{
	return severities[kind->severity];
}
