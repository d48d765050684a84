/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of thing an entry tells of, for the schemas of others. */
#pragma once

#include "abi.h"
#include "message.h"
#include "shown.h"

struct bl_kind {
	enum bl_op op;		 /* 0: it is about the daemon itself */
	enum bl_verdict verdict; /* likewise */
	enum bl_message message; /* by its MESSAGE_ID; 0: none of ours */
	unsigned int severity;	 /* 0 (info) .. 4 (critical) */
	bool refused;		 /* the process did not get what it asked for, or was killed */
	bool trace;		 /* taking hold of a process */
};

void bl_kind_of(const struct bl_shown *entry, struct bl_kind *ret);

/* "exec-denied", "policy-loaded": lower-case words for the whole of it. Static storage. */
const char *bl_kind_action(const struct bl_kind *kind);

/* The word of the severity: "info" .. "critical". */
const char *bl_kind_severity(const struct bl_kind *kind);
