/* SPDX-License-Identifier: Apache-2.0 */
/* Stage four: everything that was made gets its offset in the image. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

#include "match.h"

#define REKEYS_MAX 8

/* Where things are in the image, by their numbers in the compiler. */
struct layout {
	struct bl_compiler *c;
	struct bl_image *image;
	uint32_t *bits;
	uint32_t *excepts;
	uint32_t *lists;
	uint32_t *classes;
	uint32_t *prefixes; /* by number in addr_sets */
	uint32_t *rows;	    /* by state of the DFA */
	uint32_t empty_list;
	struct bl_entries trie, addrs, ports;
};

static void layout_clear(struct layout *l)
{
	free(l->bits);
	free(l->excepts);
	free(l->lists);
	free(l->classes);
	free(l->prefixes);
	free(l->rows);
	bl_entries_clear(&l->trie);
	bl_entries_clear(&l->addrs);
	bl_entries_clear(&l->ports);
}

/* ---- lists and classes -------------------------------------------------------------------- */

static int place_excepts(struct layout *l, uint32_t id, uint32_t *ret)
{
	size_t n;
	const uint32_t *words = bl_interned(&l->c->excepts_out, id, &n);
	int r = 0;

	if (!l->excepts[id]) {
		r = bl_image_alloc(l->image, n * sizeof(struct bl_except), sizeof(struct bl_except),
				   true, &l->excepts[id]);
		if (!r)
			memcpy(bl_image_at(l->image, l->excepts[id]), words,
			       n * sizeof(struct bl_except));
	}
	*ret = l->excepts[id];
	return r;
}

static int place_all_excepts(struct layout *l)
{
	uint32_t offset;
	int r = 0;

	l->excepts = calloc(l->c->excepts_out.count + 1, sizeof(*l->excepts));
	if (!l->excepts)
		return -ENOMEM;
	for (uint32_t id = 1; !r && id <= l->c->excepts_out.count; id++)
		r = place_excepts(l, id, &offset);
	return r;
}

static void fill_list(const struct layout *l, struct bl_list *list, const struct bl_cand *from,
		      size_t n)
{
	struct bl_cand *cands = (struct bl_cand *)(list + 1);

	list->count = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		cands[i] = from[i];
		cands[i].excepts = l->excepts[from[i].excepts];
		list->access |= cands[i].access;
	}
}

/* Places a list where it is first needed, next to the class that it belongs to. */
static int place_list(struct layout *l, uint32_t id, uint32_t *ret)
{
	size_t n;
	const uint32_t *words = bl_interned(&l->c->lists_out, id, &n);
	int r = 0;

	n = n * sizeof(*words) / sizeof(struct bl_cand);
	if (id && !l->lists[id]) {
		r = bl_image_alloc(l->image, sizeof(struct bl_list) + n * sizeof(struct bl_cand),
				   sizeof(struct bl_list), true, &l->lists[id]);
		if (!r)
			fill_list(l, bl_image_at(l->image, l->lists[id]),
				  (const struct bl_cand *)words, n);
	}
	*ret = l->lists[id];
	return r;
}

static __u16 list_access(const struct layout *l, uint32_t offset)
{
	const struct bl_list *list = offset ? bl_image_at(l->image, offset) : NULL;

	return list ? (__u16)list->access : 0;
}

static int place_class(struct layout *l, uint32_t id)
{
	struct bl_class placed = {};
	struct bl_class_info info;
	size_t n;
	int r;

	memcpy(&info, bl_interned(&l->c->class_infos, id, &n), sizeof(info));
	placed.exe_bits = l->bits[info.bits[BL_KIN_SELF]];
	placed.parent_bits = l->bits[info.bits[BL_KIN_PARENT]];
	placed.ancestor_bits = l->bits[info.bits[BL_KIN_ANCESTOR]];
	placed.untrusted = l->classes[info.untrusted];
	r = place_list(l, info.exec_list, &placed.exec_list);
	if (!r)
		r = place_list(l, info.open_list, &placed.open_list);
	placed.open_access = list_access(l, placed.open_list);
	placed.exec_access = list_access(l, placed.exec_list);
	if (placed.exec_list)
		placed.exec_access |= bl_list_facts(bl_image_at(l->image, 0),
						    bl_image_at(l->image, placed.exec_list));
	if (!r)
		r = bl_image_alloc(l->image, sizeof(placed), sizeof(placed), true, &l->classes[id]);
	if (!r)
		memcpy(bl_image_at(l->image, l->classes[id]), &placed, sizeof(placed));
	return r;
}

static int place_classes(struct layout *l)
{
	struct bl_header *header = &l->c->header;
	int r;

	l->lists = calloc(l->c->lists_out.count + 1, sizeof(*l->lists));
	l->classes = calloc(l->c->class_infos.count + 1, sizeof(*l->classes));
	if (!l->lists || !l->classes)
		return -ENOMEM;
	r = place_all_excepts(l);
	for (uint32_t id = 1; !r && id <= l->c->class_infos.count; id++)
		r = place_class(l, id);
	if (!r)
		r = place_list(l, l->c->open_deep, &header->open_deep);
	if (!r)
		r = place_list(l, l->c->exec_deep, &header->exec_deep);
	if (!r)
		r = place_list(l, l->c->open_lost, &header->open_lost);
	if (!r)
		r = place_list(l, l->c->exec_lost, &header->exec_lost);
	return r ? r : place_list(l, l->c->exec_pseudo, &header->exec_pseudo);
}

/* ---- the DFA ------------------------------------------------------------------------------ */

static void fill_row(const struct layout *l, uint32_t state)
{
	const struct bl_dfa *dfa = &l->c->dfa;
	uint32_t *row = bl_image_at(l->image, l->rows[state]);

	row[0] = l->classes[dfa->outputs[state]];
	if (bl_dfa_is_sink(dfa, state))
		row[0] |= BL_DFA_SINK;
	for (uint32_t letter = 0; letter < dfa->n_classes; letter++)
		row[1 + letter] = l->rows[dfa->next[(size_t)state * dfa->n_classes + letter]];
}

/*
 * The dead state has a row as well, without a class and going nowhere: so a block of bytes is
 * walked to its end without a look at whether the state is 0. It is the first one.
 */
static int place_rows(struct layout *l, const uint32_t *order)
{
	const struct bl_dfa *dfa = &l->c->dfa;
	size_t row_bytes = (1 + (size_t)dfa->n_classes) * sizeof(uint32_t);
	size_t per_chunk = BL_CHUNK_BYTES / row_bytes;

	for (size_t i = 0; i < dfa->n_states; i += per_chunk) {
		size_t n = BL_MIN(per_chunk, dfa->n_states - i);
		uint32_t offset;
		int r = bl_image_alloc(l->image, n * row_bytes, BL_CHUNK_BYTES, true, &offset);

		if (r)
			return r;
		for (size_t k = 0; k < n; k++)
			l->rows[i + k ? order[i + k - 1] : 0] = offset + (uint32_t)(k * row_bytes);
	}
	for (uint32_t state = 0; state < dfa->n_states; state++)
		fill_row(l, state);
	return 0;
}

static int place_dfa(struct layout *l)
{
	const struct bl_dfa *dfa = &l->c->dfa;
	size_t per_chunk = BL_CHUNK_BYTES / ((1 + (size_t)dfa->n_classes) * sizeof(uint32_t));
	_cleanup_free_ uint32_t *order = NULL;
	int r;

	if (!dfa->start)
		return 0;
	order = calloc(dfa->n_states, sizeof(*order));
	l->rows = calloc(dfa->n_states, sizeof(*l->rows));
	if (!order || !l->rows)
		return -ENOMEM;
	r = bl_dfa_order(dfa, per_chunk, order);
	if (!r)
		r = place_rows(l, order);
	if (r)
		return r;
	l->c->header.dfa_start = l->rows[dfa->start];
	l->c->header.n_byte_classes = dfa->n_classes;
	memcpy(l->c->header.byte_class, dfa->byte_class, sizeof(dfa->byte_class));
	return 0;
}

/* ---- the trie ----------------------------------------------------------------------------- */

/* Of a trie without any class only the root is kept: the DFA starts there. */
static size_t count_nodes(const struct bl_compiler *c)
{
	for (uint32_t set = 1; set <= c->trie.sets.count; set++)
		if (c->trie_classes[set])
			return c->trie.n_items;
	return c->dfa.start ? BL_TRIE_ROOT + 1 : 0;
}

/* The state that the DFA is in after an item's path, when it was in another after its parent's. */
static uint32_t run_dfa(const struct bl_compiler *c, const struct bl_trie_item *item,
			uint32_t state)
{
	const struct bl_dfa *dfa = &c->dfa;
	const char *name = c->trie.names + item->name;

	for (size_t i = 0; state && i <= item->name_len; i++) {
		uint8_t byte = i ? (uint8_t)name[i - 1] : '/';

		state = dfa->next[(size_t)state * dfa->n_classes + dfa->byte_class[byte]];
	}
	return state;
}

static int fill_nodes(struct layout *l)
{
	const struct bl_compiler *c = l->c;
	struct bl_trie_node *nodes = bl_image_at(l->image, c->header.nodes);
	_cleanup_free_ uint32_t *states = calloc(c->header.n_nodes + 1, sizeof(*states));

	if (!states)
		return -ENOMEM;
	for (uint32_t id = BL_TRIE_ROOT; id < c->header.n_nodes; id++) {
		const struct bl_trie_item *item = &c->trie.items[id];

		states[id] = id == BL_TRIE_ROOT ? c->dfa.start
						: run_dfa(c, item, states[item->parent]);
		nodes[id] = (struct bl_trie_node){
			.term = l->classes[c->trie_classes[c->trie.term[id]]],
			.below = l->classes[c->trie_classes[c->trie.under[id]]],
			.dfa = states[id] ? l->rows[states[id]] : 0,
		};
	}
	return 0;
}

static int place_nodes(struct layout *l)
{
	struct bl_header *header = &l->c->header;

	header->n_nodes = (uint32_t)count_nodes(l->c);
	if (!header->n_nodes)
		return 0;
	return bl_image_alloc(l->image, header->n_nodes * sizeof(struct bl_trie_node),
			      sizeof(struct bl_trie_node), false, &header->nodes);
}

static int make_trie_entries(struct layout *l)
{
	const struct bl_trie *trie = &l->c->trie;
	int r = 0;

	for (uint32_t id = BL_TRIE_ROOT + 1; !r && id < l->c->header.n_nodes; id++) {
		const struct bl_trie_item *item = &trie->items[id];

		r = bl_entries_add(&l->trie,
				   bl_hash_edge(&l->c->header, item->parent,
						trie->names + item->name, item->name_len),
				   trie->items[id].inner ? id : id | BL_TRIE_LEAF);
	}
	return r;
}

/* ---- connections -------------------------------------------------------------------------- */

static int place_addr(struct layout *l, uint32_t set)
{
	const struct bl_addr_info *info = &l->c->addrs[set];
	struct bl_addr_class addr = { .id = set, .by_port = info->by_port };
	struct bl_prefix prefix = {};
	int r = place_list(l, info->list, &addr.list);

	if (!r && (addr.list || addr.by_port)) {
		r = bl_image_alloc(l->image, sizeof(addr), sizeof(addr), true, &prefix.best);
		if (!r)
			memcpy(bl_image_at(l->image, prefix.best), &addr, sizeof(addr));
	}
	if (!r)
		r = bl_image_alloc(l->image, sizeof(prefix), sizeof(prefix), true,
				   &l->prefixes[set]);
	if (!r)
		memcpy(bl_image_at(l->image, l->prefixes[set]), &prefix, sizeof(prefix));
	return r;
}

static int place_addrs(struct layout *l)
{
	int r = 0;

	l->prefixes = calloc(l->c->addr_sets.count + 1, sizeof(*l->prefixes));
	if (!l->prefixes)
		return -ENOMEM;
	if (!l->c->addr_sets.count)
		return 0;
	r = bl_image_alloc(l->image, sizeof(struct bl_prefix), sizeof(struct bl_prefix), true,
			   &l->prefixes[0]);
	if (!r)
		r = bl_image_alloc(l->image, sizeof(struct bl_list), sizeof(struct bl_list), true,
				   &l->empty_list);
	for (uint32_t set = 1; !r && set <= l->c->addr_sets.count; set++)
		r = place_addr(l, set);
	return r;
}

static int place_port_classes(struct layout *l)
{
	uint32_t bytes = BL_PORTS * sizeof(uint16_t);
	int r = 0;

	if (l->c->port_sets.count)
		r = bl_image_alloc(l->image, bytes, BL_CHUNK_BYTES, false,
				   &l->c->header.port_classes);
	if (l->c->header.port_classes)
		memcpy(bl_image_at(l->image, l->c->header.port_classes), l->c->ports.classes,
		       bytes);
	return r;
}

static int place_port_lists(struct layout *l)
{
	struct bl_header *header = &l->c->header;
	uint32_t n = l->c->ports.n_classes, *lists;
	int r = 0;

	header->n_port_classes = n;
	for (uint32_t port_class = 0; !r && port_class < n; port_class++) {
		uint32_t offset;

		r = place_list(l, l->c->port_lists[port_class], &offset);
	}
	if (!r)
		r = bl_image_alloc(l->image, n * sizeof(*lists), sizeof(*lists), false,
				   &header->port_lists);
	if (r)
		return r;
	lists = bl_image_at(l->image, header->port_lists);
	for (uint32_t port_class = 0; port_class < n; port_class++)
		lists[port_class] = l->lists[l->c->port_lists[port_class]];
	return 0;
}

static int place_port_entry_lists(struct layout *l)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->c->n_port_entries; i++) {
		uint32_t offset;

		r = place_list(l, l->c->port_entries[i].list, &offset);
	}
	return r;
}

static int place_family_lists(struct layout *l)
{
	uint32_t lists[BL_FAMILIES] = {};
	int r = 0;

	if (!(l->c->header.ops & BL_OPS_FAMILY))
		return 0;
	for (uint32_t family = 0; !r && family < BL_FAMILIES; family++)
		r = place_list(l, l->c->family_lists[family], &lists[family]);
	if (!r)
		r = bl_image_alloc(l->image, sizeof(lists), sizeof(lists), true,
				   &l->c->header.family_lists);
	if (!r)
		memcpy(bl_image_at(l->image, l->c->header.family_lists), lists, sizeof(lists));
	return r;
}

static int place_connects(struct layout *l)
{
	int r;

	if (!(l->c->header.ops & 1 << BL_OP_CONNECT))
		return 0;
	r = place_addrs(l);
	if (!r)
		r = place_port_entry_lists(l);
	if (!r)
		r = place_port_lists(l);
	return r ? r : place_family_lists(l);
}

static int make_port_entries(struct layout *l)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->c->n_port_entries; i++) {
		const struct bl_port_entry *entry = &l->c->port_entries[i];
		uint32_t list = l->lists[entry->list];

		r = bl_entries_add(&l->ports,
				   bl_fp_port(&l->c->header, entry->addr_class, entry->port_class),
				   list ? list : l->empty_list);
	}
	return r;
}

static int make_addr_entries(struct layout *l, const struct bl_prefixes *prefixes, int v6)
{
	int r = 0;

	for (size_t i = 0; !r && i < prefixes->count; i++) {
		const struct bl_prefix_item *item = &prefixes->items[i];
		struct bl_prefix_key key;

		memcpy(&key, item->addr, sizeof(key));
		r = bl_entries_add(&l->addrs, bl_fp_prefix(&l->c->header, &key, item->len, v6),
				   l->prefixes[item->set]);
	}
	return r;
}

static void copy_lens(struct bl_lens *lens, const struct bl_prefixes *prefixes)
{
	lens->n = prefixes->n_lens;
	memcpy(lens->len, prefixes->lens, prefixes->n_lens);
}

/* ---- hash tables -------------------------------------------------------------------------- */

static int place_table(struct layout *l, const struct bl_entries *entries, struct bl_hash *ret)
{
	_cleanup_free_ struct bl_bucket *buckets = NULL;
	struct bl_hash hash = {};
	size_t bytes;
	int r;

	*ret = hash;
	if (!entries->count)
		return 0;
	r = bl_cuckoo_build(entries, &buckets, &hash.mask);
	if (r)
		return r;
	bytes = ((size_t)hash.mask + 1) * sizeof(*buckets);
	r = bl_image_alloc(l->image, bytes, sizeof(*buckets), false, &hash.offset);
	if (r)
		return r;
	memcpy(bl_image_at(l->image, hash.offset), buckets, bytes);
	*ret = hash;
	return 0;
}

static int make_entries(struct layout *l)
{
	int r = 0;

	l->trie.count = l->addrs.count = l->ports.count = 0;
	r = make_trie_entries(l);
	if (!r)
		r = make_addr_entries(l, &l->c->v4, 0);
	if (!r)
		r = make_addr_entries(l, &l->c->v6, 1);
	return r ? r : make_port_entries(l);
}

/*
 * Two keys with one fingerprint are next to impossible (2^-64 for each pair) unless somebody
 * knows the key; another key then tells them apart.
 */
static int place_tables(struct layout *l)
{
	struct bl_header *header = &l->c->header;
	size_t start = l->image->len;
	int r = -EEXIST;

	for (int i = 0; i < REKEYS_MAX && r == -EEXIST; i++) {
		if (i) {
			bl_key_next((uint64_t(*)[BL_HASH_WORDS])header->key);
			memset(l->image->bytes + start, 0, l->image->len - start);
			l->image->len = start;
		}
		r = make_entries(l);
		if (!r)
			r = place_table(l, &l->trie, &header->trie);
		if (!r)
			r = place_table(l, &l->addrs, &header->addrs);
		if (!r)
			r = place_table(l, &l->ports, &header->ports);
	}
	return r == -EEXIST ? -E2BIG : r;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void fill_header(struct layout *l)
{
	struct bl_header *header = &l->c->header;

	header->magic = BL_TABLES_MAGIC;
	header->abi = BL_ABI_VERSION;
	header->generation = 1;
	header->bytes = (uint32_t)l->image->len;
	copy_lens(&header->v4, &l->c->v4);
	copy_lens(&header->v6, &l->c->v6);
	memcpy(header->digest, l->c->digest, sizeof(header->digest));
	memcpy(l->image->bytes, header, sizeof(*header));
}

static void fill_stats(const struct bl_compiler *c, struct bl_tables *tables)
{
	tables->stats.trie_nodes = c->header.n_nodes;
	tables->stats.dfa_states = c->header.dfa_start ? c->dfa.n_states : 0;
	tables->stats.byte_classes = c->header.n_byte_classes;
	tables->stats.classes = (uint32_t)c->class_infos.count;
	tables->stats.lists = (uint32_t)c->lists_out.count;
	tables->stats.conds = (uint32_t)bl_subjects_count(&c->subjects);
	tables->stats.prefixes = (uint32_t)(c->v4.count + c->v6.count);
}

/* What every cold decision looks up comes first: of a small policy it is all in the first chunk. */
int bl_compile_layout(struct bl_compiler *c, struct bl_tables *tables)
{
	_cleanup_(layout_clear) struct layout l = { .c = c, .image = &c->image };
	uint32_t at;
	int r = bl_image_alloc(l.image, sizeof(struct bl_header), 64, true, &at);

	if (!r)
		r = bl_compile_subjects(c, &l.bits);
	if (!r)
		r = place_classes(&l);
	if (!r)
		r = place_nodes(&l);
	if (!r)
		r = place_connects(&l);
	if (!r)
		r = place_tables(&l);
	if (!r)
		r = place_dfa(&l);
	if (!r)
		r = place_port_classes(&l);
	if (!r)
		r = fill_nodes(&l);
	if (!r)
		r = bl_image_finish(l.image);
	if (r)
		return r;
	fill_header(&l);
	fill_stats(c, tables);
	tables->bytes = TAKE_PTR(c->image.bytes);
	tables->len = c->image.len;
	return 0;
}
