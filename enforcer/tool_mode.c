/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff mode: the ceiling over all modes, for good or for a while. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "ceiling.h"
#include "cleanup.h"
#include "tool.h"

enum { OPTION_FOR = 1 };

static int on_option(void *userdata, int option, const char *value)
{
	if (bl_tool_duration(value, BL_CEILING_SEC_MAX, userdata) == 0)
		return 0;
	fprintf(stderr,
		"bailiff mode: --for takes a time of a week at most, such as 90s, 10m, 2h or 1d\n");
	return -EINVAL;
}

static int show(const struct bl_tool *tool, json_t *result, json_int_t seconds)
{
	_cleanup_free_ char *mode = bl_tool_text(result, "mode");

	if (tool->json)
		return bl_tool_print_json(json_incref(result)) < 0 ? BL_EXIT_INTERNAL
								   : BL_EXIT_GOOD;
	printf("%s", mode ? mode : "");
	if (seconds)
		printf(" for %lld seconds, unless 'bailiff mode %s' confirms it",
		       (long long)seconds, mode ? mode : "");
	putchar('\n');
	return BL_EXIT_GOOD;
}

int bl_tool_mode(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "for", required_argument, NULL, OPTION_FOR },
		{ 0 },
	};
	_cleanup_json_ json_t *result = NULL;
	json_t *request = json_pack("{s:s}", "command", "mode");
	json_int_t seconds = 0;
	int code, first;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &seconds, &code);
	if (first >= 0 && (argc - first > 1 || (seconds && argc == first))) {
		fprintf(stderr, "Usage: bailiff mode [enforce|monitor [--for TIME]]\n");
		first = -1;
	}
	if (first >= 0 && first < argc && strcmp(argv[first], "enforce") != 0 &&
	    strcmp(argv[first], "monitor") != 0) {
		fprintf(stderr,
			"bailiff mode: the mode is enforce or monitor; 'bailiff unload' is what turns "
			"bailiff off\n");
		code = BL_EXIT_USAGE;
		first = -1;
	}
	if (first < 0) {
		json_decref(request);
		return code;
	}
	if (first < argc)
		json_object_set_new(request, "mode", json_string(argv[first]));
	if (seconds)
		json_object_set_new(request, "for", json_integer(seconds));
	code = bl_tool_call(tool, request, BL_TOOL_TIMEOUT_SEC, &result);
	return code == BL_EXIT_GOOD ? show(tool, result, seconds) : code;
}
