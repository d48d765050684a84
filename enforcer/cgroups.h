/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cgroups are called to a policy: of those that were there before it. The kernel side adds those that are made
 * while it is in force, or about to be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"

struct bl_cgroups {
	int called;	 /* the kernel side's map of maps; not owned */
	int root;	 /* directory of the cgroup2 file system; -1: not opened yet */
	int policies[2]; /* by slot: what a policy knows of cgroups; -1: it doesn't ask */
	bool settled[2]; /* all that there are are in */
};

/* Sets all that is owned to nothing; bl_cgroups_done() frees. */
void bl_cgroups_init(struct bl_cgroups *cgroups);
void bl_cgroups_done(struct bl_cgroups *cgroups);

/* A policy that asks has a map, in its slot, before its image is in that slot. Returns 0 or -errno. */
int bl_cgroups_stage(struct bl_cgroups *cgroups, uint32_t slot, const struct bl_header *header);
void bl_cgroups_drop(struct bl_cgroups *cgroups, uint32_t slot);

/*
 * Fills such a policy's map, once its image is in the slot and the kernel side sees what is made; a second time is
 * nothing. Returns 0, or -errno with a sentence for the operator.
 */
int bl_cgroups_settle(struct bl_cgroups *cgroups, uint32_t slot, const struct bl_tables *tables,
		      char **reterr_text);

/* One cgroup: its number, and its path from the root on ("" is the root itself). Returns 0, or what ends the walk. */
typedef int (*bl_cgroup_fn)(void *userdata, uint64_t id, const char *path);

/*
 * Goes through all cgroups below a directory, and it; those that vanish meanwhile are passed over. Of those deeper
 * than BL_CGROUPS_DEPTH nothing is said. Returns 0, -errno, or what fn returned.
 */
#define BL_CGROUPS_DEPTH 128
int bl_cgroups_walk(int root, bl_cgroup_fn fn, void *userdata);
