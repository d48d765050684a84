/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff explain: why an access is decided as it is, and what would allow it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "accounts.h"
#include "cleanup.h"
#include "expect.h"
#include "explain_event.h"
#include "explain_show.h"
#include "generation.h"
#include "hostfs.h"
#include "read.h"
#include "settings.h"
#include "tool.h"

enum {
	OPTION_EVENT = 1,
	OPTION_DIRECTORY,
	OPTION_SAID
}; /* the last one and those from it on: bl_ask_keys */

#define OPTIONS_MAX 26 /* bl_tool_parse() has no room for more */

struct explain {
	struct bl_ask ask;
	const char *event, *directory;
	struct bl_told told;
	int root_fd;
	bool installed; /* it is about the policy that bailiffd loads */
	struct bl_accounts accounts;
	struct bl_diags diags;	   /* about the command line */
	struct bl_policy *asked;   /* one test, and nothing else */
	struct bl_built built;
	struct bl_expect_access access;
	struct bl_explanation explanation;
};

static void explain_done(struct explain *explain)
{
	bl_explanation_clear(&explain->explanation);
	bl_expect_access_clear(&explain->access);
	bl_built_clear(&explain->built);
	bl_policy_free(explain->asked);
	bl_diags_clear(&explain->diags);
	bl_accounts_clear(&explain->accounts);
	bl_told_clear(&explain->told);
	bl_ask_clear(&explain->ask);
	bl_close(explain->root_fd);
}

/* ---- the command line --------------------------------------------------------------------- */

static int on_option(void *userdata, int option, const char *value)
{
	struct explain *explain = userdata;

	if (option == OPTION_EVENT)
		explain->event = value;
	else if (option == OPTION_DIRECTORY)
		explain->directory = value;
	else
		return bl_ask_add(&explain->ask, bl_ask_keys[option - OPTION_SAID].name, value,
				  strlen(value));
	return 0;
}

/* An option for each key that a test may have; the operation and the object are arguments. */
static void make_options(struct option options[OPTIONS_MAX])
{
	size_t n = 0;

	options[n++] = (struct option){ "event", required_argument, NULL, OPTION_EVENT };
	options[n++] = (struct option){ "directory", required_argument, NULL, OPTION_DIRECTORY };
	for (size_t i = 0; i < bl_ask_n_keys && n < OPTIONS_MAX - 1; i++) {
		if (!bl_ask_keys[i].object)
			options[n++] = (struct option){ bl_ask_keys[i].name, required_argument,
							NULL, OPTION_SAID + (int)i };
	}
	options[n] = (struct option){ 0 };
}

static int usage(const struct bl_tool *tool, const char *text)
{
	bl_tool_error(tool, "usage", text);
	return BL_EXIT_USAGE;
}

/* Takes the operation and the object. Returns an exit code. */
static int read_arguments(const struct bl_tool *tool, struct explain *explain, int argc,
			  char **argv, int *first)
{
	int r;

	if (argc - *first < 2)
		return usage(tool, "explain takes an operation and an object, or --event");
	r = bl_ask_about(&explain->ask, argv[*first], argv[*first + 1]);
	if (r == -ENOENT)
		return usage(tool, "the operations are exec, open, connect and trace");
	*first += 2;
	return r < 0 ? BL_EXIT_INTERNAL : BL_EXIT_GOOD;
}

/* ---- the journal -------------------------------------------------------------------------- */

static void reader_freep(struct bl_reader **reader)
{
	bl_reader_free(*reader);
}

static int open_failed(const struct bl_tool *tool, int error)
{
	if (error == -EACCES || error == -EPERM)
		bl_tool_error(tool, "no-right",
			      "the system journal can't be read: use root or the group "
			      "systemd-journal");
	else if (error == -ENOENT)
		bl_tool_error(tool, "no-journal",
			      "there is no journal here: is systemd-journald running?");
	else if (error == -EINVAL)
		return usage(tool, "--event takes a cursor or a BAILIFF_EVENT_ID");
	else
		bl_tool_error(tool, "journal", strerror(-error));
	return error == -EACCES || error == -EPERM || error == -ENOENT ? BL_EXIT_RIGHT
								       : BL_EXIT_INTERNAL;
}

/* Takes operation, object and subject from an event. Returns an exit code. */
static int read_event(const struct bl_tool *tool, struct explain *explain)
{
	_cleanup_(reader_freep) struct bl_reader *reader = NULL;
	const char *why = NULL;
	struct bl_shown entry;
	int r;

	if (explain->ask.n_values)
		return usage(tool, "an event says itself who acts and how");
	r = bl_reader_find(explain->directory, explain->event, &reader, &entry);
	if (r < 0)
		return open_failed(tool, r);
	if (r == 0) {
		bl_tool_error(tool, "no-event", "the journal has no verdict of this cursor or id");
		return BL_EXIT_FINDINGS;
	}
	r = bl_told_read(&entry, &explain->ask, &explain->told, &why);
	if (r == -EINVAL) {
		bl_tool_error(tool, "event", why);
		return BL_EXIT_FINDINGS;
	}
	return r < 0 ? BL_EXIT_INTERNAL : BL_EXIT_GOOD;
}

/* ---- what is asked ------------------------------------------------------------------------ */

static int find_account(void *userdata, enum bl_account account, const char *name, uint32_t *ret)
{
	return bl_accounts_find(userdata, account, name, ret);
}

static void print_faults(const struct bl_tool *tool, const struct bl_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct bl_diag *diag = &diags->items[i];
		_cleanup_free_ char *text = bl_format("%s%s%s", diag->message,
						      diag->hint ? "; " : "",
						      diag->hint ? diag->hint : "");

		if (diag->level == BL_DIAG_ERROR) {
			bl_tool_error(tool, diag->code, text ? text : diag->message);
			return; /* with --json one document is all that there can be */
		}
	}
}

/* Reads what was said, by the parser of policies. Returns an exit code. */
static int read_ask(const struct bl_tool *tool, struct explain *explain)
{
	const struct bl_policy_host host = {
		.find_account = find_account,
		.userdata = &explain->accounts,
	};
	int r;

	explain->accounts.root_fd = explain->root_fd;
	r = bl_ask_parse(&explain->ask, &host, &explain->diags, &explain->asked);
	if (r == -EINVAL) {
		print_faults(tool, &explain->diags);
		return explain->event ? BL_EXIT_FINDINGS : BL_EXIT_USAGE;
	}
	/* The kernel has told the names of an event; on the host they may lead elsewhere. */
	if (r == 0)
		r = bl_expect_access(&explain->asked->tests[0],
				     explain->event ? -1 : explain->root_fd, &explain->access);
	explain->access.query.untrusted = explain->ask.untrusted;
	/* Events don't tell all that a process comes from. */
	explain->access.query.kin_unknown = explain->event != NULL;
	if (r == 0 && explain->ask.trace)
		explain->access.query.access = BL_ACCESS_TRACE;
	return r < 0 ? BL_EXIT_INTERNAL : BL_EXIT_GOOD;
}

/* ---- the answer --------------------------------------------------------------------------- */

static int build_failed(const struct bl_tool *tool, struct explain *explain, int r)
{
	bool policy = r == -EINVAL || r == -EBADMSG;

	bl_tool_print_errors(&explain->built, r);
	if (tool->json)
		bl_tool_print_json(json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code",
					     "policy", "message", "the policy can't be built"));
	if (!policy)
		return BL_EXIT_INTERNAL;
	return bl_tool_is_usage_error(&explain->built.diags) ? BL_EXIT_USAGE : BL_EXIT_FINDINGS;
}

static bool is_same_policy(const struct explain *explain)
{
	char digest[65];

	bl_generation_digest(explain->built.tables, digest);
	return explain->told.digest && strcmp(explain->told.digest, digest) == 0;
}

/* Where the links in the object's path lead, good to show; *ret is NULL where there are none. */
static int find_real(const struct explain *explain, char **ret)
{
	const struct bl_test *test = &explain->asked->tests[0];
	const char *said = test->socket ? test->socket : test->path;
	const char *real = test->socket ? explain->access.socket : explain->access.path;

	if (!said || !real || strcmp(said, real) == 0)
		return 0;
	*ret = bl_printable(real, strlen(real));
	return *ret ? 0 : -ENOMEM;
}

static int show(const struct bl_tool *tool, const struct explain *explain)
{
	_cleanup_free_ char *access = bl_expect_describe(&explain->asked->tests[0]);
	_cleanup_free_ char *real = NULL;
	int r = access ? find_real(explain, &real) : -ENOMEM;
	const struct bl_shown_explanation shown = {
		.access = access,
		.real = real,
		.policy = explain->built.policy,
		.query = &explain->access.query,
		.explanation = &explain->explanation,
		.told = explain->event ? &explain->told : NULL,
		.same_policy = explain->event && is_same_policy(explain),
		.monitor = explain->installed && bl_settings_is_monitor(explain->root_fd),
	};

	if (r == 0)
		r = tool->json ? bl_explanation_print_json(&shown)
			       : bl_explanation_print(tool, &shown);
	return r < 0 ? BL_EXIT_INTERNAL : BL_EXIT_GOOD;
}

static bool match_asks_more(const struct bl_match *match)
{
	return match->has_capabilities || match->has_containers;
}

/* Whether rules ask for what no event tells: capabilities, and the PID namespace that makes a container. */
static bool asks_more(const struct bl_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct bl_rule *rule = &policy->rules[i];

		if (match_asks_more(&rule->match))
			return true;
		for (size_t j = 0; j < rule->n_unless; j++)
			if (match_asks_more(&rule->unless[j]))
				return true;
	}
	return false;
}

static int explain_access(struct explain *explain)
{
	struct bl_built *built = &explain->built;
	uint32_t known = bl_ask_known(&explain->ask);

	if (!built->tables)
		return bl_explain_alone(built->policy, &explain->access.query, known, &built->diags,
					&explain->explanation);
	return bl_explain(built->policy, built->tables, &explain->access.query, known,
			  &explain->explanation);
}

static int answer(const struct bl_tool *tool, struct explain *explain, char **paths, int n_paths)
{
	struct bl_build_input input = { .paths = n_paths ? paths : NULL,
					.n_paths = (size_t)n_paths,
					.host_fd = explain->root_fd,
					.config_fd = explain->root_fd,
					/* An event names the policy by the digest of all tables. */
					.rules_only = !explain->event };
	int r = bl_build(&input, &explain->built);

	explain->installed = !n_paths;
	if (r < 0)
		return build_failed(tool, explain, r);
	if (explain->event && asks_more(explain->built.policy)) {
		bl_tool_error(
			tool, "not-in-events",
			"rules go by capabilities or containers, and events don't tell what a "
			"process has of these: explain the access in words, with --capability "
			"and --container");
		return BL_EXIT_FINDINGS;
	}
	r = explain_access(explain);
	if (r == 0)
		return show(tool, explain);
	if (r == -EINVAL)
		return build_failed(tool, explain, r);
	bl_tool_error(tool, "internal",
		      r == -EBADMSG ? "the rules one by one and the compiled policy say different "
				      "things: this is a fault of bailiff"
				    : strerror(-r));
	return BL_EXIT_INTERNAL;
}

int bl_tool_explain(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	_cleanup_(explain_done) struct explain explain = { .root_fd = -1 };
	struct option own[OPTIONS_MAX];
	int first, code;

	make_options(own);
	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &explain, &code);
	if (first < 0)
		return code;
	code = explain.event ? read_event(tool, &explain)
			     : read_arguments(tool, &explain, argc, argv, &first);
	if (code != BL_EXIT_GOOD)
		return code;
	explain.root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (explain.root_fd < 0) {
		bl_tool_error(tool, "root", strerror(-explain.root_fd));
		return BL_EXIT_INTERNAL;
	}
	code = read_ask(tool, &explain);
	return code == BL_EXIT_GOOD ? answer(tool, &explain, argv + first, argc - first) : code;
}
