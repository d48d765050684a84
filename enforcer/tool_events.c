/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff events: verdicts and messages of the daemon, read back from the journal. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "config.h"
#include "events_verify.h"
#include "feed.h"
#include "show.h"

#define FOLLOW_LINES 10 /* what is shown before following, as journalctl does */

enum { OPTION_AFTER = 1, OPTION_VERDICTS, OPTION_VERIFY };

struct events {
	struct bl_feed feed;
	const struct format *format;
	bool follow, has_lines, verify;
};

/* ---- formats ------------------------------------------------------------------------------ */

static int show_compact(const struct bl_tool *tool, const struct bl_shown *entry)
{
	return bl_show_line(stdout, entry, tool->colour);
}

static int show_json(const struct bl_tool *tool, const struct bl_shown *entry)
{
	return bl_show_json(stdout, entry);
}

static int show_ecs(const struct bl_tool *tool, const struct bl_shown *entry)
{
	return bl_show_ecs(stdout, entry, BL_VERSION);
}

static int show_ocsf(const struct bl_tool *tool, const struct bl_shown *entry)
{
	return bl_show_ocsf(stdout, entry, BL_VERSION);
}

static int show_cef(const struct bl_tool *tool, const struct bl_shown *entry)
{
	return bl_show_cef(stdout, entry, BL_VERSION);
}

enum { FORMAT_COMPACT = 0, FORMAT_JSON };

static const struct format {
	const char *name;
	int (*show)(const struct bl_tool *tool, const struct bl_shown *entry);
} formats[] = {
	[FORMAT_COMPACT] = { "compact", show_compact },
	[FORMAT_JSON] = { "json", show_json },
	{ "ecs", show_ecs },
	{ "ocsf", show_ocsf },
	{ "cef", show_cef },
};

/* ---- options ------------------------------------------------------------------------------ */

static int set_lines(struct events *events, const char *value)
{
	char *end;

	errno = 0;
	events->feed.options.last = strtoull(value, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*value) || !events->feed.options.last) {
		fputs("bailiff events: -n takes a number from 1\n", stderr);
		return -EINVAL;
	}
	events->has_lines = true;
	return 0;
}

static int set_format(struct events *events, const char *value)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i].name, value) == 0) {
			events->format = &formats[i];
			return 0;
		}
	}
	fputs("bailiff events: -o takes compact, json, ecs, ocsf or cef\n", stderr);
	return -EINVAL;
}

static int on_option(void *userdata, int option, const char *value)
{
	struct events *events = userdata;

	switch (option) {
	case 'f':
		events->follow = true;
		return 0;
	case 'n':
		return set_lines(events, value);
	case 'o':
		return set_format(events, value);
	case OPTION_AFTER:
		events->feed.options.after_cursor = value;
		return 0;
	case OPTION_VERDICTS:
		events->feed.options.verdicts_only = true;
		return 0;
	case OPTION_VERIFY:
		events->verify = true;
		return 0;
	default:
		return bl_feed_option(&events->feed, option, value);
	}
}

/* ---- showing ------------------------------------------------------------------------------ */

static int show_all(struct bl_reader *reader, const struct bl_tool *tool,
		    const struct format *format)
{
	struct bl_shown entry;
	int r;

	while ((r = bl_reader_next(reader, &entry)) > 0) {
		r = format->show(tool, &entry);
		if (r < 0)
			return r;
	}
	if (fflush(stdout) == EOF)
		return -EIO;
	return r;
}

static int show(const struct bl_tool *tool, struct events *events)
{
	_cleanup_(bl_reader_freep) struct bl_reader *reader = NULL;
	int code = bl_feed_open(&events->feed, tool, &reader), r;

	if (code != BL_EXIT_GOOD)
		return code;
	r = show_all(reader, tool, events->format);
	while (r == 0 && events->follow && !bl_reader_is_over(reader)) {
		r = bl_reader_wait(reader, -1);
		if (r == -EINTR)
			r = 0;
		if (r == 0)
			r = show_all(reader, tool, events->format);
	}
	return r < 0 ? bl_feed_failed(tool, reader, r) : BL_EXIT_GOOD;
}

static int usage(const char *text)
{
	fprintf(stderr, "bailiff events: %s\n", text);
	return BL_EXIT_USAGE;
}

/* What proves nothing when something was left out. */
static int verify(const struct bl_tool *tool, struct events *events)
{
	_cleanup_(bl_reader_freep) struct bl_reader *reader = NULL;
	const struct bl_reader_options *options = &events->feed.options;
	int code;

	if (events->follow || events->has_lines || options->after_cursor ||
	    options->verdicts_only || events->format || !bl_pick_is_empty(&events->feed.pick))
		return usage("--verify takes no other options than --since, --until, --file and "
			     "--directory");
	code = bl_feed_open(&events->feed, tool, &reader);
	return code == BL_EXIT_GOOD ? bl_events_verify(tool, reader) : code;
}

int bl_tool_events(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "after", required_argument, NULL, OPTION_AFTER },
		{ "verdicts", no_argument, NULL, OPTION_VERDICTS },
		{ "verify", no_argument, NULL, OPTION_VERIFY },
		BL_FEED_OPTIONS,
		{ 0 },
	};
	struct events events = { .feed.command = "events" };
	struct bl_reader_options *options = &events.feed.options;
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "fn:o:", own, on_option, &events, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	if (events.verify)
		return verify(tool, &events);
	if (options->after_cursor && (options->since_us || events.has_lines))
		return usage("only one of -n, --since and --after");
	if (!events.format)
		events.format = &formats[tool->json ? FORMAT_JSON : FORMAT_COMPACT];
	if (events.follow && events.feed.n_files)
		return usage("--file is not followed");
	if (events.follow && !options->since_us && !options->after_cursor && !events.has_lines)
		options->last = FOLLOW_LINES;
	return show(tool, &events);
}
