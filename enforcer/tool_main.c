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

static const struct bl_command commands[] = {
	{ "check", "[FILE|DIR...]",
	  "Check policy files with the daemon's own parser and compiler, and run their tests; "
	  "without\narguments, the installed ones",
	  "  --strict         warnings are findings too\n"
	  "  --quiet          no notes and no summary\n",
	  bl_tool_check },
	{ "status", "", "Show what the daemon enforces",
	  "  --rules          and each rule as it is in force\n", bl_tool_status },
	{ "rules", "", "List the rules that are in force", "", bl_tool_rules },
	{ "reload", "", "Have the daemon load the policy anew, and wait for the outcome", "",
	  bl_tool_reload },
	{ "events", "", "Show verdicts and messages of the daemon from the journal",
	  "  -f, --follow     go on as they come\n"
	  "  -n, --lines N    only the last N\n"
	  "  -o, --output F   compact (one line each) or json (one object a line)\n"
	  "  --since TIME     as journalctl takes it: '2 hours ago', today, '2026-11-20 12:30'\n"
	  "  --after CURSOR   only what comes after this entry\n"
	  "  --verdicts       no messages about the daemon itself\n",
	  bl_tool_events },
	{ "doctor", "", "Show what this kernel can, what is missing, and the remedy", "",
	  bl_tool_doctor },
};

static void usage(FILE *out)
{
	fputs("Usage: bailiff COMMAND [OPTION...]\n"
	      "Runtime security: check, watch and steer bailiffd.\n\n",
	      out);
	for (size_t i = 0; i < BL_ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s  %.*s\n", commands[i].name,
			(int)strcspn(commands[i].summary, ",;\n"), commands[i].summary);
	fputs("\nSee 'bailiff COMMAND --help'. Also: --help, --version.\n"
	      "Exit codes: 0 good, 1 findings, 2 usage, 3 this kernel can't, 4 no daemon or no "
	      "right.\n",
	      out);
}

static int unknown(const char *word)
{
	struct bl_nearest nearest = { 0 };
	char *shown = bl_printable(word, strlen(word));

	for (size_t i = 0; i < BL_ARRAY_SIZE(commands); i++)
		bl_nearest_offer(&nearest, word, commands[i].name);
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
	for (size_t i = 0; i < BL_ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(&tool, &commands[i], argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}
