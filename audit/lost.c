/* SPDX-License-Identifier: Apache-2.0 */
/* Accounting of lost events, per CPU and by reason. */
#include "lost.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX   65536 /* far above CONFIG_NR_CPUS of any distribution */
#define CPUS_FIRST 16

struct bl_lost {
	struct bl_progress *cpus;
	size_t n_cpus;
	struct bl_progress *told; /* NULL: nothing is shared, and cpus are owned */
	struct bl_progress *more;
	uint64_t with_daemon;
	uint64_t repeats_lost; /* with that daemon, and for want of memory */
	uint64_t repeats_reported;
	uint64_t repeats_before, before; /* of this daemon: what others have reported */
	uint64_t seen;
	uint64_t bad_records;
	uint64_t no_memory;
	uint64_t kernel[_BL_COUNT_MAX];
	uint64_t carried[_BL_COUNT_MAX]; /* in addition, of maps that are gone */
	struct bl_journal_stats journal;
	uint64_t unexplained; /* at the last bl_lost_take() */
	uint64_t reported[_BL_LOST_MAX];
};

static const char *const names[_BL_LOST_MAX] = {
	[BL_LOST_RING] = "ring",       [BL_LOST_SCRATCH] = "scratch", [BL_LOST_GAP] = "gap",
	[BL_LOST_RECORD] = "record",   [BL_LOST_QUEUE] = "queue",     [BL_LOST_MEMORY] = "memory",
	[BL_LOST_REFUSED] = "refused", [BL_LOST_DAEMON] = "daemon",   [BL_LOST_LIMIT] = "limit",
};

const char *bl_lost_reason_name(enum bl_lost_reason reason)
{
	return (unsigned int)reason < _BL_LOST_MAX ? names[reason] : NULL;
}

int bl_lost_new(struct bl_lost **ret)
{
	struct bl_lost *lost = calloc(1, sizeof(*lost));

	if (!lost)
		return -ENOMEM;
	*ret = lost;
	return 0;
}

void bl_lost_free(struct bl_lost *lost)
{
	if (!lost)
		return;
	if (!lost->told)
		free(lost->cpus);
	free(lost);
}

void bl_lost_share(struct bl_lost *lost, struct bl_progress *told, struct bl_progress *more,
		   struct bl_progress *cpus, size_t n_cpus)
{
	uint64_t known = told->highest + told->arrived + more->highest, missing;

	if (!lost->told)
		free(lost->cpus);
	lost->told = told;
	lost->more = more;
	lost->cpus = cpus;
	lost->n_cpus = n_cpus;
	lost->reported[BL_LOST_RING] = told->highest;
	lost->reported[BL_LOST_SCRATCH] = told->arrived;
	lost->reported[BL_LOST_LIMIT] = more->highest;
	lost->repeats_reported = more->arrived;
	missing = bl_lost_gaps(lost);
	lost->reported[BL_LOST_GAP] = missing > known ? missing - known : 0;
	lost->before = known + lost->reported[BL_LOST_GAP];
	lost->repeats_before = more->arrived;
}

void bl_lost_with_daemon(struct bl_lost *lost, uint64_t events, uint64_t repeats)
{
	lost->with_daemon += events;
	lost->repeats_lost += repeats;
}

void bl_lost_carry(struct bl_lost *lost, const uint64_t counters[_BL_COUNT_MAX])
{
	memcpy(lost->carried, counters, sizeof(lost->carried));
}

static int make_room(struct bl_lost *lost, uint32_t cpu)
{
	size_t n = lost->n_cpus ? lost->n_cpus : CPUS_FIRST;
	struct bl_progress *cpus;

	if (cpu < lost->n_cpus)
		return 0;
	if (lost->told)
		return -EINVAL;
	while (n <= cpu)
		n *= 2;
	cpus = realloc(lost->cpus, n * sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	memset(cpus + lost->n_cpus, 0, (n - lost->n_cpus) * sizeof(*cpus));
	lost->cpus = cpus;
	lost->n_cpus = n;
	return 0;
}

int bl_lost_saw(struct bl_lost *lost, uint32_t cpu, uint64_t seq)
{
	int r;

	if (cpu >= CPUS_MAX)
		return -EINVAL;
	r = make_room(lost, cpu);
	if (r < 0)
		return r;
	if (seq > lost->cpus[cpu].highest)
		lost->cpus[cpu].highest = seq;
	lost->cpus[cpu].arrived++;
	lost->seen++;
	return 0;
}

void bl_lost_bad_record(struct bl_lost *lost)
{
	lost->bad_records++;
}

void bl_lost_no_memory(struct bl_lost *lost, uint64_t repeats)
{
	lost->no_memory++;
	lost->repeats_lost += repeats;
}

uint64_t bl_lost_gaps(const struct bl_lost *lost)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < lost->n_cpus; i++) {
		if (lost->cpus[i].highest > lost->cpus[i].arrived)
			missing += lost->cpus[i].highest - lost->cpus[i].arrived;
	}
	return missing;
}

/* Missing numbers that no counter accounts for: the kernel's losses and undecodable records do. */
static uint64_t unexplained(const struct bl_lost *lost)
{
	uint64_t known = lost->kernel[BL_COUNT_LOST_RING] + lost->kernel[BL_COUNT_LOST_SCRATCH] +
			 lost->kernel[BL_COUNT_LOST_LIMIT] + lost->bad_records;
	uint64_t missing = bl_lost_gaps(lost);

	return missing > known ? missing - known : 0;
}

/*
 * A record may be overtaken on its way to the ring by a later one of its CPU, if the kernel
 * preempts its maker at the wrong moment: a gap counts only if it is still open a look later.
 */
static uint64_t settled_gap(struct bl_lost *lost)
{
	uint64_t before = lost->unexplained;

	lost->unexplained = unexplained(lost);
	return before < lost->unexplained ? before : lost->unexplained;
}

static uint64_t of_kernel(const struct bl_lost *lost, enum bl_counter counter)
{
	return lost->kernel[counter] + lost->carried[counter];
}

static uint64_t total_of(struct bl_lost *lost, enum bl_lost_reason reason)
{
	switch (reason) {
	case BL_LOST_RING:
		return of_kernel(lost, BL_COUNT_LOST_RING);
	case BL_LOST_SCRATCH:
		return of_kernel(lost, BL_COUNT_LOST_SCRATCH);
	case BL_LOST_LIMIT:
		return of_kernel(lost, BL_COUNT_LOST_LIMIT);
	case BL_LOST_GAP:
		return settled_gap(lost);
	case BL_LOST_RECORD:
		return lost->bad_records;
	case BL_LOST_QUEUE:
		return lost->journal.dropped_full;
	case BL_LOST_MEMORY:
		return lost->no_memory + lost->journal.dropped_memory;
	case BL_LOST_REFUSED:
		return lost->journal.dropped_refused;
	case BL_LOST_DAEMON:
		return lost->with_daemon;
	case _BL_LOST_MAX:
		break;
	}
	return 0;
}

/* The kernel's are shared with other daemons, the rest is this one's own. */
static uint64_t repeats_of(const struct bl_lost *lost)
{
	return of_kernel(lost, BL_COUNT_LOST_REPEATS) + lost->repeats_lost +
	       lost->journal.dropped_repeats;
}

static void take_repeats(struct bl_lost *lost, struct bl_lost_report *report)
{
	/* What is reported of the kernel's count is kept for the next daemon, what is our own is not. */
	uint64_t total = repeats_of(lost);

	if (total < lost->repeats_reported)
		total = lost->repeats_reported;
	report->repeats = total - lost->repeats_reported;
	report->repeats_total = total - lost->repeats_before;
	lost->repeats_reported = total;
}

static void keep_told(struct bl_lost *lost, const struct bl_lost_report *report)
{
	if (!lost->told)
		return;
	/* The next daemon finds these maps' counters alone. */
	lost->told->highest = report->total[BL_LOST_RING] - lost->carried[BL_COUNT_LOST_RING];
	lost->told->arrived = report->total[BL_LOST_SCRATCH] - lost->carried[BL_COUNT_LOST_SCRATCH];
	lost->more->highest = report->total[BL_LOST_LIMIT] - lost->carried[BL_COUNT_LOST_LIMIT];
	lost->more->arrived = lost->kernel[BL_COUNT_LOST_REPEATS];
}

bool bl_lost_take(struct bl_lost *lost, const uint64_t counters[_BL_COUNT_MAX],
		  const struct bl_journal_stats *journal, struct bl_lost_report *ret)
{
	struct bl_lost_report report = { .seen = lost->seen };

	if (counters)
		memcpy(lost->kernel, counters, sizeof(lost->kernel));
	if (journal)
		lost->journal = *journal;
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++) {
		uint64_t total = total_of(lost, i);

		/* A gap may close even later; what was reported stays reported. */
		if (total < lost->reported[i])
			total = lost->reported[i];
		report.total[i] = total;
		report.fresh[i] = total - lost->reported[i];
		report.total_sum += total;
		report.fresh_sum += report.fresh[i];
	}
	report.total_sum -= lost->before;
	take_repeats(lost, &report);
	report.moved = report.fresh_sum + report.repeats;
	if (!report.moved)
		return false;
	memcpy(lost->reported, report.total, sizeof(lost->reported));
	keep_told(lost, &report);
	*ret = report;
	return true;
}

void bl_lost_totals(const struct bl_lost *lost, uint64_t ret[_BL_LOST_MAX])
{
	memcpy(ret, lost->reported, sizeof(lost->reported));
}

void bl_lost_sums(const struct bl_lost *lost, struct bl_lost_report *ret)
{
	*ret = (struct bl_lost_report){ .seen = lost->seen };
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		ret->total_sum += lost->reported[i];
	ret->total_sum -= lost->before;
	ret->repeats_total = lost->repeats_reported - lost->repeats_before;
}

size_t bl_lost_numbers(const struct bl_lost *lost, char *ret, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; i < lost->n_cpus; i++) {
		char word[48];
		int n;

		if (!lost->cpus[i].highest)
			continue;
		n = snprintf(word, sizeof(word), "%s%zu:%" PRIu64, len ? "," : "", i,
			     (uint64_t)lost->cpus[i].highest);
		if (n < 0 || len + (size_t)n >= room)
			break;
		memcpy(ret + len, word, (size_t)n);
		len += (size_t)n;
	}
	if (room)
		ret[len] = '\0';
	return len;
}
