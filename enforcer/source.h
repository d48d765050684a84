/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a command is about: the options that events, replay, report and top share. */
#pragma once

#include <getopt.h>

#include "read.h"
#include "tool.h"

struct bl_source {
	struct bl_reader_options options; /* .files and .pick are set by bl_source_open() */
	struct bl_pick pick;
	const char *files[65]; /* ends with NULL */
	size_t n_files;
	const char *command; /* of the tool, for messages */
};

enum {
	BL_SOURCE_SINCE = 200, /* above all letters; a command's own are below */
	BL_SOURCE_UNTIL,
	BL_SOURCE_FILE,
	BL_SOURCE_DIRECTORY,
	BL_SOURCE_RULE,
	BL_SOURCE_UNIT,
	BL_SOURCE_EXE,
	BL_SOURCE_VERDICT,
	BL_SOURCE_ON,
	BL_SOURCE_SEVERITY,
};

/* For a table of struct option. */
#define BL_SOURCE_OPTIONS                                                \
	{ "since", required_argument, NULL, BL_SOURCE_SINCE },           \
		{ "until", required_argument, NULL, BL_SOURCE_UNTIL },         \
		{ "file", required_argument, NULL, BL_SOURCE_FILE },           \
		{ "directory", required_argument, NULL, BL_SOURCE_DIRECTORY }, \
		{ "rule", required_argument, NULL, BL_SOURCE_RULE },           \
		{ "unit", required_argument, NULL, BL_SOURCE_UNIT },           \
		{ "exe", required_argument, NULL, BL_SOURCE_EXE },             \
		{ "verdict", required_argument, NULL, BL_SOURCE_VERDICT },     \
		{ "on", required_argument, NULL, BL_SOURCE_ON },               \
	{                                                                      \
		"severity", required_argument, NULL, BL_SOURCE_SEVERITY        \
	}

/* For the help of a command. */
#define BL_SOURCE_HELP                                                                        \
	"  --since TIME     as journalctl takes it: '2 hours ago', today, '2026-11-20 12:30'\n" \
	"  --until TIME     likewise\n"                                                        \
	"  --rule PATTERN   only events of these rules; also --unit, --exe; may be repeated\n"  \
	"  --verdict WORD   only these: deny, kill, would-deny, would-kill, alert\n"            \
	"  --on WORD        only exec, open or connect\n"                                       \
	"  --severity WORD  only of this severity or a higher one\n"                            \
	"  --file FILE      a journal file, or an exported journal ('-': standard input)\n"     \
	"  --directory DIR  journal files in place of this host's\n"

/* Takes an option. Returns 0, -EINVAL after saying why on stderr, or -ENOENT: it is none of these. */
int bl_source_option(struct bl_source *source, int option, const char *value);

/* Opens what was asked for. Returns BL_EXIT_GOOD, or another exit code after saying why. */
int bl_source_open(struct bl_source *source, const struct bl_tool *tool, struct bl_reader **ret);

/* Says why reading has failed. Returns an exit code. */
int bl_source_failed(const struct bl_tool *tool, const struct bl_reader *reader, int error);

/* A point in time for --since and --until. Returns 0, or -EINVAL after saying why. */
int bl_source_time(const char *command, const char *option, const char *value, uint64_t *ret_us);

/* For _cleanup_(). */
static inline void bl_reader_freep(struct bl_reader **reader)
{
	bl_reader_free(*reader);
}
