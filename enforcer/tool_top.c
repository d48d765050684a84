/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff top: a live view of rules, programs and objects by the rate of their events. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cleanup.h"
#include "feed.h"
#include "tally.h"

#define US_PER_S	1000000u
#define MS_PER_S	1000u
#define FRAME_US	US_PER_S
#define WINDOW_S	60
#define WINDOW_MAX_S	3600
#define MOMENTS_MAX	100000u /* what is older goes when there are more: it is counted as such */
#define ROWS_WITHOUT	10	/* of a table, where there is no terminal */
#define HEADER_LINES	2
#define NUMBER_COLUMNS	18

enum { OPTION_ONCE = 1, OPTION_WINDOW };
enum { RULES = 0, SUBJECTS, OBJECTS, _TABLES };

static const char *const titles[_TABLES] = { "rules", "subjects", "objects" };

/* One event that is within the window. */
struct moment {
	uint64_t at_us, times;
	char *values[_TABLES];
};

struct top {
	struct bl_feed feed;
	bool once;
	uint64_t window_s;
	bool live;	 /* else it is about the end of a file */
	uint64_t now_us; /* the end of the window */
	struct moment *moments;
	size_t n_moments, max_moments, gone; /* the first 'gone' are freed */
	bool cut;			     /* there were more than can be kept */
};

struct frame {
	struct bl_tally tables[_TABLES];
	uint64_t events, times;
};

struct screen {
	bool is;
	unsigned int columns, rows;
};

static void clear_moment(struct moment *moment)
{
	for (size_t i = 0; i < _TABLES; i++)
		free(moment->values[i]);
}

static void top_done(struct top *top)
{
	for (size_t i = top->gone; i < top->n_moments; i++)
		clear_moment(&top->moments[i]);
	free(top->moments);
}

static void frame_done(struct frame *frame)
{
	for (size_t i = 0; i < _TABLES; i++)
		bl_tally_done(&frame->tables[i]);
}

static int set_window(struct top *top, const char *value)
{
	char *end;

	errno = 0;
	top->window_s = strtoull(value, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*value) || !top->window_s ||
	    top->window_s > WINDOW_MAX_S) {
		fprintf(stderr, "bailiff top: --window takes a number of seconds from 1 to %d\n",
			WINDOW_MAX_S);
		return -EINVAL;
	}
	return 0;
}

static int on_option(void *userdata, int option, const char *value)
{
	struct top *top = userdata;

	switch (option) {
	case OPTION_ONCE:
		top->once = true;
		return 0;
	case OPTION_WINDOW:
		return set_window(top, value);
	default:
		return bl_feed_option(&top->feed, option, value);
	}
}

/* ---- what is counted ---------------------------------------------------------------------- */

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000;
}

static void drop(struct top *top)
{
	clear_moment(&top->moments[top->gone++]);
	/* The room of the first ones is used again when they are half of it. */
	if (top->gone * 2 < top->n_moments)
		return;
	memmove(top->moments, top->moments + top->gone,
		(top->n_moments - top->gone) * sizeof(*top->moments));
	top->n_moments -= top->gone;
	top->gone = 0;
}

/* Lets go of what is older than the window. */
static void expire(struct top *top)
{
	uint64_t span = top->window_s * US_PER_S;
	uint64_t from = top->now_us > span ? top->now_us - span : 0;

	while (top->gone < top->n_moments && top->moments[top->gone].at_us < from)
		drop(top);
}

static int add_entry(struct top *top, const struct bl_shown *entry)
{
	struct moment moment = {
		.at_us = top->live ? entry->realtime_us : bl_shown_time_us(entry),
		.times = bl_shown_times(entry),
		.values = { bl_tally_value(entry, "BAILIFF_RULE"), bl_tally_subject(entry),
			    bl_tally_object(entry) },
	};

	if (!moment.values[RULES] || !moment.values[SUBJECTS] || !moment.values[OBJECTS] ||
	    bl_grow(&top->moments, &top->max_moments, top->n_moments + 1, sizeof(*top->moments)) <
		    0) {
		clear_moment(&moment);
		return -ENOMEM;
	}
	top->moments[top->n_moments++] = moment;
	if (!top->live && moment.at_us > top->now_us)
		top->now_us = moment.at_us;
	if (top->n_moments - top->gone > MOMENTS_MAX) {
		drop(top);
		top->cut = true;
	}
	return 0;
}

static int make_frame(struct top *top, struct frame *frame)
{
	int r = 0;

	for (size_t i = 0; i < _TABLES && r == 0; i++)
		r = bl_tally_init(&frame->tables[i]);
	expire(top);
	for (size_t i = top->gone; i < top->n_moments && r == 0; i++) {
		const struct moment *moment = &top->moments[i];

		for (size_t t = 0; t < _TABLES && r == 0; t++)
			r = bl_tally_count(&frame->tables[t],
					   (const char *const *)&moment->values[t], 1,
					   moment->at_us, moment->times);
		frame->events++;
		frame->times += moment->times;
	}
	for (size_t i = 0; i < _TABLES && r == 0; i++)
		bl_tally_sort(&frame->tables[i]);
	return r;
}

/* ---- showing ------------------------------------------------------------------------------ */

static struct screen look_at_screen(const struct top *top)
{
	struct screen screen = { .is = !top->once && isatty(STDOUT_FILENO), .rows = ROWS_WITHOUT };
	struct winsize size;

	if (!screen.is)
		return screen;
	screen.columns = 80;
	screen.rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		screen.columns = size.ws_col;
		screen.rows = size.ws_row;
	}
	/* Each table has a line above it, and the last line stays free: nothing scrolls. */
	screen.rows = screen.rows > HEADER_LINES + 1 + 2 * _TABLES
			      ? (screen.rows - HEADER_LINES - 1) / _TABLES - 1
			      : 1;
	return screen;
}

/* A text that is good to show in so many columns; what is no ASCII may take two. */
static void print_cut(const char *text, unsigned int columns)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		size_t n = bl_utf8_length(text + i, len - i);
		unsigned int width = n > 1 ? 2 : 1;

		if (!n || width > columns)
			return;
		fwrite(text + i, 1, n, stdout);
		columns -= width;
		i += n;
	}
}

static void print_table(const struct bl_tool *tool, const struct top *top,
			const struct screen *screen, const struct bl_tally *table,
			const char *title)
{
	printf("%s%8s %8s %s%s\n", bl_tool_colour(tool, BL_COLOUR_BOLD), "per s", "times", title,
	       bl_tool_colour(tool, BL_COLOUR_OFF));
	for (size_t i = 0; i < table->n_rows && i < screen->rows; i++) {
		const struct bl_tally_row *row = &table->rows[i];

		printf("%8.1f %8" PRIu64 " ", (double)row->times / (double)top->window_s,
		       row->times);
		if (screen->is)
			print_cut(row->cells[0], screen->columns > NUMBER_COLUMNS
							 ? screen->columns - NUMBER_COLUMNS
							 : 1);
		else
			fputs(row->cells[0], stdout);
		putchar('\n');
	}
}

static void print_head(const struct top *top, const struct frame *frame)
{
	time_t seconds = (time_t)(top->now_us / US_PER_S);
	struct tm tm;
	char text[64] = "";

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	printf("%s  last %" PRIu64 " s: %" PRIu64 " times, %" PRIu64 " events, %.1f per s%s\n\n",
	       text, top->window_s, frame->times, frame->events,
	       (double)frame->times / (double)top->window_s, top->cut ? ", and more" : "");
}

static json_t *table_value(const struct top *top, const struct bl_tally *table)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < table->n_rows && i < 100; i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:I, s:f}", "name", table->rows[i].cells[0], "times",
					(json_int_t)table->rows[i].times, "per_s",
					(double)table->rows[i].times / (double)top->window_s));
	return rows;
}

/* One document a line, for as long as it runs. */
static int print_json(const struct top *top, const struct frame *frame)
{
	_cleanup_json_ json_t *value = json_pack(
		"{s:i, s:f, s:I, s:I, s:I, s:b}", "schema", BL_TOOL_SCHEMA, "time",
		(double)top->now_us / US_PER_S, "window_s", (json_int_t)top->window_s, "events",
		(json_int_t)frame->events, "times", (json_int_t)frame->times, "cut", top->cut);

	for (size_t i = 0; i < _TABLES; i++)
		json_object_set_new(value, titles[i], table_value(top, &frame->tables[i]));
	return json_dumpf(value, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ? -EIO : 0;
}

static int show(struct top *top, const struct bl_tool *tool)
{
	_cleanup_(frame_done) struct frame frame = { 0 };
	struct screen screen = look_at_screen(top);
	int r = make_frame(top, &frame);

	if (r == 0 && tool->json) {
		r = print_json(top, &frame);
	} else if (r == 0) {
		if (screen.is)
			fputs("\033[H\033[J", stdout);
		print_head(top, &frame);
		for (size_t i = 0; i < _TABLES; i++)
			print_table(tool, top, &screen, &frame.tables[i], titles[i]);
	}
	return r == 0 && fflush(stdout) == EOF ? -EIO : r;
}

/* ---- all ---------------------------------------------------------------------------------- */

static int drain(struct top *top, struct bl_reader *reader)
{
	struct bl_shown entry;
	int r;

	while ((r = bl_reader_next(reader, &entry)) > 0) {
		r = add_entry(top, &entry);
		if (r < 0)
			return r;
	}
	return r;
}

/* Reads as entries come, until it is time for the next frame. */
static int read_until(struct top *top, struct bl_reader *reader, uint64_t until_us)
{
	uint64_t now;
	int r = drain(top, reader);

	while (r == 0 && (now = clock_us(CLOCK_MONOTONIC)) < until_us) {
		r = bl_reader_wait(reader, (int)((until_us - now) * MS_PER_S / US_PER_S) + 1);
		if (r == -EINTR)
			r = 0;
		if (r == 0)
			r = drain(top, reader);
	}
	return r;
}

static int run(struct top *top, const struct bl_tool *tool, struct bl_reader *reader)
{
	uint64_t frame_us = clock_us(CLOCK_MONOTONIC);
	int r = drain(top, reader);

	for (;;) {
		if (top->live)
			top->now_us = clock_us(CLOCK_REALTIME);
		if (r == 0)
			r = show(top, tool);
		if (r < 0 || top->once)
			return r;
		frame_us += FRAME_US;
		r = read_until(top, reader, frame_us);
	}
}

int bl_tool_top(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "once", no_argument, NULL, OPTION_ONCE },
		{ "window", required_argument, NULL, OPTION_WINDOW },
		BL_FEED_OPTIONS,
		{ 0 },
	};
	_cleanup_(top_done) struct top top = { .feed.command = "top", .window_s = WINDOW_S };
	_cleanup_(bl_reader_freep) struct bl_reader *reader = NULL;
	struct bl_reader_options *options = &top.feed.options;
	int first, code, r;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &top, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	/* What doesn't grow has one frame, that of its end. */
	top.live = !top.feed.n_files && !options->directory && !options->until_us;
	top.once |= !top.live;
	options->verdicts_only = true;
	if (top.live && !options->since_us)
		options->since_us = clock_us(CLOCK_REALTIME) - top.window_s * US_PER_S;
	code = bl_feed_open(&top.feed, tool, &reader);
	if (code != BL_EXIT_GOOD)
		return code;
	r = run(&top, tool, reader);
	return r < 0 ? bl_feed_failed(tool, reader, r) : BL_EXIT_GOOD;
}
