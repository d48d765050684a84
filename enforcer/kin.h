/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of events as a tree. */
#pragma once

#include "shown.h"

#define BL_KIN_MAX	 20000u
#define BL_KIN_DEPTH_MAX 32

struct bl_kinship_node {
	char *exe, *unit, *container; /* good to show */
	uint64_t pid, uid, start_ns;
	bool known;	/* has events of its own; else only a child says that it was there */
	uint64_t times, refused;
	char *parent_exe;
	uint64_t ppid;
	char *boot;
	/* The tree: indices, SIZE_MAX for none. */
	size_t parent, child, next;
	size_t same_pid; /* another process of this boot that had the number */
	unsigned int depth;
};

struct bl_kinship {
	struct bl_strmap *by_id, *by_pid;
	char **keys;
	size_t n_keys, max_keys;
	struct bl_kinship_node *nodes;
	size_t n_nodes, max_nodes;
	size_t first;  /* the first root */
	uint64_t rest; /* what there was no node for any more */
};

int bl_kinship_init(struct bl_kinship *kin);
void bl_kinship_done(struct bl_kinship *kin);

/* Counts a verdict at its process. Returns 0 or -ENOMEM. */
int bl_kinship_add(struct bl_kinship *kin, const struct bl_shown *entry, bool refused);

/* Makes the tree, after the last entry: parents are older than their children. Returns 0 or -ENOMEM. */
int bl_kinship_link(struct bl_kinship *kin);
