/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a command is about: the options that events, replay, report and top share. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base.h"
#include "feed.h"

int bl_feed_time(const char *command, const char *option, const char *value, uint64_t *ret_us)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (bl_since_parse(value, (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000,
			   ret_us) == 0)
		return 0;
	fprintf(stderr,
		"bailiff %s: --%s takes '2 hours ago', -30min, today, yesterday, now,\n"
		"'2026-11-20', '2026-11-20 12:30[:15]' or @seconds\n",
		command, option);
	return -EINVAL;
}

static const struct {
	int option;
	enum bl_pick_key key;
	const char *name, *words;
} picks[] = {
	{ BL_FEED_RULE, BL_PICK_RULE, "rule", "a rule's id or a pattern of it" },
	{ BL_FEED_UNIT, BL_PICK_UNIT, "unit", "a unit's name or a pattern of it" },
	{ BL_FEED_EXE, BL_PICK_EXE, "exe", "a program's path or a pattern of it" },
	{ BL_FEED_VERDICT, BL_PICK_VERDICT, "verdict",
	  "deny, kill, would-deny, would-kill or alert" },
	{ BL_FEED_ON, BL_PICK_ON, "on", "exec, open or connect" },
	{ BL_FEED_SEVERITY, BL_PICK_SEVERITY, "severity", "info, low, medium, high or critical" },
};

static int add_pick(struct bl_feed *feed, int option, const char *value)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(picks); i++) {
		int r;

		if (picks[i].option != option)
			continue;
		r = bl_pick_add(&feed->pick, picks[i].key, value);
		if (r == -E2BIG)
			fprintf(stderr, "bailiff %s: --%s was given more than %d times\n",
				feed->command, picks[i].name, BL_PICK_WORDS_MAX);
		else if (r < 0)
			fprintf(stderr, "bailiff %s: --%s takes %s\n", feed->command, picks[i].name,
				picks[i].words);
		return r < 0 ? -EINVAL : 0;
	}
	return -ENOENT;
}

int bl_feed_option(struct bl_feed *feed, int option, const char *value)
{
	switch (option) {
	case BL_FEED_SINCE:
		return bl_feed_time(feed->command, "since", value, &feed->options.since_us);
	case BL_FEED_UNTIL:
		return bl_feed_time(feed->command, "until", value, &feed->options.until_us);
	case BL_FEED_FILE:
		if (feed->n_files + 1 >= BL_ARRAY_SIZE(feed->files)) {
			fprintf(stderr, "bailiff %s: --file was given more than %zu times\n",
				feed->command, BL_ARRAY_SIZE(feed->files) - 1);
			return -EINVAL;
		}
		feed->files[feed->n_files++] = value;
		return 0;
	case BL_FEED_DIRECTORY:
		feed->options.directory = value;
		return 0;
	default:
		return add_pick(feed, option, value);
	}
}

static int open_failed(const struct bl_feed *feed, const struct bl_tool *tool, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		if (feed->n_files || feed->options.directory)
			break;
		bl_tool_error(
			tool, "no-right",
			"the system journal can't be read: use root or the group systemd-journal");
		return BL_EXIT_RIGHT;
	case -ENOENT:
		if (feed->n_files || feed->options.directory)
			break;
		bl_tool_error(tool, "no-journal",
			      "there is no journal here: is systemd-journald running?");
		return BL_EXIT_RIGHT;
	case -EINVAL:
		bl_tool_error(tool, "bad-cursor", "--after takes a cursor as -o json shows it");
		return BL_EXIT_USAGE;
	case -EOPNOTSUPP:
		bl_tool_error(
			tool, "exported",
			"an exported journal is read alone, from its start, and once: no second "
			"--file, no -f, -n or --after");
		return BL_EXIT_USAGE;
	case -EBADMSG:
	case -ENODATA:
	case -EPROTONOSUPPORT:
		bl_tool_error(tool, "journal", "a journal file is damaged or of a newer systemd");
		return BL_EXIT_FINDINGS;
	default:
		bl_tool_error(tool, "journal", strerror(-error));
		return BL_EXIT_INTERNAL;
	}
	bl_tool_error(tool, "journal", strerror(-error));
	return BL_EXIT_USAGE;
}

int bl_feed_open(struct bl_feed *feed, const struct bl_tool *tool, struct bl_reader **ret)
{
	int r;

	if (feed->n_files && feed->options.directory) {
		bl_tool_error(tool, "usage", "only one of --file and --directory");
		return BL_EXIT_USAGE;
	}
	if (feed->n_files)
		feed->options.files = feed->files;
	if (!bl_pick_is_empty(&feed->pick))
		feed->options.pick = &feed->pick;
	r = bl_reader_new(&feed->options, ret);
	return r < 0 ? open_failed(feed, tool, r) : BL_EXIT_GOOD;
}

int bl_feed_failed(const struct bl_tool *tool, const struct bl_reader *reader, int error)
{
	const char *fault = bl_reader_fault(reader);

	bl_tool_error(tool, "journal", fault ? fault : strerror(-error));
	return fault ? BL_EXIT_FINDINGS : BL_EXIT_INTERNAL;
}
