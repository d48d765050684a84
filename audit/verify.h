/* SPDX-License-Identifier: Apache-2.0 */
/* Are they all there? Sequence numbers in a journal against what the daemon says was lost. docs/events.md. */
#pragma once

#include "lost.h"
#include "shown.h"

/*
 * The numbers of one CPU go on from daemon to daemon as long as these take over the maps of the one before: together
 * they are a run, named by the series of its numbers. What says of no series is of a run of its daemon alone (its
 * invocation id, which journald vouches for), whose numbers begin at 1.
 *
 * A number that is not in the journal was lost; how many were, and why, the daemon says in its 'events lost'. Up to
 * which numbers it has read it says now and then: so none can be missing at the end without a trace. Repeats that were
 * folded into an entry have no numbers of their own: the entry says how many they are.
 */
struct bl_verify;

struct bl_verify_gap {
	uint64_t from, to; /* both are missing */
};

struct bl_verify_cpu {
	uint64_t cpu;
	uint64_t first, last; /* in the journal; what should be there, if nothing is */
	uint64_t base;	      /* numbers up to this are of before this journal */
	uint64_t claimed;     /* the daemon says that it has read numbers up to this */
	bool has_base;
	uint64_t present;     /* different numbers in the journal */
	uint64_t duplicates;  /* entries whose number another one has already */
	uint64_t missing;
	struct bl_verify_gap *gaps;
	size_t n_gaps;
	uint64_t *numbers; /* of the work */
	size_t n_numbers, max_numbers, max_gaps;
};

/* The daemon that is at work on a run. */
struct bl_verify_daemon {
	char invocation[33];
	bool started;
	uint64_t entries, own_lost, lost, total, vanished;
};

struct bl_verify_run {
	char boot[33],
		invocation[33]; /* "" where entries don't say; of several daemons the last one's */
	char series[17];
	size_t daemons;
	bool started;		       /* the beginning of a daemon is in this journal, and all after it */
	bool stopped;
	uint64_t from_us, to_us; /* of its entries */
	uint64_t entries;	 /* verdicts */
	uint64_t folded;	 /* repeats that they stand for as well */
	uint64_t lost[_BL_LOST_MAX]; /* as the daemon has counted them by reason */
	uint64_t lost_repeats; /* that went with these */
	uint64_t lost_unsaid; /* of its total, what no message that is here says the reason of */
	uint64_t vanished;    /* handed to journald by the daemon's count, and not here */
	struct bl_verify_cpu *cpus; /* by number */
	size_t n_cpus, max_cpus;
	/* The outcome. */
	uint64_t missing;     /* of all CPUs */
	uint64_t duplicates;
	uint64_t unaccounted; /* missing without a loss that the daemon knows the reason of */
	/* Of the work. */
	struct bl_verify_daemon daemon;
};

/* Returns 0 and it in *ret (free with the below), or -ENOMEM. */
int bl_verify_new(struct bl_verify **ret);
void bl_verify_free(struct bl_verify *verify);

/* Takes an entry, in the order of the journal. Returns 0 or -ENOMEM. */
int bl_verify_add(struct bl_verify *verify, const struct bl_shown *entry);

/* Makes the outcome, after the last entry. Returns 0 and the runs in *ret (owned by verify), or -ENOMEM. */
int bl_verify_finish(struct bl_verify *verify, const struct bl_verify_run **ret, size_t *ret_n);

/* Whether nothing of a run is unaccounted for, and no number is there twice. */
bool bl_verify_is_good(const struct bl_verify_run *run);
