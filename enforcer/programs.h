/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of the hook table, loaded when rules need them: the kernel verifies each for a tenth of a second and
 * more, and no policy needs all. What the first policy doesn't need is loaded behind the daemon's back, since once it
 * is confined it can't load any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct bl_pins;
struct bl_programs;
struct lsm_bpf;

/*
 * Nothing is loaded yet. first has the maps of all, loaded; available says by the table's entry which programs this
 * kernel can have; pins have what a daemon before has left of the same build, and get what is loaded (NULL: neither).
 * None is owned, and all have to stay. Returns 0 (free with bl_programs_free()) or -errno.
 */
int bl_programs_new(const struct lsm_bpf *first, const bool *available, const struct bl_pins *pins,
		    struct bl_programs **ret);

/*
 * False: some are being loaded, which ends with the process only; until then first and available have to stay.
 */
bool bl_programs_free(struct bl_programs *programs);

/*
 * Sees to it that those wanted by the table's entry are loaded: loads them, as many at a time as there are processors
 * for, or waits for who does. From any thread. Returns 0, or -errno with a sentence for the operator.
 */
int bl_programs_need(struct bl_programs *programs, const bool *wanted, char **reterr_text);

/* How many came from a daemon before, and were not verified again. */
size_t bl_programs_taken(struct bl_programs *programs);

/* The file descriptor of a program that has been needed, or -1 while it isn't loaded; owned here. */
int bl_programs_fd(struct bl_programs *programs, size_t entry);

/*
 * Loads all others in a thread of its own, which gives way to everything else. It keeps the caller's rights of this
 * moment until it is done. Returns 0 or -errno.
 */
int bl_programs_load_rest(struct bl_programs *programs);

/* Whoever waits for it stops doing so, and what it loads is not had any more: the process is about to end. */
void bl_programs_give_up(struct bl_programs *programs);

/* Whether it is at work. Never waits for it. */
bool bl_programs_loading(struct bl_programs *programs);

/* What became of it: 0, or -errno once, when it has failed. Rules that need the rest are refused then. */
int bl_programs_failure(struct bl_programs *programs);
