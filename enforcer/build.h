/* SPDX-License-Identifier: Apache-2.0 */
/* From policy files to a verified image: the one way that the daemon and 'bailiff check' share. */
#pragma once

#include <stdbool.h>

#include "areas.h"
#include "compile.h"
#include "policies.h"
#include "trail.h"

struct bl_build_input {
	int host_fd;	    /* the tree in which paths of rules are resolved; see hostfs.h */
	int config_fd;	    /* the tree of the installed policy files */
	char *const *paths; /* files and directories in place of the installed ones; NULL: none */
	size_t n_paths;
	const struct bl_policies *kept; /* texts to build anew in place of any files; NULL: none */
	bool follow;	 /* note what the rules' paths lead through */
	bool random_key; /* key the fingerprints at random: for the kernel */
	bool rules_only; /* no tables */
	struct bl_outline
		*outline; /* NULL, or where the names behind the tables are put; see outline.h */
};

/* All that a build makes. Zero-initialise; bl_built_clear() frees it. */
struct bl_built {
	struct bl_diags diags; /* filled on failure too */
	struct bl_policies policies; /* empty where kept ones were built */
	struct bl_trail *trail;	  /* NULL unless asked for */
	struct bl_policy *policy; /* NULL unless parsed */
	struct bl_areas areas;	  /* where the policy's paths can be; filled by bl_worker_build() */
	struct bl_tables *tables; /* NULL unless the build was a success, and they were asked for */
};

/*
 * Reads, parses, resolves, and unless rules_only compiles and verifies. Touches no state but *ret: it may run in a
 * thread of its own. Returns 0, -EINVAL with errors in ret->diags, or another -errno.
 */
int bl_build(const struct bl_build_input *input, struct bl_built *ret);

void bl_built_clear(struct bl_built *built);
