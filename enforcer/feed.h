/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a command is about: the options that events, replay, report and top share. */
#pragma once

#include <getopt.h>

#include "read.h"
#include "tool.h"

struct bl_feed {
	struct bl_reader_options options; /* .files and .pick are set by bl_feed_open() */
	struct bl_pick pick;
	const char *files[65]; /* ends with NULL */
	size_t n_files;
	const char *command; /* of the tool, for messages */
};

enum {
	BL_FEED_SINCE = 200, /* above all letters; a command's own are below */
	BL_FEED_UNTIL,
	BL_FEED_FILE,
	BL_FEED_DIRECTORY,
	BL_FEED_RULE,
	BL_FEED_UNIT,
	BL_FEED_EXE,
	BL_FEED_VERDICT,
	BL_FEED_ON,
	BL_FEED_SEVERITY,
};

/* For a table of struct option. */
#define BL_FEED_OPTIONS                                                \
	{ "since", required_argument, NULL, BL_FEED_SINCE },           \
		{ "until", required_argument, NULL, BL_FEED_UNTIL },         \
		{ "file", required_argument, NULL, BL_FEED_FILE },           \
		{ "directory", required_argument, NULL, BL_FEED_DIRECTORY }, \
		{ "rule", required_argument, NULL, BL_FEED_RULE },           \
		{ "unit", required_argument, NULL, BL_FEED_UNIT },           \
		{ "exe", required_argument, NULL, BL_FEED_EXE },             \
		{ "verdict", required_argument, NULL, BL_FEED_VERDICT },     \
		{ "on", required_argument, NULL, BL_FEED_ON },               \
	{                                                                      \
		"severity", required_argument, NULL, BL_FEED_SEVERITY        \
	}

/* Takes an option. Returns 0, -EINVAL after saying why on stderr, or -ENOENT: it is none of these. */
int bl_feed_option(struct bl_feed *feed, int option, const char *value);

/* Opens what was asked for. Returns BL_EXIT_GOOD, or another exit code after saying why. */
int bl_feed_open(struct bl_feed *feed, const struct bl_tool *tool, struct bl_reader **ret);

/* Says why reading has failed. Returns an exit code. */
int bl_feed_failed(const struct bl_tool *tool, const struct bl_reader *reader, int error);

/* A point in time for --since and --until. Returns 0, or -EINVAL after saying why. */
int bl_feed_time(const char *command, const char *option, const char *value, uint64_t *ret_us);

/* For _cleanup_(). */
static inline void bl_reader_freep(struct bl_reader **reader)
{
	bl_reader_free(*reader);
}
