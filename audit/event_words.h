/* SPDX-License-Identifier: Apache-2.0 */
/* What values of an event are called in fields and messages. */
#pragma once

#include "event.h"

/* Words with commas between them; len is 0 where there is none. */
struct bl_event_words {
	char text[128];
	size_t len;
};

struct bl_event_words bl_event_protocol_words(const struct bl_event *event);
struct bl_event_words bl_event_access_words(const struct bl_event *event);
struct bl_event_words bl_event_address_words(const struct bl_event *event);
struct bl_event_words bl_event_family_words(const struct bl_event *event);
struct bl_event_words bl_event_truncated_words(const struct bl_event *event);
struct bl_event_words bl_event_fact_words(const struct bl_event *event);
