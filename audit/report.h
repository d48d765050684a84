/* SPDX-License-Identifier: Apache-2.0 */
/* Entries about the daemon itself: start and stop, policy, engine, losses, self-test, log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "lost.h"
#include "message.h"

/*
 * Each function resets the entry and fills it; all are for BL_JOURNAL_URGENT. Returned is 0 or the
 * -errno of bl_entry_error(). Texts may hold anything: they are escaped. NULL texts are left out.
 */

struct bl_report_start {
	const char *version; /* of bailiff */
	const char *kernel;  /* uname's release */
	const char *engine;  /* "lsm" */
	const char *mode;    /* the ceiling: "enforce", "monitor" */
	uint32_t series;     /* which the numbers of its events belong to; 0: not known */
	bool took_over;	     /* they go on where a daemon before has ended */
};
int bl_report_started(struct bl_entry *entry, const struct bl_report_start *start);

/* consequence: what holds from now on, e.g. "enforcement lifted". */
int bl_report_stopped(struct bl_entry *entry, const char *consequence);

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

int bl_report_lost(struct bl_entry *entry, const struct bl_lost_report *report);

int bl_report_canary_failed(struct bl_entry *entry, const char *reason);

/* Any other line of the daemon's own log; priority 3 (error) .. 7 (debug). */
int bl_report_log(struct bl_entry *entry, int priority, const char *text);

/* Whether the field with this name (not NUL-terminated) is a number in all of these entries. */
bool bl_report_is_number(const char *name, size_t len);
