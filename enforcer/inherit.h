/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon before has left: its generations' names, and where it was with the records. */
#pragma once

#include <stdint.h>

struct bl_daemon;

/*
 * Before the programs are loaded: takes in what the rules that are in force are called, so that events of theirs can be
 * told. Returns the number of the last generation, 0 where there is none.
 */
uint32_t bl_inherit_generations(struct bl_daemon *daemon);

/* When they are loaded: goes on with the records where the daemon before has ended. */
void bl_inherit_records(struct bl_daemon *daemon);

/* Keeps for the next daemon how many events wait for journald. */
void bl_inherit_waiting(struct bl_daemon *daemon, uint64_t events, uint64_t repeats);

/* What the rules of a built policy are called is kept in the kernel beside its tables. Returns 0 or -errno. */
struct bl_generation;
int bl_inherit_keep(struct bl_daemon *daemon, const struct bl_generation *generation);
