/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of the daemon's BPF programs and maps, for who may ask it: root. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bl_progstats_map {
	uint32_t id;
	char name[16];
	uint64_t max_entries;
	uint64_t entries; /* meaningful where counted */
	bool counted;	  /* the kind of map has a fill, and it could be counted */
};

#define BL_PROGSTATS_MAPS_MAX 64

struct bl_progstats_program {
	uint64_t run_ns, runs, missed;
};

/* Whether the kernel counts runs and their time: kernel.bpf_stats_enabled, below root_fd. */
bool bl_progstats_are_on(int root_fd);

/*
 * Asks about a program by its id, and adds the maps that it uses and are not among the n of maps yet. Returns 0, or
 * -errno: -EPERM where the caller may not.
 */
int bl_progstats_program(uint32_t id, struct bl_progstats_program *ret,
			 struct bl_progstats_map maps[BL_PROGSTATS_MAPS_MAX], uint32_t *n);

/* Counts the elements of a map, where it has such and there are no more than can be counted in passing. */
void bl_progstats_count(struct bl_progstats_map *map);
