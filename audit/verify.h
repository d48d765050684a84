/* SPDX-License-Identifier: Apache-2.0 */
/* Are they all there? Sequence numbers in a journal against what the daemon says was lost. docs/events.md. */
#pragma once

#include "lost.h"
#include "shown.h"

/*
 * The numbers of one CPU begin at 1 with each series, which one run of the daemon (its invocation id, which journald
 * vouches for) takes over from the other while what they have in the kernel fits. A number that is not in the journal was
 * lost; how many were, and why, the daemon says in its 'events lost', or else the next one. Repeats that were folded into
 * an entry have no numbers of their own: the entry says how many they are.
 */
struct bl_verify;

struct bl_verify_gap {
	uint64_t from, to; /* both are missing */
};

struct bl_verify_cpu {
	uint64_t cpu;
	uint64_t first, last; /* in the journal */
	uint64_t from;	      /* the first that is wanted */
	uint64_t present;     /* different numbers in the journal */
	uint64_t duplicates;  /* entries whose number another one has already */
	uint64_t missing;
	struct bl_verify_gap *gaps;
	size_t n_gaps;
	uint64_t *numbers; /* of the work */
	size_t n_numbers, max_numbers, max_gaps;
};

struct bl_verify_run {
	char boot[33], invocation[33]; /* "" where entries don't say */
	uint64_t series;	       /* of its numbers; 0: its own */
	uint64_t other;		       /* its events are of a series that is not its daemon's: that; or 0 */
	bool started;		       /* the beginning is in this journal */
	bool took_over;		       /* its numbers go on where another run's have ended */
	bool stopped;
	uint64_t from_us, to_us; /* of its entries */
	uint64_t entries;	 /* verdicts */
	uint64_t folded;	 /* repeats that they stand for as well */
	uint64_t lost[_BL_LOST_MAX]; /* as the daemon has counted them by reason */
	uint64_t lost_unsaid; /* of its total, what no message that is here says the reason of */
	uint64_t vanished;    /* handed to journald by the daemon's count, and not here */
	struct bl_verify_cpu *cpus; /* by number */
	size_t n_cpus, max_cpus;
	/* The outcome. */
	uint64_t missing;     /* of all CPUs */
	uint64_t duplicates;
	uint64_t unaccounted; /* missing without a loss that the daemon knows the reason of */
	/* Of the work. */
	uint64_t lost_total, daemon_lost, spare;
	bool began_series;
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
