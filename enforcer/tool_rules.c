/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff rules: each rule with its action and what is really in force. */
#define _GNU_SOURCE
#include <string.h>

#include "cleanup.h"
#include "tool.h"

#define FETCH_TRIES 5 /* a reload between two pages makes us start over */

/* Adds the pages of one generation to rules. Returns an exit code; *ret_same: no reload between. */
static int fetch_pages(const struct bl_tool *tool, json_t *rules, bool *ret_same)
{
	json_int_t generation = 0, offset = 0, total = 1;

	*ret_same = true;
	while (offset < total && *ret_same) {
		_cleanup_json_ json_t *page = NULL;
		json_int_t now = 0, next = 0;
		json_t *items = NULL;
		int code;

		code = bl_tool_call(tool,
				    json_pack("{s:s, s:I}", "command", "rules", "offset", offset),
				    BL_TOOL_TIMEOUT_SEC, &page);
		if (code != BL_EXIT_GOOD)
			return code;
		if (json_unpack(page, "{s:I, s:I, s:I, s:o}", "generation", &now, "total", &total,
				"next", &next, "rules", &items) < 0)
			return BL_EXIT_INTERNAL;
		*ret_same = (offset == 0 || now == generation) && (next > offset || next == total);
		generation = now;
		offset = next;
		json_array_extend(rules, items);
	}
	return BL_EXIT_GOOD;
}

json_t *bl_tool_fetch_rules(const struct bl_tool *tool, int *ret_code)
{
	bool same = false;

	*ret_code = BL_EXIT_INTERNAL;
	for (int i = 0; i < FETCH_TRIES; i++) {
		json_t *rules = json_array();

		*ret_code = fetch_pages(tool, rules, &same);
		if (*ret_code == BL_EXIT_GOOD && same)
			return rules;
		json_decref(rules);
		if (*ret_code != BL_EXIT_GOOD)
			return NULL;
	}
	bl_tool_error(tool, "busy", "the policy is reloaded again and again");
	*ret_code = BL_EXIT_INTERNAL;
	return NULL;
}

static char *joined(const json_t *array)
{
	char *text = strdup("");
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item) {
		char *longer =
			text ? bl_format("%s%s%s", text, i ? "," : "", json_string_value(item))
			     : NULL;

		free(text);
		text = longer;
	}
	return text;
}

static enum bl_colour colour_of(const char *in_force)
{
	if (strcmp(in_force, "deny") == 0 || strcmp(in_force, "kill") == 0)
		return BL_COLOUR_BAD;
	return strncmp(in_force, "would-", 6) == 0 ? BL_COLOUR_DOUBT : BL_COLOUR_GOOD;
}

static void print_rule(const struct bl_tool *tool, const json_t *rule)
{
	_cleanup_free_ char *id = bl_tool_text(rule, "id");
	_cleanup_free_ char *force = bl_tool_text(rule, "in_force");
	_cleanup_free_ char *severity = bl_tool_text(rule, "severity");
	_cleanup_free_ char *file = bl_tool_text(rule, "file");
	_cleanup_free_ char *on = joined(json_object_get(rule, "on"));

	printf("%s%-10s%s  %-17s  %-8s  %s  %s:%lld\n", bl_tool_colour(tool, colour_of(force)),
	       force, bl_tool_colour(tool, BL_COLOUR_OFF), on ? on : "", severity, id, file,
	       (long long)json_integer_value(json_object_get(rule, "line")));
}

int bl_tool_print_rules(struct bl_tool *tool)
{
	_cleanup_json_ json_t *rules = NULL;
	size_t i;
	json_t *rule;
	int code;

	rules = bl_tool_fetch_rules(tool, &code);
	if (!rules)
		return code;
	if (tool->json)
		return bl_tool_print_json(json_pack("{s:O}", "rules", rules)) < 0 ? BL_EXIT_INTERNAL
										  : BL_EXIT_GOOD;
	if (json_array_size(rules))
		printf("%s%-10s  %-17s  %-8s  %s%s\n", bl_tool_colour(tool, BL_COLOUR_BOLD),
		       "IN FORCE", "ON", "SEVERITY", "RULE  FILE",
		       bl_tool_colour(tool, BL_COLOUR_OFF));
	json_array_foreach(rules, i, rule)
		print_rule(tool, rule);
	return BL_EXIT_GOOD;
}

int bl_tool_rules(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	int code, first;

	first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	return bl_tool_print_rules(tool);
}
