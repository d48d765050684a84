/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF object, opened several times over the same maps. The kernel verifies one program after the
 * other for one caller, which takes seconds for all of them, but several at a time for several threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hooks.h"

struct lsm_bpf;

/*
 * Loads the programs of the table for which available says so, as many at a time as this process has
 * processors for; programs that are not in the table are loaded with first, whose maps are everybody's.
 * Returns 0 and a file descriptor for each entry of the table in ret_fds, which the caller closes, -1
 * for those that are not available; or -errno, with -1 for all of them.
 */
int bl_parts_load(struct lsm_bpf *first, const struct bl_hook_entry *table, const bool *available,
		  size_t n_hooks, int ret_fds[]);
