/* SPDX-License-Identifier: Apache-2.0 */
/* One nondeterministic automaton over path bytes for all globs, their common beginnings shared. */
#pragma once

#include "glob.h"
#include "intern.h"

#define BL_NFA_ROOT 1u

enum bl_nfa_loop {
	BL_LOOP_NONE = 0,
	BL_LOOP_COMPONENT, /* stays for any byte but '/' */
	BL_LOOP_ALL,	   /* stays for any byte */
};

/* Lists are chains through links; 0 ends them. */
struct bl_nfa_state {
	uint32_t edges;	  /* links: label, target */
	uint32_t skips;	  /* links: states that are reached at the same time */
	uint32_t before;  /* links, of a '**' only: the states that it follows */
	uint32_t accepts; /* links: atoms of patterns that end here */
	uint32_t pattern; /* the first pattern that came by */
	uint32_t only;	  /* the one atom that can still be reached, or BL_NFA_SEVERAL */
	uint8_t loop;	  /* enum bl_nfa_loop */
	bool slash;	  /* was entered by a '/' */
	bool forever;	  /* accepts whatever follows */
	bool tail;	  /* accepts, and has no edges: shared by the patterns of an atom */
};
#define BL_NFA_SEVERAL UINT32_MAX

/* Labels below BL_NFA_SETS are bytes, the others sets: the number of an interned bl_byteset. */
#define BL_NFA_SETS 256u

struct bl_nfa_link {
	uint32_t value;
	uint32_t label;
	uint32_t next;
};

/* A pattern has a '*' or '**' that is this state: what many have in common is worth knowing. */
struct bl_nfa_visit {
	uint32_t state;
	uint32_t pattern;
};

/* Zero-initialise; bl_nfa_clear() frees. Atoms are small dense numbers of the caller's. */
struct bl_nfa {
	struct bl_nfa_state *states; /* [0] is unused */
	size_t n_states, states_capacity;
	struct bl_nfa_link *links; /* [0] is unused */
	size_t n_links, links_capacity;
	struct bl_interns sets;	  /* a bl_byteset as eight words */
	struct bl_interns shared; /* (state, token): a token that follows one state only */
	uint32_t *shared_states;  /* by the number in shared */
	size_t shared_capacity;
	uint32_t *tails; /* by atom * 2 + (0: for '*', 1: for '**'): its state; 0: none */
	size_t n_tails;
	struct bl_nfa_visit *visits;
	size_t n_visits, visits_capacity;
	uint32_t first_slash;
	uint32_t cgroup_mark, cgroup_slash; /* the same after BL_GLOB_CGROUP; 0: no such pattern */
	uint32_t *closures; /* what bl_nfa_finish() makes: by state, sorted */
	size_t n_closures, closures_capacity;
	uint32_t *closure_ends;
};

/* More links than this are refused with -E2BIG. */
#define BL_NFA_LINKS_MAX (8u << 20)

/*
 * Adds a pattern that makes 'atom' match. pattern is the caller's number for it.
 * Returns 0, -ENOMEM or -E2BIG.
 */
int bl_nfa_add(struct bl_nfa *nfa, const struct bl_glob *glob, uint32_t atom, uint32_t pattern);

/*
 * Makes states one from which the same follows; part of bl_nfa_finish(). Returns 0, -ENOMEM or
 * -E2BIG.
 */
int bl_nfa_merge(struct bl_nfa *nfa);

/*
 * Ends building: bl_nfa_closure() and bl_nfa_matches() can be used. Returns 0, -ENOMEM or -E2BIG.
 */
int bl_nfa_finish(struct bl_nfa *nfa);

/* The states that are reached together with 'state' and have any use; sorted. */
static inline const uint32_t *bl_nfa_closure(const struct bl_nfa *nfa, uint32_t state,
					     size_t *ret_n)
{
	uint32_t start = nfa->closure_ends[state - 1];

	*ret_n = nfa->closure_ends[state] - start;
	return nfa->closures + start;
}

/* The set behind a label that is no byte. */
struct bl_byteset bl_nfa_set(const struct bl_nfa *nfa, uint32_t label);

/*
 * Runs the automaton over a path ("" is the root directory). Returns 1 if any pattern matches, 0
 * if none does, -ENOMEM.
 */
int bl_nfa_matches(const struct bl_nfa *nfa, const char *path, size_t len);

/* Frees everything. */
void bl_nfa_clear(struct bl_nfa *nfa);
