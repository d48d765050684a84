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
	{ "test", "[FILE|DIR...]",
	  "Run the tests of policy files and say which rule decided each, as TAP; without arguments,\n"
	  "those of the installed ones",
	  "", bl_tool_test },
	{ "cat", "[FILE|DIR...]",
	  "Print the policy after lists, profiles, adjustments and masks, with the origin of each rule;\n"
	  "without arguments, the installed one",
	  "", bl_tool_cat },
	{ "fmt", "FILE|DIR|-...",
	  "Bring policy files into their canonical layout, and name those that were changed; '-' reads\n"
	  "the standard input and writes to the standard output",
	  "  --check          change nothing; name those that would be changed\n", bl_tool_fmt },
	{ "schema", "", "Print the JSON Schema of policy files, for editors", "", bl_tool_schema },
	{ "explain", "exec|open|connect|trace OBJECT [FILE|DIR...]",
	  "Say what an access comes to and why: which rules match, which nearly do and what they lack,\n"
	  "and what exception would allow it",
	  "  --exe PATH       the program that acts; left out: none is known\n"
	  "  --parent PATH    the program of the process that forked it; left out: none\n"
	  "  --ancestor PATH  a program that it comes from; may be given several times\n"
	  "  --uid USER       the user that it acts as, by number or name; left out: 0\n"
	  "  --gid GROUP      the group, likewise\n"
	  "  --login USER     who had logged in; unset, or left out: nobody\n"
	  "  --unit NAME      the systemd unit that it is in; left out: that of its cgroup\n"
	  "  --slice NAME     the slice, likewise\n"
	  "  --cgroup PATH    its cgroup; left out: the root\n"
	  "  --container ID   the container that it is in, or true or false; left out: as its\n"
	  "                   cgroup says\n"
	  "  --capability WORDS  capabilities that it has; may be given several times; left out:\n"
	  "                   none\n"
	  "  --access WORDS   open: what for (read,write,create,delete,attributes); left out: read\n"
	  "  --file WORDS     exec: what holds of the file (deleted,tmpfs,setuid,script,\n"
	  "                   writable-by-others,memfd)\n"
	  "  --arg TEXT       exec: an argument; may be given several times\n"
	  "  --port N         connect: where OBJECT has none, as in ADDRESS:PORT\n"
	  "  --protocol WORD  connect: tcp, udp, sctp, dccp, icmp, other or raw; left out: tcp\n"
	  "  --event ID       instead of an access: that of an event, by its cursor or its\n"
	  "                   BAILIFF_EVENT_ID\n"
	  "  --directory DIR  journal files to look for the event in\n",
	  bl_tool_explain },
	{ "diff", "OLD NEW",
	  "Show what two policies decide otherwise, each with an access that shows it; OLD and NEW are\n"
	  "files, or directories of files that are in force together",
	  "", bl_tool_diff },
	{ "status", "", "Show what the daemon enforces",
	  "  --rules          and each rule as it is in force\n", bl_tool_status },
	{ "rules", "", "List the rules that are in force", "", bl_tool_rules },
	{ "reload", "", "Have the daemon load the policy anew, and wait for the outcome", "",
	  bl_tool_reload },
	{ "mode", "[enforce|monitor]",
	  "Show the ceiling over the modes of all files, or change it until the daemon is started anew;\n"
	  "for root alone",
	  "  --for TIME       fall back by itself, unless the mode is set once more: 90s, 10m, 2h, 1d\n",
	  bl_tool_mode },
	{ "unload", "", "Lift all enforcement, and end the daemon if there is one; for root alone",
	  "", bl_tool_unload },
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
