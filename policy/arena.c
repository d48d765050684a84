/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: many small allocations with one lifetime. */
#include "base.h"

#include <errno.h>
#include <string.h>

#define ARENA_BLOCK_BYTES \
	(64u << 10) /* of the first block; the others are twice as big as the one before */
#define ARENA_BLOCK_MAX	  (8u << 20)
#define ARENA_ALIGN	  _Alignof(max_align_t)

struct block {
	struct block *next;
	max_align_t bytes[];
};

struct bl_arena {
	struct block *blocks;
	char *free; /* unused part of the newest shared block */
	size_t room, block_bytes;
	void **adopted;
	size_t n_adopted, adopted_capacity;
};

struct bl_arena *bl_arena_new(void)
{
	return calloc(1, sizeof(struct bl_arena));
}

void bl_arena_free(struct bl_arena *arena)
{
	if (!arena)
		return;
	while (arena->blocks) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	for (size_t i = 0; i < arena->n_adopted; i++)
		free(arena->adopted[i]);
	free(arena->adopted);
	free(arena);
}

static void *block_add(struct bl_arena *arena, size_t bytes)
{
	struct block *block = calloc(1, sizeof(*block) + bytes);

	if (!block)
		return NULL;
	bl_use_huge_pages(block, sizeof(*block) + bytes);
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void *bl_arena_alloc(struct bl_arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *ret;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (BL_MAX(bytes, (size_t)1) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	if (bytes > ARENA_BLOCK_BYTES / 4)
		return block_add(arena, bytes);
	if (bytes > arena->room) {
		size_t wanted = arena->block_bytes ? 2 * arena->block_bytes : ARENA_BLOCK_BYTES;
		char *fresh = block_add(arena, BL_MIN(wanted, (size_t)ARENA_BLOCK_MAX));

		if (!fresh)
			return NULL;
		arena->block_bytes = BL_MIN(wanted, (size_t)ARENA_BLOCK_MAX);
		arena->free = fresh;
		arena->room = arena->block_bytes;
	}
	ret = arena->free;
	arena->free += bytes;
	arena->room -= bytes;
	return ret;
}

char *bl_arena_strndup(struct bl_arena *arena, const char *text, size_t len)
{
	char *copy = bl_arena_alloc(arena, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

int bl_arena_adopt(struct bl_arena *arena, void *block)
{
	if (bl_grow(&arena->adopted, &arena->adopted_capacity, arena->n_adopted + 1,
		    sizeof(*arena->adopted)) < 0) {
		free(block);
		return -ENOMEM;
	}
	arena->adopted[arena->n_adopted++] = block;
	return 0;
}
