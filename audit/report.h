/* SPDX-License-Identifier: Apache-2.0 */
/* Entries about the daemon itself: start and stop, policy, engine, losses, self-test, log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "journal.h"
#include "lost.h"
#include "message.h"

/*
 * Each function resets the entry and fills it; all are for BL_JOURNAL_URGENT. Returned is 0 or the
 * -errno of bl_entry_error(). Texts may hold anything: they are escaped. NULL texts are left out.
 */

/* Where the numbers of events are: see bl_lost_numbers(). */
#define BL_NUMBERS_BYTES 3900

struct bl_report_numbers {
	const char *series; /* their name; "": not known */
	char numbers[BL_NUMBERS_BYTES];
};

struct bl_report_start {
	const struct bl_report_numbers *numbers; /* before any event is read */
	const char *version; /* of bailiff */
	const char *kernel;  /* uname's release */
	const char *engine;  /* "lsm" */
	const char *mode;    /* the ceiling: "enforce", "monitor" */
};
int bl_report_started(struct bl_entry *entry, const struct bl_report_start *start);

/* consequence: what holds from now on, e.g. "enforcement lifted". */
int bl_report_stopped(struct bl_entry *entry, const char *consequence,
		      const struct bl_report_numbers *numbers);

struct bl_report_policy {
	uint32_t generation;
	const char *digest; /* 64 hexadecimal digits */
	uint64_t files;
	uint64_t rules;
	uint64_t bytes;	  /* of the compiled tables */
	uint64_t took_ms; /* parse, compile and publish */
	uint64_t swap_us; /* from 'compiled' to 'in force' */
};
int bl_report_policy_loaded(struct bl_entry *entry, const struct bl_report_policy *policy);

/*
 * errors: their number; first: the first one in words, with its place; kept_generation: the one
 * that stays in force, 0: none.
 */
int bl_report_policy_rejected(struct bl_entry *entry, uint64_t errors, const char *first,
			      uint32_t kept_generation);

/* reason: what does not work; remedy: what to do about it. */
int bl_report_degraded(struct bl_entry *entry, const char *engine, const char *reason,
		       const char *remedy);

int bl_report_lost(struct bl_entry *entry, const struct bl_lost_report *report,
		   const struct bl_report_numbers *numbers);

struct bl_report_heartbeat {
	const uint64_t *counters; /* of the kernel, by enum bl_counter; NULL: not known */
	struct bl_report_numbers numbers;
	struct bl_lost_report lost; /* its sums */
	struct bl_journal_stats journal;
};
int bl_report_heartbeat(struct bl_entry *entry, const struct bl_report_heartbeat *beat);

int bl_report_canary_failed(struct bl_entry *entry, const char *reason);

/* Any other line of the daemon's own log; priority 3 (error) .. 7 (debug). */
int bl_report_log(struct bl_entry *entry, int priority, const char *text);

/* Whether the field with this name (not NUL-terminated) is a number in all of these entries. */
bool bl_report_is_number(const char *name, size_t len);
