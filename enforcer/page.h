/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says, and the page that it becomes. */
#pragma once

#include <stdio.h>

#include "kin.h"
#include "tally.h"
#include "verify.h"

#define BL_PAGE_BUCKETS 96

/* Verdicts in three groups. */
enum bl_page_kind {
	BL_PAGE_REFUSED = 0, /* deny, kill */
	BL_PAGE_WOULD,	     /* would-deny, would-kill */
	BL_PAGE_ALERT,
	_BL_PAGE_KINDS,
};

struct bl_page {
	const char *version;
	uint64_t made_us;	     /* CLOCK_REALTIME */
	uint64_t from_us, to_us;     /* of the events */
	uint64_t asked_from_us, asked_to_us; /* --since and --until; 0: not given */
	char *host;		     /* good to show */
	uint64_t events, times[_BL_PAGE_KINDS];
	uint64_t buckets[BL_PAGE_BUCKETS][_BL_PAGE_KINDS];
	struct bl_tally rules;	  /* rule, policy, severity, verdict, message, attack */
	struct bl_tally refusals; /* verdict, on, object, subject, unit, user, rule, access */
	struct bl_tally daemon;	  /* MESSAGE of the daemon's own */
	struct bl_kinship kin;
	const struct bl_verify_run *runs;
	size_t n_runs;
};

/* Writes the page. Returns 0 or -EIO. */
int bl_page_write(FILE *out, const struct bl_page *page);
