/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: one ring record -> decoded, enriched, in the journal; every loss is accounted for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "deliver.h"
#include "hostfs.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void bl_deliver_clock(struct bl_deliver *deliver)
{
	deliver->context.realtime_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

/* The boot id without its dashes; all empty where /proc does not say. */
static void read_boot_id(int proc_fd, char buf[static 33])
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (bl_hostfs_read(proc_fd, "/sys/kernel/random/boot_id", 256, &text) < 0)
		return;
	for (const char *at = text; *at && len < 32; at++) {
		if (strchr("0123456789abcdef", *at))
			buf[len++] = *at;
	}
	buf[len == 32 ? 32 : 0] = '\0';
}

int bl_deliver_init(struct bl_deliver *deliver, struct bl_log *log,
		    struct bl_generations *generations)
{
	int r;

	*deliver = (struct bl_deliver){
		.log = log,
		.context = {
			.rule = bl_generations_rule,
			.digest = bl_generations_digest,
			.userdata = generations,
		},
		.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	r = bl_lost_new(&deliver->lost);
	if (r == 0)
		r = bl_meters_init(&deliver->meters);
	if (r < 0)
		return r;
	read_boot_id(deliver->proc_fd, deliver->context.boot_id);
	bl_deliver_clock(deliver);
	return 0;
}

void bl_deliver_done(struct bl_deliver *deliver)
{
	bl_lost_free(deliver->lost);
	bl_meters_done(&deliver->meters);
	bl_entry_clear(&deliver->entry);
	bl_close(deliver->proc_fd);
	*deliver = (struct bl_deliver){ .proc_fd = -1 };
}

static enum bl_journal_rank rank_of(enum bl_verdict verdict)
{
	return verdict >= BL_VERDICT_DENY ? BL_JOURNAL_URGENT : BL_JOURNAL_ORDINARY;
}

static void deliver_view(struct bl_deliver *deliver, const struct bl_event_view *event)
{
	struct bl_enriched enriched;
	struct bl_log *log = deliver->log;
	const char *text;
	size_t len = 0;

	bl_enrich(event, deliver->proc_fd, &enriched);
	if (bl_fields_verdict(&deliver->entry, event, &enriched, &deliver->context) < 0) {
		bl_lost_no_memory(deliver->lost, event->fixed.folded);
		return;
	}
	text = bl_entry_get(&deliver->entry, "MESSAGE", &len);
	if (log->to_console && text)
		fprintf(stderr, "%.*s\n", (int)len, text);
	/* A drop is counted by the sender and reported by bl_deliver_losses(). */
	if (!log->to_journal || bl_journal_send(log->journal, &deliver->entry,
						rank_of(event->fixed.verdict), bl_now_ns()) == 0)
		deliver->delivered++;
}

void bl_deliver_record(void *userdata, const void *data, size_t size)
{
	struct bl_deliver *deliver = userdata;
	struct bl_event_view event;

	if (bl_event_decode(data, size, &event, NULL) < 0) {
		bl_lost_bad_record(deliver->lost);
		return;
	}
	bl_meters_verdict(&deliver->meters, &event.fixed,
			  deliver->context.rule(deliver->context.userdata, event.fixed.generation,
						event.fixed.rule),
			  event.fixed.folded + 1);
	if (bl_lost_saw(deliver->lost, event.fixed.cpu, event.fixed.seq) < 0)
		bl_lost_no_memory(deliver->lost, 0);
	deliver_view(deliver, &event);
}

void bl_deliver_old_record(void *userdata, const void *data, size_t size)
{
	struct bl_deliver *deliver = userdata;
	struct bl_event_view event;
	char series[sizeof(deliver->context.series)];

	if (bl_event_decode(data, size, &event, NULL) < 0) {
		bl_lost_bad_record(deliver->lost);
		return;
	}
	memcpy(series, deliver->context.series, sizeof(series));
	deliver->context.series[0] = '\0';
	deliver_view(deliver, &event);
	memcpy(deliver->context.series, series, sizeof(series));
}

void bl_deliver_series(struct bl_deliver *deliver, uint64_t series)
{
	snprintf(deliver->context.series, sizeof(deliver->context.series), "%016" PRIx64, series);
}

void bl_deliver_numbers(const struct bl_deliver *deliver, struct bl_report_numbers *ret)
{
	*ret = (struct bl_report_numbers){ .series = deliver->context.series };
	bl_lost_numbers(deliver->lost, ret->numbers, sizeof(ret->numbers));
}

/* All figures as of one moment: those of the kernel that belong to the numbers, too. */
void bl_deliver_heartbeat(struct bl_deliver *deliver, const uint64_t counters[_BL_COUNT_MAX])
{
	struct bl_report_heartbeat beat = { .counters = counters };

	bl_deliver_numbers(deliver, &beat.numbers);
	bl_lost_sums(deliver->lost, &beat.lost);
	bl_journal_get_stats(deliver->log->journal, &beat.journal);
	if (bl_report_heartbeat(&deliver->log->entry, &beat) == 0)
		bl_log_entry(deliver->log);
}

void bl_deliver_losses(struct bl_deliver *deliver, const uint64_t counters[_BL_COUNT_MAX])
{
	struct bl_journal_stats stats;
	struct bl_report_numbers numbers;
	struct bl_lost_report report;

	bl_journal_get_stats(deliver->log->journal, &stats);
	if (!bl_lost_take(deliver->lost, counters, &stats, &report))
		return;
	bl_deliver_numbers(deliver, &numbers);
	if (bl_report_lost(&deliver->log->entry, &report, &numbers) == 0)
		bl_log_entry(deliver->log);
}
