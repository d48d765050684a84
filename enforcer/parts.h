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
 * Loads the object first with its maps, which are everybody's, and the programs that are not in the table. Returns 0
 * or -errno.
 */
int bl_parts_open(struct lsm_bpf *first, const struct bl_hook_entry *table, size_t n_hooks);

/* How many programs it pays to load at a time: as many as this process has processors for. */
size_t bl_parts_at_a_time(void);

/*
 * Loads the wanted programs of the table over first's maps, some at a time. Returns 0 and a file descriptor for
 * each entry of the table in ret_fds, which the caller closes, -1 for those that are not wanted; or -errno, with
 * -1 for all of them.
 */
int bl_parts_load(const struct lsm_bpf *first, const struct bl_hook_entry *table,
		  const bool *wanted, size_t n_hooks, size_t at_a_time, int ret_fds[]);
