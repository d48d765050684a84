/* SPDX-License-Identifier: Apache-2.0 */
/* The component trie under construction: literal paths, and directories with all below them. */
#pragma once

#include <stdbool.h>

#include "intern.h"

/* Numbers as in the image: 0 is invalid, BL_TRIE_ROOT the root. A parent comes before its child. */
struct bl_trie_item {
	uint32_t parent;
	uint32_t name; /* offset in names */
	uint32_t exact; /* marks: atoms of patterns that end here */
	uint32_t below; /* marks: atoms of patterns for everything below here */
	uint8_t name_len;
	bool inner; /* it is the parent of another one */
};

struct bl_trie_mark {
	uint32_t atom;
	uint32_t next;
};

/* Zero-initialise; bl_trie_clear() frees. */
struct bl_trie {
	struct bl_trie_item *items;
	size_t n_items, items_capacity;
	char *names;
	size_t n_names, names_capacity;
	struct bl_trie_mark *marks; /* [0] is unused */
	size_t n_marks, marks_capacity;
	uint32_t *slots; /* open addressing over (parent, name) */
	size_t n_slots;
	struct bl_interns sets; /* what bl_trie_finish() makes: sets of atoms, */
	uint32_t *term;		/* by item: of the path that ends here */
	uint32_t *under;	/* by item: of a path that goes on from here and finds no item */
};

/*
 * Marks a path ("" is the root directory), or everything strictly below it, with an atom. Returns
 * 0, -EDOM for a path that no file can have, -ENOMEM or -E2BIG.
 */
int bl_trie_add(struct bl_trie *trie, const char *path, size_t len, bool below, uint32_t atom);

/* The item of a path, or 0. */
uint32_t bl_trie_find(const struct bl_trie *trie, const char *path, size_t len);

/* Ends building: fills sets, term and under. Returns 0, -ENOMEM or -E2BIG. */
int bl_trie_finish(struct bl_trie *trie);

/* Frees everything. */
void bl_trie_clear(struct bl_trie *trie);
