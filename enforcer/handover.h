/* SPDX-License-Identifier: Apache-2.0 */
/* What one daemon leaves to the next in the kernel's maps: names of rules, how far records were read, records. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* A descriptor of the map that is in a slot of a map of maps, or -errno. Needs CAP_SYS_ADMIN. */
int bl_inner_open(int outer, uint32_t slot);

/* An array of chunks, as policy images are. Returns a descriptor or -errno. */
int bl_chunks_create(const char *name, uint32_t chunks);

#define BL_LEFT_IN_FORCE 'F' /* the first byte of a text of what was published */

/* Puts a text into a slot. Returns a descriptor of the map that has it, or -errno. */
int bl_left_put(int outer, uint32_t slot, const uint8_t *text, size_t len);

/* Changes the first byte of a slot's text, which is at hand. Returns 0 or -errno. */
int bl_left_mark(int inner, const uint8_t *text, size_t len, uint8_t first);

/* Reads a slot's text, and the bytes behind it up to its chunk's end. Returns 0 and it, malloc'ed, or -errno. */
int bl_left_get(int outer, uint32_t slot, uint8_t **ret, size_t *ret_len);

typedef void (*bl_record_fn)(void *userdata, const void *data, size_t size);

/*
 * Delivers what is in the ring of a set that nothing writes to any more, but for programs that are just
 * running. Returns the number of records, or -errno.
 */
int bl_ring_empty(int ring, bl_record_fn record, void *userdata);

/* Sums counters over the CPUs. Returns 0 or -errno. */
int bl_counters_read(int fd, uint64_t counters[_BL_COUNT_MAX]);

/*
 * Adds what another version's set of maps has lost or folded, and nobody has told: file descriptors of its counters and
 * of its progress.
 */
void bl_left_losses(int counters, int progress, uint64_t carried[_BL_COUNT_MAX]);

/* Gives the numbers of a set of maps their name, unless they have it. Returns 0 or -errno. */
int bl_series_name(struct bl_progress *series);
