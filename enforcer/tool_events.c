/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff events: verdicts and messages of the daemon, read back from the journal. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "read.h"
#include "tool.h"

#define FOLLOW_LINES 10 /* what is shown before following, as journalctl does */

enum { OPTION_SINCE = 1, OPTION_AFTER, OPTION_VERDICTS, OPTION_DIRECTORY };

enum format { FORMAT_COMPACT = 0, FORMAT_JSON };

struct events {
	struct bl_reader_options options;
	enum format format;
	bool follow, has_lines;
};

static void reader_freep(struct bl_reader **reader)
{
	bl_reader_free(*reader);
}

static int set_lines(struct events *events, const char *value)
{
	char *end;

	errno = 0;
	events->options.last = strtoull(value, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*value) || !events->options.last) {
		fputs("bailiff events: -n takes a number from 1\n", stderr);
		return -EINVAL;
	}
	events->has_lines = true;
	return 0;
}

static int set_format(struct events *events, const char *value)
{
	if (strcmp(value, "compact") == 0)
		events->format = FORMAT_COMPACT;
	else if (strcmp(value, "json") == 0)
		events->format = FORMAT_JSON;
	else {
		fputs("bailiff events: -o takes compact or json\n", stderr);
		return -EINVAL;
	}
	return 0;
}

static int set_since(struct events *events, const char *value)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (bl_since_parse(value, (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000,
			   &events->options.since_us) == 0)
		return 0;
	fputs("bailiff events: --since takes '2 hours ago', -30min, today, yesterday, now,\n"
	      "'2026-11-20', '2026-11-20 12:30[:15]' or @seconds\n",
	      stderr);
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
	case OPTION_SINCE:
		return set_since(events, value);
	case OPTION_AFTER:
		events->options.after_cursor = value;
		return 0;
	case OPTION_DIRECTORY:
		events->options.directory = value;
		return 0;
	case OPTION_VERDICTS:
		events->options.verdicts_only = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int open_failed(const struct bl_tool *tool, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		bl_tool_error(
			tool, "no-right",
			"the system journal can't be read: use root or the group systemd-journal");
		return BL_EXIT_RIGHT;
	case -ENOENT:
		bl_tool_error(tool, "no-journal",
			      "there is no journal here: is systemd-journald running?");
		return BL_EXIT_RIGHT;
	case -EINVAL:
		bl_tool_error(tool, "bad-cursor", "--after takes a cursor as -o json shows it");
		return BL_EXIT_USAGE;
	default:
		bl_tool_error(tool, "journal", strerror(-error));
		return BL_EXIT_INTERNAL;
	}
}

static int show_all(struct bl_reader *reader, const struct bl_tool *tool, enum format format)
{
	struct bl_shown entry;
	int r;

	while ((r = bl_reader_next(reader, &entry)) > 0) {
		r = format == FORMAT_JSON ? bl_show_json(stdout, &entry)
					  : bl_show_line(stdout, &entry, tool->colour);
		if (r < 0)
			return r;
	}
	if (r == 0 && fflush(stdout) == EOF)
		return -EIO;
	return r;
}

static int show(const struct bl_tool *tool, const struct events *events)
{
	_cleanup_(reader_freep) struct bl_reader *reader = NULL;
	int r;

	r = bl_reader_new(&events->options, &reader);
	if (r < 0)
		return open_failed(tool, r);
	r = show_all(reader, tool, events->format);
	while (r == 0 && events->follow) {
		r = bl_reader_wait(reader, -1);
		if (r == -EINTR)
			r = 0;
		if (r == 0)
			r = show_all(reader, tool, events->format);
	}
	if (r < 0) {
		fprintf(stderr, "bailiff: %s\n", strerror(-r));
		return BL_EXIT_INTERNAL;
	}
	return BL_EXIT_GOOD;
}

int bl_tool_events(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "since", required_argument, NULL, OPTION_SINCE },
		{ "after", required_argument, NULL, OPTION_AFTER },
		{ "verdicts", no_argument, NULL, OPTION_VERDICTS },
		{ "directory", required_argument, NULL, OPTION_DIRECTORY },
		{ 0 },
	};
	struct events events = { 0 };
	const struct bl_reader_options *options = &events.options;
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "fn:o:", own, on_option, &events, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	if (!!options->since_us + !!options->after_cursor + events.has_lines > 1) {
		fputs("bailiff events: only one of -n, --since and --after\n", stderr);
		return BL_EXIT_USAGE;
	}
	if (tool->json)
		events.format = FORMAT_JSON;
	if (events.follow && !options->since_us && !options->after_cursor && !events.has_lines)
		events.options.last = FOLLOW_LINES;
	return show(tool, &events);
}
