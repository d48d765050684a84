/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes come from, as far as the kernel side can't know it: those that were there before any rule
 * asked, and what another policy says of programs that were run under the one before.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "compile.h"

struct bl_globals;

struct bl_descent {
	int lineages, origins, kin; /* the kernel side's maps; not owned */
	struct bl_globals *globals;
	int processes;	/* the link of the program that tells of all processes */
	int mounts;	/* of the host, as mountinfo */
	int policies[2]; /* by slot: what a policy says of programs; -1: it doesn't ask */
};

/* Sets all that is owned to nothing; bl_descent_done() frees. */
void bl_descent_init(struct bl_descent *descent);
void bl_descent_done(struct bl_descent *descent);

/* Attaches the program that tells of all processes. Returns 0 or -errno. */
int bl_descent_start(struct bl_descent *descent, int program, char **reterr_text);

/* A policy that asks has a map of what it says of programs, in its slot. Returns 0 or -errno. */
int bl_descent_stage(struct bl_descent *descent, uint32_t slot, const struct bl_header *header);
void bl_descent_drop(struct bl_descent *descent, uint32_t slot);

/*
 * Before such a policy is in force, with its hooks attached: gives each process that has none its lineage, the
 * programs of its parents as they are at the moment, and fills the map. links: the policy's names of files that
 * have several. Of whoever is forked faster than can be looked at it isn't known: it may be anything. Returns 0
 * or -errno.
 */
int bl_descent_settle(struct bl_descent *descent, uint32_t slot, const struct bl_tables *tables,
		      int links, char **reterr_text);

/* When it is in force: what was in the middle of a run when the policy changed may have numbered programs. */
void bl_descent_settle_again(struct bl_descent *descent, uint32_t slot,
			     const struct bl_tables *tables, int links);
