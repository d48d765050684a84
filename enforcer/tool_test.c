/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff test: the tests of policy files, each with what decided it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "build.h"
#include "cleanup.h"
#include "expect.h"
#include "hostfs.h"
#include "tool.h"

struct run {
	int root_fd;
	struct bl_built built;
	struct bl_expect_report report;
	json_t *results; /* NULL: print TAP */
	size_t number;
};

static void run_done(struct run *run)
{
	bl_built_clear(&run->built);
	bl_close(run->root_fd);
	json_decref(run->results);
}

/* ---- output ------------------------------------------------------------------------------- */

static const char *by(const char *rule)
{
	return rule ? " by " : "";
}

/* '#' begins a directive in TAP. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static const char *file_of(const struct run *run, const struct bl_place *place)
{
	return run->built.policy->files[place->file].path;
}

static void print_result(struct run *run, const struct bl_file *file, const char *what,
			 const struct bl_expect_result *result)
{
	const struct bl_test *test = result->test;

	printf("%s %zu - ", result->passed || result->adjusted ? "ok" : "not ok", ++run->number);
	print_escaped(what);
	printf(": %s%s%s", bl_verdict_name(result->verdict), by(result->rule),
	       result->rule ? result->rule : "");
	if (result->adjusted)
		printf(" # SKIP otherwise by %s:%u", file_of(run, result->adjusted),
		       result->adjusted->line);
	putchar('\n');
	if (!result->passed)
		printf("# %s:%u:%u: expected %s%s%s\n", file->path, test->place.line,
		       test->place.column, bl_verdict_name(test->expect), by(test->rule),
		       test->rule ? test->rule : "");
}

static int add_result(struct run *run, const struct bl_file *file, const char *what,
		      const struct bl_expect_result *result)
{
	const struct bl_test *test = result->test;
	char pointer[32];
	json_t *value;

	snprintf(pointer, sizeof(pointer), "/tests/%u", test->index);
	value = json_pack("{s:s, s:i, s:i, s:s, s:s, s:b, s:{s:s, s:s*}, s:{s:s, s:s*, s:i}}",
			  "file", file->path, "line", (int)test->place.line, "column",
			  (int)test->place.column, "pointer", pointer, "access", what, "passed",
			  result->passed, "expected", "verdict", bl_verdict_name(test->expect),
			  "rule", test->rule, "decided", "verdict",
			  bl_verdict_name(result->verdict), "rule", result->rule, "others",
			  (int)result->others);
	if (value && result->adjusted)
		json_object_set_new(value, "adjusted",
				    json_pack("{s:s, s:i}", "file", file_of(run, result->adjusted),
					      "line", (int)result->adjusted->line));
	return value && json_array_append_new(run->results, value) == 0 ? 0 : -ENOMEM;
}

static int take_result(void *userdata, struct bl_built *built,
		       const struct bl_expect_result *result)
{
	const struct bl_file *file = &built->policy->files[result->test->file];
	_cleanup_free_ char *what = bl_expect_describe(result->test);
	struct run *run = userdata;

	if (!what)
		return -ENOMEM;
	if (run->results)
		return add_result(run, file, what, result);
	print_result(run, file, what, result);
	return 0;
}

/* ---- the command -------------------------------------------------------------------------- */

static int run_tests(struct run *run, const struct bl_tool *tool, char **paths, int n_paths)
{
	struct bl_build_input input = { .paths = n_paths ? paths : NULL,
					.n_paths = (size_t)n_paths };
	int r;

	run->root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (run->root_fd < 0)
		return run->root_fd;
	input.host_fd = input.config_fd = run->root_fd;
	r = bl_build(&input, &run->built);
	if (r < 0)
		return r;
	if (!run->results)
		printf("1..%zu\n", run->built.policy->n_tests);
	return bl_expect_run(&run->built, run->root_fd, take_result, run, &run->report);
}

static int exit_code(const struct run *run, int r)
{
	if (r < 0 && r != -EINVAL && r != -EBADMSG)
		return BL_EXIT_INTERNAL;
	if (bl_tool_is_usage_error(&run->built.diags))
		return BL_EXIT_USAGE;
	return r < 0 || run->report.failed ? BL_EXIT_FINDINGS : BL_EXIT_GOOD;
}

static int print_json(struct run *run, int code)
{
	_cleanup_free_ char *diagnostics = NULL;

	if (bl_diags_json(&run->built.diags, &diagnostics) < 0)
		return -ENOMEM;
	return bl_tool_print_json(json_pack("{s:b, s:I, s:I, s:O, s:o}", "ok", code == BL_EXIT_GOOD,
					    "run", (json_int_t)run->report.run, "failed",
					    (json_int_t)run->report.failed, "tests", run->results,
					    "diagnostics", json_loads(diagnostics, 0, NULL)));
}

int bl_tool_test(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = { { 0 } };
	_cleanup_(run_done) struct run run = { .root_fd = -1 };
	int first, code, r;

	first = bl_tool_parse(tool, command, argc, argv, "", own, NULL, NULL, &code);
	if (first < 0)
		return code;
	if (tool->json) {
		run.results = json_array();
		if (!run.results)
			return BL_EXIT_INTERNAL;
	}
	r = run_tests(&run, tool, argv + first, argc - first);
	code = exit_code(&run, r);
	if (tool->json)
		return print_json(&run, code) < 0 ? BL_EXIT_INTERNAL : code;
	if (r < 0)
		bl_tool_print_errors(&run.built, r);
	return code;
}
