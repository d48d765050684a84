/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints and the bucketed cuckoo tables of abi.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/*
 * The fixed key, for tests and for `check`: splitmix64 (Steele, Lea and Flood, 'Fast splittable
 * pseudorandom number generators', 2014) from the seed 0x6261696c6966660a, key[0][0] first.
 */
void bl_key_default(uint64_t key[2][BL_HASH_WORDS]);

/* Another key that depends on nothing but the one that is there. */
void bl_key_next(uint64_t key[2][BL_HASH_WORDS]);

/* The fingerprint of a trie edge, under the key in the header. */
uint64_t bl_hash_edge(const struct bl_header *header, uint32_t node, const char *name, size_t len);

/* Entries of a table to be built. Zero-initialise; bl_entries_clear() frees. */
struct bl_entries {
	uint64_t *fps;
	uint32_t *values;
	size_t count, fps_capacity, values_capacity;
};

/* Adds an entry; value must not be 0. Returns 0 or -ENOMEM. */
int bl_entries_add(struct bl_entries *entries, uint64_t fp, uint32_t value);

void bl_entries_clear(struct bl_entries *entries);

/*
 * Builds a table. Returns 0 with the buckets (free() them) and their number less one in
 * *ret_mask, -EEXIST when two entries have the same fingerprint, -ENOMEM, or -E2BIG.
 */
int bl_cuckoo_build(const struct bl_entries *entries, struct bl_bucket **ret, uint32_t *ret_mask);
