/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from strings to numbers: open addressing, no deletion. */
#include "base.h"

#include <errno.h>
#include <string.h>

struct slot {
	const char *key; /* NULL: empty */
	uint32_t len;
	uint32_t value;
};

struct bl_strmap {
	struct slot *slots;
	size_t capacity; /* a power of two; at most half of it is used */
	size_t count;
};

struct bl_strmap *bl_strmap_new(void)
{
	return calloc(1, sizeof(struct bl_strmap));
}

void bl_strmap_free(struct bl_strmap *map)
{
	if (!map)
		return;
	free(map->slots);
	free(map);
}

/* FNV-1a with a final mix (its low bits alone are weak for short keys). */
static uint64_t hash(const char *key, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)key[i]) * 0x100000001b3ull;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 32;
}

static struct slot *slot_find(struct slot *slots, size_t capacity, const char *key, size_t len)
{
	size_t at = hash(key, len) & (capacity - 1);

	while (slots[at].key && (slots[at].len != len || memcmp(slots[at].key, key, len) != 0))
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

static int map_grow(struct bl_strmap *map)
{
	size_t capacity = map->capacity ? 2 * map->capacity : 16;
	struct slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		struct slot *old = &map->slots[i];

		if (old->key)
			*slot_find(slots, capacity, old->key, old->len) = *old;
	}
	free(map->slots);
	map->slots = slots;
	map->capacity = capacity;
	return 0;
}

int bl_strmap_add(struct bl_strmap *map, const char *key, size_t len, uint32_t value,
		  uint32_t *ret_old)
{
	struct slot *slot;

	if (len > UINT32_MAX)
		return -ENOMEM;
	if (2 * (map->count + 1) > map->capacity && map_grow(map) < 0)
		return -ENOMEM;
	slot = slot_find(map->slots, map->capacity, key, len);
	if (slot->key) {
		*ret_old = slot->value;
		return -EEXIST;
	}
	*slot = (struct slot){ .key = key, .len = (uint32_t)len, .value = value };
	map->count++;
	return 0;
}

bool bl_strmap_get(const struct bl_strmap *map, const char *key, size_t len, uint32_t *ret)
{
	const struct slot *slot;

	if (!map->capacity)
		return false;
	slot = slot_find(map->slots, map->capacity, key, len);
	if (!slot->key)
		return false;
	*ret = slot->value;
	return true;
}
