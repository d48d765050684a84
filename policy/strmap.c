/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from strings to numbers: open addressing, no deletion. */
#include "base.h"

#include <errno.h>
#include <string.h>

struct entry {
	const char *key;
	uint32_t len;
	uint32_t value;
};

/* Small, so that a look-up meets one cache line in vain; others' keys are elsewhere in memory. */
struct slot {
	uint32_t hash;
	uint32_t entry; /* index + 1; 0: empty */
};

struct bl_strmap {
	struct slot *slots;
	struct entry *entries; /* in the order in which they were added */
	size_t capacity; /* of slots, a power of two; at most half of them are used */
	size_t count, entries_capacity;
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
	free(map->entries);
	free(map);
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time, each step mixing all of what came before. */
static uint32_t hash(const char *key, size_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15ull ^ len, word;

	for (; len > sizeof(word); len -= sizeof(word), key += sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		h = fold(h ^ word, 0xd6e8feb86659fd93ull);
	}
	word = 0;
	memcpy(&word, key, len);
	return (uint32_t)fold(h ^ word, 0xa0761d6478bd642full);
}

/* Where a key is, or is to be put. */
static struct slot *slot_find(const struct bl_strmap *map, const char *key, size_t len, uint32_t h)
{
	size_t at = h & (map->capacity - 1);

	for (; map->slots[at].entry; at = (at + 1) & (map->capacity - 1)) {
		const struct entry *entry = &map->entries[map->slots[at].entry - 1];

		if (map->slots[at].hash == h && entry->len == len &&
		    memcmp(entry->key, key, len) == 0)
			break;
	}
	return &map->slots[at];
}

/* Look-ups go anywhere in the table: with small pages each would miss the TLB too. */
static struct slot *slots_new(size_t capacity)
{
	size_t bytes = capacity * sizeof(struct slot);
	struct slot *slots;

	if (bytes < BL_HUGE_PAGE_BYTES)
		return calloc(capacity, sizeof(*slots));
	slots = aligned_alloc(BL_HUGE_PAGE_BYTES, bytes);
	if (!slots)
		return NULL;
	bl_use_huge_pages(slots, bytes);
	memset(slots, 0, bytes);
	return slots;
}

static int map_grow(struct bl_strmap *map, size_t capacity)
{
	struct slot *slots = slots_new(capacity);

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		size_t at = map->slots[i].hash & (capacity - 1);

		if (!map->slots[i].entry)
			continue;
		while (slots[at].entry)
			at = (at + 1) & (capacity - 1);
		slots[at] = map->slots[i];
	}
	free(map->slots);
	map->slots = slots;
	map->capacity = capacity;
	return 0;
}

int bl_strmap_reserve(struct bl_strmap *map, size_t count)
{
	size_t capacity = map->capacity ? map->capacity : 16;

	/* The slots' hashes have no more bits. */
	if (count >= (size_t)1 << 31)
		return -ENOMEM;
	while (capacity < 2 * count)
		capacity *= 2;
	if (bl_grow(&map->entries, &map->entries_capacity, count, sizeof(*map->entries)) < 0)
		return -ENOMEM;
	return capacity == map->capacity ? 0 : map_grow(map, capacity);
}

int bl_strmap_add(struct bl_strmap *map, const char *key, size_t len, uint32_t value,
		  uint32_t *ret_old)
{
	uint32_t h = hash(key, len);
	struct slot *slot;

	if (len > UINT32_MAX || bl_strmap_reserve(map, map->count + 1) < 0)
		return -ENOMEM;
	slot = slot_find(map, key, len, h);
	if (slot->entry) {
		*ret_old = map->entries[slot->entry - 1].value;
		return -EEXIST;
	}
	map->entries[map->count++] =
		(struct entry){ .key = key, .len = (uint32_t)len, .value = value };
	*slot = (struct slot){ .hash = h, .entry = (uint32_t)map->count };
	return 0;
}

bool bl_strmap_get(const struct bl_strmap *map, const char *key, size_t len, uint32_t *ret)
{
	const struct slot *slot;

	if (!map->capacity)
		return false;
	slot = slot_find(map, key, len, hash(key, len));
	if (!slot->entry)
		return false;
	*ret = map->entries[slot->entry - 1].value;
	return true;
}
