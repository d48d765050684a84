/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff replay: what a policy would have said to the events in the journal. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "build.h"
#include "cleanup.h"
#include "explain_event.h"
#include "feed.h"
#include "hostfs.h"
#include "settings.h"

enum { OPTION_CHANGES = 1, OPTION_SUMMARY };

#define NO_RULE "none"

/* How often one rule decided one verdict, by events and by accesses that they stand for. */
struct count {
	char *rule;
	enum bl_verdict verdict;
	uint64_t events, accesses;
};

struct replay {
	struct bl_feed feed;
	bool changes, summary;
	bool monitor; /* the ceiling of the installed policy */
	int root_fd;
	struct bl_built built;
	json_t *values; /* of --json: the events */
	struct count changed[_BL_VERDICT_MAX][_BL_VERDICT_MAX]; /* [then][now] */
	struct count *rules;
	size_t n_rules, max_rules;
	uint64_t events, accesses, differences, unjudged, uncertain;
};

/* One event, judged again. */
struct judged {
	struct bl_told_access told;
	enum bl_verdict then, now;
	const char *rule; /* of now; NULL: none */
	const char *why;  /* it can't be judged; NULL: it can */
	char *access;	  /* in words */
	uint64_t times;
	bool differs;
};

static void replay_done(struct replay *replay)
{
	for (size_t i = 0; i < replay->n_rules; i++)
		free(replay->rules[i].rule);
	free(replay->rules);
	json_decref(replay->values);
	bl_built_clear(&replay->built);
	bl_close(replay->root_fd);
}

static void judged_done(struct judged *judged)
{
	bl_told_access_clear(&judged->told);
	free(judged->access);
}

static int on_option(void *userdata, int option, const char *value)
{
	struct replay *replay = userdata;

	switch (option) {
	case OPTION_CHANGES:
		replay->changes = true;
		return 0;
	case OPTION_SUMMARY:
		replay->summary = true;
		return 0;
	default:
		return bl_feed_option(&replay->feed, option, value);
	}
}

/* ---- judging ------------------------------------------------------------------------------ */

static enum bl_verdict verdict_of(const char *word)
{
	for (unsigned int i = BL_VERDICT_ALLOW; word && i < _BL_VERDICT_MAX; i++) {
		if (strcmp(bl_verdict_name(i), word) == 0)
			return i;
	}
	return BL_VERDICT_UNSET;
}

/* What a refusal comes to where nothing can be refused. */
static enum bl_verdict unenforced(enum bl_verdict verdict)
{
	if (verdict == BL_VERDICT_DENY)
		return BL_VERDICT_WOULD_DENY;
	return verdict == BL_VERDICT_KILL ? BL_VERDICT_WOULD_KILL : verdict;
}

/* The verdict as the same hook and process would have had it: see BAILIFF_VERDICT and BAILIFF_SPARED. */
static enum bl_verdict as_then(const struct replay *replay, const struct bl_shown *entry,
			       enum bl_verdict now)
{
	bool spared = bl_shown_find(entry, "BAILIFF_SPARED") != NULL;

	if (replay->monitor || bl_shown_has(entry, "BAILIFF_HOOK", "inet_conn_established"))
		return unenforced(now);
	if (now != BL_VERDICT_KILL || !spared)
		return now;
	return bl_shown_find(entry, "BAILIFF_ARGUMENT") ? BL_VERDICT_WOULD_KILL : BL_VERDICT_DENY;
}

/* Returns 0 or -ENOMEM. */
static int judge(const struct replay *replay, const struct bl_shown *entry, struct judged *judged)
{
	struct bl_answer answer;
	int r = bl_told_access_read(entry, &judged->told, &judged->why);

	judged->times = bl_shown_times(entry);
	judged->then = verdict_of(judged->told.told.verdict);
	if (r == 0 && judged->then == BL_VERDICT_UNSET) {
		judged->why = "the event has no verdict that is known here";
		r = -EINVAL;
	}
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	judged->access = bl_expect_describe(&judged->told.asked->tests[0]);
	if (!judged->access)
		return -ENOMEM;
	bl_decide(replay->built.tables, &judged->told.access.query, &answer);
	judged->now = as_then(replay, entry, answer.verdict);
	if (answer.verdict != BL_VERDICT_ALLOW)
		judged->rule = replay->built.policy->rules[answer.rule].id;
	judged->differs = judged->then != judged->now;
	return 0;
}

/* ---- counting ----------------------------------------------------------------------------- */

static struct count *find_count(struct replay *replay, const char *rule, enum bl_verdict verdict)
{
	struct count *count;

	for (size_t i = 0; i < replay->n_rules; i++) {
		count = &replay->rules[i];
		if (count->verdict == verdict && strcmp(count->rule, rule) == 0)
			return count;
	}
	if (bl_grow(&replay->rules, &replay->max_rules, replay->n_rules + 1,
		    sizeof(*replay->rules)) < 0)
		return NULL;
	count = &replay->rules[replay->n_rules];
	*count = (struct count){ .rule = strdup(rule), .verdict = verdict };
	if (!count->rule)
		return NULL;
	replay->n_rules++;
	return count;
}

static void add(struct count *count, const struct judged *judged)
{
	count->events++;
	count->accesses += judged->times;
}

static int count(struct replay *replay, const struct judged *judged)
{
	struct count *rule;

	replay->events++;
	replay->accesses += judged->times;
	if (judged->why) {
		replay->unjudged++;
		return 0;
	}
	replay->uncertain += judged->told.told.truncated || judged->told.told.interrupted;
	replay->differences += judged->differs;
	add(&replay->changed[judged->then][judged->now], judged);
	rule = find_count(replay, judged->rule ? judged->rule : NO_RULE, judged->now);
	if (!rule)
		return -ENOMEM;
	add(rule, judged);
	return 0;
}

/* ---- showing one event -------------------------------------------------------------------- */

static void print_safe(const char *text)
{
	_cleanup_free_ char *shown = bl_printable(text ? text : "", text ? strlen(text) : 0);

	fputs(shown ? shown : "", stdout);
}

static void print_event(const struct bl_tool *tool, const struct judged *judged)
{
	const struct bl_told *told = &judged->told.told;
	enum bl_colour colour = !judged->differs	      ? BL_COLOUR_OFF
				: judged->now > judged->then ? BL_COLOUR_BAD
							     : BL_COLOUR_DOUBT;

	print_safe(told->time ? told->time : "-");
	if (judged->why) {
		printf(" can't be judged: %s\n", judged->why);
		return;
	}
	printf(" %s%s", bl_tool_colour(tool, colour), bl_verdict_name(judged->then));
	if (judged->differs)
		printf(" -> %s", bl_verdict_name(judged->now));
	printf("%s  ", bl_tool_colour(tool, BL_COLOUR_OFF));
	print_safe(judged->access);
	fputs("  (", stdout);
	print_safe(told->rule);
	if (!judged->rule || !told->rule || strcmp(judged->rule, told->rule) != 0) {
		fputs(" -> ", stdout);
		print_safe(judged->rule ? judged->rule : NO_RULE);
	}
	fputs(told->truncated ? "; names are incomplete)\n" : ")\n", stdout);
}

/* A string of the journal in JSON: it may have any bytes. */
static json_t *safe_value(const char *text)
{
	_cleanup_free_ char *shown = text ? bl_printable(text, strlen(text)) : NULL;

	return shown ? json_string(shown) : json_null();
}

static int keep_event(struct replay *replay, const struct bl_shown *entry,
		      const struct judged *judged)
{
	const struct bl_told *told = &judged->told.told;
	_cleanup_free_ char *id = bl_shown_dup(entry, "BAILIFF_EVENT_ID");
	json_t *value = json_pack("{s:o, s:o, s:o, s:I}", "time", safe_value(told->time), "event",
				  safe_value(id), "access", safe_value(judged->access), "times",
				  (json_int_t)judged->times);

	if (judged->why)
		json_object_set_new(value, "error", json_string(judged->why));
	else
		json_object_update_new(
			value,
			json_pack("{s:{s:s, s:o}, s:{s:s, s:o}, s:b, s:b}", "then", "verdict",
				  bl_verdict_name(judged->then), "rule", safe_value(told->rule),
				  "now", "verdict", bl_verdict_name(judged->now), "rule",
				  safe_value(judged->rule), "differs", judged->differs, "uncertain",
				  told->truncated || told->interrupted));
	return json_array_append_new(replay->values, value) < 0 ? -ENOMEM : 0;
}

static int show(struct replay *replay, const struct bl_tool *tool, const struct bl_shown *entry,
		const struct judged *judged)
{
	if (replay->summary || (replay->changes && !judged->differs && !judged->why))
		return 0;
	if (tool->json)
		return keep_event(replay, entry, judged);
	print_event(tool, judged);
	return ferror(stdout) ? -EIO : 0;
}

/* ---- showing the sums --------------------------------------------------------------------- */

static int compare_counts(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->accesses != y->accesses)
		return x->accesses < y->accesses ? 1 : -1;
	return strcmp(x->rule, y->rule);
}

static void print_count(const struct count *count)
{
	printf("%" PRIu64 " events", count->events);
	if (count->accesses > count->events)
		printf(" of %" PRIu64 " accesses", count->accesses);
	putchar('\n');
}

static void print_sums(const struct replay *replay)
{
	printf("%s%" PRIu64 " events: %" PRIu64 " decided alike, %" PRIu64 " otherwise",
	       replay->summary ? "" : "\n", replay->events,
	       replay->events - replay->differences - replay->unjudged, replay->differences);
	if (replay->unjudged)
		printf(", %" PRIu64 " can't be judged", replay->unjudged);
	if (replay->uncertain)
		printf("; of %" PRIu64 " the names are incomplete, or the process is another",
		       replay->uncertain);
	putchar('\n');
	for (unsigned int then = 0; then < _BL_VERDICT_MAX; then++) {
		for (unsigned int now = 0; now < _BL_VERDICT_MAX; now++) {
			if (then == now || !replay->changed[then][now].events)
				continue;
			printf("  %s -> %s: ", bl_verdict_name(then), bl_verdict_name(now));
			print_count(&replay->changed[then][now]);
		}
	}
	if (replay->n_rules)
		puts("rules that decide now:");
	for (size_t i = 0; i < replay->n_rules; i++) {
		fputs("  ", stdout);
		print_safe(replay->rules[i].rule);
		printf(", %s: ", bl_verdict_name(replay->rules[i].verdict));
		print_count(&replay->rules[i]);
	}
}

static json_t *changes_value(const struct replay *replay)
{
	json_t *values = json_array();

	for (unsigned int then = 0; then < _BL_VERDICT_MAX; then++) {
		for (unsigned int now = 0; now < _BL_VERDICT_MAX; now++) {
			const struct count *count = &replay->changed[then][now];

			if (count->events)
				json_array_append_new(
					values, json_pack("{s:s, s:s, s:I, s:I}", "then",
							  bl_verdict_name(then), "now",
							  bl_verdict_name(now), "events",
							  (json_int_t)count->events, "accesses",
							  (json_int_t)count->accesses));
		}
	}
	return values;
}

static int print_json(struct replay *replay)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < replay->n_rules; i++) {
		const struct count *count = &replay->rules[i];

		json_array_append_new(rules, json_pack("{s:o, s:s, s:I, s:I}", "rule",
						       count->verdict == BL_VERDICT_ALLOW
							       ? json_null()
							       : safe_value(count->rule),
						       "verdict", bl_verdict_name(count->verdict),
						       "events", (json_int_t)count->events,
						       "accesses", (json_int_t)count->accesses));
	}
	return bl_tool_print_json(json_pack(
		"{s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:O}", "ok", !replay->differences,
		"count", (json_int_t)replay->events, "accesses", (json_int_t)replay->accesses,
		"differences", (json_int_t)replay->differences, "unjudged",
		(json_int_t)replay->unjudged, "uncertain", (json_int_t)replay->uncertain, "changes",
		changes_value(replay), "rules", rules, "events", replay->values));
}

/* ---- all ---------------------------------------------------------------------------------- */

static int replay_entry(struct replay *replay, const struct bl_tool *tool,
			const struct bl_shown *entry)
{
	_cleanup_(judged_done) struct judged judged = { 0 };
	int r = judge(replay, entry, &judged);

	if (r == 0)
		r = count(replay, &judged);
	return r == 0 ? show(replay, tool, entry, &judged) : r;
}

static int replay_all(struct replay *replay, const struct bl_tool *tool)
{
	_cleanup_(bl_reader_freep) struct bl_reader *reader = NULL;
	struct bl_shown entry;
	int r, code;

	replay->feed.options.verdicts_only = true;
	code = bl_feed_open(&replay->feed, tool, &reader);
	if (code != BL_EXIT_GOOD)
		return code;
	while ((r = bl_reader_next(reader, &entry)) > 0) {
		r = replay_entry(replay, tool, &entry);
		if (r < 0)
			break;
	}
	if (r < 0)
		return bl_feed_failed(tool, reader, r);
	if (replay->n_rules)
		qsort(replay->rules, replay->n_rules, sizeof(*replay->rules), compare_counts);
	if (tool->json)
		r = print_json(replay);
	else
		print_sums(replay);
	if (r < 0 || fflush(stdout) == EOF)
		return BL_EXIT_INTERNAL;
	return replay->differences ? BL_EXIT_FINDINGS : BL_EXIT_GOOD;
}

static int build(struct replay *replay, const struct bl_tool *tool, char **paths, int n_paths)
{
	const struct bl_build_input input = { .paths = n_paths ? paths : NULL,
					      .n_paths = (size_t)n_paths,
					      .host_fd = replay->root_fd,
					      .config_fd = replay->root_fd };
	int r = bl_build(&input, &replay->built);

	if (r == 0) {
		replay->monitor = !n_paths && bl_settings_is_monitor(replay->root_fd);
		return BL_EXIT_GOOD;
	}
	bl_tool_print_errors(&replay->built, r);
	if (tool->json)
		bl_tool_print_json(json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code",
					     "policy", "message", "the policy can't be built"));
	return r == -EINVAL || r == -EBADMSG ? BL_EXIT_USAGE : BL_EXIT_INTERNAL;
}

int bl_tool_replay(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "changes", no_argument, NULL, OPTION_CHANGES },
		{ "summary", no_argument, NULL, OPTION_SUMMARY },
		BL_FEED_OPTIONS,
		{ 0 },
	};
	_cleanup_(replay_done) struct replay replay = { .feed.command = "replay", .root_fd = -1 };
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &replay, &code);
	if (first < 0)
		return code;
	replay.values = json_array();
	replay.root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (replay.root_fd < 0) {
		bl_tool_error(tool, "root", strerror(-replay.root_fd));
		return BL_EXIT_INTERNAL;
	}
	code = build(&replay, tool, argv + first, argc - first);
	return code == BL_EXIT_GOOD ? replay_all(&replay, tool) : code;
}
