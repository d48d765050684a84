/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins below /sys/fs/bpf/bailiff: what keeps the kernel side in force when no daemon is there, and what the next one
 * finds of it. There is a directory for each set of maps, NUMBER_LAYOUT, in it maps/ with all maps, 'claim', a
 * program, programs_BUILD/ with programs over these maps, and for each daemon that has used these maps, until the next
 * one is ready, links_NUMBER/ with the links.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

#define BL_PINS_DIR "/sys/fs/bpf/bailiff"

struct bl_pins;
struct bpf_object;
struct bpf_program;

/* Returns 0 and pins of which nothing is looked at yet (free with bl_pins_free()), or -ENOMEM. */
int bl_pins_new(struct bl_pins **ret);

/* Closes what it has open; what is pinned stays. NULL is allowed. */
void bl_pins_free(struct bl_pins *pins);
BL_DEFINE_CLEANUP(struct bl_pins *, bl_pins_free)

/*
 * Opens the directory and takes its lock, which is held until the pins are freed; with make, makes it. Returns 0
 * (also where that was done before), -ENOENT where there is none, -EBUSY where another process holds the lock,
 * -EMEDIUMTYPE where that is no bpffs, or another -errno, with a sentence in *reterr_text.
 */
int bl_pins_open(struct bl_pins *pins, bool make, char **reterr_text);

/* Opens it to look on, without the lock. Returns 0 or -errno. */
int bl_pins_look(struct bl_pins *pins);

/*
 * Makes this process the one whose own accesses the rules in force don't concern, in all sets. What can't
 * be done is left: then they do. Returns how many sets there are.
 */
size_t bl_pins_claim(const struct bl_pins *pins);

/* Whether anything is in force: some set has a link. */
bool bl_pins_in_force(const struct bl_pins *pins);

/*
 * Before an object is loaded, its maps sized: has it use the maps of the newest set with this very layout, if there is
 * one. Returns 1, 0 where there is none, or -errno.
 */
int bl_pins_adopt(struct bl_pins *pins, struct bpf_object *object, char **reterr_text);

/*
 * After it is loaded: pins its maps, unless they are a set's, and its program that claims, and makes
 * the directories for links and for programs that were made of these bytes. Returns 0 or -errno; any failure is final.
 */
int bl_pins_take(struct bl_pins *pins, struct bpf_object *object, const struct bpf_program *claim,
		 const void *build, size_t build_len, char **reterr_text);

/*
 * A program of this very build over these maps that a daemon before has left, until all is settled. Returns a descriptor
 * or -errno.
 */
int bl_pins_program(const struct bl_pins *pins, const char *program);

/* Leaves one to the daemons that follow. Returns 0 or -errno. */
int bl_pins_leave(const struct bl_pins *pins, const char *program, int fd);

/* A link of that very program that a daemon before has pinned, until all is settled. Returns a descriptor or -errno. */
int bl_pins_link(const struct bl_pins *pins, const char *program, int fd);

/* A link by the name of its program. Returns 0 or -errno. */
int bl_pins_add(const struct bl_pins *pins, const char *program, int link);
void bl_pins_remove(const struct bl_pins *pins, const char *program);

/* Called with maps of a set that is about to go, when nothing writes to them any more (below 0: it has no such map). */
typedef void (*bl_pins_old_fn)(void *userdata, int ring, int counters, int progress);

/*
 * Takes away all links but this daemon's own, and all sets but its own; what is left in the latter's ring may be
 * read in between by old (NULL: nobody).
 */
void bl_pins_settle(struct bl_pins *pins, bl_pins_old_fn old, void *userdata);

/* After a start that failed before it was settled: takes away what it has pinned, and nothing else. */
void bl_pins_withdraw(struct bl_pins *pins);

/* Takes away everything: with the last descriptor of a link its enforcement ends. Returns 0 or -errno. */
int bl_pins_lift(struct bl_pins *pins);

/* A map of the set in force (the newest with a link), for those who look on. Returns a descriptor or -errno. */
int bl_pins_map(const struct bl_pins *pins, const char *map);

/* Links of that set. */
size_t bl_pins_count_links(const struct bl_pins *pins);
