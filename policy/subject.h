/* SPDX-License-Identifier: Apache-2.0 */
/* Subject conditions: what 'by' asks for, each distinct one with a bit of its own. */
#pragma once

#include "abi.h"
#include "intern.h"
#include "policy.h"

/* What a process is called by its cgroup: the caller's numbers of sets of names; 0: any. */
struct bl_name_lists {
	uint32_t units;
	uint32_t slices;
	uint32_t cgroups;
	uint32_t containers;
};

/* One condition; condition 0 always holds and is not in the table. */
struct bl_cond {
	uint32_t exe;  /* the caller's number of a set of executables; 0: any */
	uint32_t uids; /* number in ranges; 0: any */
	uint32_t gids; /* number in ranges; 0: any */
	/* 1: of an exception that asks for what may be unsure: executables, a cgroup or a container. */
	uint32_t grant;
	uint32_t logins; /* number in ranges; 0: any */
	uint32_t caps;	 /* number in ranges of capabilities; 0: any */
	struct bl_name_lists names;
	uint32_t parent, ancestor; /* as exe */
};

/* Zero-initialise; bl_subjects_clear() frees. */
struct bl_subjects {
	struct bl_interns conds;  /* struct bl_cond as words; the number is the condition */
	struct bl_interns ranges; /* sorted disjoint ranges: first, last, first, last ... */
};

/* The caller's sets of executables that a 'by' asks for, by enum bl_kin; 0: none. */
struct bl_programs {
	uint32_t of[_BL_KIN_MAX];
};

/* That of a condition. */
static inline uint32_t bl_cond_programs(const struct bl_cond *cond, enum bl_kin kin)
{
	switch (kin) {
	case BL_KIN_SELF:
		return cond->exe;
	case BL_KIN_PARENT:
		return cond->parent;
	case BL_KIN_ANCESTOR:
		return cond->ancestor;
	case _BL_KIN_MAX:
		break;
	}
	return 0;
}

/*
 * The condition of a rule (grant false) or of an exception (grant true), whose executables are the
 * caller's sets, and names those of the caller's sets in 'names'. Returns 0, -ENOMEM, or -E2BIG beyond BL_COND_MAX.
 */
int bl_subjects_add(struct bl_subjects *subjects, const struct bl_match *match,
		    const struct bl_programs *programs, const struct bl_name_lists *names,
		    bool grant, uint32_t *ret_cond);

static inline size_t bl_subjects_count(const struct bl_subjects *subjects)
{
	return subjects->conds.count + 1;
}

/* 64-bit words of a bitset. */
static inline size_t bl_subjects_words(const struct bl_subjects *subjects)
{
	return (bl_subjects_count(subjects) + 63) / 64;
}

struct bl_cond bl_subjects_get(const struct bl_subjects *subjects, uint32_t cond);

/* Ranges of ids, and for each the conditions that it leaves open. */
struct bl_range_table {
	uint32_t *firsts;
	uint64_t *bits; /* count times bl_subjects_words() */
	size_t count;
};

enum bl_dimension {
	BL_DIMENSION_UID = 1,
	BL_DIMENSION_GID,
	BL_DIMENSION_LOGIN,
	BL_DIMENSION_CAP, /* BL_CAPS is what every process has */
};

/*
 * Makes the table of one dimension. Returns 0 and *ret (free with bl_range_table_clear()), or
 * -ENOMEM.
 */
int bl_subjects_table(const struct bl_subjects *subjects, enum bl_dimension dimension,
		      struct bl_range_table *ret);

void bl_range_table_clear(struct bl_range_table *table);
void bl_subjects_clear(struct bl_subjects *subjects);
