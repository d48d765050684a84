/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of the control socket can ask for: status, rules, reload. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "ceiling.h"
#include "cleanup.h"
#include "config.h"
#include "daemon.h"

#define ABSENT_MAX	 1000	    /* rules that a status tells of */
#define RULES_PAGE_BYTES (1u << 20) /* an answer holds about as much and says where to go on */

/* Returns the answer, or NULL without memory. */
typedef json_t *(*answer_fn)(struct bl_daemon *daemon, const struct bl_request *request);

/* ---- status ------------------------------------------------------------------------------- */

static const char *const counter_names[_BL_COUNT_MAX] = {
	[BL_COUNT_EVENTS] = "events",
	[BL_COUNT_LOST_RING] = "lost_ring",
	[BL_COUNT_LOST_SCRATCH] = "lost_scratch",
	[BL_COUNT_DENIED] = "denied",
	[BL_COUNT_ALERTED] = "alerted",
	[BL_COUNT_WALK_RETRIES] = "walk_retries",
	[BL_COUNT_WALK_FAILED] = "walk_failed",
	[BL_COUNT_EXE_KEPT] = "exe_changes_refused",
	[BL_COUNT_LOGIN_KEPT] = "logins_refused",
	[BL_COUNT_FAILED_CLOSED] = "failed_closed",
	[BL_COUNT_LINKS_FULL] = "links_full",
	[BL_COUNT_ANCESTORS_LOST] = "ancestors_lost",
	[BL_COUNT_CGROUPS_LOST] = "cgroups_lost",
	[BL_COUNT_MOUNTS] = "mount_changes",
	[BL_COUNT_FOLDED] = "folded",
	[BL_COUNT_UNFOLDED] = "unfolded",
	[BL_COUNT_LOST_LIMIT] = "lost_limit",
	[BL_COUNT_LOST_REPEATS] = "lost_repeats",
};

static json_t *counters_value(const struct bl_daemon *daemon)
{
	uint64_t counters[_BL_COUNT_MAX];
	json_t *value = json_object();

	if (bl_loader_counters(daemon->loader, counters) < 0)
		return value;
	for (int i = 0; i < _BL_COUNT_MAX; i++) {
		if (counter_names[i])
			json_object_set_new(value, counter_names[i],
					    json_integer((json_int_t)counters[i]));
	}
	return value;
}

static json_t *hooks_value(const struct bl_daemon *daemon)
{
	struct bl_hook_info infos[64];
	size_t n = bl_loader_hooks(daemon->loader, infos, BL_ARRAY_SIZE(infos));
	json_t *value = json_array();

	for (size_t i = 0; i < BL_MIN(n, BL_ARRAY_SIZE(infos)); i++)
		json_array_append_new(value,
				      json_pack("{s:s, s:b, s:b, s:I, s:I}", "hook", infos[i].hook,
						"available", infos[i].available, "attached",
						infos[i].attached, "program_id",
						(json_int_t)infos[i].program_id, "verified_insns",
						(json_int_t)infos[i].verified_insns));
	return value;
}

/* What becomes of a rule's action under its file's mode and the ceiling. */
static const char *in_force(const struct bl_daemon *daemon, const struct bl_generation *generation,
			    const struct bl_rule_meta *rule)
{
	enum bl_mode mode = bl_generation_mode(generation, rule, daemon->settings.mode);

	switch ((enum bl_action)rule->action) {
	case BL_ACTION_ALERT:
		return "alert";
	case BL_ACTION_DENY:
		return mode == BL_MODE_ENFORCE ? "deny" : "would-deny";
	case BL_ACTION_KILL:
		return mode == BL_MODE_ENFORCE ? "kill" : "would-kill";
	case _BL_ACTION_MAX:
		break;
	}
	return "nothing";
}

static json_t *files_value(const struct bl_daemon *daemon, const struct bl_generation *generation)
{
	json_t *value = json_array();

	for (size_t i = 0; i < generation->n_files; i++) {
		const struct bl_file_meta *file = &generation->files[i];
		enum bl_mode force = BL_MIN(file->mode, daemon->settings.mode);

		json_array_append_new(
			value, json_pack("{s:s, s:s*, s:s, s:s, s:I}", "path", file->path, "name",
					 file->name, "mode", bl_mode_name(file->mode), "in_force",
					 bl_mode_name(force), "rules", (json_int_t)file->rules));
	}
	return value;
}

static json_t *policy_value(const struct bl_daemon *daemon)
{
	const struct bl_generation *running = daemon->generations.items[0];

	if (!running)
		return json_null();
	return json_pack("{s:I, s:s, s:I, s:I, s:f, s:I, s:I, s:o}", "generation",
			 (json_int_t)running->number, "digest", running->digest, "rules",
			 (json_int_t)running->n_rules, "bytes", (json_int_t)running->bytes,
			 "loaded", (double)running->loaded_us / 1e6, "took_ms",
			 (json_int_t)running->took_ms, "swap_us", (json_int_t)running->swap_us,
			 "files", files_value(daemon, running));
}

static json_t *journal_value(const struct bl_daemon *daemon)
{
	struct bl_journal_stats stats;

	bl_journal_get_stats(daemon->log.journal, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)stats.sent,
			 "waiting", (json_int_t)stats.queued_entries, "dropped_full",
			 (json_int_t)stats.dropped_full, "dropped_memory",
			 (json_int_t)stats.dropped_memory, "dropped_refused",
			 (json_int_t)stats.dropped_refused, "dropped_repeats",
			 (json_int_t)stats.dropped_repeats, "reconnects",
			 (json_int_t)stats.reconnects);
}

/* What the search for objects with several names came to. */
static json_t *names_value(const struct bl_daemon *daemon)
{
	const struct bl_lookout_report *look = &daemon->look;

	return json_pack("{s:I, s:I, s:I, s:b}", "looked_at", (json_int_t)look->entries, "linked",
			 (json_int_t)look->linked, "took_ms", (json_int_t)look->took_ms, "complete",
			 look->complete);
}

/* Whether anything is there now of what a rule was loaded without. */
static bool has_come(const struct bl_daemon *daemon, const struct bl_rule_meta *rule)
{
	struct stat st;

	for (size_t i = 0; i < rule->n_absent; i++) {
		if (fstatat(daemon->host_fd, rule->absent[i] + 1, &st,
			    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
			return true;
	}
	return false;
}

static json_t *paths_value(const struct bl_rule_meta *rule)
{
	json_t *value = json_array();

	for (size_t i = 0; i < rule->n_absent; i++) {
		/* A file's name can be any bytes, JSON's text can't. */
		_cleanup_free_ char *shown = bl_printable(rule->absent[i], strlen(rule->absent[i]));

		json_array_append_new(value, json_string(shown ? shown : ""));
	}
	return value;
}

/* Rules of which nothing is there: they hold from the instant that something is. */
static json_t *absent_value(const struct bl_daemon *daemon)
{
	const struct bl_generation *running = daemon->generations.items[0];
	json_t *value = json_array();

	for (size_t i = 0; running && i < running->n_rules && json_array_size(value) < ABSENT_MAX;
	     i++) {
		const struct bl_rule_meta *rule = &running->rules[i];

		if (!rule->n_absent || has_come(daemon, rule))
			continue;
		json_array_append_new(value,
				      json_pack("{s:s, s:s, s:I, s:s, s:o}", "rule", rule->info.id,
						"file", running->files[rule->file].path, "line",
						(json_int_t)rule->line, "key", rule->absent_key,
						"paths", paths_value(rule)));
	}
	return value;
}

/* The names that rules' paths lead through. */
static json_t *followed_value(const struct bl_daemon *daemon)
{
	const struct bl_trail *trail = daemon->follow.trail;

	if (!trail)
		return json_null();
	return json_pack("{s:I, s:I}", "names", (json_int_t)bl_trail_count(trail),
			 "unwatched_folders", (json_int_t)bl_trail_unwatched(trail));
}

static json_t *answer_status(struct bl_daemon *daemon, const struct bl_request *request)
{
	struct utsname kernel = { 0 };

	uname(&kernel);
	return bl_control_success(json_pack(
		"{s:s, s:s, s:I, s:s, s:s, s:f, s:b, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
		"version", BL_VERSION, "kernel", kernel.release, "pid", (json_int_t)getpid(),
		"engine", BL_ENGINE, "mode", bl_mode_name(daemon->settings.mode), "uptime_sec",
		(double)(bl_now_ns() - daemon->started_ns) / 1e9, "reloading",
		daemon->reload.running, "loading", bl_loader_loading(daemon->loader), "policy",
		policy_value(daemon), "hooks", hooks_value(daemon), "counters",
		counters_value(daemon), "delivered", (json_int_t)daemon->deliver.delivered,
		"missing", (json_int_t)bl_lost_gaps(daemon->deliver.lost), "journal",
		journal_value(daemon), "names", names_value(daemon), "absent", absent_value(daemon),
		"followed", followed_value(daemon)));
}

/* ---- metrics ------------------------------------------------------------------------------ */

static json_t *lost_value(const struct bl_daemon *daemon)
{
	uint64_t totals[_BL_LOST_MAX];
	json_t *value = json_object();

	bl_lost_totals(daemon->deliver.lost, totals);
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		json_object_set_new(value, bl_lost_reason_name(i),
				    json_integer((json_int_t)totals[i]));
	return value;
}

static json_t *answer_metrics(struct bl_daemon *daemon, const struct bl_request *request)
{
	struct utsname kernel = { 0 };

	uname(&kernel);
	return bl_control_success(json_pack(
		"{s:s, s:s, s:s, s:s, s:f, s:b, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "version",
		BL_VERSION, "kernel", kernel.release, "engine", BL_ENGINE, "mode",
		bl_mode_name(daemon->settings.mode), "uptime_sec",
		(double)(bl_now_ns() - daemon->started_ns) / 1e9, "reloading",
		daemon->reload.running, "policy", policy_value(daemon), "hooks",
		hooks_value(daemon), "counters", counters_value(daemon), "delivered",
		(json_int_t)daemon->deliver.delivered, "lost", lost_value(daemon), "journal",
		journal_value(daemon), "meters", bl_meters_value(&daemon->deliver.meters)));
}

/* ---- rules -------------------------------------------------------------------------------- */

static json_t *ops_value(uint8_t ops)
{
	json_t *value = json_array();

	for (enum bl_op op = BL_OP_EXEC; op < _BL_OP_MAX; op++) {
		if (ops & (1 << op))
			json_array_append_new(value, json_string(bl_op_name(op)));
	}
	return value;
}

static json_t *rule_value(const struct bl_daemon *daemon, const struct bl_generation *generation,
			  const struct bl_rule_meta *rule)
{
	const struct bl_file_meta *file = &generation->files[rule->file];

	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s, s:I}", "id",
			 rule->info.id, "on", ops_value(rule->ops), "action",
			 bl_action_name((enum bl_action)rule->action), "mode",
			 bl_mode_name(file->mode), "in_force", in_force(daemon, generation, rule),
			 "severity", rule->info.severity, "attack", rule->info.attack, "message",
			 rule->info.message, "policy", rule->info.policy, "file", file->path,
			 "line", (json_int_t)rule->line);
}

static size_t rule_bytes(const struct bl_generation *generation, const struct bl_rule_meta *rule)
{
	const char *message = rule->info.message, *attack = rule->info.attack;

	return 256 + strlen(rule->info.id) + strlen(generation->files[rule->file].path) +
	       (message ? strlen(message) : 0) + (attack ? strlen(attack) : 0);
}

static json_t *answer_rules(struct bl_daemon *daemon, const struct bl_request *request)
{
	const struct bl_generation *running = daemon->generations.items[0];
	json_int_t offset = json_integer_value(json_object_get(request->body, "offset"));
	size_t at = offset > 0 ? (size_t)offset : 0, bytes = 0, total = running->n_rules;
	json_t *rules = json_array();

	for (; at < total && bytes < RULES_PAGE_BYTES; at++) {
		json_array_append_new(rules, rule_value(daemon, running, &running->rules[at]));
		bytes += rule_bytes(running, &running->rules[at]);
	}
	return bl_control_success(json_pack("{s:I, s:I, s:I, s:o}", "generation",
					    (json_int_t)running->number, "total", (json_int_t)total,
					    "next", (json_int_t)BL_MIN(at, total), "rules", rules));
}

/* ---- all ---------------------------------------------------------------------------------- */

static const struct {
	const char *command;
	answer_fn answer;
} commands[] = {
	{ "status", answer_status },
	{ "rules", answer_rules },
	{ "metrics", answer_metrics },
};

/* For root alone: the group that may use the socket is for those who look on, and reload. */
static void unload(struct bl_daemon *daemon, const struct bl_request *request)
{
	if (request->uid != 0) {
		bl_control_answer(daemon->control, request->id,
				  bl_control_failure("not-root", "only root can lift enforcement",
						     NULL));
		return;
	}
	bl_log_line(&daemon->log, BL_LEVEL_WARNING, "unload asked for by uid %u, pid %d",
		    request->uid, request->pid);
	bl_control_answer(daemon->control, request->id, bl_control_success(json_object()));
	bl_daemon_unload(daemon);
}

void bl_daemon_request(void *userdata, const struct bl_request *request)
{
	struct bl_daemon *daemon = userdata;

	if (strcmp(request->command, "unload") == 0) {
		unload(daemon, request);
		return;
	}
	if (strcmp(request->command, "reload") == 0) {
		bl_log_line(&daemon->log, BL_LEVEL_INFO, "reload asked for by uid %u, pid %d",
			    request->uid, request->pid);
		bl_reload_ask(daemon, request->id);
		return;
	}
	if (strcmp(request->command, "mode") == 0) {
		bl_ceiling_request(daemon, request);
		return;
	}
	for (size_t i = 0; i < BL_ARRAY_SIZE(commands); i++) {
		if (strcmp(request->command, commands[i].command) == 0) {
			bl_control_answer(daemon->control, request->id,
					  commands[i].answer(daemon, request));
			return;
		}
	}
	bl_control_answer(daemon->control, request->id,
			  bl_control_failure("unknown-command",
					     "this daemon does not know the command", NULL));
}
