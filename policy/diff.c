/* SPDX-License-Identifier: Apache-2.0 */
/* Compares two compiled sets: each object that they tell apart, for each subject that they tell apart. */
#include "diff.h"

#include <errno.h>
#include <string.h>

#include "differ.h"
#include "hash.h"

#define BUDGET	 ((size_t)8 << 30) /* words that all searches may look at */
#define WINS_MAX 16		   /* differences that are looked for by one candidate */

#define QUESTIONS_OPEN	  (BL_ACCESS_ANY | BL_ACCESS_MOVE)
#define QUESTIONS_SOCKET  BL_ACCESS_CONNECT
#define QUESTIONS_EXEC	  BL_ACCESS_EXEC
#define QUESTIONS_PROGRAM (BL_ACCESS_EXEC | BL_ACCESS_TRACE)
#define QUESTIONS_IP	  (BL_PROTO_ANY & ~BL_PROTO_RAW)

/* ---- the tables bear the outline out ------------------------------------------------------ */

static size_t count_filled(const struct bl_side *side, const struct bl_hash *hash)
{
	size_t n = 0;

	for (uint32_t i = 0; hash->offset && i <= hash->mask; i++) {
		const struct bl_bucket *bucket = bl_at(
			&side->m, hash->offset + i * (uint32_t)sizeof(*bucket), struct bl_bucket);

		for (int slot = 0; slot < BL_BUCKET_SLOTS; slot++)
			n += bucket->fp[slot] != 0;
	}
	return n;
}

/* Every edge of the tables is one that the outline names, so no name is left out. */
static bool check_trie(const struct bl_side *side)
{
	const struct bl_trie *trie = &side->outline->trie;
	size_t n = BL_MIN((size_t)side->header->n_nodes, trie->n_items);

	for (uint32_t id = BL_TRIE_ROOT + 1; id < n; id++) {
		const struct bl_trie_item *item = &trie->items[id];
		uint64_t fp = bl_hash_edge(side->header, item->parent, trie->names + item->name,
					   item->name_len);

		if ((bl_hash_find(&side->m, &side->header->trie, fp) & BL_TRIE_NODE) != id)
			return false;
	}
	return count_filled(side, &side->header->trie) == (n > BL_TRIE_ROOT ? n - 2 : 0);
}

static bool check_prefixes(const struct bl_side *side, const struct bl_prefixes *prefixes, int v6)
{
	for (size_t i = 0; i < prefixes->count; i++) {
		const struct bl_prefix_item *item = &prefixes->items[i];
		struct bl_prefix_key key = {};
		uint64_t fp;

		memcpy(&key, item->addr, v6 ? 16 : 4);
		fp = bl_fp_prefix(side->header, &key, item->len, v6);
		if (!bl_hash_find(&side->m, &side->header->addrs, fp))
			return false;
	}
	return true;
}

static bool check_outline(const struct bl_side *side)
{
	const struct bl_outline *outline = side->outline;

	return check_trie(side) && check_prefixes(side, &outline->v4, 0) &&
	       check_prefixes(side, &outline->v6, 1) &&
	       count_filled(side, &side->header->addrs) == outline->v4.count + outline->v6.count;
}

/* ---- lists -------------------------------------------------------------------------------- */

static int join_lists(struct bl_differ *d, const struct bl_diff_object *object, unsigned int side,
		      unsigned int question, uint32_t *ret)
{
	int r = 0;

	*ret = 0;
	for (size_t i = 0; !r && i < BL_ARRAY_SIZE(object->lists[side]); i++) {
		uint32_t list;

		r = bl_plain_list(&d->plain, side, object->lists[side][i], object->exec, question,
				  &list);
		if (!r)
			r = bl_plain_join(&d->plain, *ret, list, ret);
	}
	return r;
}

static bool has_number(const struct bl_plain *plain, uint32_t list, uint32_t number)
{
	size_t n;
	const uint32_t *numbers = bl_interned(&plain->lists, list, &n);
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && numbers[low] == number;
}

/* ---- searching ---------------------------------------------------------------------------- */

/* Two lists of candidates, and for each what must not hold of the other side. */
struct pair {
	uint32_t wanted[BL_SIDES];
	uint32_t others[BL_SIDES];
	uint32_t facts;
	uint32_t question;
};

/* How often a candidate has been found to differ for a question; NULL: memory is short. */
static uint32_t *win_count(struct bl_differ *d, uint32_t cand, uint32_t question)
{
	const uint32_t key[] = { cand, question };
	size_t known = d->wins.count;
	uint32_t number;

	if (bl_intern(&d->wins, key, BL_ARRAY_SIZE(key), &number) < 0 ||
	    bl_grow(&d->win_counts, &d->wins_capacity, number, sizeof(*d->win_counts)) < 0)
		return NULL;
	if (number > known)
		d->win_counts[number - 1] = 0;
	return &d->win_counts[number - 1];
}

static int add_point(struct bl_differ *d, const struct bl_point *point)
{
	int r = bl_grow(&d->points, &d->points_capacity, d->n_points + 1, sizeof(*point));

	if (!r)
		d->points[d->n_points++] = *point;
	return r;
}

/* Somebody for whom a candidate of one side is stricter than all of the other. */
static int search_cand(struct bl_differ *d, const struct pair *pair, int side, uint32_t cand)
{
	const struct bl_search_for what = { .wanted = cand,
					    .own = pair->wanted[side],
					    .others = pair->others[!side],
					    .facts = pair->facts,
					    .budget = &d->budget };
	uint32_t *wins = win_count(d, cand, pair->question);
	struct bl_point point = {};
	int r;

	if (!wins)
		return -ENOMEM;
	if (*wins >= WINS_MAX)
		return 0;
	r = bl_search(&d->plain, &what, &point);
	if (r == -E2BIG) {
		d->ret->undecided++;
		return 0;
	}
	if (r <= 0)
		return r;
	++*wins;
	return add_point(d, &point);
}

static int search_side(struct bl_differ *d, const struct pair *pair, int side)
{
	_cleanup_free_ uint32_t *cands = NULL;
	size_t n;
	const uint32_t *list = bl_interned(&d->plain.lists, pair->wanted[side], &n);
	int r = 0;

	cands = calloc(n + 1, sizeof(*cands));
	if (!cands)
		return -ENOMEM;
	if (n)
		memcpy(cands, list, n * sizeof(*cands));
	for (size_t i = 0; !r && i < n; i++)
		if (!has_number(&d->plain, pair->others[!side], cands[i]))
			r = search_cand(d, pair, side, cands[i]);
	return r;
}

/* What was found before for the same lists is found again. */
static int search(struct bl_differ *d, const struct pair *pair, struct bl_result *ret)
{
	size_t known = d->searched.count;
	struct bl_result result = { .first = d->n_points };
	uint32_t number;
	int r = bl_intern(&d->searched, (const uint32_t *)pair, sizeof(*pair) / 4, &number);

	if (r)
		return r;
	if (number <= known) {
		*ret = d->results[number - 1];
		return 0;
	}
	for (int side = 0; !r && side < BL_SIDES; side++)
		r = search_side(d, pair, side);
	result.n = d->n_points - result.first;
	if (!r)
		r = bl_grow(&d->results, &d->results_capacity, number, sizeof(result));
	if (r)
		return r;
	d->results[number - 1] = *ret = result;
	return 0;
}

static int report_all(struct bl_differ *d, const struct bl_diff_object *object,
		      const struct bl_result *result, unsigned int question, uint8_t protocol)
{
	int r = 0;

	for (size_t i = 0; !r && i < result->n; i++) {
		struct bl_point point = d->points[result->first + i];

		r = bl_differ_report(d, object, &point, question, protocol);
	}
	return r;
}

/*
 * An access that asks by several bits is decided by the strictest of what each of them comes to, so that
 * where no bit alone differs, none do together.
 */
static int compare(struct bl_differ *d, const struct bl_diff_object *object, unsigned int question)
{
	struct pair pair = { .facts = object->exec ? object->facts : 0, .question = question };
	struct bl_result result;
	int r = 0;

	for (unsigned int side = 0; !r && side < BL_SIDES; side++)
		r = join_lists(d, object, side, question, &pair.wanted[side]);
	if (r || pair.wanted[BL_OLD] == pair.wanted[BL_NEW])
		return r;
	memcpy(pair.others, pair.wanted, sizeof(pair.others));
	r = search(d, &pair, &result);
	return r ? r : report_all(d, object, &result, question, 0);
}

/* A raw socket asks by the bit of its protocol as well: what that comes to must not hide the difference. */
static int compare_raw(struct bl_differ *d, const struct bl_diff_object *object,
		       unsigned int protocol)
{
	struct pair pair = { .question = BL_QUESTION_RAW };
	struct bl_result result;
	int r = 0;

	for (unsigned int side = 0; !r && side < BL_SIDES; side++) {
		uint32_t own;

		r = join_lists(d, object, side, BL_QUESTION_RAW, &pair.wanted[side]);
		if (!r)
			r = join_lists(d, object, side, protocol, &own);
		if (!r)
			r = bl_plain_join(&d->plain, pair.wanted[side], own, &pair.others[side]);
	}
	if (r || pair.wanted[BL_OLD] == pair.wanted[BL_NEW])
		return r;
	r = search(d, &pair, &result);
	return r ? r : report_all(d, object, &result, BL_QUESTION_RAW, (uint8_t)(1u << protocol));
}

static int compare_mask(struct bl_differ *d, const struct bl_diff_object *object, uint8_t questions)
{
	int r = 0;

	for (unsigned int question = 0; !r && question < _BL_QUESTION_MAX; question++)
		if (questions >> question & 1)
			r = compare(d, object, question);
	return r;
}

/* ---- objects ------------------------------------------------------------------------------ */

static const struct bl_class *class_at(const struct bl_side *side, uint32_t offset)
{
	return offset ? bl_at(&side->m, offset, struct bl_class) : NULL;
}

/* *untrusted: of the file of that name in somebody's own file system; reset where that is the same. */
static struct bl_diff_object name_object(const struct bl_differ *d, const struct bl_names *names,
					 uint32_t number, enum bl_op op, bool *untrusted)
{
	struct bl_name_class class = bl_names_class(names, number);
	struct bl_diff_object object = { .op = op,
					 .exec = op == BL_OP_EXEC,
					 .kind = op == BL_OP_CONNECT ? BL_WITNESS_SOCKET
								     : BL_WITNESS_PATH,
					 .facts = d->space.paths,
					 .names = names,
					 .name = number };
	bool differs = false;

	for (int side = 0; side < BL_SIDES; side++) {
		const uint32_t offsets[] = { class.trie[side], class.dfa[side] };

		for (size_t i = 0; i < BL_ARRAY_SIZE(offsets); i++) {
			const struct bl_class *found = class_at(&d->sides[side], offsets[i]);

			if (found && *untrusted && found->untrusted) {
				found = class_at(&d->sides[side], found->untrusted);
				differs = true;
			}
			if (found)
				object.lists[side][i] = op == BL_OP_EXEC ? found->exec_list
									 : found->open_list;
		}
	}
	*untrusted = object.untrusted = differs;
	return object;
}

static int compare_name(struct bl_differ *d, const struct bl_names *names, uint32_t number,
			enum bl_op op, uint8_t questions)
{
	bool untrusted = false;
	struct bl_diff_object object = name_object(d, names, number, op, &untrusted);
	int r = compare_mask(d, &object, questions);

	untrusted = names->kind == BL_NAMES_PATHS;
	if (r || !untrusted)
		return r;
	object = name_object(d, names, number, op, &untrusted);
	return untrusted ? compare_mask(d, &object, questions) : 0;
}

static int compare_names(struct bl_differ *d)
{
	static const struct {
		enum bl_op op;
		uint8_t questions;
	} ways[] = {
		{ BL_OP_EXEC, QUESTIONS_PROGRAM },
		{ BL_OP_OPEN, QUESTIONS_OPEN },
		{ BL_OP_CONNECT, QUESTIONS_SOCKET },
	};
	int r = 0;

	for (size_t way = 0; way < BL_ARRAY_SIZE(ways); way++)
		for (uint32_t number = 1; !r && number <= d->paths.classes.count; number++)
			r = compare_name(d, &d->paths, number, ways[way].op, ways[way].questions);
	for (uint32_t number = 1; !r && number <= d->sockets.classes.count; number++)
		r = compare_name(d, &d->sockets, number, BL_OP_CONNECT, QUESTIONS_SOCKET);
	return r;
}

/* Objects that have one list for all of them. */
static int compare_unnamed(struct bl_differ *d)
{
	const struct {
		enum bl_op op;
		enum bl_witness_kind kind;
		size_t list; /* where it is in the header */
		uint8_t questions;
		uint32_t facts;
	} ways[] = {
#define LIST(name) offsetof(struct bl_header, name)
		{ BL_OP_EXEC, BL_WITNESS_MEMFD, LIST(exec_pseudo), QUESTIONS_EXEC,
		  d->space.memfds },
		{ BL_OP_EXEC, BL_WITNESS_DEEP, LIST(exec_deep), QUESTIONS_EXEC, d->space.paths },
		{ BL_OP_EXEC, BL_WITNESS_LOST, LIST(exec_lost), QUESTIONS_EXEC, d->space.paths },
		{ BL_OP_OPEN, BL_WITNESS_DEEP, LIST(open_deep), QUESTIONS_OPEN, 0 },
		{ BL_OP_OPEN, BL_WITNESS_LOST, LIST(open_lost), QUESTIONS_OPEN, 0 },
		{ BL_OP_CONNECT, BL_WITNESS_DEEP, LIST(open_deep), QUESTIONS_SOCKET, 0 },
		{ BL_OP_CONNECT, BL_WITNESS_LOST, LIST(open_lost), QUESTIONS_SOCKET, 0 },
#undef LIST
	};
	int r = 0;

	for (size_t i = 0; !r && i < BL_ARRAY_SIZE(ways); i++) {
		struct bl_diff_object object = { .op = ways[i].op,
						 .kind = ways[i].kind,
						 .exec = ways[i].op == BL_OP_EXEC,
						 .facts = ways[i].facts };

		for (int side = 0; side < BL_SIDES; side++)
			memcpy(&object.lists[side][0],
			       (const char *)d->sides[side].header + ways[i].list,
			       sizeof(uint32_t));
		r = compare_mask(d, &object, ways[i].questions);
	}
	return r;
}

static int compare_destinations(struct bl_differ *d)
{
	int r = 0;

	for (size_t i = 0; !r && i < d->destinations.count; i++) {
		const struct bl_destination *destination = &d->destinations.items[i];
		struct bl_diff_object object = { .op = BL_OP_CONNECT,
						 .kind = BL_WITNESS_ADDRESS,
						 .destination = destination };

		memcpy(object.lists, destination->lists, sizeof(object.lists));
		r = compare_mask(d, &object, QUESTIONS_IP);
		for (unsigned int protocol = 0; !r && protocol < _BL_QUESTION_MAX; protocol++)
			if (QUESTIONS_IP >> protocol & 1)
				r = compare_raw(d, &object, protocol);
	}
	return r;
}

static int compare_families(struct bl_differ *d)
{
	int r = 0;

	for (uint8_t family = 1; !r && family < BL_FAMILIES; family++) {
		struct bl_diff_object object = { .op = BL_OP_CONNECT,
						 .kind = BL_WITNESS_FAMILY,
						 .family = family };

		if (!(1ull << family & BL_FAMILIES_OTHER))
			continue;
		for (int side = 0; side < BL_SIDES; side++)
			object.lists[side][0] = bl_family_list(&d->sides[side].m, family);
		r = compare_mask(d, &object, BL_PROTO_NONE);
	}
	return r;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void differ_free(struct bl_differ *d)
{
	if (!d)
		return;
	bl_names_clear(&d->paths);
	bl_names_clear(&d->sockets);
	bl_names_clear(&d->args);
	for (size_t i = 0; i < BL_ARRAY_SIZE(d->called); i++)
		bl_names_clear(&d->called[i]);
	bl_space_clear(&d->space);
	bl_plain_clear(&d->plain);
	bl_destinations_clear(&d->destinations);
	bl_interns_clear(&d->searched);
	bl_interns_clear(&d->wins);
	bl_interns_clear(&d->kinds);
	bl_interns_clear(&d->calls);
	free(d->places);
	free(d->results);
	free(d->points);
	free(d->win_counts);
	free(d->kind_items);
	free(d->found);
	free(d->path_facts);
	free(d->socket_facts);
	free(d);
}
BL_DEFINE_CLEANUP(struct bl_differ *, differ_free)

static int make_sides(struct bl_differ *d)
{
	for (int i = 0; i < BL_SIDES; i++) {
		struct bl_side *side = &d->sides[i];

		side->tables = d->input->tables[i];
		side->outline = d->input->outlines[i];
		side->header = (const struct bl_header *)side->tables->bytes;
		side->m = (struct bl_matcher){ .image = side->tables->bytes,
					       .header = side->header,
					       .walk = &side->walk };
		if (!check_outline(side))
			return -EBADMSG;
	}
	return 0;
}

/* What processes are called; nothing is to be told apart where no rule asks. */
static int find_called(struct bl_differ *d)
{
	uint32_t flags = d->sides[BL_OLD].header->flags | d->sides[BL_NEW].header->flags;
	int r = 0;

	for (uint32_t i = 0; !r && i < BL_NAMES_CALLED && flags & BL_TABLES_CGROUPS; i++)
		r = bl_names_find(&d->called[i], BL_NAMES_UNITS + i, d->sides);
	return r;
}

static int find_all(struct bl_differ *d)
{
	int r = bl_names_find(&d->paths, BL_NAMES_PATHS, d->sides);

	if (!r)
		r = bl_names_find(&d->sockets, BL_NAMES_SOCKETS, d->sides);
	if (!r)
		r = bl_names_find(&d->args, BL_NAMES_ARGS, d->sides);
	if (!r)
		r = find_called(d);
	if (!r)
		r = bl_space_make(&d->space, d->sides, &d->paths, &d->args, d->called);
	return r ? r : bl_destinations_find(&d->destinations, d->sides);
}

/* Of what a subject may have none of only those sets are told apart that some condition asks for. */
static size_t count_values(const struct bl_dim *dim)
{
	size_t n = 1;

	if (!dim->none)
		return dim->n;
	for (uint32_t number = 1; number <= dim->sets.count; number++) {
		const uint32_t *set = bl_dim_set(dim, number);
		bool empty = true;

		for (size_t i = 0; empty && i < dim->words; i++)
			empty = !set[i];
		n += !empty;
	}
	return n;
}

static void count_all(struct bl_differ *d)
{
	d->ret->paths = d->paths.classes.count;
	d->ret->sockets = d->sockets.classes.count;
	d->ret->destinations = d->destinations.count;
	d->ret->subjects = 1 + d->space.n_exes;
	for (int dim = BL_DIM_PARENT; dim < _BL_DIM_SUBJECT; dim++)
		d->ret->subjects *= count_values(&d->space.dims[dim]);
}

int bl_diff(const struct bl_diff_input *input, struct bl_diff *ret)
{
	_cleanup_(differ_freep) struct bl_differ *d = calloc(1, sizeof(*d));
	int r;

	ret->arena = bl_arena_new();
	if (!d || !ret->arena)
		return -ENOMEM;
	d->input = input;
	d->ret = ret;
	d->budget = BUDGET;
	d->plain.space = &d->space;
	r = make_sides(d);
	if (!r)
		r = find_all(d);
	if (!r)
		r = compare_names(d);
	if (!r)
		r = compare_destinations(d);
	if (!r)
		r = compare_families(d);
	if (!r)
		r = compare_unnamed(d);
	if (r)
		return r;
	count_all(d);
	return bl_differ_finish(d);
}

void bl_diff_clear(struct bl_diff *diff)
{
	free(diff->items);
	bl_arena_free(diff->arena);
	*diff = (struct bl_diff){};
}
