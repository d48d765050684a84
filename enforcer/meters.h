/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon counts of verdicts and reloads, for metrics. */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "event.h"
#include "fields.h"

enum bl_reload_result {
	BL_RELOAD_LOADED = 0,
	BL_RELOAD_REJECTED,
	BL_RELOAD_UNCHANGED, /* paths were followed anew and lead where they did */
	_BL_RELOAD_RESULTS,
};

/* Rules come and go, so that what is counted by rule has an end; further ones are counted as one. */
#define BL_METERS_ROWS_MAX 4096u

struct bl_meter {
	char *rule, *policy;
	enum bl_verdict verdict;
	enum bl_hook hook;
	char *key;
	uint64_t times;
};

/* Zero-initialised it counts nothing of verdicts. */
struct bl_meters {
	struct bl_strmap *map;
	struct bl_meter *rows;
	size_t n_rows, max_rows;
	uint64_t rest; /* verdicts without a row */
	uint64_t reloads[_BL_RELOAD_RESULTS];
	bool last_rejected;
};

/* Returns 0 or -ENOMEM. */
int bl_meters_init(struct bl_meters *meters);
void bl_meters_done(struct bl_meters *meters);

/* Counts a verdict; rule may be NULL: it is not known any more. Without memory it is counted among the rest. */
void bl_meters_verdict(struct bl_meters *meters, const struct bl_event *event,
		       const struct bl_rule_info *rule, uint64_t times);

void bl_meters_reload(struct bl_meters *meters, enum bl_reload_result result);

/* {"verdicts": [{"rule", "policy", "verdict", "mode", "hook", "times"}], "rest", "reloads": {...}}; NULL without memory. */
json_t *bl_meters_value(const struct bl_meters *meters);
