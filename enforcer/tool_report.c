/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff report: a span of time as one page. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "config.h"
#include "feed.h"
#include "kind.h"
#include "output.h"
#include "page.h"

#define US_PER_S  1000000u
#define PAGE_MODE 0600 /* names of files and programs are not everybody's */

enum { OPTION_HTML = 1 };

struct moment {
	uint64_t at_us, times;
	enum bl_page_kind kind;
};

struct report {
	struct bl_feed feed;
	const char *html;
	struct bl_page page;
	struct bl_verify *verify;
	struct moment *moments;
	size_t n_moments, max_moments;
};

static void report_done(struct report *report)
{
	bl_tally_done(&report->page.rules);
	bl_tally_done(&report->page.refusals);
	bl_tally_done(&report->page.daemon);
	bl_kinship_done(&report->page.kin);
	bl_verify_free(report->verify);
	free(report->page.host);
	free(report->moments);
}

static int report_init(struct report *report)
{
	struct bl_page *page = &report->page;

	if (bl_tally_init(&page->rules) < 0 || bl_tally_init(&page->refusals) < 0 ||
	    bl_tally_init(&page->daemon) < 0 || bl_kinship_init(&page->kin) < 0 ||
	    bl_verify_new(&report->verify) < 0)
		return -ENOMEM;
	page->version = BL_VERSION;
	page->made_us = (uint64_t)time(NULL) * US_PER_S;
	page->from_us = UINT64_MAX;
	page->asked_from_us = report->feed.options.since_us;
	page->asked_to_us = report->feed.options.until_us;
	return 0;
}

static int on_option(void *userdata, int option, const char *value)
{
	struct report *report = userdata;

	if (option != OPTION_HTML)
		return bl_feed_option(&report->feed, option, value);
	report->html = value;
	return 0;
}

/* ---- entries ------------------------------------------------------------------------------ */

static enum bl_page_kind kind_of(const struct bl_kind *kind)
{
	if (kind->refused)
		return BL_PAGE_REFUSED;
	return kind->verdict == BL_VERDICT_ALERT ? BL_PAGE_ALERT : BL_PAGE_WOULD;
}

static void free_values(char **values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(values[i]);
}

/* Counts an entry in a row of values, which are taken over; a NULL among them is no memory. */
static int tally(struct bl_tally *tally, const struct bl_shown *entry, char **values, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		r = values[i] ? r : -ENOMEM;
	if (r == 0)
		r = bl_tally_add(tally, entry, (const char *const *)values, n);
	free_values(values, n);
	return r;
}

static int add_rule(struct report *report, const struct bl_shown *entry)
{
	char *values[] = {
		bl_tally_value(entry, "BAILIFF_RULE"),	   bl_tally_value(entry, "BAILIFF_POLICY"),
		bl_tally_value(entry, "BAILIFF_SEVERITY"), bl_tally_value(entry, "BAILIFF_VERDICT"),
		bl_tally_value(entry, "BAILIFF_MESSAGE"),  bl_tally_value(entry, "BAILIFF_ATTACK"),
	};

	return tally(&report->page.rules, entry, values, BL_ARRAY_SIZE(values));
}

static int add_refusal(struct report *report, const struct bl_shown *entry)
{
	char *values[] = {
		bl_tally_value(entry, "BAILIFF_VERDICT"),
		bl_tally_value(entry, "BAILIFF_ON"),
		bl_tally_object(entry),
		bl_tally_subject(entry),
		bl_tally_value(entry, "BAILIFF_UNIT"),
		bl_tally_value(entry, "BAILIFF_UID"),
		bl_tally_value(entry, "BAILIFF_RULE"),
		bl_tally_value(entry, "BAILIFF_ACCESS"),
	};

	return tally(&report->page.refusals, entry, values, BL_ARRAY_SIZE(values));
}

static int add_moment(struct report *report, const struct bl_shown *entry, enum bl_page_kind kind)
{
	struct bl_page *page = &report->page;
	uint64_t at = bl_shown_time_us(entry), times = bl_shown_times(entry);

	if (bl_grow(&report->moments, &report->max_moments, report->n_moments + 1,
		    sizeof(*report->moments)) < 0)
		return -ENOMEM;
	report->moments[report->n_moments++] = (struct moment){ at, times, kind };
	page->events++;
	page->times[kind] += times;
	page->from_us = BL_MIN(page->from_us, at);
	page->to_us = BL_MAX(page->to_us, at);
	return 0;
}

static int add_message(struct report *report, const struct bl_shown *entry)
{
	char *values[] = { bl_tally_value(entry, "MESSAGE") };

	return tally(&report->page.daemon, entry, values, BL_ARRAY_SIZE(values));
}

static int add_entry(struct report *report, const struct bl_shown *entry)
{
	struct bl_kind kind;
	int r = bl_verify_add(report->verify, entry);

	if (!report->page.host && bl_shown_find(entry, "_HOSTNAME"))
		report->page.host = bl_tally_value(entry, "_HOSTNAME");
	bl_kind_of(entry, &kind);
	if (r < 0 || !kind.op)
		return r < 0 ? r : add_message(report, entry);
	r = add_rule(report, entry);
	if (r == 0)
		r = add_refusal(report, entry);
	if (r == 0)
		r = add_moment(report, entry, kind_of(&kind));
	return r == 0 ? bl_kinship_add(&report->page.kin, entry, kind.refused) : r;
}

/* ---- the page ----------------------------------------------------------------------------- */

/* Now that the span is known. */
static void fill_buckets(struct report *report)
{
	struct bl_page *page = &report->page;
	double span = (double)(page->to_us - page->from_us) + 1;

	for (size_t i = 0; i < report->n_moments; i++) {
		const struct moment *moment = &report->moments[i];
		double at = (double)(moment->at_us - page->from_us) / span * BL_PAGE_BUCKETS;

		page->buckets[BL_MIN((size_t)at, BL_PAGE_BUCKETS - 1u)][moment->kind] +=
			moment->times;
	}
}

static int finish(struct report *report)
{
	struct bl_page *page = &report->page;
	int r = bl_verify_finish(report->verify, &page->runs, &page->n_runs);

	if (r == 0)
		r = bl_kinship_link(&page->kin);
	if (r < 0)
		return r;
	/* A part of the events proves nothing of the rest. */
	if (report->feed.options.pick)
		page->n_runs = 0;
	if (!page->host)
		page->host = strdup("a host");
	if (!page->host)
		return -ENOMEM;
	fill_buckets(report);
	bl_tally_sort(&page->rules);
	bl_tally_sort(&page->refusals);
	bl_tally_sort(&page->daemon);
	return 0;
}

static int write_page(const struct report *report)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return -ENOMEM;
	r = bl_page_write(out, &report->page);
	if (fclose(out) != 0)
		r = -ENOMEM;
	return r < 0 ? r : bl_output_write(report->html, text, len, PAGE_MODE);
}

static int say(const struct bl_tool *tool, const struct report *report)
{
	const struct bl_page *page = &report->page;

	if (strcmp(report->html, "-") == 0)
		return BL_EXIT_GOOD;
	if (tool->json)
		return bl_tool_print_json(json_pack(
			       "{s:b, s:s, s:I, s:I, s:I}", "ok", 1, "file", report->html, "events",
			       (json_int_t)page->events, "rules", (json_int_t)page->rules.n_rows,
			       "processes", (json_int_t)page->kin.n_nodes)) < 0
			       ? BL_EXIT_INTERNAL
			       : BL_EXIT_GOOD;
	printf("%s: %llu events\n", report->html, (unsigned long long)page->events);
	return BL_EXIT_GOOD;
}

static int make(struct report *report, const struct bl_tool *tool)
{
	_cleanup_(bl_reader_freep) struct bl_reader *reader = NULL;
	struct bl_shown entry;
	int code = bl_feed_open(&report->feed, tool, &reader), r;

	if (code != BL_EXIT_GOOD)
		return code;
	while ((r = bl_reader_next(reader, &entry)) > 0) {
		r = add_entry(report, &entry);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = finish(report);
	if (r < 0)
		return bl_feed_failed(tool, reader, r);
	r = write_page(report);
	if (r < 0) {
		fprintf(stderr, "bailiff report: %s: %s\n", report->html, strerror(-r));
		return BL_EXIT_USAGE;
	}
	return say(tool, report);
}

int bl_tool_report(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "html", required_argument, NULL, OPTION_HTML },
		BL_FEED_OPTIONS,
		{ 0 },
	};
	_cleanup_(report_done) struct report report = { .feed.command = "report" };
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &report, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	if (!report.html) {
		fputs("bailiff report: --html FILE says where to write the page; '-' is standard "
		      "output\n",
		      stderr);
		return BL_EXIT_USAGE;
	}
	if (report_init(&report) < 0) {
		bl_tool_error(tool, "internal", strerror(ENOMEM));
		return BL_EXIT_INTERNAL;
	}
	return make(&report, tool);
}
