/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff: the table of commands, and which of them is meant. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "config.h"
#include "control.h"
#include "tool.h"
#include "words.h"

/* What the commands of the table do. */
static const struct {
	const char *name;
	int (*run)(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
} runs[] = {
	{ "check", bl_tool_check },   { "test", bl_tool_test },
	{ "cat", bl_tool_cat },	      { "fmt", bl_tool_fmt },
	{ "schema", bl_tool_schema }, { "explain", bl_tool_explain },
	{ "diff", bl_tool_diff },     { "status", bl_tool_status },
	{ "rules", bl_tool_rules },   { "reload", bl_tool_reload },
	{ "confirm", bl_tool_confirm }, { "events", bl_tool_events },
	{ "doctor", bl_tool_doctor },	{ "replay", bl_tool_replay },
	{ "report", bl_tool_report },	{ "top", bl_tool_top },
	{ "metrics", bl_tool_metrics }, { "mode", bl_tool_mode },
	{ "unload", bl_tool_unload },
};

static const struct bl_command *find_command(const char *name)
{
	for (size_t i = 0; i < bl_n_commands; i++) {
		if (strcmp(bl_commands[i].name, name) == 0)
			return &bl_commands[i];
	}
	return NULL;
}

static void usage(FILE *out)
{
	fputs("Usage: bailiff COMMAND [OPTION...]\n"
	      "Runtime security: check, watch and steer bailiffd.\n\n",
	      out);
	for (size_t i = 0; i < bl_n_commands; i++)
		fprintf(out, "  %-8s  %.*s\n", bl_commands[i].name,
			(int)strcspn(bl_commands[i].summary, ",;\n"), bl_commands[i].summary);
	fputs("\nSee 'bailiff COMMAND --help'. Also: --help, --version.\n"
	      "Exit codes: 0 good, 1 findings, 2 usage, 3 this kernel can't, 4 no daemon or no "
	      "right.\n",
	      out);
}

static int unknown(const char *word)
{
	struct bl_nearest nearest = { 0 };
	char *shown = bl_printable(word, strlen(word));

	for (size_t i = 0; i < bl_n_commands; i++)
		bl_nearest_offer(&nearest, word, bl_commands[i].name);
	fprintf(stderr, "bailiff: unknown command '%s'", shown ? shown : "");
	if (nearest.name)
		fprintf(stderr, "; did you mean '%s'?", nearest.name);
	fputs("\nSee 'bailiff --help'.\n", stderr);
	free(shown);
	return BL_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	struct bl_tool tool = {
		.colour = isatty(STDOUT_FILENO) && !(no_color && *no_color),
		.socket = BL_CONTROL_SOCKET,
	};
	const struct bl_command *command;

	if (argc < 2) {
		usage(stderr);
		return BL_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return BL_EXIT_GOOD;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("bailiff " BL_VERSION);
		return BL_EXIT_GOOD;
	}
	command = find_command(argv[1]);
	for (size_t i = 0; command && i < BL_ARRAY_SIZE(runs); i++) {
		if (strcmp(runs[i].name, command->name) == 0)
			return runs[i].run(&tool, command, argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}
