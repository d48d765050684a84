/* SPDX-License-Identifier: Apache-2.0 */
/* Accounting of lost events: sequence gaps per CPU, the kernel's counters, our own drops. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "journal.h"

struct bl_lost;

/* Why an event is not in the journal. */
enum bl_lost_reason {
	BL_LOST_RING = 0, /* kernel: no room in the ring */
	BL_LOST_SCRATCH,  /* kernel: no scratch buffer */
	BL_LOST_LIMIT,	  /* kernel: more of its rule than it may make */
	BL_LOST_GAP,	  /* missing from the sequence and in no kernel counter: should never be */
	BL_LOST_RECORD,	  /* a record that could not be decoded */
	BL_LOST_QUEUE,	  /* journald too slow: our queue was full */
	BL_LOST_MEMORY,	  /* no memory */
	BL_LOST_REFUSED,  /* journald's socket refused the entry */
	BL_LOST_DAEMON,	  /* read by a daemon that was ended before journald had taken it */
	_BL_LOST_MAX,
};

/* Totals since the start and what is new since the last report. */
struct bl_lost_report {
	uint64_t total[_BL_LOST_MAX];
	uint64_t fresh[_BL_LOST_MAX];
	uint64_t fresh_sum;
	uint64_t total_sum;
	uint64_t seen; /* records that arrived whole */
	uint64_t repeats; /* that what was lost would have told of besides: fresh */
	uint64_t repeats_total;
	uint64_t moved; /* fresh_sum and repeats: something has */
};

/* A stable word for a reason, e.g. "ring"; NULL for no such reason. */
const char *bl_lost_reason_name(enum bl_lost_reason reason);

/*
 * Makes the accounting for a kernel side whose sequence numbers start at 1 now (a fresh load).
 * Returns 0 and it in *ret (free with bl_lost_free()), or -ENOMEM.
 */
int bl_lost_new(struct bl_lost **ret);
void bl_lost_free(struct bl_lost *lost);

/*
 * Goes on where an earlier daemon has ended, in memory that both share and that must outlive lost: told is of what was
 * reported (see enum bl_progress_index), cpus are n_cpus elements. What it has missed until then is not reported again.
 */
void bl_lost_share(struct bl_lost *lost, struct bl_progress *told, struct bl_progress *more,
		   struct bl_progress *cpus, size_t n_cpus);

/* Notes events that an earlier daemon had read, and journald not taken, when it was ended; and their repeats. */
void bl_lost_with_daemon(struct bl_lost *lost, uint64_t events, uint64_t repeats);

/*
 * Adds losses of another set of maps that nobody has told: they are this daemon's to tell, and no other's after it.
 */
void bl_lost_carry(struct bl_lost *lost, const uint64_t counters[_BL_COUNT_MAX]);

/*
 * Notes a decoded record. Records of one CPU may arrive slightly out of order. Returns 0, -ENOMEM,
 * or -EINVAL for a CPU number that can't be.
 */
int bl_lost_saw(struct bl_lost *lost, uint32_t cpu, uint64_t seq);

/* Notes a record that could not be decoded. */
void bl_lost_bad_record(struct bl_lost *lost);

/* Notes an event that could not be made into an entry for want of memory, and the repeats that it tells of. */
void bl_lost_no_memory(struct bl_lost *lost, uint64_t repeats);

/*
 * The highest number that was read of each CPU that has any, as words "CPU:NUMBER" with commas between. Returns the
 * length; what does not fit is left out as a whole word.
 */
size_t bl_lost_numbers(const struct bl_lost *lost, char *ret, size_t room);

/* Records that arrived whole so far, and what was lost, as of the last bl_lost_take(). */
void bl_lost_sums(const struct bl_lost *lost, struct bl_lost_report *ret);

/* Numbers missing from the sequences now: BL_COUNT_LOST_RING and bad records, when all is read. */
uint64_t bl_lost_gaps(const struct bl_lost *lost);

/* What was lost by reason, as of the last bl_lost_take(). */
void bl_lost_totals(const struct bl_lost *lost, uint64_t ret[_BL_LOST_MAX]);

/*
 * Compares with the kernel's counters (summed over CPUs; read them after consuming the ring) and
 * the sender's. Returns true and a report when anything was lost since the last report; call
 * every second or so. Either pointer may be NULL: not known this time.
 */
bool bl_lost_take(struct bl_lost *lost, const uint64_t counters[_BL_COUNT_MAX],
		  const struct bl_journal_stats *journal, struct bl_lost_report *ret);
