/* SPDX-License-Identifier: Apache-2.0 */
/* The MESSAGE_IDs. Made once with systemd-id128; an id is never given a second meaning. */
#include "message.h"

#include <string.h>

#define ID_DIGITS 32

static const char *const ids[_BL_MESSAGE_MAX] = {
	[BL_MESSAGE_EXEC_DENY] = "605187a6e04c4b72b24d4698f4b97985",
	[BL_MESSAGE_EXEC_WOULD_DENY] = "03c9c30318714fc1a4f057a7777c3535",
	[BL_MESSAGE_EXEC_ALERT] = "dfceea53dde54946aae4877c928828b6",
	[BL_MESSAGE_OPEN_DENY] = "2c5cc0dcd90b4b43a1990b24cde9d801",
	[BL_MESSAGE_OPEN_WOULD_DENY] = "71172014bf194f5fb5df67b1a674d220",
	[BL_MESSAGE_OPEN_ALERT] = "1e7f5cb0d32c46229759861045f0923e",
	[BL_MESSAGE_CONNECT_DENY] = "30d55e91b6a448e4a905a4664338352d",
	[BL_MESSAGE_CONNECT_WOULD_DENY] = "0298ec4dd3874108967b1f91b5a03dee",
	[BL_MESSAGE_CONNECT_ALERT] = "cf54652101094417a0b88b0bc4e0b275",
	[BL_MESSAGE_STARTED] = "80449c407554436d9c465f43cdf79b3a",
	[BL_MESSAGE_STOPPED] = "a9417970dfbe44e1adfedabeb6a38cb6",
	[BL_MESSAGE_POLICY_LOADED] = "9404b4edbc4043c9b4b556b274da9b12",
	[BL_MESSAGE_POLICY_REJECTED] = "c3789b83ab7a4f16861a0a99718fcd13",
	[BL_MESSAGE_ENGINE_DEGRADED] = "0b3e293173f140e79ddb7abe165c71b5",
	[BL_MESSAGE_EVENTS_LOST] = "41085948c4884093a9405dddb2b1e94f",
	[BL_MESSAGE_CANARY_FAILED] = "7b3c1211fbe94352b2160ede037a1446",
};

const char *bl_message_id(enum bl_message message)
{
	return (unsigned int)message < _BL_MESSAGE_MAX ? ids[message] : NULL;
}

enum bl_message bl_message_find(const char *id, size_t len)
{
	for (unsigned int i = 1; len == ID_DIGITS && i < _BL_MESSAGE_MAX; i++) {
		if (!memcmp(ids[i], id, ID_DIGITS))
			return i;
	}
	return 0;
}

enum bl_message bl_message_of_verdict(enum bl_op op, enum bl_verdict verdict)
{
	static const enum bl_message kinds[_BL_OP_MAX][_BL_VERDICT_MAX] = {
		[BL_OP_EXEC] = {
			[BL_VERDICT_DENY] = BL_MESSAGE_EXEC_DENY,
			[BL_VERDICT_WOULD_DENY] = BL_MESSAGE_EXEC_WOULD_DENY,
			[BL_VERDICT_ALERT] = BL_MESSAGE_EXEC_ALERT,
		},
		[BL_OP_OPEN] = {
			[BL_VERDICT_DENY] = BL_MESSAGE_OPEN_DENY,
			[BL_VERDICT_WOULD_DENY] = BL_MESSAGE_OPEN_WOULD_DENY,
			[BL_VERDICT_ALERT] = BL_MESSAGE_OPEN_ALERT,
		},
		[BL_OP_CONNECT] = {
			[BL_VERDICT_DENY] = BL_MESSAGE_CONNECT_DENY,
			[BL_VERDICT_WOULD_DENY] = BL_MESSAGE_CONNECT_WOULD_DENY,
			[BL_VERDICT_ALERT] = BL_MESSAGE_CONNECT_ALERT,
		},
	};

	if ((unsigned int)op >= _BL_OP_MAX || (unsigned int)verdict >= _BL_VERDICT_MAX)
		return 0;
	return kinds[op][verdict];
}
