/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff schema: the JSON Schema of policies, for editors and other programs. */
#include <errno.h>
#include <string.h>

#include "tool.h"

int bl_tool_schema(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	int code, first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);

	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	if (fputs(bl_schema_text, stdout) < 0 || fflush(stdout) == EOF) {
		fprintf(stderr, "bailiff: output failed: %s\n", strerror(errno));
		return BL_EXIT_INTERNAL;
	}
	return BL_EXIT_GOOD;
}
