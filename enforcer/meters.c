/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon counts of verdicts and reloads, for metrics. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "base.h"
#include "meters.h"

int bl_meters_init(struct bl_meters *meters)
{
	*meters = (struct bl_meters){ .map = bl_strmap_new() };
	return meters->map ? 0 : -ENOMEM;
}

static void clear_row(struct bl_meter *row)
{
	free(row->rule);
	free(row->policy);
	free(row->key);
}

void bl_meters_done(struct bl_meters *meters)
{
	for (size_t i = 0; i < meters->n_rows; i++)
		clear_row(&meters->rows[i]);
	free(meters->rows);
	bl_strmap_free(meters->map);
	*meters = (struct bl_meters){ 0 };
}

static struct bl_meter *new_row(struct bl_meters *meters, char *key, const struct bl_event *event,
				const struct bl_rule_info *rule)
{
	struct bl_meter row = {
		.rule = strdup(rule && rule->id ? rule->id : ""),
		.policy = strdup(rule && rule->policy ? rule->policy : ""),
		.key = strdup(key),
		.verdict = event->verdict,
		.hook = event->hook,
	};

	if (row.rule && row.policy && row.key && meters->n_rows < BL_METERS_ROWS_MAX &&
	    bl_grow(&meters->rows, &meters->max_rows, meters->n_rows + 1, sizeof(row)) == 0 &&
	    bl_strmap_add(meters->map, row.key, strlen(row.key), (uint32_t)meters->n_rows, NULL) ==
		    0) {
		meters->rows[meters->n_rows] = row;
		return &meters->rows[meters->n_rows++];
	}
	clear_row(&row);
	return NULL;
}

void bl_meters_verdict(struct bl_meters *meters, const struct bl_event *event,
		       const struct bl_rule_info *rule, uint64_t times)
{
	_cleanup_free_ char *key = bl_format("%u %u %s\n%s", event->verdict, event->hook,
					     rule && rule->id ? rule->id : "",
					     rule && rule->policy ? rule->policy : "");
	struct bl_meter *row = NULL;
	uint32_t at;

	if (key && meters->map && bl_strmap_get(meters->map, key, strlen(key), &at))
		row = &meters->rows[at];
	else if (key && meters->map)
		row = new_row(meters, key, event, rule);
	if (row)
		row->times += times;
	else
		meters->rest += times;
}

void bl_meters_reload(struct bl_meters *meters, enum bl_reload_result result)
{
	meters->reloads[result]++;
	if (result != BL_RELOAD_UNCHANGED)
		meters->last_rejected = result == BL_RELOAD_REJECTED;
}

/* In which mode a rule came to this: of an alert there is only one. */
static const char *mode_of(enum bl_verdict verdict)
{
	switch (verdict) {
	case BL_VERDICT_DENY:
	case BL_VERDICT_KILL:
		return "enforce";
	case BL_VERDICT_WOULD_DENY:
	case BL_VERDICT_WOULD_KILL:
		return "monitor";
	case BL_VERDICT_UNSET:
	case BL_VERDICT_ALLOW:
	case BL_VERDICT_ALERT:
	case _BL_VERDICT_MAX:
		break;
	}
	return "alert";
}

json_t *bl_meters_value(const struct bl_meters *meters)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < meters->n_rows; i++) {
		const struct bl_meter *row = &meters->rows[i];
		const char *hook = bl_event_hook_name(row->hook);

		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "rule", row->rule,
						"policy", row->policy, "verdict",
						bl_event_verdict_name(row->verdict), "mode",
						mode_of(row->verdict), "hook", hook ? hook : "",
						"times", (json_int_t)row->times));
	}
	return json_pack("{s:o, s:I, s:{s:I, s:I, s:I}, s:b}", "verdicts", rows, "rest",
			 (json_int_t)meters->rest, "reloads", "loaded",
			 (json_int_t)meters->reloads[BL_RELOAD_LOADED], "rejected",
			 (json_int_t)meters->reloads[BL_RELOAD_REJECTED], "unchanged",
			 (json_int_t)meters->reloads[BL_RELOAD_UNCHANGED], "last_rejected",
			 meters->last_rejected);
}
