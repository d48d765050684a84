/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff metrics: what the daemon and the kernel count, as OpenMetrics text. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "hostfs.h"
#include "openmetrics.h"
#include "output.h"
#include "progstats.h"
#include "tool.h"

#define TEXTFILE_MODE 0644 /* node_exporter reads it as whoever it is */

enum { OPTION_OUTPUT = 1 };

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- of the daemon ------------------------------------------------------------------------ */

static void put_daemon(struct bl_metrics *m, const json_t *state)
{
	bl_metrics_family(m, "up", "gauge", "Whether bailiffd answers.");
	bl_metrics_sample(m, 1, NULL);
	bl_metrics_family(m, "version", "gauge",
			  "Versions of bailiffd and of the kernel; always 1.");
	bl_metrics_sample(m, 1, "version", string(state, "version"), "kernel",
			  string(state, "kernel"), "engine", string(state, "engine"), NULL);
	bl_metrics_family(m, "uptime_seconds", "gauge", "Since bailiffd has started.");
	bl_metrics_sample(m, number(state, "uptime_sec"), NULL);
	bl_metrics_family(m, "enforcing", "gauge",
			  "0 where the settings let nothing be refused (mode = monitor).");
	bl_metrics_sample(m, strcmp(string(state, "mode"), "enforce") == 0, NULL);
}

static void put_policy(struct bl_metrics *m, const json_t *state)
{
	const json_t *policy = json_object_get(state, "policy");
	size_t i;
	json_t *file;

	bl_metrics_family(m, "policy_generation", "gauge",
			  "Number of the policy that is in force; 0: none.");
	bl_metrics_sample(m, number(policy, "generation"), NULL);
	bl_metrics_family(m, "policy_rules", "gauge", "Rules in force by file and its mode.");
	json_array_foreach(json_object_get(policy, "files"), i, file)
		bl_metrics_sample(m, number(file, "rules"), "file", string(file, "path"), "mode",
				  string(file, "in_force"), NULL);
	bl_metrics_family(m, "policy_table_bytes", "gauge", "Size of the compiled tables.");
	bl_metrics_sample(m, number(policy, "bytes"), NULL);
	bl_metrics_family(m, "policy_loaded_timestamp_seconds", "gauge",
			  "When the policy was put in force.");
	bl_metrics_sample(m, number(policy, "loaded"), NULL);
	bl_metrics_family(m, "policy_load_seconds", "gauge", "How long that took.");
	bl_metrics_sample(m, number(policy, "took_ms") / 1000, NULL);
}

static void put_reloads(struct bl_metrics *m, const json_t *meters)
{
	const json_t *reloads = json_object_get(meters, "reloads");
	const char *result;
	json_t *count;

	bl_metrics_family(m, "reloads", "counter", "Reloads since the start by their result.");
	json_object_foreach((json_t *)reloads, result, count)
		bl_metrics_sample(m, json_number_value(count), "result", result, NULL);
	bl_metrics_family(m, "reload_failed", "gauge",
			  "1 where the last reload was rejected and an older policy stays.");
	bl_metrics_sample(m, is_true(meters, "last_rejected"), NULL);
}

static void put_verdicts(struct bl_metrics *m, const json_t *meters)
{
	const json_t *rows = json_object_get(meters, "verdicts");
	size_t i;
	json_t *row;

	bl_metrics_family(m, "verdicts", "counter",
			  "Verdicts that rules asked to be told of, by rule, mode and hook.");
	json_array_foreach(rows, i, row)
		bl_metrics_sample(m, number(row, "times"), "rule", string(row, "rule"), "policy",
				  string(row, "policy"), "verdict", string(row, "verdict"), "mode",
				  string(row, "mode"), "hook", string(row, "hook"), NULL);
	bl_metrics_family(m, "verdicts_elsewhere", "counter",
			  "Verdicts that are not counted by rule: there are too many rules.");
	bl_metrics_sample(m, number(meters, "rest"), NULL);
}

static void put_counts(struct bl_metrics *m, const json_t *state)
{
	static const struct {
		const char *key, *name, *help;
	} counters[] = {
		{ "denied", "denied", "Accesses that were refused." },
		{ "alerted", "alerted", "Accesses that were reported and let through." },
		{ "failed_closed", "failed_closed",
		  "Accesses that were refused because no verdict could be computed." },
		{ "walk_retries", "walk_retries",
		  "Paths that were read again: a rename came between." },
		{ "walk_failed", "walk_failed", "Paths that could not be read." },
		{ "exe_changes_refused", "exe_changes_refused",
		  "Attempts of processes to change what their executable is." },
		{ "mount_changes", "mount_changes", "Changes of mounts that made labels stale." },
		{ "links_full", "links_full",
		  "Files with several names that there was no room to remember." },
		{ "events", "events", "Events that the kernel side made." },
	};
	const json_t *values = json_object_get(state, "counters");

	for (size_t i = 0; i < BL_ARRAY_SIZE(counters); i++) {
		if (!json_object_get(values, counters[i].key))
			continue;
		bl_metrics_family(m, counters[i].name, "counter", counters[i].help);
		bl_metrics_sample(m, number(values, counters[i].key), NULL);
	}
}

static void put_delivery(struct bl_metrics *m, const json_t *state)
{
	const json_t *journal = json_object_get(state, "journal");
	const char *reason;
	json_t *count;

	bl_metrics_family(m, "delivered", "counter",
			  "Verdicts that journald has taken, or that wait for it.");
	bl_metrics_sample(m, number(state, "delivered"), NULL);
	bl_metrics_family(m, "lost", "counter", "Events that were lost, by reason.");
	json_object_foreach(json_object_get(state, "lost"), reason, count)
		bl_metrics_sample(m, json_number_value(count), "reason", reason, NULL);
	bl_metrics_family(m, "journal_sent", "counter", "Entries that journald has taken.");
	bl_metrics_sample(m, number(journal, "sent"), NULL);
	bl_metrics_family(m, "journal_waiting", "gauge", "Entries that wait for journald.");
	bl_metrics_sample(m, number(journal, "waiting"), NULL);
	bl_metrics_family(m, "journal_reconnects", "counter", "Connections made anew to journald.");
	bl_metrics_sample(m, number(journal, "reconnects"), NULL);
}

/* ---- of the kernel ------------------------------------------------------------------------ */

struct programs {
	struct bl_progstats_program *items;
	bool *known;
	struct bl_progstats_map maps[BL_PROGSTATS_MAPS_MAX];
	uint32_t n_maps;
	bool readable; /* at least one could be asked about */
};

static void programs_done(struct programs *programs)
{
	free(programs->items);
	free(programs->known);
}

/* What can't be asked is left out: whoever is in the group 'bailiff' only may not. */
static int ask_kernel(const json_t *hooks, struct programs *programs)
{
	size_t n = json_array_size(hooks);

	programs->items = calloc(n + 1, sizeof(*programs->items));
	programs->known = calloc(n + 1, sizeof(*programs->known));
	if (!programs->items || !programs->known)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint32_t id = (uint32_t)number(json_array_get(hooks, i), "program_id");

		programs->known[i] = id &&
				     bl_progstats_program(id, &programs->items[i], programs->maps,
							  &programs->n_maps) == 0;
		programs->readable |= programs->known[i];
	}
	for (uint32_t i = 0; i < programs->n_maps; i++)
		bl_progstats_count(&programs->maps[i]);
	return 0;
}

/* A hook may have several programs, and is told once. */
static bool is_first(const json_t *hooks, size_t at)
{
	const char *name = string(json_array_get(hooks, at), "hook");

	for (size_t i = 0; i < at; i++) {
		if (strcmp(string(json_array_get(hooks, i), "hook"), name) == 0)
			return false;
	}
	return true;
}

static void put_hooks(struct bl_metrics *m, const json_t *hooks)
{
	size_t i, j;
	json_t *hook, *other;

	bl_metrics_family(m, "hook_attached", "gauge",
			  "Whether a rule in force needs the hook, and it is attached.");
	json_array_foreach(hooks, i, hook) {
		bool attached = false;

		json_array_foreach(hooks, j, other)
			attached |= is_true(other, "attached") &&
				    strcmp(string(other, "hook"), string(hook, "hook")) == 0;
		if (is_first(hooks, i))
			bl_metrics_sample(m, attached, "hook", string(hook, "hook"), NULL);
	}
}

/* Of all programs at the hook. */
static struct bl_progstats_program sum_of(const json_t *hooks, const struct programs *programs,
					  const char *name)
{
	struct bl_progstats_program sum = { 0 };

	for (size_t i = 0; i < json_array_size(hooks); i++) {
		if (!programs->known[i] ||
		    strcmp(string(json_array_get(hooks, i), "hook"), name) != 0)
			continue;
		sum.run_ns += programs->items[i].run_ns;
		sum.runs += programs->items[i].runs;
	}
	return sum;
}

static void put_programs(struct bl_metrics *m, const json_t *hooks, const struct programs *programs)
{
	size_t i;
	json_t *hook;

	bl_metrics_family(m, "program_run_seconds", "counter", "Time that programs have run.");
	json_array_foreach(hooks, i, hook) {
		struct bl_progstats_program sum = sum_of(hooks, programs, string(hook, "hook"));

		if (is_first(hooks, i))
			bl_metrics_sample(m, (double)sum.run_ns / 1e9, "hook", string(hook, "hook"),
					  NULL);
	}
	bl_metrics_family(m, "program_runs", "counter", "Runs of programs.");
	json_array_foreach(hooks, i, hook) {
		struct bl_progstats_program sum = sum_of(hooks, programs, string(hook, "hook"));

		if (is_first(hooks, i))
			bl_metrics_sample(m, (double)sum.runs, "hook", string(hook, "hook"), NULL);
	}
}

/* The kernel keeps 15 bytes of a map's name: of those that are alike then the first is told. */
static bool is_told(const struct programs *programs, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		if (programs->maps[i].counted &&
		    strcmp(programs->maps[i].name, programs->maps[at].name) == 0)
			return false;
	}
	return programs->maps[at].counted;
}

static void put_maps(struct bl_metrics *m, const struct programs *programs)
{
	bl_metrics_family(m, "map_entries", "gauge", "Elements of a map of the kernel side.");
	for (uint32_t i = 0; i < programs->n_maps; i++) {
		if (is_told(programs, i))
			bl_metrics_sample(m, (double)programs->maps[i].entries, "map",
					  programs->maps[i].name, NULL);
	}
	bl_metrics_family(m, "map_max_entries", "gauge", "How many it has room for.");
	for (uint32_t i = 0; i < programs->n_maps; i++) {
		if (is_told(programs, i))
			bl_metrics_sample(m, (double)programs->maps[i].max_entries, "map",
					  programs->maps[i].name, NULL);
	}
}

static int put_kernel(struct bl_metrics *m, const struct bl_tool *tool, const json_t *state)
{
	_cleanup_(programs_done) struct programs programs = { 0 };
	_cleanup_close_ int root_fd = bl_hostfs_open_root(tool->root, NULL);
	const json_t *hooks = json_object_get(state, "hooks");
	bool stats = root_fd >= 0 && bl_progstats_are_on(root_fd);
	int r = ask_kernel(hooks, &programs);

	if (r < 0)
		return r;
	put_hooks(m, hooks);
	bl_metrics_family(m, "programs_readable", "gauge",
			  "Whether whoever asked may ask the kernel about programs and maps.");
	bl_metrics_sample(m, programs.readable, NULL);
	bl_metrics_family(m, "program_stats_enabled", "gauge",
			  "Whether the kernel counts runs (kernel.bpf_stats_enabled).");
	bl_metrics_sample(m, stats, NULL);
	if (stats && programs.readable)
		put_programs(m, hooks, &programs);
	if (programs.readable)
		put_maps(m, &programs);
	return 0;
}

/* ---- all ---------------------------------------------------------------------------------- */

static int put_all(struct bl_metrics *m, const struct bl_tool *tool, const json_t *state)
{
	const json_t *meters = json_object_get(state, "meters");
	int r = 0;

	if (state) {
		put_daemon(m, state);
		put_policy(m, state);
		put_reloads(m, meters);
		put_verdicts(m, meters);
		put_counts(m, state);
		put_delivery(m, state);
		r = put_kernel(m, tool, state);
	} else {
		bl_metrics_family(m, "up", "gauge", "Whether bailiffd answers.");
		bl_metrics_sample(m, 0, NULL);
	}
	bl_metrics_end(m);
	return r;
}

/* state NULL: the daemon doesn't answer, and a file that stays as it was would say that it does. */
static int write_text(const struct bl_tool *tool, const char *path, const json_t *state)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	struct bl_metrics metrics = { .out = open_memstream(&text, &len) };
	int r;

	if (!metrics.out)
		return -ENOMEM;
	r = put_all(&metrics, tool, state);
	if (fclose(metrics.out) != 0)
		r = -ENOMEM;
	return r < 0 ? r : bl_output_write(path, text, len, TEXTFILE_MODE);
}

static int on_option(void *userdata, int option, const char *value)
{
	*(const char **)userdata = value;
	return 0;
}

int bl_tool_metrics(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "output", required_argument, NULL, OPTION_OUTPUT },
		{ 0 },
	};
	_cleanup_json_ json_t *state = NULL;
	const char *output = "-";
	int first, code, r;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &output, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	code = bl_tool_call(tool, json_pack("{s:s}", "command", "metrics"), BL_TOOL_TIMEOUT_SEC,
			    &state);
	if (tool->json)
		return code == BL_EXIT_GOOD && bl_tool_print_json(json_incref(state)) < 0
			       ? BL_EXIT_INTERNAL
			       : code;
	if (code != BL_EXIT_GOOD && code != BL_EXIT_RIGHT)
		return code;
	r = write_text(tool, output, state);
	if (r < 0) {
		fprintf(stderr, "bailiff metrics: %s: %s\n", output, strerror(-r));
		return BL_EXIT_USAGE;
	}
	return code;
}
