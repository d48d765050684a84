/* SPDX-License-Identifier: Apache-2.0 */
/* Longest-prefix match of addresses by binary search over the prefix lengths, with markers. */
#pragma once

#include <stdbool.h>

#include "abi.h"
#include "intern.h"

/* A prefix, or a marker that leads the search to longer ones. */
struct bl_prefix_item {
	uint8_t addr[16]; /* network order; IPv4 in the first four; bits beyond len are zero */
	uint8_t len;
	uint8_t given; /* len before it was written out */
	bool marker;
	uint32_t set; /* added: one atom; after bl_prefixes_finish(): a number in sets */
};

/* All prefixes of one address family. Zero-initialise; bl_prefixes_clear() frees. */
struct bl_prefixes {
	struct bl_prefix_item *items; /* after finishing: sorted, each (addr, len) once */
	size_t count, capacity;
	uint8_t lens[BL_PREFIX_LENS_MAX]; /* ascending */
	uint8_t n_lens;
};

/* Adds a prefix with an atom. Returns 0 or -ENOMEM. */
int bl_prefixes_add(struct bl_prefixes *prefixes, const uint8_t *addr, size_t addr_len, uint8_t len,
		    uint32_t atom);

/*
 * Ends building: each item's set becomes the atoms of all prefixes that cover it; where there are
 * too many prefix lengths, short prefixes are written out as longer ones; markers are added.
 * Returns 0, -ENOMEM, or -E2BIG when writing out would take more than BL_PREFIXES_MAX items.
 */
int bl_prefixes_finish(struct bl_prefixes *prefixes, struct bl_interns *sets);

#define BL_PREFIXES_MAX (1u << 20)

void bl_prefixes_clear(struct bl_prefixes *prefixes);
