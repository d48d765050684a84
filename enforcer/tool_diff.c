/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff diff: what two policies decide otherwise, by the tables that the kernel would get. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "build.h"
#include "cleanup.h"
#include "diff.h"
#include "hostfs.h"
#include "outline.h"
#include "tool.h"
#include "witness.h"

static const char *const side_names[BL_SIDES] = { "old", "new" };

struct comparison {
	int root_fd;
	struct bl_built built[BL_SIDES];
	struct bl_outline outlines[BL_SIDES];
	struct bl_diff diff;
	bool done; /* the sets were compared */
};

static void comparison_done(struct comparison *c)
{
	for (int side = 0; side < BL_SIDES; side++) {
		bl_built_clear(&c->built[side]);
		bl_outline_clear(&c->outlines[side]);
	}
	bl_diff_clear(&c->diff);
	bl_close(c->root_fd);
}

/* ---- comparing ---------------------------------------------------------------------------- */

/* A path that leads elsewhere on this host names no object here. */
static bool is_real(void *userdata, const char *path)
{
	const struct comparison *c = userdata;
	_cleanup_free_ char *real = NULL;

	if (bl_hostfs_realpath(c->root_fd, path, &real) < 0)
		return true;
	return strcmp(real, path) == 0;
}

static int build_side(struct comparison *c, int side, char **path)
{
	const struct bl_build_input input = {
		.host_fd = c->root_fd,
		.config_fd = c->root_fd,
		.paths = path,
		.n_paths = 1,
		.outline = &c->outlines[side],
	};

	return bl_build(&input, &c->built[side]);
}

/* Both are built even if the first one can't be, so that the errors of both are told. */
static int run_diff(struct comparison *c, const struct bl_tool *tool, char **paths)
{
	struct bl_diff_input input = { .is_real = is_real, .userdata = c };
	int r = 0;

	c->root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (c->root_fd < 0)
		return c->root_fd;
	for (int side = 0; side < BL_SIDES; side++) {
		int built = build_side(c, side, &paths[side]);

		input.tables[side] = c->built[side].tables;
		input.outlines[side] = &c->outlines[side];
		r = r ? r : built;
	}
	if (r < 0)
		return r;
	r = bl_diff(&input, &c->diff);
	c->done = r == 0;
	return r;
}

/* 2 also where it is not known whether there is a difference. */
static int exit_code(const struct comparison *c, int r)
{
	if (r == -EINVAL || r == -E2BIG)
		return BL_EXIT_USAGE;
	if (r < 0)
		return BL_EXIT_INTERNAL;
	if (c->diff.count)
		return BL_EXIT_FINDINGS;
	return c->diff.undecided || c->diff.unreachable ? BL_EXIT_USAGE : BL_EXIT_GOOD;
}

static const char *failure_text(int r)
{
	if (r == -E2BIG)
		return "not decided: the policies tell more apart than can be compared";
	if (r == -EBADMSG)
		return "not decided: the compiled tables don't bear out what was found; please report this";
	return strerror(-r);
}

/* ---- as text ------------------------------------------------------------------------------ */

static const struct bl_rule *rule_of(const struct comparison *c,
				     const struct bl_difference *difference, int side)
{
	const struct bl_decided *decided = &difference->decided[side];

	if (decided->verdict == BL_VERDICT_ALLOW)
		return NULL;
	return &c->built[side].policy->rules[decided->rule];
}

static const char *file_of(const struct comparison *c, const struct bl_rule *rule, int side)
{
	return c->built[side].policy->files[rule->file].path;
}

static void print_rules(const struct comparison *c, const struct bl_difference *difference)
{
	const char *comma = "      ";

	for (int side = 0; side < BL_SIDES; side++) {
		const struct bl_rule *rule = rule_of(c, difference, side);

		if (!rule)
			continue;
		printf("%s%s: %s (%s:%u)", comma, side_names[side], rule->id,
		       file_of(c, rule, side), rule->place.line);
		comma = ", ";
	}
	putchar('\n');
}

static int print_difference(const struct bl_tool *tool, const struct comparison *c,
			    const struct bl_difference *difference)
{
	_cleanup_free_ char *what = bl_witness_describe(difference);
	bool stricter = difference->decided[BL_NEW].verdict > difference->decided[BL_OLD].verdict;

	if (!what)
		return -ENOMEM;
	printf("  %s%s -> %s%s  %s\n",
	       bl_tool_colour(tool, stricter ? BL_COLOUR_GOOD : BL_COLOUR_BAD),
	       bl_verdict_name(difference->decided[BL_OLD].verdict),
	       bl_verdict_name(difference->decided[BL_NEW].verdict),
	       bl_tool_colour(tool, BL_COLOUR_OFF), what);
	print_rules(c, difference);
	return 0;
}

static void print_compared(const struct bl_diff *diff)
{
	printf("compared: %zu classes of paths, %zu of abstract names, %zu of destinations, for %zu "
	       "of subjects\n",
	       diff->paths, diff->sockets, diff->destinations, diff->subjects);
}

static void print_undecided(const struct bl_diff *diff)
{
	if (diff->undecided)
		fprintf(stderr,
			"bailiff: not decided: for %zu pairs of rules the search was given up\n",
			diff->undecided);
	if (diff->unreachable)
		fprintf(stderr,
			"bailiff: not decided: %zu times only a longer name than any file has was "
			"found\n",
			diff->unreachable);
}

static int print_text(const struct bl_tool *tool, const struct comparison *c)
{
	const struct bl_diff *diff = &c->diff;
	enum bl_op op = _BL_OP_MAX;
	int r = 0;

	for (size_t i = 0; r == 0 && i < diff->count; i++) {
		if (diff->items[i].op != op)
			printf("%s%s%s\n", bl_tool_colour(tool, BL_COLOUR_BOLD),
			       bl_op_name(diff->items[i].op), bl_tool_colour(tool, BL_COLOUR_OFF));
		op = diff->items[i].op;
		r = print_difference(tool, c, &diff->items[i]);
	}
	if (diff->count)
		printf("%zu difference%s\n", diff->count, diff->count == 1 ? "" : "s");
	else if (!diff->undecided && !diff->unreachable)
		puts("no difference");
	print_compared(diff);
	print_undecided(diff);
	return r;
}

/* ---- as JSON ------------------------------------------------------------------------------ */

static json_t *decided_value(const struct comparison *c, const struct bl_difference *difference,
			     int side)
{
	const struct bl_rule *rule = rule_of(c, difference, side);
	json_t *value =
		json_pack("{s:s}", "verdict", bl_verdict_name(difference->decided[side].verdict));

	if (rule)
		json_object_update_new(value, json_pack("{s:s, s:s, s:i}", "rule", rule->id, "file",
							file_of(c, rule, side), "line",
							(int)rule->place.line));
	return value;
}

/* A test for each policy: what it expects is what that policy decides. */
static json_t *tests_value(const struct comparison *c, const struct bl_difference *difference)
{
	json_t *tests = json_object();

	for (int side = 0; side < BL_SIDES; side++) {
		const struct bl_rule *rule = rule_of(c, difference, side);
		json_t *test = bl_witness_test(difference);

		if (!test) {
			json_decref(tests);
			return json_null();
		}
		json_object_set_new(
			test, "expect",
			json_string(bl_verdict_name(difference->decided[side].verdict)));
		if (rule)
			json_object_set_new(test, "rule", json_string(rule->id));
		json_object_set_new(tests, side_names[side], test);
	}
	return tests;
}

static json_t *difference_value(const struct comparison *c, const struct bl_difference *difference)
{
	_cleanup_free_ char *what = bl_witness_describe(difference);

	return json_pack("{s:s, s:o, s:s*, s:o, s:o, s:o, s:I}", "on", bl_op_name(difference->op),
			 "witness", bl_witness_json(difference), "access", what, "old",
			 decided_value(c, difference, BL_OLD), "new",
			 decided_value(c, difference, BL_NEW), "tests", tests_value(c, difference),
			 "classes", (json_int_t)difference->classes);
}

static int print_json(const struct comparison *c, int code)
{
	const struct bl_diff *diff = &c->diff;
	json_t *differences = json_array();

	for (size_t i = 0; i < diff->count; i++)
		json_array_append_new(differences, difference_value(c, &diff->items[i]));
	return bl_tool_print_json(
		json_pack("{s:b, s:o, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:I}}", "ok",
			  code == BL_EXIT_GOOD, "differences", differences, "undecided", "searches",
			  (json_int_t)diff->undecided, "names", (json_int_t)diff->unreachable,
			  "compared", "paths", (json_int_t)diff->paths, "abstract_names",
			  (json_int_t)diff->sockets, "destinations", (json_int_t)diff->destinations,
			  "subjects", (json_int_t)diff->subjects));
}

/* ---- failures ----------------------------------------------------------------------------- */

static int print_failure(const struct bl_tool *tool, struct comparison *c, int r)
{
	size_t errors = 0;

	for (int side = 0; side < BL_SIDES; side++) {
		errors += c->built[side].diags.errors;
		bl_tool_print_errors(&c->built[side], 0);
	}
	bl_tool_error(tool, errors ? "policy" : "not-decided",
		      errors ? "a policy has errors; nothing was compared" : failure_text(r));
	return exit_code(c, r);
}

int bl_tool_diff(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = { { 0 } };
	_cleanup_(comparison_done) struct comparison c = { .root_fd = -1 };
	int first, code, r;

	first = bl_tool_parse(tool, command, argc, argv, "", own, NULL, NULL, &code);
	if (first < 0)
		return code;
	if (argc - first != 2) {
		fprintf(stderr, "bailiff diff: takes two policies, OLD and NEW\n");
		return BL_EXIT_USAGE;
	}
	r = run_diff(&c, tool, argv + first);
	if (!c.done)
		return print_failure(tool, &c, r);
	code = exit_code(&c, r);
	r = tool->json ? print_json(&c, code) : print_text(tool, &c);
	return r < 0 ? BL_EXIT_INTERNAL : code;
}
