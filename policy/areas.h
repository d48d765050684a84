/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: the parts of the file tree in which the paths of a policy can lie. */
#pragma once

#include "policy.h"

/* One path, or all that is below it. */
struct bl_area {
	char *path; /* absolute; "/" for the root */
	bool below; /* everything below it as well */
};

/* Sorted, none within another. Zero-initialise; owns the paths. */
struct bl_areas {
	struct bl_area *items;
	size_t count, capacity;
};

/*
 * Adds the areas of all paths, executables and sockets that the rules and their exceptions name: a
 * literal is itself, a glob what is below its literal leading directories. Returns 0 or -ENOMEM; free
 * with bl_areas_clear() either way.
 */
int bl_policy_areas(const struct bl_policy *policy, struct bl_areas *ret);

void bl_areas_clear(struct bl_areas *areas);
