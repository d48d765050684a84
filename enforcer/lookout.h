/* SPDX-License-Identifier: Apache-2.0 */
/* The lookout: finds the files in a policy's areas that have several names. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "areas.h"

#define BL_LOOKOUT_ENTRIES_MAX 2000000
#define BL_LOOKOUT_MS_MAX      20000

struct bl_lookout {
	int root_fd;		 /* of the tree that the areas are in */
	bool files_only;	 /* do not go below directories */
	const atomic_bool *stop; /* ends the search when true */
};

/* What a search came to. */
struct bl_lookout_report {
	uint64_t entries; /* looked at */
	uint64_t linked;  /* of these have several names */
	uint32_t took_ms;
	bool complete;	  /* false: a limit was reached, or it was stopped */
};

/*
 * Touches every file with several names, so that the kernel side comes to know it: see
 * bl_loader_look(). File systems that are remote, served by a program or made up by the kernel are
 * left out. What can't be looked at is passed over. Any thread may call it.
 */
void bl_lookout_run(const struct bl_lookout *lookout, const struct bl_areas *areas,
		    struct bl_lookout_report *ret);
