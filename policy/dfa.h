/* SPDX-License-Identifier: Apache-2.0 */
/* The deterministic automaton over path bytes: subset construction, minimisation, row order. */
#pragma once

#include "nfa.h"

/* Zero-initialise; bl_dfa_clear() frees. State 0 is dead: nothing matches any more. */
struct bl_dfa {
	uint32_t n_states;
	uint32_t n_classes; /* of bytes */
	uint32_t start;
	uint32_t *next;	    /* [state * n_classes + class] */
	uint32_t *outputs;  /* by state: a number in 'accepts'; after minimising, the caller's output */
	struct bl_interns accepts; /* the sets of atoms that match at a state's end */
	uint8_t byte_class[256];
};

struct bl_dfa_budget {
	size_t states;
	size_t bytes; /* of rows */
	size_t words; /* of sets of nondeterministic states */
};

/* How often each nondeterministic state was in a set, for whoever looks for what is to blame. */
struct bl_dfa_census {
	uint32_t *counts; /* by NFA state; the caller free()s it */
	size_t total;	  /* sets */
};

/*
 * Subset construction over the alphabet's classes. Sets of states are kept once; of an atom that
 * accepts whatever follows nothing else is remembered.
 * Returns 0 and *ret, -E2BIG when it exceeds the budget, both with *ret_census (may be NULL), or
 * -ENOMEM.
 */
int bl_dfa_build(const struct bl_nfa *nfa, const struct bl_dfa_budget *budget, struct bl_dfa *ret,
		 struct bl_dfa_census *ret_census);

/*
 * Minimises (Hopcroft), telling states apart by outputs[] alone: to be set before to what the
 * caller makes of each state's accepts, 0 for nothing. The dead state stays state 0.
 * Returns 0 or -ENOMEM.
 */
int bl_dfa_minimise(struct bl_dfa *dfa);

/*
 * Fills order[] with all states but 0 in the order that their rows should have, so that what
 * follows each other in a walk is in one group of 'per_chunk' rows wherever that can be.
 * Returns 0 or -ENOMEM.
 */
int bl_dfa_order(const struct bl_dfa *dfa, size_t per_chunk, uint32_t *order);

/* Whether no byte leads away from a state. */
bool bl_dfa_is_sink(const struct bl_dfa *dfa, uint32_t state);

/* Frees everything. */
void bl_dfa_clear(struct bl_dfa *dfa);
