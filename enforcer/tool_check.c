/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff check: policy files through the daemon's own parser and compiler, and their tests. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "build.h"
#include "cleanup.h"
#include "expect.h"
#include "generation.h"
#include "hostfs.h"
#include "lint.h"
#include "tool.h"

enum { OPTION_STRICT = 1, OPTION_QUIET };

struct check {
	bool strict, quiet;
	int root_fd;
	struct bl_built built;
	struct bl_expect_report tests;
};

static void check_done(struct check *check)
{
	bl_built_clear(&check->built);
	bl_close(check->root_fd);
}

static int on_option(void *userdata, int option, const char *value)
{
	struct check *check = userdata;

	if (option == OPTION_STRICT)
		check->strict = true;
	else
		check->quiet = true;
	return 0;
}

/* Everything up to what is printed. Returns 0 or -errno; -EINVAL: see the diagnostics. */
static int run_check(struct check *check, const struct bl_tool *tool, char **paths, int n_paths)
{
	struct bl_build_input input = { .paths = n_paths ? paths : NULL,
					.n_paths = (size_t)n_paths };
	int r;

	check->root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (check->root_fd < 0)
		return check->root_fd;
	input.host_fd = input.config_fd = check->root_fd;
	r = bl_build(&input, &check->built);
	if (r < 0)
		return r;
	r = bl_lint(&check->built, check->root_fd);
	if (r < 0)
		return r;
	return bl_expect_run(&check->built, check->root_fd, bl_expect_diagnose, NULL,
			     &check->tests);
}

static size_t count_level(const struct bl_diags *diags, enum bl_diag_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < diags->count; i++)
		n += diags->items[i].level == level;
	return n;
}

static int exit_code(const struct check *check, int r)
{
	const struct bl_diags *diags = &check->built.diags;

	if (r < 0 && r != -EINVAL && r != -EBADMSG)
		return BL_EXIT_INTERNAL;
	if (bl_tool_is_usage_error(diags))
		return BL_EXIT_USAGE;
	if (r < 0 || diags->errors || (check->strict && count_level(diags, BL_DIAG_WARNING)))
		return BL_EXIT_FINDINGS;
	return BL_EXIT_GOOD;
}

/* ---- output ------------------------------------------------------------------------------- */

/* Puts the notes behind everything else; returns the number of what is before them. */
static size_t move_notes_last(struct bl_diags *diags)
{
	size_t kept = 0;

	for (size_t i = 0; i < diags->count; i++) {
		struct bl_diag swapped = diags->items[kept];

		if (diags->items[i].level == BL_DIAG_NOTE)
			continue;
		diags->items[kept++] = diags->items[i];
		diags->items[i] = swapped;
	}
	return kept;
}

static void print_summary(const struct check *check)
{
	const struct bl_built *built = &check->built;
	char digest[65];

	printf("%zu rules in %zu files", built->policy->n_rules, built->policy->n_files);
	if (check->tests.run)
		printf("; %zu tests, %zu failed", check->tests.run, check->tests.failed);
	if (check->tests.adjusted)
		printf(", %zu adjusted", check->tests.adjusted);
	if (built->diags.errors || count_level(&built->diags, BL_DIAG_WARNING))
		printf("; %zu errors, %zu warnings", built->diags.errors,
		       count_level(&built->diags, BL_DIAG_WARNING));
	putchar('\n');
	bl_generation_digest(built->tables, digest);
	printf("tables: %zu KiB, %u trie nodes, %u states, %u classes, %u prefixes\n"
	       "digest: %s\n",
	       built->tables->len / 1024, built->tables->stats.trie_nodes,
	       built->tables->stats.dfa_states, built->tables->stats.classes,
	       built->tables->stats.prefixes, digest);
}

static void print_text(struct check *check, int r)
{
	struct bl_built *built = &check->built;
	size_t all = built->diags.count;

	if (check->quiet)
		built->diags.count = move_notes_last(&built->diags);
	bl_policies_print_diags(&built->policies, &built->diags, stderr);
	built->diags.count = all;
	if (r < 0 && !built->diags.errors)
		fprintf(stderr, "bailiff: %s\n", strerror(-r));
	if (built->tables && !check->quiet)
		print_summary(check);
	else if (!check->quiet)
		printf("%zu errors, %zu warnings; nothing was compiled\n", built->diags.errors,
		       count_level(&built->diags, BL_DIAG_WARNING));
}

static json_t *tables_value(const struct bl_tables *tables)
{
	char digest[65];

	if (!tables)
		return NULL;
	bl_generation_digest(tables, digest);
	return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bytes",
			 (json_int_t)tables->len, "digest", digest, "trie_nodes",
			 (json_int_t)tables->stats.trie_nodes, "dfa_states",
			 (json_int_t)tables->stats.dfa_states, "byte_classes",
			 (json_int_t)tables->stats.byte_classes, "classes",
			 (json_int_t)tables->stats.classes, "lists",
			 (json_int_t)tables->stats.lists, "conditions",
			 (json_int_t)tables->stats.conds, "prefixes",
			 (json_int_t)tables->stats.prefixes);
}

static json_t *files_value(const struct bl_policies *policies)
{
	json_t *value = json_array();

	for (size_t i = 0; i < policies->count; i++)
		json_array_append_new(value, json_string(policies->sources[i].path));
	return value;
}

static int print_json(const struct check *check, int code)
{
	const struct bl_built *built = &check->built;
	_cleanup_free_ char *diagnostics = NULL;

	if (bl_diags_json(&built->diags, &diagnostics) < 0)
		return -ENOMEM;
	return bl_tool_print_json(json_pack(
		"{s:b, s:o, s:I, s:I, s:I, s:{s:I, s:I}, s:o*, s:o, s:I}", "ok",
		code == BL_EXIT_GOOD, "files", files_value(&built->policies), "rules",
		(json_int_t)(built->policy ? built->policy->n_rules : 0), "errors",
		(json_int_t)built->diags.errors, "warnings",
		(json_int_t)count_level(&built->diags, BL_DIAG_WARNING), "tests", "run",
		(json_int_t)check->tests.run, "failed", (json_int_t)check->tests.failed, "tables",
		tables_value(built->tables), "diagnostics", json_loads(diagnostics, 0, NULL),
		"diagnostics_dropped", (json_int_t)built->diags.dropped));
}

int bl_tool_check(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "strict", no_argument, NULL, OPTION_STRICT },
		{ "quiet", no_argument, NULL, OPTION_QUIET },
		{ 0 },
	};
	_cleanup_(check_done) struct check check = { .root_fd = -1 };
	int first, code, r;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &check, &code);
	if (first < 0)
		return code;
	r = run_check(&check, tool, argv + first, argc - first);
	code = exit_code(&check, r);
	if (!tool->json)
		print_text(&check, r);
	else if (print_json(&check, code) < 0)
		code = BL_EXIT_INTERNAL;
	return code;
}
