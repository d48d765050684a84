/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a verdict's journal entry: one table from event to journal. docs/events.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "enrich.h"
#include "entry.h"
#include "event.h"
#include "message.h"

#define BL_EVENT_SCHEMA 1

/*
 * Display values are cut at this many bytes, so that `journalctl -o json`, which shows nothing of a
 * field of 4096 bytes or more, shows all of them.
 */
#define BL_FIELD_BYTES_MAX 3900

/* What audit needs to know of a rule. Strings are UTF-8 as in the policy; NULL where absent. */
struct bl_rule_info {
	const char *id;
	const char *policy; /* "name" of the file */
	const char *message;
	const char *attack;   /* technique ids, separated by single spaces */
	const char *severity; /* "info" .. "critical"; NULL counts as "medium" */
};

/*
 * Finds the rule with this index in the policy set of this generation; NULL when it is not known
 * (any more). The answer must stay valid until the next call. Called once per event.
 */
typedef const struct bl_rule_info *(*bl_rule_lookup_fn)(void *userdata, uint32_t generation,
							uint32_t rule);

/* The hexadecimal digest (64 digits, NUL-terminated) of a generation's policy set, or NULL. */
typedef const char *(*bl_digest_lookup_fn)(void *userdata, uint32_t generation);

/* What stays the same from event to event. */
struct bl_fields_context {
	bl_rule_lookup_fn rule;	    /* may be NULL: every rule is unknown */
	bl_digest_lookup_fn digest; /* may be NULL */
	void *userdata;
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME; take it anew now and then */
	const char *
		redact; /* words, lower case, with spaces between: see bl_arguments_join(); NULL: none */
	char series[17];  /* of the sequence numbers: 16 hexadecimal digits; "": not known */
	char boot_id[33]; /* 32 hexadecimal digits (/proc/sys/kernel/random/boot_id without '-') */
};

/*
 * Fills entry (reset first) with the fields of one event. An event of an unknown rule is still
 * complete: its rule is then "#INDEX@GENERATION".
 * Returns 0, or -errno of bl_entry_error().
 */
int bl_fields_verdict(struct bl_entry *entry, const struct bl_event_view *event,
		      const struct bl_enriched *enriched, const struct bl_fields_context *context);

/*
 * The syslog priority (3..6) of a verdict: critical and high 3, medium 4, low 5, info 6, but a
 * denial never less than 5. Never 2 or below: journald syncs to disk for each of those, and what
 * an attacker can cause must not cost a disk sync.
 */
int bl_fields_priority(enum bl_verdict verdict, const char *severity);

/* Whether the field with this name (not NUL-terminated) is a number in every verdict. */
bool bl_fields_is_number(const char *name, size_t len);
