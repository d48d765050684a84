/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the image, so that nothing crosses a chunk that must not. */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base.h"
#include "compile.h"

/* In big steps: an image of many megabytes is copied a few times only. */
static int reserve(struct bl_image *image, size_t len)
{
	size_t wanted = BL_MAX(image->capacity + image->capacity / 2, len);
	uint8_t *bytes;

	if (len > BL_IMAGE_BYTES_MAX)
		return -E2BIG;
	if (len <= image->capacity)
		return 0;
	wanted = (wanted + BL_CHUNK_BYTES - 1) & ~(size_t)(BL_CHUNK_BYTES - 1);
	bytes = realloc(image->bytes, wanted);
	if (!bytes)
		return -ENOMEM;
	memset(bytes + image->capacity, 0, wanted - image->capacity);
	image->bytes = bytes;
	image->capacity = wanted;
	return 0;
}

int bl_image_alloc(struct bl_image *image, size_t size, size_t align, bool whole,
		   uint32_t *ret_offset)
{
	size_t offset = (image->len + align - 1) & ~(align - 1);
	size_t room = BL_CHUNK_BYTES - offset % BL_CHUNK_BYTES;
	int r;

	if (whole && size > room && size <= BL_CHUNK_BYTES)
		offset += room;
	if (size > BL_IMAGE_BYTES_MAX)
		return -E2BIG;
	r = reserve(image, offset + size);
	if (r)
		return r;
	image->len = offset + size;
	*ret_offset = (uint32_t)offset;
	return 0;
}

int bl_image_finish(struct bl_image *image)
{
	uint32_t end;

	if (!(image->len % BL_CHUNK_BYTES))
		return 0;
	return bl_image_alloc(image, BL_CHUNK_BYTES - image->len % BL_CHUNK_BYTES, 1, false, &end);
}

void bl_image_clear(struct bl_image *image)
{
	free(image->bytes);
	*image = (struct bl_image){};
}

uint16_t bl_list_facts(const uint8_t *image, const struct bl_list *list)
{
	const struct bl_cand *cands = (const struct bl_cand *)(list + 1);
	uint32_t facts = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct bl_except *except =
			(const struct bl_except *)(image + cands[i].excepts);

		/* Without facts an exception has 0xff, for whatever is asked. */
		for (; cands[i].excepts; except++) {
			if (except->access != 0xff)
				facts |= except->access & BL_FACT_ANY;
			if (except->flags & BL_EXCEPT_LAST)
				break;
		}
	}
	return (uint16_t)facts;
}
