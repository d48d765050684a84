/* SPDX-License-Identifier: Apache-2.0 */
/* Accounting of lost events, per CPU and by reason. */
#include "lost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX   65536 /* far above CONFIG_NR_CPUS of any distribution */
#define CPUS_FIRST 16

struct bl_lost {
	struct bl_progress *cpus;
	size_t n_cpus;
	struct bl_progress *told; /* NULL: nothing is shared, and cpus are owned */
	uint64_t with_daemon;
	uint64_t seen;
	uint64_t bad_records;
	uint64_t no_memory;
	uint64_t kernel[_BL_COUNT_MAX];
	struct bl_journal_stats journal;
	uint64_t unexplained; /* at the last bl_lost_take() */
	uint64_t reported[_BL_LOST_MAX];
	uint64_t before; /* of these, what earlier daemons have reported */
};

static const char *const names[_BL_LOST_MAX] = {
	[BL_LOST_RING] = "ring",       [BL_LOST_SCRATCH] = "scratch", [BL_LOST_GAP] = "gap",
	[BL_LOST_RECORD] = "record",   [BL_LOST_QUEUE] = "queue",     [BL_LOST_MEMORY] = "memory",
	[BL_LOST_REFUSED] = "refused", [BL_LOST_DAEMON] = "daemon",
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

void bl_lost_share(struct bl_lost *lost, struct bl_progress *told, struct bl_progress *cpus,
		   size_t n_cpus)
{
	uint64_t known = told->highest + told->arrived, missing;

	if (!lost->told)
		free(lost->cpus);
	lost->told = told;
	lost->cpus = cpus;
	lost->n_cpus = n_cpus;
	lost->reported[BL_LOST_RING] = told->highest;
	lost->reported[BL_LOST_SCRATCH] = told->arrived;
	missing = bl_lost_gaps(lost);
	lost->reported[BL_LOST_GAP] = missing > known ? missing - known : 0;
	lost->before = known + lost->reported[BL_LOST_GAP];
}

void bl_lost_with_daemon(struct bl_lost *lost, uint64_t events)
{
	lost->with_daemon += events;
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

void bl_lost_no_memory(struct bl_lost *lost)
{
	lost->no_memory++;
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
			 lost->bad_records;
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

static uint64_t total_of(struct bl_lost *lost, enum bl_lost_reason reason)
{
	switch (reason) {
	case BL_LOST_RING:
		return lost->kernel[BL_COUNT_LOST_RING];
	case BL_LOST_SCRATCH:
		return lost->kernel[BL_COUNT_LOST_SCRATCH];
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
	if (!report.fresh_sum)
		return false;
	memcpy(lost->reported, report.total, sizeof(lost->reported));
	if (lost->told) {
		lost->told->highest = report.total[BL_LOST_RING];
		lost->told->arrived = report.total[BL_LOST_SCRATCH];
	}
	*ret = report;
	return true;
}

void bl_lost_totals(const struct bl_lost *lost, uint64_t ret[_BL_LOST_MAX])
{
	memcpy(ret, lost->reported, sizeof(lost->reported));
}
