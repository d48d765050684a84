/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff reload: the daemon loads the policy anew; its diagnostics are printed here. And bailiff confirm. */
#define _GNU_SOURCE
#include <errno.h>

#include "cleanup.h"
#include "confirm.h"
#include "control.h"
#include "tool.h"

enum { OPTION_CONFIRM = 1 };

static void print_diagnostic(const json_t *diag)
{
	_cleanup_free_ char *file = bl_tool_text(diag, "file");
	_cleanup_free_ char *level = bl_tool_text(diag, "level");
	_cleanup_free_ char *message = bl_tool_text(diag, "message");
	_cleanup_free_ char *hint = bl_tool_text(diag, "hint");
	long long line = (long long)json_integer_value(json_object_get(diag, "line"));
	long long column = (long long)json_integer_value(json_object_get(diag, "column"));

	if (file && *file)
		fprintf(stderr, "%s:", file);
	if (line)
		fprintf(stderr, "%lld:%lld:", line, column);
	fprintf(stderr, "%s%s: %s\n", file && *file ? " " : "", level ? level : "",
		message ? message : "");
	if (hint && *hint)
		fprintf(stderr, "  %s\n", hint);
}

static void print_diagnostics(const json_t *result)
{
	size_t i;
	json_t *diag;

	json_array_foreach(json_object_get(result, "diagnostics"), i, diag)
		print_diagnostic(diag);
}

static void print_loaded(const json_t *result)
{
	printf("generation %lld is in force: %lld rules in %lld files, loaded in %lld ms, swapped in %.1f ms\n",
	       (long long)json_integer_value(json_object_get(result, "generation")),
	       (long long)json_integer_value(json_object_get(result, "rules")),
	       (long long)json_integer_value(json_object_get(result, "files")),
	       (long long)json_integer_value(json_object_get(result, "took_ms")),
	       (double)json_integer_value(json_object_get(result, "swap_us")) / 1000);
	if (json_object_get(result, "confirm"))
		puts("it is on trial: without 'bailiff confirm' in time the one before is in force again");
}

static int on_option(void *userdata, int option, const char *value)
{
	if (bl_tool_duration(value, BL_CONFIRM_SEC_MAX, userdata) == 0)
		return 0;
	fprintf(stderr,
		"bailiff reload: --confirm takes a time of a day at most, such as 90s, 2m or 1h\n");
	return -EINVAL;
}

int bl_tool_reload(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "confirm", required_argument, NULL, OPTION_CONFIRM },
		{ 0 },
	};
	_cleanup_json_ json_t *result = NULL;
	json_int_t seconds = 0;
	json_t *request;
	int code, first;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &seconds, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	request = json_pack("{s:s}", "command", "reload");
	if (seconds)
		json_object_set_new(request, "confirm", json_integer(seconds));
	code = bl_tool_call(tool, request, BL_CONTROL_WAIT_SEC, &result);
	if (!result)
		return code;
	if (tool->json) {
		json_object_set_new(result, "ok", json_boolean(code == BL_EXIT_GOOD));
		return bl_tool_print_json(json_incref(result)) < 0 ? BL_EXIT_INTERNAL : code;
	}
	print_diagnostics(result);
	if (code == BL_EXIT_GOOD)
		print_loaded(result);
	return code;
}

int bl_tool_confirm(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	_cleanup_json_ json_t *result = NULL;
	int code, first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);

	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	code = bl_tool_call(tool, json_pack("{s:s}", "command", "confirm"), BL_TOOL_TIMEOUT_SEC,
			    &result);
	if (code != BL_EXIT_GOOD)
		return code;
	if (tool->json)
		return bl_tool_print_json(json_incref(result)) < 0 ? BL_EXIT_INTERNAL : code;
	printf("generation %lld is in force for good\n",
	       (long long)json_integer_value(json_object_get(result, "generation")));
	return code;
}
