/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel can: a table of features, each with its consequence and its remedy. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum bl_found {
	BL_FOUND_NO = 1,
	BL_FOUND_YES,
	BL_FOUND_UNKNOWN, /* could not be seen, mostly for want of rights */
};

enum bl_need {
	BL_NEED_KERNEL = 1, /* without it this kernel can't enforce */
	BL_NEED_PROCESS,    /* the daemon needs it, it says nothing about the kernel */
	BL_NEED_USEFUL,	    /* something less works without it */
};

struct bl_probe_result {
	const char *name; /* stable word, e.g. "lsm-list" */
	const char *what; /* in words */
	enum bl_need need;
	enum bl_found found;
	char *detail;		 /* what was seen; may be NULL */
	const char *consequence; /* of its absence */
	char *remedy; /* what to do about that; NULL where it is there, or nothing helps */
};

#define BL_PROBES_MAX 32

/* Zero-initialise; bl_probes_clear() frees its contents. */
struct bl_probes {
	struct bl_probe_result items[BL_PROBES_MAX];
	size_t count;
};

enum bl_probe_depth {
	BL_PROBE_QUICK = 1, /* a few small files: what a start can afford */
	BL_PROBE_FULL,	    /* the kernel's BTF and symbols too: some 100 ms */
};

/*
 * Looks at /proc and /sys below root_fd (tests give a made-up tree) and at this process.
 * Never fails for what it can't see. Returns 0 or -ENOMEM.
 */
int bl_probes_run(int root_fd, enum bl_probe_depth depth, struct bl_probes *ret);
void bl_probes_clear(struct bl_probes *probes);

/* The first result that rules enforcement out, of at most this need; NULL: none does. */
const struct bl_probe_result *bl_probes_obstacle(const struct bl_probes *probes, enum bl_need need);

/* How many of those that matter could not be seen. */
size_t bl_probes_unseen(const struct bl_probes *probes);

/* The `lsm=` option that adds bpf to the list that is active, malloc'ed; NULL without memory. */
char *bl_probe_lsm_option(const char *active_list);
