/* SPDX-License-Identifier: Apache-2.0 */
/* Hash-consing of word sequences: equal contents get equal small numbers, in order of arrival. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sequences of 32-bit words, each kept once. Zero-initialise; bl_interns_clear() frees. Numbers
 * are dense and depend on the order of insertion only, never on addresses; 0 is the empty
 * sequence, the first other one is 1.
 */
struct bl_interns {
	uint32_t *words;
	size_t n_words, words_capacity;
	uint32_t *ends; /* ends[id - 1]: where sequence id ends in words */
	size_t count, ends_capacity;
	uint32_t *hashes;
	size_t hashes_capacity;
	uint32_t *slots; /* ids; 0: free */
	size_t n_slots;
};

/* Puts the number of a sequence in *ret_id. Returns 0, -ENOMEM, or -E2BIG beyond 2^32 words. */
int bl_intern(struct bl_interns *interns, const uint32_t *words, size_t n, uint32_t *ret_id);

/* Whether a sequence is there. */
bool bl_interns_has(const struct bl_interns *interns, const uint32_t *words, size_t n);

/* The sequence with a number; valid until the next insertion. */
const uint32_t *bl_interned(const struct bl_interns *interns, uint32_t id, size_t *ret_n);

/* Frees everything; the table is as new. */
void bl_interns_clear(struct bl_interns *interns);

/* Sorts words ascending and drops repeated ones; returns how many are left. */
size_t bl_words_sort(uint32_t *words, size_t n);
