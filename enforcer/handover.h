/* SPDX-License-Identifier: Apache-2.0 */
/* What one daemon leaves to the next in the kernel's maps: names of rules, how far records were read, records. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* A descriptor of the map that is in a slot of a map of maps, or -errno. Needs CAP_SYS_ADMIN. */
int bl_inner_open(int outer, uint32_t slot);

/* A number that no other map of this boot has, 0 if it can't be told. */
uint32_t bl_map_number(int fd);

/* An array of chunks, as policy images are. Returns a descriptor or -errno. */
int bl_chunks_create(const char *name, uint32_t chunks);

/* Copies an image of tables into such an array, as that generation's, and has nobody change it. Returns 0 or -errno. */
int bl_image_fill(int fd, const uint8_t *image, size_t len, uint32_t generation);

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

/* Sums counters over the CPUs, with carried (NULL: nothing) added to each. Returns 0 or -errno. */
int bl_counters_read(int fd, const uint64_t *carried, uint64_t counters[_BL_COUNT_MAX]);
