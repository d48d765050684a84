/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries about the daemon itself. */
#include "report.h"

#include <string.h>

#include "escape.h"
#include "line.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define TEXT_BYTES_MAX 2048 /* display bytes of one text, field and MESSAGE alike */

enum { PRIORITY_ERROR = 3, PRIORITY_WARNING = 4, PRIORITY_NOTICE = 5, PRIORITY_INFO = 6 };

/* Fields of these entries that are always numbers; see bl_report_is_number(). */
static const char *const number_fields[] = {
	"BAILIFF_SCHEMA",
	"BAILIFF_GENERATION",
	"BAILIFF_FILES",
	"BAILIFF_RULES",
	"BAILIFF_TABLE_BYTES",
	"BAILIFF_TOOK_MS",
	"BAILIFF_SWAP_US",
	"BAILIFF_ERRORS",
	"BAILIFF_SEEN",
	"BAILIFF_LOST",
	"BAILIFF_LOST_TOTAL",
	"BAILIFF_LOST_REPEATS",
	"BAILIFF_LOST_REPEATS_TOTAL",
	"BAILIFF_SENT",
	"BAILIFF_QUEUED",
	"BAILIFF_QUEUED_BYTES",
	"BAILIFF_RECONNECTS",
};

/* Of a heartbeat: the kernel's own counters since its maps were made. */
static const struct {
	const char *name, *key;
	enum bl_counter counter;
} kernel_counts[] = {
	{ "BAILIFF_KERNEL_DENIED", "denied", BL_COUNT_DENIED },
	{ "BAILIFF_KERNEL_ALERTED", "alerted", BL_COUNT_ALERTED },
	{ "BAILIFF_KERNEL_EVENTS", "events", BL_COUNT_EVENTS },
	{ "BAILIFF_KERNEL_FOLDED", "folded", BL_COUNT_FOLDED },
	{ "BAILIFF_KERNEL_UNFOLDED", "unfolded", BL_COUNT_UNFOLDED },
	{ "BAILIFF_KERNEL_LOST_RING", "lost_ring", BL_COUNT_LOST_RING },
	{ "BAILIFF_KERNEL_LOST_SCRATCH", "lost_scratch", BL_COUNT_LOST_SCRATCH },
	{ "BAILIFF_KERNEL_LOST_LIMIT", "lost_limit", BL_COUNT_LOST_LIMIT },
	{ "BAILIFF_KERNEL_LOST_REPEATS", "lost_repeats", BL_COUNT_LOST_REPEATS },
	{ "BAILIFF_KERNEL_FAILED_CLOSED", "failed_closed", BL_COUNT_FAILED_CLOSED },
};

/* Names of the counters in a report of losses, by enum bl_lost_reason. */
static const char *const lost_fields[_BL_LOST_MAX] = {
	[BL_LOST_RING] = "BAILIFF_LOST_RING",	    [BL_LOST_SCRATCH] = "BAILIFF_LOST_SCRATCH",
	[BL_LOST_GAP] = "BAILIFF_LOST_GAP",	    [BL_LOST_RECORD] = "BAILIFF_LOST_RECORD",
	[BL_LOST_QUEUE] = "BAILIFF_LOST_QUEUE",	    [BL_LOST_MEMORY] = "BAILIFF_LOST_MEMORY",
	[BL_LOST_REFUSED] = "BAILIFF_LOST_REFUSED", [BL_LOST_DAEMON] = "BAILIFF_LOST_DAEMON",
	[BL_LOST_LIMIT] = "BAILIFF_LOST_LIMIT",
};

static bool is_name(const char *candidate, const char *name, size_t len)
{
	return strlen(candidate) == len && !memcmp(candidate, name, len);
}

bool bl_report_is_number(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(number_fields); i++) {
		if (is_name(number_fields[i], name, len))
			return true;
	}
	for (size_t i = 0; i < _BL_LOST_MAX; i++) {
		if (is_name(lost_fields[i], name, len))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernel_counts); i++) {
		if (is_name(kernel_counts[i].name, name, len))
			return true;
	}
	return false;
}

static void put_line(struct bl_entry *entry, const struct bl_line *line)
{
	bl_entry_add(entry, "MESSAGE", line->text, line->len);
}

static void put_header(struct bl_entry *entry, enum bl_message message, int priority)
{
	if (message)
		bl_entry_text(entry, "MESSAGE_ID", bl_message_id(message));
	bl_entry_uint(entry, "PRIORITY", (uint64_t)priority);
	bl_entry_text(entry, "SYSLOG_IDENTIFIER", "bailiff");
	bl_entry_text(entry, "SYSLOG_FACILITY", "10");
	if (message)
		bl_entry_text(entry, "DOCUMENTATION", "man:bailiffd(8)");
	bl_entry_uint(entry, "BAILIFF_SCHEMA", 1);
}

/* Adds a text both as a field and as a part of the MESSAGE. */
static void put_text(struct bl_entry *entry, struct bl_line *line, const char *name,
		     const char *key, const char *text)
{
	char *room;

	if (!text)
		return;
	room = bl_entry_reserve(entry, TEXT_BYTES_MAX);
	if (!room)
		return;
	bl_entry_commit(entry, name,
			bl_escape_text(text, strlen(text), room, TEXT_BYTES_MAX, NULL, NULL));
	bl_line_quoted(line, key, text, strlen(text), TEXT_BYTES_MAX);
}

static void put_number(struct bl_entry *entry, struct bl_line *line, const char *name,
		       const char *key, uint64_t value)
{
	bl_entry_uint(entry, name, value);
	bl_line_number(line, key, value);
}

/* Not in the MESSAGE: it is for those who count. */
static void put_numbers(struct bl_entry *entry, const struct bl_report_numbers *numbers)
{
	if (!numbers || !*numbers->series)
		return;
	bl_entry_text(entry, "BAILIFF_SERIES", numbers->series);
	if (*numbers->numbers)
		bl_entry_text(entry, "BAILIFF_NUMBERS", numbers->numbers);
}

int bl_report_started(struct bl_entry *entry, const struct bl_report_start *start)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "started");
	put_header(entry, BL_MESSAGE_STARTED, PRIORITY_NOTICE);
	put_text(entry, &line, "BAILIFF_VERSION", "version", start->version);
	put_text(entry, &line, "BAILIFF_KERNEL", "kernel", start->kernel);
	put_text(entry, &line, "BAILIFF_ENGINE", "engine", start->engine);
	put_text(entry, &line, "BAILIFF_MODE", "mode", start->mode);
	put_numbers(entry, start->numbers);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_stopped(struct bl_entry *entry, const char *consequence,
		      const struct bl_report_numbers *numbers)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "stopped");
	put_header(entry, BL_MESSAGE_STOPPED, PRIORITY_NOTICE);
	put_text(entry, &line, "BAILIFF_CONSEQUENCE", "consequence", consequence);
	put_numbers(entry, numbers);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_policy_loaded(struct bl_entry *entry, const struct bl_report_policy *policy)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "policy loaded");
	put_header(entry, BL_MESSAGE_POLICY_LOADED, PRIORITY_NOTICE);
	put_number(entry, &line, "BAILIFF_GENERATION", "generation", policy->generation);
	put_number(entry, &line, "BAILIFF_FILES", "files", policy->files);
	put_number(entry, &line, "BAILIFF_RULES", "rules", policy->rules);
	put_number(entry, &line, "BAILIFF_TABLE_BYTES", "bytes", policy->bytes);
	put_number(entry, &line, "BAILIFF_TOOK_MS", "took_ms", policy->took_ms);
	put_number(entry, &line, "BAILIFF_SWAP_US", "swap_us", policy->swap_us);
	put_text(entry, &line, "BAILIFF_POLICY_DIGEST", "digest", policy->digest);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_policy_rejected(struct bl_entry *entry, uint64_t errors, const char *first,
			      uint32_t kept_generation)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, kept_generation ? "policy rejected, keeping the one in force"
					     : "policy rejected, none is in force");
	put_header(entry, BL_MESSAGE_POLICY_REJECTED, PRIORITY_ERROR);
	if (kept_generation)
		put_number(entry, &line, "BAILIFF_GENERATION", "generation", kept_generation);
	put_number(entry, &line, "BAILIFF_ERRORS", "errors", errors);
	put_text(entry, &line, "BAILIFF_REASON", "first", first);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_degraded(struct bl_entry *entry, const char *engine, const char *reason,
		       const char *remedy)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "engine degraded");
	put_header(entry, BL_MESSAGE_ENGINE_DEGRADED, PRIORITY_ERROR);
	put_text(entry, &line, "BAILIFF_ENGINE", "engine", engine);
	put_text(entry, &line, "BAILIFF_REASON", "reason", reason);
	put_text(entry, &line, "BAILIFF_REMEDY", "remedy", remedy);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_lost(struct bl_entry *entry, const struct bl_lost_report *report,
		   const struct bl_report_numbers *numbers)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "events lost");
	put_header(entry, BL_MESSAGE_EVENTS_LOST, PRIORITY_ERROR);
	put_number(entry, &line, "BAILIFF_LOST", "lost", report->fresh_sum);
	for (size_t i = 0; i < _BL_LOST_MAX; i++) {
		bl_entry_uint(entry, lost_fields[i], report->fresh[i]);
		if (report->fresh[i])
			bl_line_number(&line, bl_lost_reason_name(i), report->fresh[i]);
	}
	bl_entry_uint(entry, "BAILIFF_LOST_REPEATS", report->repeats);
	if (report->repeats)
		bl_line_number(&line, "repeats", report->repeats);
	put_number(entry, &line, "BAILIFF_LOST_TOTAL", "total", report->total_sum);
	bl_entry_uint(entry, "BAILIFF_LOST_REPEATS_TOTAL", report->repeats_total);
	put_number(entry, &line, "BAILIFF_SEEN", "seen", report->seen);
	put_numbers(entry, numbers);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_heartbeat(struct bl_entry *entry, const struct bl_report_heartbeat *beat)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "heartbeat");
	put_header(entry, BL_MESSAGE_HEARTBEAT, PRIORITY_INFO);
	put_number(entry, &line, "BAILIFF_SEEN", "seen", beat->lost.seen);
	put_number(entry, &line, "BAILIFF_LOST_TOTAL", "lost", beat->lost.total_sum);
	bl_entry_uint(entry, "BAILIFF_LOST_REPEATS_TOTAL", beat->lost.repeats_total);
	put_number(entry, &line, "BAILIFF_SENT", "sent", beat->journal.sent);
	put_number(entry, &line, "BAILIFF_QUEUED", "queued", beat->journal.queued_entries);
	bl_entry_uint(entry, "BAILIFF_QUEUED_BYTES", beat->journal.queued_bytes);
	bl_entry_uint(entry, "BAILIFF_RECONNECTS", beat->journal.reconnects);
	for (size_t i = 0; beat->counters && i < ARRAY_SIZE(kernel_counts); i++)
		put_number(entry, &line, kernel_counts[i].name, kernel_counts[i].key,
			   beat->counters[kernel_counts[i].counter]);
	put_numbers(entry, &beat->numbers);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_canary_failed(struct bl_entry *entry, const char *reason)
{
	struct bl_line line = { .len = 0 };

	bl_entry_reset(entry);
	bl_line_words(&line, "self-test failed: nothing is being enforced");
	put_header(entry, BL_MESSAGE_CANARY_FAILED, PRIORITY_ERROR);
	put_text(entry, &line, "BAILIFF_REASON", "reason", reason);
	put_line(entry, &line);
	return bl_entry_error(entry);
}

int bl_report_log(struct bl_entry *entry, int priority, const char *text)
{
	char *room;

	bl_entry_reset(entry);
	put_header(entry, 0, priority);
	room = bl_entry_reserve(entry, BL_LINE_BYTES);
	if (room)
		bl_entry_commit(entry, "MESSAGE",
				bl_escape_text(text, strlen(text), room, BL_LINE_BYTES, NULL,
					       NULL));
	return bl_entry_error(entry);
}
