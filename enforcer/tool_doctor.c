/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff doctor: what this kernel can, what is missing, and the remedy. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include "cleanup.h"
#include "hostfs.h"
#include "probe.h"
#include "tool.h"

static const char *found_word(const struct bl_probe_result *result)
{
	switch (result->found) {
	case BL_FOUND_YES:
		return "ok";
	case BL_FOUND_NO:
		return result->need == BL_NEED_KERNEL ? "MISSING" : "missing";
	case BL_FOUND_UNKNOWN:
		return "unseen";
	}
	return "unseen";
}

static enum bl_colour found_colour(const struct bl_probe_result *result)
{
	if (result->found == BL_FOUND_YES)
		return BL_COLOUR_GOOD;
	return result->found == BL_FOUND_NO && result->need == BL_NEED_KERNEL ? BL_COLOUR_BAD
									      : BL_COLOUR_DOUBT;
}

static void print_result(const struct bl_tool *tool, const struct bl_probe_result *result)
{
	_cleanup_free_ char *detail =
		result->detail ? bl_printable(result->detail, strlen(result->detail)) : NULL;

	printf("%s%-8s%s %s%s%s%s\n", bl_tool_colour(tool, found_colour(result)),
	       found_word(result), bl_tool_colour(tool, BL_COLOUR_OFF), result->what,
	       detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
	if (result->found == BL_FOUND_NO)
		printf("         %s\n", result->consequence);
	if (result->found != BL_FOUND_YES && result->remedy)
		printf("         remedy: %s\n", result->remedy);
}

static const char *answer(const struct bl_probes *probes)
{
	if (bl_probes_obstacle(probes, BL_NEED_KERNEL))
		return "This kernel can't enforce as it is.";
	if (bl_probes_unseen(probes))
		return "Nothing that was seen keeps this kernel from enforcing.";
	return "This kernel can enforce.";
}

static void print_text(const struct bl_tool *tool, const struct bl_probes *probes)
{
	struct utsname kernel = { 0 };

	uname(&kernel);
	printf("kernel %s\n", kernel.release);
	for (size_t i = 0; i < probes->count; i++)
		print_result(tool, &probes->items[i]);
	puts(answer(probes));
	if (bl_probes_unseen(probes))
		printf("%zu could not be seen%s\n", bl_probes_unseen(probes),
		       geteuid() ? "; root sees more" : "");
}

static json_t *result_value(const struct bl_probe_result *result)
{
	static const char *const needs[] = {
		[BL_NEED_KERNEL] = "kernel",
		[BL_NEED_PROCESS] = "process",
		[BL_NEED_USEFUL] = "useful",
	};
	json_t *found = result->found == BL_FOUND_UNKNOWN
				? json_null()
				: json_boolean(result->found == BL_FOUND_YES);

	return json_pack("{s:s, s:s, s:s, s:o, s:s*, s:s, s:s*}", "name", result->name, "what",
			 result->what, "need", needs[result->need], "found", found, "detail",
			 result->detail, "consequence", result->consequence, "remedy",
			 result->remedy);
}

static int print_json(const struct bl_probes *probes)
{
	struct utsname kernel = { 0 };
	json_t *checks = json_array();

	uname(&kernel);
	for (size_t i = 0; i < probes->count; i++)
		json_array_append_new(checks, result_value(&probes->items[i]));
	return bl_tool_print_json(json_pack(
		"{s:b, s:s, s:s, s:I, s:o}", "ok", !bl_probes_obstacle(probes, BL_NEED_KERNEL),
		"kernel", kernel.release, "answer", answer(probes), "unseen",
		(json_int_t)bl_probes_unseen(probes), "checks", checks));
}

int bl_tool_doctor(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	_cleanup_(bl_probes_clear) struct bl_probes probes = { 0 };
	_cleanup_close_ int root_fd = -1;
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	libbpf_set_print(NULL); /* what it has to say of a bad BTF is in the result */
	root_fd = bl_hostfs_open_root(tool->root ? tool->root : "/", NULL);
	if (root_fd < 0 || bl_probes_run(root_fd, BL_PROBE_FULL, &probes) < 0) {
		bl_tool_error(tool, "internal",
			      root_fd < 0 ? strerror(-root_fd) : strerror(ENOMEM));
		return root_fd < 0 ? BL_EXIT_USAGE : BL_EXIT_INTERNAL;
	}
	if (!tool->json)
		print_text(tool, &probes);
	else if (print_json(&probes) < 0)
		return BL_EXIT_INTERNAL;
	return bl_probes_obstacle(&probes, BL_NEED_KERNEL) ? BL_EXIT_KERNEL : BL_EXIT_GOOD;
}
