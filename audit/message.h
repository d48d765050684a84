/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of journal messages and their MESSAGE_IDs; packaging/bailiff.catalog explains each. */
#pragma once

#include <stddef.h>

#include "abi.h"

enum bl_message {
	BL_MESSAGE_EXEC_KILL = 1,
	BL_MESSAGE_EXEC_DENY,
	BL_MESSAGE_EXEC_WOULD_KILL,
	BL_MESSAGE_EXEC_WOULD_DENY,
	BL_MESSAGE_EXEC_ALERT,
	BL_MESSAGE_OPEN_KILL,
	BL_MESSAGE_OPEN_DENY,
	BL_MESSAGE_OPEN_WOULD_KILL,
	BL_MESSAGE_OPEN_WOULD_DENY,
	BL_MESSAGE_OPEN_ALERT,
	BL_MESSAGE_CONNECT_KILL,
	BL_MESSAGE_CONNECT_DENY,
	BL_MESSAGE_CONNECT_WOULD_KILL,
	BL_MESSAGE_CONNECT_WOULD_DENY,
	BL_MESSAGE_CONNECT_ALERT,
	BL_MESSAGE_STARTED,
	BL_MESSAGE_STOPPED,
	BL_MESSAGE_POLICY_LOADED,
	BL_MESSAGE_POLICY_REJECTED,
	BL_MESSAGE_ENGINE_DEGRADED,
	BL_MESSAGE_EVENTS_LOST,
	BL_MESSAGE_CANARY_FAILED,
	BL_MESSAGE_HEARTBEAT,
	_BL_MESSAGE_MAX,
};

/* The MESSAGE_ID: 32 lower-case hexadecimal digits, NUL-terminated; NULL for no such kind. */
const char *bl_message_id(enum bl_message message);

/* The kind with this MESSAGE_ID (not NUL-terminated), or 0. */
enum bl_message bl_message_find(const char *id, size_t len);

/* The kind of a verdict; 0 for an operation or verdict that makes no event. */
enum bl_message bl_message_of_verdict(enum bl_op op, enum bl_verdict verdict);
