/* SPDX-License-Identifier: Apache-2.0 */
/* Literal paths -> component trie. */
#include "trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base.h"

#define TRIE_SLOTS_MIN 64
#define TRIE_ITEMS_MAX (BL_TRIE_BELOW / 8)

static uint32_t hash_edge(uint32_t parent, const char *name, size_t len)
{
	uint64_t hash = (parent + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	return (uint32_t)(hash * 0xd6e8feb8u >> 7);
}

static uint32_t hash_item(const struct bl_trie *trie, uint32_t id)
{
	const struct bl_trie_item *item = &trie->items[id];

	return hash_edge(item->parent, trie->names + item->name, item->name_len);
}

static int grow_slots(struct bl_trie *trie)
{
	size_t n_slots = trie->n_slots ? trie->n_slots * 2 : TRIE_SLOTS_MIN;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t id = BL_TRIE_ROOT + 1; id < trie->n_items; id++) {
		size_t slot = hash_item(trie, id) & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = id;
	}
	free(trie->slots);
	trie->slots = slots;
	trie->n_slots = n_slots;
	return 0;
}

/* The slot of an edge: it holds the child, or 0 where the child should go. */
static size_t find_slot(const struct bl_trie *trie, uint32_t parent, const char *name, size_t len)
{
	size_t slot = hash_edge(parent, name, len) & (trie->n_slots - 1);
	uint32_t id;

	while ((id = trie->slots[slot])) {
		const struct bl_trie_item *item = &trie->items[id];

		if (item->parent == parent && item->name_len == len &&
		    !memcmp(trie->names + item->name, name, len))
			break;
		slot = (slot + 1) & (trie->n_slots - 1);
	}
	return slot;
}

static int add_item(struct bl_trie *trie, uint32_t parent, const char *name, size_t len)
{
	int r;

	if (trie->n_items >= TRIE_ITEMS_MAX || trie->n_names > UINT32_MAX - len)
		return -E2BIG;
	r = bl_grow(&trie->items, &trie->items_capacity, trie->n_items + 1, sizeof(*trie->items));
	if (!r)
		r = bl_grow(&trie->names, &trie->names_capacity, trie->n_names + len + 1, 1);
	if (r)
		return r;
	trie->items[trie->n_items++] = (struct bl_trie_item){ .parent = parent,
							      .name = (uint32_t)trie->n_names,
							      .name_len = (uint8_t)len };
	if (len)
		memcpy(trie->names + trie->n_names, name, len);
	trie->n_names += len;
	return 0;
}

static int add_edge(struct bl_trie *trie, uint32_t parent, const char *name, size_t len,
		    uint32_t *ret)
{
	size_t slot;
	int r;

	if (trie->n_items * 2 >= trie->n_slots) {
		r = grow_slots(trie);
		if (r)
			return r;
	}
	slot = find_slot(trie, parent, name, len);
	if (!trie->slots[slot]) {
		r = add_item(trie, parent, name, len);
		if (r)
			return r;
		trie->items[parent].inner = true;
		trie->slots[slot] = (uint32_t)trie->n_items - 1;
	}
	*ret = trie->slots[slot];
	return 0;
}

static int add_root(struct bl_trie *trie)
{
	int r = add_item(trie, 0, "", 0);

	return r ? r : add_item(trie, 0, "", 0);
}

/* Splits off the next component: path starts with its '/'. Returns its length. */
static size_t next_component(const char *path, size_t len)
{
	const char *end = memchr(path + 1, '/', len - 1);

	return end ? (size_t)(end - path) - 1 : len - 1;
}

static bool can_exist(const char *path, size_t len)
{
	while (len) {
		size_t name = next_component(path, len);

		if (path[0] != '/' || !name || name > BL_NAME_BYTES)
			return false;
		path += name + 1;
		len -= name + 1;
	}
	return true;
}

static int add_mark(struct bl_trie *trie, uint32_t id, bool below, uint32_t atom)
{
	uint32_t *head = below ? &trie->items[id].below : &trie->items[id].exact;
	int r;

	if (*head && trie->marks[*head].atom == atom)
		return 0;
	r = bl_grow(&trie->marks, &trie->marks_capacity, trie->n_marks + 2, sizeof(*trie->marks));
	if (r)
		return r;
	if (!trie->n_marks)
		trie->marks[trie->n_marks++] = (struct bl_trie_mark){};
	trie->marks[trie->n_marks] = (struct bl_trie_mark){ .atom = atom, .next = *head };
	*head = (uint32_t)trie->n_marks++;
	return 0;
}

int bl_trie_add(struct bl_trie *trie, const char *path, size_t len, bool below, uint32_t atom)
{
	uint32_t id = BL_TRIE_ROOT;
	int r = trie->n_items ? 0 : add_root(trie);

	if (r)
		return r;
	if (!can_exist(path, len))
		return -EDOM;
	while (len) {
		size_t name = next_component(path, len);

		r = add_edge(trie, id, path + 1, name, &id);
		if (r)
			return r;
		path += name + 1;
		len -= name + 1;
	}
	return add_mark(trie, id, below, atom);
}

uint32_t bl_trie_find(const struct bl_trie *trie, const char *path, size_t len)
{
	uint32_t id = trie->n_items ? BL_TRIE_ROOT : 0;

	if (!can_exist(path, len) || (len && !trie->n_slots))
		return 0;
	while (id && len) {
		size_t name = next_component(path, len);

		id = trie->slots[find_slot(trie, id, path + 1, name)];
		path += name + 1;
		len -= name + 1;
	}
	return id;
}

/* ---- closure ------------------------------------------------------------------------------ */

/* Work space for one union. */
struct united {
	uint32_t *words;
	size_t count, capacity;
};

static void united_clear(struct united *united)
{
	free(united->words);
}

static int add_word(struct united *united, uint32_t word)
{
	int r = bl_grow(&united->words, &united->capacity, united->count + 1,
			sizeof(*united->words));

	if (!r)
		united->words[united->count++] = word;
	return r;
}

/* The set of what holds already and the marks of a chain. */
static int unite(struct bl_trie *trie, struct united *work, uint32_t set, uint32_t chain,
		 uint32_t *ret)
{
	size_t n;
	const uint32_t *words = bl_interned(&trie->sets, set, &n);
	int r = 0;

	if (!chain) {
		*ret = set;
		return 0;
	}
	work->count = 0;
	for (size_t i = 0; !r && i < n; i++)
		r = add_word(work, words[i]);
	for (; !r && chain; chain = trie->marks[chain].next)
		r = add_word(work, trie->marks[chain].atom);
	if (r)
		return r;
	work->count = bl_words_sort(work->words, work->count);
	return bl_intern(&trie->sets, work->words, work->count, ret);
}

/* What holds below an item holds for all that is found further down. */
int bl_trie_finish(struct bl_trie *trie)
{
	_cleanup_(united_clear) struct united work = {};
	int r = trie->n_items ? 0 : add_root(trie);

	if (r)
		return r;
	trie->term = calloc(trie->n_items, sizeof(*trie->term));
	trie->under = calloc(trie->n_items, sizeof(*trie->under));
	if (!trie->term || !trie->under)
		return -ENOMEM;
	for (size_t id = BL_TRIE_ROOT; !r && id < trie->n_items; id++) {
		const struct bl_trie_item *item = &trie->items[id];
		uint32_t inherited = trie->under[item->parent];

		r = unite(trie, &work, inherited, item->exact, &trie->term[id]);
		if (!r)
			r = unite(trie, &work, inherited, item->below, &trie->under[id]);
	}
	return r;
}

void bl_trie_clear(struct bl_trie *trie)
{
	free(trie->items);
	free(trie->names);
	free(trie->marks);
	free(trie->slots);
	free(trie->term);
	free(trie->under);
	bl_interns_clear(&trie->sets);
	*trie = (struct bl_trie){};
}
