/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an image before it is loaded, so that the kernel's loops need no checks. */
#include <errno.h>
#include <string.h>

#include "base.h"
#include "compile.h"
#include "image.h"
#include "ports.h"

/* What an offset has been found to be; one byte for each four of the image. */
enum known {
	KNOWN_CLASS = 1 << 0,
	KNOWN_LIST = 1 << 1,
	KNOWN_BITS = 1 << 2,
	KNOWN_ROW = 1 << 3,
	KNOWN_ADDR = 1 << 4,
	KNOWN_EXCEPTS = 1 << 5,
	KNOWN_PREFIX = 1 << 6,
};

struct verifier {
	const uint8_t *bytes;
	size_t len;
	const struct bl_header *header;
	uint8_t *known;
	uint32_t *rows; /* found, but not looked at yet */
	size_t n_rows, rows_capacity;
	uint32_t *untrusted; /* classes of untrusted file systems, likewise */
	size_t n_untrusted, untrusted_capacity;
	const char *what;
	bl_list_fn visit; /* may be NULL */
	void *userdata;
	bool unnamed; /* the lists at hand are of objects without a usable name */
};

static void verifier_clear(struct verifier *v)
{
	free(v->known);
	free(v->rows);
	free(v->untrusted);
}

static int bad(struct verifier *v, const char *what)
{
	v->what = what;
	return -EBADMSG;
}

/* Whether size bytes at an offset are in the image, behind the header, and aligned. */
static bool inside(const struct verifier *v, uint32_t offset, size_t size, size_t align)
{
	return offset >= sizeof(struct bl_header) && !(offset % align) && size <= v->len &&
	       offset <= v->len - size;
}

/* ... and in one chunk. */
static bool within_chunk(const struct verifier *v, uint32_t offset, size_t size, size_t align)
{
	return inside(v, offset, size, align) && offset % BL_CHUNK_BYTES + size <= BL_CHUNK_BYTES;
}

/* Whether an offset was seen before as the same kind of thing; remembers it. */
static bool seen(struct verifier *v, uint32_t offset, enum known kind)
{
	uint8_t *known = &v->known[offset / 4];

	if (*known & kind)
		return true;
	*known |= (uint8_t)kind;
	return false;
}

static const void *at(const struct verifier *v, uint32_t offset)
{
	return v->bytes + offset;
}

/* ---- subjects ----------------------------------------------------------------------------- */

static int check_bits(struct verifier *v, uint32_t offset)
{
	if (!within_chunk(v, offset, v->header->cond_words * sizeof(uint64_t), sizeof(uint64_t)))
		return bad(v, "a bitset is out of place");
	return 0;
}

static int check_ranges(struct verifier *v, const struct bl_ranges *ranges)
{
	const struct bl_range_bits *range;
	int r = 0;

	if (!ranges->count || ranges->count > BL_CHUNK_BYTES / sizeof(*range) ||
	    !within_chunk(v, ranges->offset, ranges->count * sizeof(*range), sizeof(*range)))
		return bad(v, "a table of ranges is out of place");
	range = at(v, ranges->offset);
	if (range[0].first)
		return bad(v, "a table of ranges does not start at 0");
	for (uint32_t i = 0; !r && i < ranges->count; i++) {
		if (i && range[i].first <= range[i - 1].first)
			return bad(v, "a table of ranges is not sorted");
		r = check_bits(v, range[i].bits);
	}
	return r;
}

/* ---- lists and classes -------------------------------------------------------------------- */

static bool cond_valid(const struct verifier *v, uint32_t cond)
{
	return cond < v->header->cond_words * 64;
}

static int check_excepts(struct verifier *v, uint32_t offset)
{
	for (uint32_t i = 0; i < BL_EXCEPTS_MAX; i++, offset += sizeof(struct bl_except)) {
		const struct bl_except *except;

		if (!inside(v, offset, sizeof(*except), sizeof(*except)))
			return bad(v, "an exception is out of place");
		except = at(v, offset);
		if (!cond_valid(v, except->cond) || !except->access ||
		    except->flags & ~(BL_EXCEPT_LAST | BL_EXCEPT_WHOLE))
			return bad(v, "an exception is not valid");
		if (except->flags & BL_EXCEPT_LAST)
			return 0;
	}
	return bad(v, "a rule has too many exceptions");
}

static int check_cand(struct verifier *v, const struct bl_cand *cand)
{
	uint32_t n_args = v->header->n_args;

	if (cand->verdict ? cand->verdict < BL_VERDICT_ALERT || cand->verdict > BL_VERDICT_KILL
			  : !cand->rank || cand->rank > n_args)
		return bad(v, "a candidate is not valid");
	if (!cand->access || !(cond_valid(v, cand->cond) || cand->cond <= n_args))
		return bad(v, "a candidate is not valid");
	if (!cand->excepts ||
	    (inside(v, cand->excepts, 4, 4) && seen(v, cand->excepts, KNOWN_EXCEPTS)))
		return 0;
	return check_excepts(v, cand->excepts);
}

static bool in_order(const struct bl_cand *a, const struct bl_cand *b)
{
	return a->verdict > b->verdict || (a->verdict == b->verdict && a->rank <= b->rank);
}

static int check_cands(struct verifier *v, const struct bl_list *list)
{
	const struct bl_cand *cands = (const struct bl_cand *)(list + 1);
	uint32_t access = 0;
	int r = 0;

	for (uint32_t i = 0; !r && i < list->count; i++) {
		r = check_cand(v, &cands[i]);
		if (!r && i && !in_order(&cands[i - 1], &cands[i]))
			return bad(v, "a list is not in order");
		access |= cands[i].access;
	}
	if (!r && access != list->access)
		return bad(v, "a list has a wrong access mask");
	if (!r && v->visit)
		v->visit(v->userdata, list, v->unnamed);
	return r;
}

/* 0 is allowed: no list. */
static int check_list(struct verifier *v, uint32_t offset)
{
	const struct bl_list *list;

	if (!offset)
		return 0;
	if (!inside(v, offset, sizeof(*list), sizeof(*list)))
		return bad(v, "a list is out of place");
	if (seen(v, offset, KNOWN_LIST))
		return 0;
	list = at(v, offset);
	if (list->count > BL_CANDS_MAX || list->_pad[0] || list->_pad[1] ||
	    !inside(v, offset, sizeof(*list) + list->count * sizeof(struct bl_cand), sizeof(*list)))
		return bad(v, "a list is too long");
	return check_cands(v, list);
}

static uint32_t list_access(const struct verifier *v, uint32_t offset)
{
	const struct bl_list *list = at(v, offset);

	return offset ? list->access : 0;
}

static uint32_t exec_access(const struct verifier *v, uint32_t offset)
{
	return offset ? list_access(v, offset) | bl_list_facts(at(v, 0), at(v, offset)) : 0;
}

/* What takes a class's place on untrusted file systems is looked at when all others have been. */
static int push_untrusted(struct verifier *v, uint32_t offset)
{
	int r;

	if (!offset)
		return 0;
	r = bl_grow(&v->untrusted, &v->untrusted_capacity, v->n_untrusted + 1,
		    sizeof(*v->untrusted));
	if (!r)
		v->untrusted[v->n_untrusted++] = offset;
	return r;
}

/* 0 is allowed: no class. */
static int check_class(struct verifier *v, uint32_t offset)
{
	const struct bl_class *found;
	int r;

	if (!offset)
		return 0;
	if (!inside(v, offset, sizeof(*found), sizeof(*found)))
		return bad(v, "a class is out of place");
	if (seen(v, offset, KNOWN_CLASS))
		return 0;
	found = at(v, offset);
	r = check_list(v, found->exec_list);
	if (!r)
		r = check_list(v, found->open_list);
	if (!r && (found->open_access != list_access(v, found->open_list) ||
		   found->exec_access != exec_access(v, found->exec_list)))
		return bad(v, "a class has a wrong access mask");
	if (!r && found->exe_bits)
		r = check_bits(v, found->exe_bits);
	if (!r && found->parent_bits)
		r = check_bits(v, found->parent_bits);
	if (!r && found->ancestor_bits)
		r = check_bits(v, found->ancestor_bits);
	if (!r && found->_pad)
		return bad(v, "a class is not valid");
	return r ? r : push_untrusted(v, found->untrusted);
}

/* ---- hash tables -------------------------------------------------------------------------- */

typedef int (*check_value_fn)(struct verifier *v, uint32_t value);

static int check_slot(struct verifier *v, const struct bl_bucket *buckets, uint32_t mask,
		      uint32_t index, int slot, check_value_fn check_value)
{
	const struct bl_bucket *bucket = &buckets[index];
	uint64_t fp = bucket->fp[slot];
	uint32_t first = (uint32_t)fp & mask, second = (uint32_t)(fp >> 32) & mask;

	if (!fp)
		return bucket->value[slot] ? bad(v, "an empty slot has a value") : 0;
	if (index != first && index != second)
		return bad(v, "a fingerprint is in the wrong bucket");
	if (index != first && !buckets[first].overflow)
		return bad(v, "a fingerprint can't be found");
	if (!bucket->value[slot])
		return bad(v, "a fingerprint has no value");
	return check_value(v, bucket->value[slot]);
}

static int check_bucket(struct verifier *v, const struct bl_bucket *buckets, uint32_t mask,
			uint32_t index, check_value_fn check_value)
{
	const struct bl_bucket *bucket = &buckets[index];
	int r = 0;

	if (bucket->overflow > 1 || bucket->_pad[0] || bucket->_pad[1] || bucket->_pad[2])
		return bad(v, "a bucket is not valid");
	for (int slot = 0; !r && slot < BL_BUCKET_SLOTS; slot++)
		r = check_slot(v, buckets, mask, index, slot, check_value);
	return r;
}

static int check_hash(struct verifier *v, const struct bl_hash *hash, check_value_fn check_value)
{
	size_t n = (size_t)hash->mask + 1;
	int r = 0;

	if (!hash->offset)
		return hash->mask ? bad(v, "an empty hash table has a mask") : 0;
	if (n & (n - 1) || n > v->len / sizeof(struct bl_bucket) ||
	    !inside(v, hash->offset, n * sizeof(struct bl_bucket), sizeof(struct bl_bucket)))
		return bad(v, "a hash table is out of place");
	for (uint32_t i = 0; !r && i < n; i++)
		r = check_bucket(v, at(v, hash->offset), hash->mask, i, check_value);
	return r;
}

/* ---- the trie ----------------------------------------------------------------------------- */

static int check_node_id(struct verifier *v, uint32_t value)
{
	uint32_t id = value & ~BL_TRIE_LEAF;

	if (id <= BL_TRIE_ROOT || id >= v->header->n_nodes)
		return bad(v, "an edge of the trie leads nowhere");
	return 0;
}

static int check_trie(struct verifier *v)
{
	const struct bl_header *header = v->header;
	const struct bl_trie_node *nodes;
	int r = 0;

	if (!header->nodes) {
		if (header->n_nodes || header->trie.offset)
			return bad(v, "a trie without nodes");
		return 0;
	}
	if (header->n_nodes <= BL_TRIE_ROOT || header->n_nodes > v->len / sizeof(*nodes) ||
	    !inside(v, header->nodes, header->n_nodes * sizeof(*nodes), sizeof(*nodes)))
		return bad(v, "the trie is out of place");
	nodes = at(v, header->nodes);
	for (uint32_t id = 0; !r && id < header->n_nodes; id++) {
		r = check_class(v, nodes[id].term);
		if (!r)
			r = check_class(v, nodes[id].below);
	}
	return r ? r : check_hash(v, &header->trie, check_node_id);
}

/* ---- the DFA ------------------------------------------------------------------------------ */

static int push_row(struct verifier *v, uint32_t offset)
{
	size_t size = (1 + (size_t)v->header->n_byte_classes) * sizeof(uint32_t);
	int r;

	if (!within_chunk(v, offset, size, sizeof(uint32_t)))
		return bad(v, "a row of the DFA is out of place");
	if (seen(v, offset, KNOWN_ROW))
		return 0;
	r = bl_grow(&v->rows, &v->rows_capacity, v->n_rows + 1, sizeof(*v->rows));
	if (!r)
		v->rows[v->n_rows++] = offset;
	return r;
}

static int check_row(struct verifier *v, uint32_t offset)
{
	const uint32_t *row = at(v, offset);
	int r = check_class(v, row[0] & ~BL_DFA_SINK);

	for (uint32_t i = 1; !r && i <= v->header->n_byte_classes; i++) {
		if (row[0] & BL_DFA_SINK && row[i] != offset)
			return bad(v, "a sink of the DFA leads on");
		r = push_row(v, row[i]);
	}
	return r;
}

/* The states that the trie's nodes go on from. */
static int check_starts(struct verifier *v)
{
	const struct bl_header *header = v->header;
	const struct bl_trie_node *nodes = at(v, header->nodes);
	int r = 0;

	if (!header->nodes)
		return header->dfa_start ? bad(v, "a DFA without a root of the trie") : 0;
	if (nodes[BL_TRIE_ROOT].dfa != header->dfa_start)
		return bad(v, "the trie's root is not where the DFA starts");
	for (uint32_t id = BL_TRIE_ROOT; !r && id < header->n_nodes; id++) {
		if (nodes[id]._pad || (nodes[id].dfa && !header->dfa_start))
			return bad(v, "a node of the trie is not valid");
		if (nodes[id].dfa)
			r = push_row(v, nodes[id].dfa);
	}
	return r;
}

static int check_dfa(struct verifier *v)
{
	const struct bl_header *header = v->header;
	int r;

	for (int byte = 0; byte < 256; byte++)
		if (header->byte_class[byte] && header->byte_class[byte] >= header->n_byte_classes)
			return bad(v, "a byte has no class");
	if (!header->dfa_start && header->n_byte_classes)
		return bad(v, "a DFA without a start");
	if (header->dfa_start && (!header->n_byte_classes || header->n_byte_classes > 256))
		return bad(v, "the DFA has a wrong number of byte classes");
	r = check_starts(v);
	while (!r && v->n_rows)
		r = check_row(v, v->rows[--v->n_rows]);
	return r;
}

/* ---- connections -------------------------------------------------------------------------- */

static int check_addr(struct verifier *v, uint32_t offset)
{
	const struct bl_addr_class *addr;

	if (!inside(v, offset, sizeof(*addr), sizeof(*addr)))
		return bad(v, "an address class is out of place");
	if (seen(v, offset, KNOWN_ADDR))
		return 0;
	addr = at(v, offset);
	if (addr->by_port > 1 || addr->_pad)
		return bad(v, "an address class is not valid");
	return check_list(v, addr->list);
}

static int check_prefix(struct verifier *v, uint32_t offset)
{
	const struct bl_prefix *prefix;

	if (!inside(v, offset, sizeof(*prefix), sizeof(*prefix)))
		return bad(v, "an address is out of place");
	if (seen(v, offset, KNOWN_PREFIX))
		return 0;
	prefix = at(v, offset);
	if (prefix->_pad)
		return bad(v, "an address is not valid");
	return prefix->best ? check_addr(v, prefix->best) : 0;
}

static int check_lens(struct verifier *v, const struct bl_lens *lens, unsigned int longest)
{
	if (lens->n > BL_PREFIX_LENS_MAX)
		return bad(v, "too many prefix lengths");
	for (uint32_t i = 0; i < BL_PREFIX_LENS_MAX; i++) {
		if (i >= lens->n ? lens->len[i] != 0 : lens->len[i] > longest)
			return bad(v, "a prefix length is not valid");
		if (i && i < lens->n && lens->len[i] <= lens->len[i - 1])
			return bad(v, "the prefix lengths are not sorted");
	}
	return 0;
}

static int check_port_classes(struct verifier *v)
{
	const struct bl_header *header = v->header;
	const uint16_t *classes;

	if (!header->port_classes)
		return 0;
	if (!inside(v, header->port_classes, BL_PORTS * sizeof(*classes), BL_CHUNK_BYTES))
		return bad(v, "the port classes are out of place");
	classes = at(v, header->port_classes);
	for (uint32_t port = 0; port < BL_PORTS; port++)
		if (classes[port] >= header->n_port_classes)
			return bad(v, "a port has no class");
	return 0;
}

static int check_port_lists(struct verifier *v)
{
	const struct bl_header *header = v->header;
	const uint32_t *lists;
	int r = 0;

	if (!header->port_lists)
		return header->n_port_classes ? bad(v, "port classes without lists") : 0;
	if (!header->n_port_classes || header->n_port_classes > BL_PORTS ||
	    !inside(v, header->port_lists, header->n_port_classes * sizeof(*lists), sizeof(*lists)))
		return bad(v, "the lists of ports are out of place");
	lists = at(v, header->port_lists);
	for (uint32_t i = 0; !r && i < header->n_port_classes; i++)
		r = check_list(v, lists[i]);
	return r;
}

static int check_family_lists(struct verifier *v)
{
	const uint32_t *lists;
	int r = 0;

	if (!v->header->family_lists)
		return 0;
	if (!within_chunk(v, v->header->family_lists, BL_FAMILIES * sizeof(*lists), sizeof(*lists)))
		return bad(v, "the lists of families are out of place");
	lists = at(v, v->header->family_lists);
	for (uint32_t i = 0; !r && i < BL_FAMILIES; i++)
		r = check_list(v, lists[i]);
	return r;
}

static int check_connects(struct verifier *v)
{
	const struct bl_header *header = v->header;
	int r = check_lens(v, &header->v4, 32);

	if (!r)
		r = check_lens(v, &header->v6, 128);
	if (!r)
		r = check_hash(v, &header->addrs, check_prefix);
	if (!r)
		r = check_hash(v, &header->ports, check_list);
	if (!r)
		r = check_port_lists(v);
	if (!r)
		r = check_family_lists(v);
	return r ? r : check_port_classes(v);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int check_header(struct verifier *v)
{
	const struct bl_header *header = v->header;
	uint32_t flags = BL_TABLES_SUBJECTS | BL_TABLES_GIDS | BL_TABLES_EXES | BL_TABLES_DENIES |
			 BL_TABLES_LOGINS | BL_TABLES_CAPS | BL_TABLES_CGROUPS | BL_TABLES_DESCENT;
	uint32_t ops = 1 << BL_OP_EXEC | 1 << BL_OP_OPEN | 1 << BL_OP_CONNECT | BL_OPS_IP |
		       BL_OPS_FAMILY | BL_OPS_UNIX | BL_OPS_ARGS | BL_OPS_TRACE;

	if (header->magic != BL_TABLES_MAGIC)
		return bad(v, "no image of tables");
	if (header->abi != BL_ABI_VERSION)
		return bad(v, "the image is of another version");
	if (header->bytes != v->len)
		return bad(v, "the image is cut off");
	if (!header->generation)
		return bad(v, "the image has no generation");
	if (header->flags & ~flags || header->ops & ~ops || header->n_args > BL_ARGS_RULES_MAX ||
	    header->accesses & ~(BL_ACCESS_ANY | BL_ACCESS_CONNECT))
		return bad(v, "the image has unknown flags");
	if (!header->cond_words || header->cond_words > BL_COND_WORDS)
		return bad(v, "the image has a wrong number of conditions");
	return 0;
}

static int check_subjects(struct verifier *v)
{
	const struct bl_header *header = v->header;
	const uint32_t bits[] = {
		header->exe_any,      header->exe_grant,    header->parent.any,
		header->parent.grant, header->ancestor.any, header->ancestor.grant
	};
	int r = 0;

	for (size_t i = 0; !r && i < BL_ARRAY_SIZE(bits); i++)
		r = check_bits(v, bits[i]);
	if (!r)
		r = check_ranges(v, &v->header->uids);
	if (!r)
		r = check_ranges(v, &v->header->gids);
	if (!r)
		r = check_ranges(v, &v->header->logins);
	if (!r)
		r = check_ranges(v, &v->header->caps);
	for (uint32_t name = 1; !r && name < _BL_NAME_MAX; name++)
		r = check_bits(v, v->header->names_any[name]);
	if (!r && v->header->names_any[0])
		return bad(v, "a name of no kind");
	return r ? r : check_bits(v, v->header->names_grant);
}

/* Where nothing takes its own place. */
static int check_untrusted(struct verifier *v, uint32_t offset)
{
	const struct bl_class *found;

	if (!inside(v, offset, sizeof(*found), sizeof(*found)))
		return bad(v, "a class is out of place");
	found = at(v, offset);
	if (found->untrusted)
		return bad(v, "a class of untrusted file systems has another one");
	return check_class(v, offset);
}

/* Last, so that a list which objects with names have as well is known as one of these. */
static int check_unnamed(struct verifier *v)
{
	int r = check_list(v, v->header->exec_pseudo);

	v->unnamed = true;
	for (size_t i = 0; !r && i < v->n_untrusted; i++)
		r = check_untrusted(v, v->untrusted[i]);
	if (!r)
		r = check_list(v, v->header->open_deep);
	if (!r)
		r = check_list(v, v->header->exec_deep);
	if (!r)
		r = check_list(v, v->header->open_lost);
	return r ? r : check_list(v, v->header->exec_lost);
}

static int check_all(struct verifier *v)
{
	int r = check_header(v);

	if (!r)
		r = check_subjects(v);
	if (!r)
		r = check_trie(v);
	if (!r)
		r = check_dfa(v);
	if (!r)
		r = check_connects(v);
	return r ? r : check_unnamed(v);
}

static int verify(const uint8_t *bytes, size_t len, bl_list_fn visit, void *userdata,
		  const char **reterr_what)
{
	_cleanup_(verifier_clear) struct verifier v = {
		.bytes = bytes, .len = len, .visit = visit, .userdata = userdata
	};
	int r;

	if (!bytes || len < BL_CHUNK_BYTES || len > BL_IMAGE_BYTES_MAX || len % BL_CHUNK_BYTES ||
	    (uintptr_t)bytes % sizeof(uint64_t)) {
		*reterr_what = "not a whole number of chunks";
		return -EBADMSG;
	}
	v.header = (const struct bl_header *)bytes;
	v.known = calloc(len / 4, 1);
	if (!v.known)
		return -ENOMEM;
	r = check_all(&v);
	if (r == -EBADMSG)
		*reterr_what = v.what;
	return r;
}

int bl_tables_verify(const uint8_t *bytes, size_t len, const char **reterr_what)
{
	return verify(bytes, len, NULL, NULL, reterr_what);
}

int bl_tables_each_list(const struct bl_tables *tables, bl_list_fn visit, void *userdata)
{
	const char *what;

	return verify(tables->bytes, tables->len, visit, userdata, &what);
}
