/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's commands and their options as data. */
#include "tool_table.h"

#include <string.h>

static const struct bl_tool_option none[] = { { 0 } };

static const struct bl_tool_option check_options[] = {
	{ .name = "strict", .help = "warnings are findings too" },
	{ .name = "quiet", .help = "no notes and no summary" },
	{ 0 },
};

static const struct bl_tool_option fmt_options[] = {
	{ .name = "check", .help = "change nothing; name those that would be changed" },
	{ 0 },
};

static const struct bl_tool_option explain_options[] = {
	{ .name = "exe",
	  .value = "PATH",
	  .completes = BL_COMPLETES_FILES,
	  .help = "the program that acts; left out: none is known" },
	{ .name = "parent",
	  .value = "PATH",
	  .completes = BL_COMPLETES_FILES,
	  .help = "the program of the process that forked it; left out: none" },
	{ .name = "ancestor",
	  .value = "PATH",
	  .completes = BL_COMPLETES_FILES,
	  .help = "a program that it comes from; may be given several times" },
	{ .name = "uid",
	  .value = "USER",
	  .completes = BL_COMPLETES_USERS,
	  .help = "the user that it acts as, by number or name; left out: 0" },
	{ .name = "gid",
	  .value = "GROUP",
	  .completes = BL_COMPLETES_GROUPS,
	  .help = "the group, likewise" },
	{ .name = "login",
	  .value = "USER",
	  .completes = BL_COMPLETES_USERS,
	  .more = "unset",
	  .help = "who had logged in; unset, or left out: nobody" },
	{ .name = "unit",
	  .value = "NAME",
	  .completes = BL_COMPLETES_UNITS,
	  .help = "the systemd unit that it is in; left out: that of its cgroup" },
	{ .name = "slice",
	  .value = "NAME",
	  .completes = BL_COMPLETES_SLICES,
	  .help = "the slice, likewise" },
	{ .name = "cgroup", .value = "PATH", .help = "its cgroup; left out: the root" },
	{ .name = "container",
	  .value = "ID",
	  .completes = BL_COMPLETES_WORDS,
	  .more = "true false",
	  .help = "the container that it is in, or true or false; left out: as its\ncgroup says" },
	{ .name = "capability",
	  .value = "WORDS",
	  .completes = BL_COMPLETES_WORDS,
	  .words = &bl_words_capability,
	  .help = "capabilities that it has; may be given several times; left out:\nnone" },
	{ .name = "access",
	  .value = "WORDS",
	  .completes = BL_COMPLETES_WORDS,
	  .words = &bl_words_access,
	  .help = "open: what for (read,write,create,delete,attributes); left out: read" },
	{ .name = "file",
	  .value = "WORDS",
	  .completes = BL_COMPLETES_WORDS,
	  .words = &bl_words_file,
	  .help = "exec: what holds of the file (deleted,tmpfs,setuid,script,\nwritable-by-others,memfd)" },
	{ .name = "arg", .value = "TEXT", .help = "exec: an argument; may be given several times" },
	{ .name = "port",
	  .value = "N",
	  .help = "connect: where OBJECT has none, as in ADDRESS:PORT" },
	{ .name = "protocol",
	  .value = "WORD",
	  .completes = BL_COMPLETES_WORDS,
	  .words = &bl_words_protocol,
	  .help = "connect: tcp, udp, sctp, dccp, icmp, other or raw; left out: tcp" },
	{ .name = "event",
	  .value = "ID",
	  .help = "instead of an access: that of an event, by its cursor or its\nBAILIFF_EVENT_ID" },
	{ .name = "directory",
	  .value = "DIR",
	  .completes = BL_COMPLETES_DIRECTORIES,
	  .help = "journal files to look for the event in" },
	{ 0 },
};

static const struct bl_tool_option status_options[] = {
	{ .name = "rules", .help = "and each rule as it is in force" },
	{ 0 },
};

static const struct bl_tool_option reload_options[] = {
	{ .name = "confirm",
	  .value = "TIME",
	  .help = "go back by itself, unless 'bailiff confirm' says that it is good: 90s, 2m, 1h" },
	{ 0 },
};

static const struct bl_tool_option mode_options[] = {
	{ .name = "for",
	  .value = "TIME",
	  .help = "fall back by itself, unless the mode is set once more: 90s, 10m, 2h, 1d" },
	{ 0 },
};

/* Which events: of all commands that read the journal. */
#define FEED_OPTIONS                                                                            \
	{ .name = "since",                                                                      \
	  .value = "TIME",                                                                      \
	  .help = "as journalctl takes it: '2 hours ago', today, '2026-11-20 12:30'" },         \
		{ .name = "until", .value = "TIME", .help = "likewise" },                   \
		{ .name = "rule",                                                           \
		  .value = "PATTERN",                                                       \
		  .help = "only events of these rules; may be repeated" },                  \
		{ .name = "unit",                                                           \
		  .value = "PATTERN",                                                       \
		  .completes = BL_COMPLETES_UNITS,                                          \
		  .help = "only of processes of these units; may be repeated" },            \
		{ .name = "exe",                                                            \
		  .value = "PATTERN",                                                       \
		  .completes = BL_COMPLETES_FILES,                                          \
		  .help = "only of these programs; may be repeated" },                      \
		{ .name = "verdict",                                                        \
		  .value = "WORD",                                                          \
		  .completes = BL_COMPLETES_WORDS,                                          \
		  .more = "deny kill would-deny would-kill alert",                          \
		  .help = "only these: deny, kill, would-deny, would-kill, alert" },        \
		{ .name = "on",                                                             \
		  .value = "WORD",                                                          \
		  .completes = BL_COMPLETES_WORDS,                                          \
		  .more = "exec open connect",                                              \
		  .help = "only exec, open or connect" },                                   \
		{ .name = "severity",                                                       \
		  .value = "WORD",                                                          \
		  .completes = BL_COMPLETES_WORDS,                                          \
		  .more = "info low medium high critical",                                  \
		  .help = "only of this severity or a higher one" },                        \
		{ .name = "file",                                                           \
		  .value = "FILE",                                                          \
		  .completes = BL_COMPLETES_FILES,                                          \
		  .help = "a journal file, or an exported journal ('-': standard input)" }, \
		{ .name = "directory",                                                      \
		  .value = "DIR",                                                           \
		  .completes = BL_COMPLETES_DIRECTORIES,                                    \
		  .help = "journal files in place of this host's" },                        \
		{ 0 },

static const struct bl_tool_option events_options[] = {
	{ .name = "follow", .letter = 'f', .help = "go on as they come" },
	{ .name = "lines", .letter = 'n', .value = "N", .help = "only the last N" },
	{ .name = "output",
	  .letter = 'o',
	  .value = "F",
	  .completes = BL_COMPLETES_WORDS,
	  .more = "compact json ecs ocsf cef",
	  .help = "compact (one line each), json, ecs, ocsf (one object a line) or cef" },
	{ .name = "after", .value = "CURSOR", .help = "only what comes after this entry" },
	{ .name = "verdicts", .help = "no messages about the daemon itself" },
	{ .name = "verify", .help = "say of which events the journal has all, and which are lost" },
	FEED_OPTIONS
};

static const struct bl_tool_option replay_options[] = {
	{ .name = "changes", .help = "only events that would be decided otherwise" },
	{ .name = "summary", .help = "only the sums" },
	FEED_OPTIONS
};

static const struct bl_tool_option report_options[] = {
	{ .name = "html",
	  .value = "FILE",
	  .completes = BL_COMPLETES_FILES,
	  .help = "where to; '-' is standard output" },
	FEED_OPTIONS
};

static const struct bl_tool_option top_options[] = {
	{ .name = "once", .help = "one frame, then end" },
	{ .name = "window", .value = "SECONDS", .help = "count the last so many (60)" },
	FEED_OPTIONS
};

static const struct bl_tool_option metrics_options[] = {
	{ .name = "output",
	  .value = "FILE",
	  .completes = BL_COMPLETES_FILES,
	  .help = "write it to a file, as a whole: for node_exporter's textfile collector" },
	{ 0 },
};

const struct bl_tool_option bl_common_options[] = {
	{ .name = "json", .help = "one JSON document on standard output" },
	{ .name = "no-color", .help = "no colours (as with NO_COLOR in the environment)" },
	{ .name = "root",
	  .value = "DIR",
	  .completes = BL_COMPLETES_DIRECTORIES,
	  .help = "look for policy files, /proc and /sys below DIR" },
	{ .name = "socket",
	  .value = "PATH",
	  .completes = BL_COMPLETES_FILES,
	  .help = "the daemon's control socket" },
	{ .name = "help", .help = "this text" },
	{ 0 },
};

const struct bl_command bl_commands[] = {
	{ "check", "[FILE|DIR...]",
	  "Check policy files with the daemon's own parser and compiler, and run their tests; "
	  "without\narguments, the installed ones",
	  check_options, NULL, BL_COMPLETES_POLICIES },
	{ "test", "[FILE|DIR...]",
	  "Run the tests of policy files and say which rule decided each, as TAP; without arguments,\n"
	  "those of the installed ones",
	  none, NULL, BL_COMPLETES_POLICIES },
	{ "cat", "[FILE|DIR...]",
	  "Print the policy after lists, profiles, adjustments and masks, with the origin of each rule;\n"
	  "without arguments, the installed one",
	  none, NULL, BL_COMPLETES_POLICIES },
	{ "fmt", "FILE|DIR|-...",
	  "Bring policy files into their canonical layout, and name those that were changed; '-' reads\n"
	  "the standard input and writes to the standard output",
	  fmt_options, NULL, BL_COMPLETES_POLICIES },
	{ "schema", "", "Print the JSON Schema of policy files, for editors", none, NULL,
	  BL_COMPLETES_NOTHING },
	{ "explain", "exec|open|connect|trace OBJECT [FILE|DIR...]",
	  "Say what an access comes to and why: which rules match, which nearly do and what they lack,\n"
	  "and what exception would allow it",
	  explain_options, "exec open connect trace", BL_COMPLETES_FILES },
	{ "diff", "OLD NEW",
	  "Show what two policies decide otherwise, each with an access that shows it; OLD and NEW are\n"
	  "files, or directories of files that are in force together",
	  none, NULL, BL_COMPLETES_POLICIES },
	{ "status", "", "Show what the daemon enforces", status_options, NULL,
	  BL_COMPLETES_NOTHING },
	{ "rules", "", "List the rules that are in force", none, NULL, BL_COMPLETES_NOTHING },
	{ "reload", "", "Have the daemon load the policy anew, and wait for the outcome",
	  reload_options, NULL, BL_COMPLETES_NOTHING },
	{ "confirm", "", "Say that the policy on trial is good; for root alone", none, NULL,
	  BL_COMPLETES_NOTHING },
	{ "mode", "[enforce|monitor]",
	  "Show the ceiling over the modes of all files, or change it until the daemon is started anew;\n"
	  "for root alone",
	  mode_options, "enforce monitor", BL_COMPLETES_NOTHING },
	{ "unload", "", "Lift all enforcement, and end the daemon if there is one; for root alone",
	  none, NULL, BL_COMPLETES_NOTHING },
	{ "events", "", "Show verdicts and messages of the daemon from the journal", events_options,
	  NULL, BL_COMPLETES_NOTHING },
	{ "replay", "[FILE|DIR...]",
	  "Say what a policy would have said to the events in the journal, one by one and summed up; without\n"
	  "arguments, the installed one",
	  replay_options, NULL, BL_COMPLETES_POLICIES },
	{ "report", "", "Write what the journal says of a span of time as one page of HTML",
	  report_options, NULL, BL_COMPLETES_NOTHING },
	{ "top", "", "Show live which rules, programs and objects have the most events",
	  top_options, NULL, BL_COMPLETES_NOTHING },
	{ "metrics", "", "Print what the daemon counts, as OpenMetrics text", metrics_options, NULL,
	  BL_COMPLETES_NOTHING },
	{ "doctor", "", "Show what this kernel can, what is missing, and the remedy", none, NULL,
	  BL_COMPLETES_NOTHING },
};
const size_t bl_n_commands = BL_ARRAY_SIZE(bl_commands);

const struct bl_tool_option *bl_tool_option_find(const struct bl_command *command, const char *name)
{
	const struct bl_tool_option *tables[] = { command->options, bl_common_options };

	for (size_t i = 0; i < BL_ARRAY_SIZE(tables); i++)
		for (const struct bl_tool_option *row = tables[i]; row->name; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}
