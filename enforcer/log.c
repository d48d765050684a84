/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own log: structured entries to the journal, and to the console where there is one. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "report.h"

#define DRAIN_MS 2000

uint64_t bl_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int bl_log_init(struct bl_log *log, enum bl_log_target target)
{
	struct bl_journal *journal = NULL;
	int r;

	r = bl_journal_new(&(struct bl_journal_options){ 0 }, &journal);
	if (r < 0)
		return r;
	*log = (struct bl_log){
		.journal = journal,
		.to_journal = target != BL_LOG_CONSOLE,
		/* A service's stderr is the journal already: once is enough. */
		.to_console = target == BL_LOG_CONSOLE ||
			      (target == BL_LOG_AUTO && !getenv("JOURNAL_STREAM")),
	};
	return 0;
}

void bl_log_done(struct bl_log *log)
{
	if (log->journal)
		bl_journal_drain(log->journal, DRAIN_MS);
	bl_journal_free(log->journal);
	bl_entry_clear(&log->entry);
	*log = (struct bl_log){ 0 };
}

void bl_log_entry(struct bl_log *log)
{
	const char *text;
	size_t len = 0;

	if (bl_entry_error(&log->entry) < 0)
		return;
	text = bl_entry_get(&log->entry, "MESSAGE", &len);
	if (log->to_console && text)
		fprintf(stderr, "bailiffd: %.*s\n", (int)len, text);
	if (log->to_journal)
		bl_journal_send(log->journal, &log->entry, BL_JOURNAL_URGENT, bl_now_ns());
}

void bl_log_line(struct bl_log *log, enum bl_level level, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = bl_vformat(format, args);
	va_end(args);
	if (text && bl_report_log(&log->entry, level, text) == 0)
		bl_log_entry(log);
}

int bl_log_failure(struct bl_log *log, enum bl_failure failure, const char *detail)
{
	const struct bl_failure_info *info = bl_failure_info(failure);
	const char *consequence = log->in_force && info->kept ? info->kept : info->consequence;
	_cleanup_free_ char *text = NULL;

	text = bl_format("%s%s%s%s%s", detail ? detail : "", detail ? "; " : "", consequence,
			 info->remedy ? ": " : "", info->remedy ? info->remedy : "");
	if (text && bl_report_log(&log->entry, BL_LEVEL_ERROR, text) == 0) {
		bl_entry_text(&log->entry, "BAILIFF_FAILURE", info->name);
		bl_log_entry(log);
	}
	return info->exit_code;
}

char *bl_log_diag_text(const struct bl_diag *diag)
{
	char place[32] = "";

	if (diag->line)
		snprintf(place, sizeof(place), "%u:%u: ", diag->line, diag->column);
	return bl_format("%s%s%s%s%s%s%s", diag->file ? diag->file : "", diag->file ? ":" : "",
			 diag->file && !diag->line ? " " : place, diag->message,
			 diag->hint ? " (" : "", diag->hint ? diag->hint : "",
			 diag->hint ? ")" : "");
}

static enum bl_level level_of(enum bl_diag_level level)
{
	switch (level) {
	case BL_DIAG_ERROR:
		return BL_LEVEL_ERROR;
	case BL_DIAG_WARNING:
		return BL_LEVEL_WARNING;
	case BL_DIAG_NOTE:
		return BL_LEVEL_INFO;
	}
	return BL_LEVEL_ERROR;
}

static void log_diag(struct bl_log *log, const struct bl_diag *diag)
{
	_cleanup_free_ char *text = bl_log_diag_text(diag);

	if (!text || bl_report_log(&log->entry, level_of(diag->level), text) < 0)
		return;
	bl_entry_text(&log->entry, "BAILIFF_CODE", diag->code);
	if (diag->file)
		bl_entry_text(&log->entry, "BAILIFF_FILE", diag->file);
	if (diag->line) {
		bl_entry_uint(&log->entry, "BAILIFF_LINE", diag->line);
		bl_entry_uint(&log->entry, "BAILIFF_COLUMN", diag->column);
	}
	if (diag->pointer)
		bl_entry_text(&log->entry, "BAILIFF_POINTER", diag->pointer);
	bl_log_entry(log);
}

void bl_log_diags(struct bl_log *log, const struct bl_diags *diags)
{
	size_t shown = 0;

	for (enum bl_diag_level level = BL_DIAG_ERROR; level <= BL_DIAG_NOTE; level++) {
		for (size_t i = 0; i < diags->count && shown < BL_LOG_DIAGS_MAX; i++) {
			if (diags->items[i].level != level)
				continue;
			log_diag(log, &diags->items[i]);
			shown++;
		}
	}
	if (diags->count + diags->dropped > shown)
		bl_log_line(log, BL_LEVEL_WARNING,
			    "%zu more diagnostics are not shown; see 'bailiff check'",
			    diags->count + diags->dropped - shown);
}
