/* SPDX-License-Identifier: Apache-2.0 */
/* The image under construction: bytes in chunks, handed out from front to back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* Zero-initialise; bl_image_clear() frees. Padding is zero. */
struct bl_image {
	uint8_t *bytes;
	size_t len, capacity;
};

/*
 * Reserves size zeroed bytes at an offset that is a multiple of align (a power of two). With
 * whole, what fits a chunk is put in one. Returns 0 and the offset, -E2BIG beyond
 * BL_IMAGE_BYTES_MAX, or -ENOMEM.
 */
int bl_image_alloc(struct bl_image *image, size_t size, size_t align, bool whole,
		   uint32_t *ret_offset);

/* The bytes at an offset; valid until the next allocation. */
static inline void *bl_image_at(const struct bl_image *image, uint32_t offset)
{
	return image->bytes + offset;
}

/*
 * The facts of a file that some exception of an exec list asks for, of BL_FACT_ANY. The list and what it points at are
 * right (bl_tables_verify(), or being made).
 */
uint16_t bl_list_facts(const uint8_t *image, const struct bl_list *list);

/* Fills up the last chunk. */
int bl_image_finish(struct bl_image *image);

void bl_image_clear(struct bl_image *image);
