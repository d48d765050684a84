/* SPDX-License-Identifier: Apache-2.0 */
/* Port classes: ports that no rule and no exception tells apart. */
#pragma once

#include "abi.h"
#include "policy.h"

#define BL_PORTS 65536u

/* Zero-initialise; bl_ports_clear() frees. */
struct bl_ports {
	uint16_t *classes;   /* BL_PORTS entries */
	uint32_t n_classes;
	uint32_t *sample;    /* by class: one of its ports, the smallest */
	uint32_t *sizes;     /* by class: how many ports it has */
};

/*
 * Splits the ports by n_sets sets of ranges. Classes are numbered by their smallest port. Returns
 * 0 or -ENOMEM.
 */
int bl_ports_build(struct bl_ports *ports, const struct bl_ranges_in *sets, size_t n_sets);

/* Whether a port is in one of the ranges, which are sorted and disjoint. */
bool bl_ports_has(const struct bl_ranges_in *set, uint32_t port);

void bl_ports_clear(struct bl_ports *ports);
