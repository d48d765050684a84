/* SPDX-License-Identifier: Apache-2.0 */
/* Differences: decided once more by the kernel's own logic, gathered by what decides, and named. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "args.h"
#include "differ.h"

#define TESTED_PATH_BYTES 4095 /* what a test may have */
#define SAMPLES_MAX	  64   /* of a class that are looked at for one that is a file's own name */
#define SUN_PATH_BYTES	  108  /* of a socket's name; unix(7) */
#define DEEP_COMPONENTS	  (BL_DEPTH_MAX + 1)

/* ---- deciding ----------------------------------------------------------------------------- */

/* The conditions that hold at a point, as for a process of the kernel's. */
static void subject_bits(const struct bl_differ *d, int side, const struct bl_point *point,
			 uint64_t *bits)
{
	size_t words = d->sides[side].header->cond_words;

	memset(bits, 0xff, words * sizeof(*bits));
	for (int dim = 0; dim < _BL_DIM_SUBJECT; dim++) {
		uint64_t any[BL_COND_WORDS] = {};

		if (d->space.dims[dim].always[side])
			memcpy(any, d->space.dims[dim].always[side], words * sizeof(*any));
		for (size_t k = 0; k < point->n[bl_dim_base(dim)]; k++)
			for (size_t i = 0; i < words; i++)
				any[i] |= bl_dim_bits(&d->space, &d->space.dims[dim], side,
						      point->value[bl_dim_base(dim)][k])[i];
		for (size_t i = 0; i < words; i++)
			bits[i] &= any[i];
	}
}

static void decide_args(const struct bl_differ *d, int side, const struct bl_point *point,
			struct bl_matcher *m)
{
	if (!m->walk->n_pending || m->walk->verdict >= BL_VERDICT_DENY)
		return;
	m->bits = m->walk->pending;
	m->walk->access = BL_ACCESS_EXEC;
	for (size_t i = 0; i < point->n[BL_DIM_ARGS]; i++) {
		struct bl_name_class class =
			bl_names_class(&d->args, point->value[BL_DIM_ARGS][i] + 1);
		uint32_t offset = class.dfa[side];

		if (offset)
			bl_list_search(m, bl_at(m, offset, struct bl_class)->exec_list);
	}
}

static struct bl_decided decide(struct bl_differ *d, int side, const struct bl_diff_object *object,
				const struct bl_point *point, uint8_t access)
{
	struct bl_matcher m = d->sides[side].m;
	__u64 bits[BL_COND_WORDS];

	subject_bits(d, side, point, (uint64_t *)bits);
	m.bits = bits;
	bl_verdict_reset(m.walk);
	m.walk->access = access;
	for (size_t i = 0; i < BL_ARRAY_SIZE(object->lists[side]); i++)
		bl_list_search(&m, object->lists[side][i]);
	if (object->exec && access & BL_ACCESS_EXEC)
		decide_args(d, side, point, &m);
	return (struct bl_decided){
		.verdict = m.walk->verdict ? (enum bl_verdict)m.walk->verdict : BL_VERDICT_ALLOW,
		.rule = m.walk->rule,
	};
}

static uint8_t facts_at(const struct bl_point *point)
{
	return bl_space_facts(point->value[BL_DIM_FACTS][0]);
}

static uint8_t asked_at(const struct bl_diff_object *object, const struct bl_point *point,
			unsigned int question)
{
	if (object->exec && question == BL_QUESTION_EXEC)
		return BL_ACCESS_EXEC | facts_at(point);
	return (uint8_t)(1u << question);
}

static bool same(const struct bl_decided *a, const struct bl_decided *b)
{
	return a->verdict == b->verdict && (a->verdict == BL_VERDICT_ALLOW || a->rule == b->rule);
}

bool bl_differ_decides(struct bl_differ *d, const struct bl_found *found,
		       const struct bl_point *point, const struct bl_decided decided[BL_SIDES])
{
	for (int side = 0; side < BL_SIDES; side++) {
		struct bl_decided other = decide(d, side, &found->object, point,
						 asked_at(&found->object, point, found->question));

		if (!same(&other, &decided[side]))
			return false;
	}
	return true;
}

/* ---- names -------------------------------------------------------------------------------- */

/* Whether a path can be walked at all; else it is one of the deep ones. */
static bool can_be_walked(const char *path, size_t len)
{
	size_t depth = 0, name = 0;

	for (size_t i = 0; i < len; i++) {
		name = path[i] == '/' ? 0 : name + 1;
		depth += path[i] == '/';
		if (name > BL_NAME_LONGEST)
			return false;
	}
	return len <= BL_PATH_BYTES && depth <= BL_DEPTH_MAX;
}

static const char *arena_name(struct bl_differ *d, const struct bl_names *names, uint32_t number,
			      size_t *ret_len)
{
	_cleanup_free_ char *text = bl_names_sample(names, number, ret_len);

	return text ? bl_arena_strndup(d->ret->arena, text, *ret_len) : NULL;
}

/* A path of so many components that none is looked at. */
static const char *deep_name(struct bl_differ *d, size_t *ret_len)
{
	char path[2 * DEEP_COMPONENTS];

	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? 'x' : '/';
	*ret_len = sizeof(path);
	return bl_arena_strndup(d->ret->arena, path, sizeof(path));
}

static bool exe_is_host(const struct bl_differ *d, const struct bl_point *point)
{
	return point->value[BL_DIM_EXE][0] <= d->space.n_exes;
}

/* The name of an executable's value; NULL: none. */
static uint32_t exe_name(const struct bl_differ *d, uint32_t value)
{
	uint32_t n = d->space.n_exes;

	return value ? d->space.exe_names[value <= n ? value - 1 : value - n - 1] : 0;
}

/* That of a program that somebody comes from; 0: any. */
static uint32_t kin_name(const struct bl_differ *d, const struct bl_point *point, size_t i)
{
	return d->space.kin[point->value[BL_DIM_PARENT][i]].name;
}

/* What is found out about a name once. */
enum name_fact {
	NAME_KNOWN = 1 << 0,
	NAME_POSSIBLE = 1 << 1, /* of a file, or of a socket */
	NAME_REAL = 1 << 2,	/* a test can have it, and on the host it means itself */
};

static uint8_t look_at(const struct bl_differ *d, const char *text, size_t len)
{
	bool path = text[0] == '/', possible, real;

	possible = path ? can_be_walked(text, len) : len <= SUN_PATH_BYTES;
	real = possible && len <= TESTED_PATH_BYTES &&
	       (!path || !d->input->is_real || d->input->is_real(d->input->userdata, text));
	return (uint8_t)(NAME_KNOWN | (possible ? NAME_POSSIBLE : 0) | (real ? NAME_REAL : 0));
}

/* Looks at a class's sample, and where that leads elsewhere on this host at others. 0 or -ENOMEM. */
static int look_at_class(struct bl_differ *d, struct bl_names *names, uint32_t number, uint8_t *ret)
{
	struct bl_name_step first = names->samples[number - 1];
	uint32_t node = BL_TRIE_ROOT;
	bool more = true;

	for (int tries = 0; more && tries < SAMPLES_MAX; tries++) {
		size_t len;
		_cleanup_free_ char *text = bl_names_sample(names, number, &len);
		uint8_t facts;

		if (!text)
			return -ENOMEM;
		facts = look_at(d, text, len);
		if (!tries || facts & NAME_REAL)
			*ret = facts;
		if (facts & NAME_REAL)
			return 0;
		more = names == &d->paths && bl_names_next_sample(names, number, &node);
	}
	names->samples[number - 1] = first;
	return 0;
}

/* Whether a fact holds of a class's name; 1, 0 or -ENOMEM. */
static int name_is(struct bl_differ *d, enum bl_names_kind kind, uint32_t number,
		   enum name_fact fact)
{
	struct bl_names *names = kind == BL_NAMES_PATHS ? &d->paths : &d->sockets;
	uint8_t **facts = kind == BL_NAMES_PATHS ? &d->path_facts : &d->socket_facts;
	int r = 0;

	if (!*facts)
		*facts = calloc(names->classes.count + 1, 1);
	if (!*facts)
		return -ENOMEM;
	if (!(*facts)[number])
		r = look_at_class(d, names, number, &(*facts)[number]);
	return r ? r : ((*facts)[number] & fact) != 0;
}

static int found_is_reachable(struct bl_differ *d, const struct bl_diff_object *object,
			      const struct bl_point *point)
{
	int r = 1;

	if (object->kind == BL_WITNESS_PATH || object->kind == BL_WITNESS_SOCKET)
		r = name_is(d, object->names->kind, object->name, NAME_POSSIBLE);
	for (size_t i = 0; r > 0 && i < point->n[BL_DIM_EXE]; i++)
		if (point->value[BL_DIM_EXE][i])
			r = name_is(d, BL_NAMES_PATHS, exe_name(d, point->value[BL_DIM_EXE][i]),
				    NAME_POSSIBLE);
	for (size_t i = 0; r > 0 && i < point->n[BL_DIM_PARENT]; i++)
		if (kin_name(d, point, i))
			r = name_is(d, BL_NAMES_PATHS, kin_name(d, point, i), NAME_POSSIBLE);
	return r;
}

/* ---- what a test can have ----------------------------------------------------------------- */

/* A test's "::" is ::1. */
static bool is_any(const struct bl_diff_object *object)
{
	static const uint8_t any[16];

	return object->kind == BL_WITNESS_ADDRESS && object->destination->family == AF_INET6 &&
	       !memcmp(object->destination->addr, any, sizeof(any));
}

/* Whether it comes from programs of the host that are there by these names, one of them its parent's. */
static int kin_is_good(struct bl_differ *d, const struct bl_point *point)
{
	size_t parents = 0;
	int r = 1;

	for (size_t i = 0; r > 0 && i < point->n[BL_DIM_PARENT]; i++) {
		const struct bl_kin_value *kin = &d->space.kin[point->value[BL_DIM_PARENT][i]];

		parents += kin->parent;
		if (kin->unknown || kin->container || parents > 1)
			return 0;
		r = name_is(d, BL_NAMES_PATHS, kin->name, NAME_REAL);
	}
	return r;
}

/* 1, 0 or -ENOMEM */
static int is_good(struct bl_differ *d, const struct bl_found *found)
{
	const struct bl_point *point = &found->point;
	const struct bl_diff_object *object = &found->object;
	uint32_t exe = point->value[BL_DIM_EXE][0];
	int r = 1;

	if (object->kind == BL_WITNESS_LOST || object->untrusted || is_any(object) ||
	    point->n[BL_DIM_EXE] > 1 || point->n[BL_DIM_GID] > 1 || !exe_is_host(d, point))
		return 0;
	if (!found->place)
		return 0;
	if (exe)
		r = name_is(d, BL_NAMES_PATHS, exe_name(d, exe), NAME_REAL);
	if (r > 0)
		r = kin_is_good(d, point);
	if (r > 0 && object->name)
		r = name_is(d, object->names->kind, object->name, NAME_REAL);
	return r;
}

/* ---- gathering ---------------------------------------------------------------------------- */

/* What tells differences apart; of a question alone (bit 8) where the witness of others does not do. */
static int find_kind(struct bl_differ *d, const struct bl_diff_object *object, uint32_t question,
		     const struct bl_decided decided[BL_SIDES], uint32_t *ret)
{
	uint32_t key[6] = { object->op, question };

	for (int side = 0; side < BL_SIDES; side++) {
		key[2 + 2 * side] = decided[side].verdict;
		key[3 + 2 * side] = decided[side].verdict == BL_VERDICT_ALLOW ? ~0u
									      : decided[side].rule;
	}
	return bl_intern(&d->kinds, key, BL_ARRAY_SIZE(key), ret);
}

/* What is not asked for by a word of the language is told apart from what is. */
static uint32_t question_group(const struct bl_diff_object *object, unsigned int question)
{
	if (object->op != BL_OP_CONNECT)
		return question == BL_QUESTION_MOVE;
	return object->kind == BL_WITNESS_FAMILY ? 2 : object->kind == BL_WITNESS_ADDRESS ? 3 : 4;
}

static int add_item(struct bl_differ *d, const struct bl_found *found, uint8_t access,
		    const struct bl_decided decided[BL_SIDES])
{
	struct bl_difference item = { .op = found->object.op, .access = access, .classes = 1 };
	int r = bl_grow(&d->ret->items, &d->ret->capacity, d->ret->count + 1, sizeof(item));

	if (!r)
		r = bl_grow(&d->found, &d->found_capacity, d->ret->count + 1, sizeof(*found));
	if (r)
		return r;
	memcpy(item.decided, decided, sizeof(item.decided));
	d->found[d->ret->count] = *found;
	d->ret->items[d->ret->count++] = item;
	return 0;
}

/* Whether a finding comes to what an item says when it is asked by a question. */
static bool holds_for(struct bl_differ *d, const struct bl_found *found,
		      const struct bl_difference *item, unsigned int question)
{
	struct bl_found asked = *found;

	asked.question = question;
	return bl_differ_decides(d, &asked, &found->point, item->decided);
}

static bool holds_for_all(struct bl_differ *d, const struct bl_found *found,
			  const struct bl_difference *item)
{
	for (unsigned int question = 0; question < _BL_QUESTION_MAX; question++)
		if (item->access >> question & 1 && !holds_for(d, found, item, question))
			return false;
	return true;
}

/* Joins a finding to an item. Returns whether it could be. */
static bool join_item(struct bl_differ *d, size_t index, const struct bl_found *found,
		      unsigned int question)
{
	struct bl_difference *item = &d->ret->items[index];
	uint8_t bit = (uint8_t)(1u << question);
	bool raw = item->op == BL_OP_CONNECT && question == BL_QUESTION_RAW;

	if (!(item->access & bit) && (raw || !holds_for(d, &d->found[index], item, question)))
		return false;
	item->access |= bit;
	item->classes++;
	if (found->good && !d->found[index].good && holds_for_all(d, found, item))
		d->found[index] = *found;
	return true;
}

static int set_kind_item(struct bl_differ *d, uint32_t kind)
{
	int r = bl_grow(&d->kind_items, &d->kinds_capacity, kind, sizeof(*d->kind_items));

	if (!r)
		d->kind_items[kind - 1] = (uint32_t)d->ret->count;
	return r;
}

static int gather(struct bl_differ *d, const struct bl_found *found, unsigned int question,
		  const struct bl_decided decided[BL_SIDES])
{
	uint32_t groups[] = { question_group(&found->object, question), 16 + question };
	size_t known = 0;
	uint32_t kind = 0;
	int r;

	for (size_t i = 0; i < BL_ARRAY_SIZE(groups); i++) {
		known = d->kinds.count;
		r = find_kind(d, &found->object, groups[i], decided, &kind);
		if (r)
			return r;
		if (kind > known)
			break;
		if (join_item(d, d->kind_items[kind - 1], found, question))
			return 0;
	}
	if (kind <= known)
		return 0;
	r = set_kind_item(d, kind);
	return r ? r : add_item(d, found, (uint8_t)(1u << question), decided);
}

int bl_differ_report(struct bl_differ *d, const struct bl_diff_object *object,
		     const struct bl_point *point, unsigned int question, uint8_t protocol)
{
	struct bl_found found = {
		.object = *object, .point = *point, .question = question, .protocol = protocol
	};
	struct bl_decided decided[BL_SIDES];
	int r;

	for (int side = 0; side < BL_SIDES; side++)
		decided[side] = decide(d, side, object, point, asked_at(object, point, question));
	if (decided[BL_OLD].verdict == decided[BL_NEW].verdict)
		return -EBADMSG;
	r = found_is_reachable(d, object, point);
	if (r <= 0) {
		d->ret->unreachable += !r;
		return r;
	}
	r = bl_differ_place(d, &found, decided);
	if (r < 0)
		return r;
	r = is_good(d, &found);
	if (r < 0)
		return r;
	found.good = r;
	return gather(d, &found, question, decided);
}

/* ---- writing out -------------------------------------------------------------------------- */

static int name_exes(struct bl_differ *d, const struct bl_point *point, struct bl_witness *w)
{
	const char **exes =
		bl_arena_alloc(d->ret->arena, (size_t)point->n[BL_DIM_EXE] + 1, sizeof(*exes));
	size_t len;

	if (!exes)
		return -ENOMEM;
	for (size_t i = 0; i < point->n[BL_DIM_EXE]; i++) {
		uint32_t name = exe_name(d, point->value[BL_DIM_EXE][i]);

		if (!name)
			continue;
		exes[w->n_exes] = arena_name(d, &d->paths, name, &len);
		if (!exes[w->n_exes++])
			return -ENOMEM;
	}
	w->exes = exes;
	w->trust = exe_is_host(d, point) ? BL_EXE_HOST : BL_EXE_CONTAINER;
	return 0;
}

/* What it comes from; of the values the unknown one has no name. */
static int name_kin(struct bl_differ *d, const struct bl_point *point, struct bl_witness *w)
{
	size_t n = point->n[BL_DIM_PARENT], len;
	struct bl_witness_kin *kin = bl_arena_alloc(d->ret->arena, n + 1, sizeof(*kin));

	if (!kin)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct bl_kin_value *value = &d->space.kin[point->value[BL_DIM_PARENT][i]];

		w->kin_unknown |= value->unknown;
		if (value->unknown)
			continue;
		kin[w->n_kin] = (struct bl_witness_kin){
			.name = arena_name(d, &d->paths, value->name, &len),
			.parent = value->parent,
			.trust = value->container ? BL_EXE_CONTAINER : BL_EXE_HOST,
		};
		if (!kin[w->n_kin++].name)
			return -ENOMEM;
	}
	w->kin = kin;
	return 0;
}

static int name_ids(struct bl_differ *d, const struct bl_point *point, struct bl_witness *w)
{
	uint32_t *gids =
		bl_arena_alloc(d->ret->arena, (size_t)point->n[BL_DIM_GID] + 1, sizeof(*gids));

	if (!gids)
		return -ENOMEM;
	w->uid = d->space.dims[BL_DIM_UID].values[point->value[BL_DIM_UID][0]];
	w->n_gids = point->n[BL_DIM_GID];
	for (size_t i = 0; i < w->n_gids; i++)
		gids[i] = d->space.dims[BL_DIM_GID].values[point->value[BL_DIM_GID][i]];
	w->gids = gids;
	return 0;
}

static int name_task(struct bl_differ *d, const struct bl_found *found, struct bl_witness *w)
{
	const struct bl_point *point = &found->point;
	const struct bl_dim *capabilities = &d->space.dims[BL_DIM_CAPABILITY];

	w->login = d->space.dims[BL_DIM_LOGIN].values[point->value[BL_DIM_LOGIN][0]];
	for (size_t i = 0; i < point->n[BL_DIM_CAPABILITY]; i++)
		w->capabilities |= 1ull << capabilities->values[point->value[BL_DIM_CAPABILITY][i]];
	return bl_differ_call(d, found, w);
}

/* Each without the NUL that the automaton has before it. */
static int name_args(struct bl_differ *d, const struct bl_point *point, struct bl_witness *w)
{
	_cleanup_free_ char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < point->n[BL_DIM_ARGS]; i++) {
		size_t len = 0;
		_cleanup_free_ char *arg =
			bl_names_sample(&d->args, point->value[BL_DIM_ARGS][i] + 1, &len);

		if (arg)
			fwrite(arg + 1, 1, len, out);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	w->n_args = point->n[BL_DIM_ARGS];
	w->args_len = size;
	w->args = bl_arena_strndup(d->ret->arena, all, size);
	return w->args ? 0 : -ENOMEM;
}

static int name_object(struct bl_differ *d, const struct bl_diff_object *object,
		       struct bl_witness *w)
{
	w->kind = object->kind;
	w->untrusted = object->untrusted;
	switch (object->kind) {
	case BL_WITNESS_PATH:
	case BL_WITNESS_SOCKET:
		w->name = arena_name(d, object->names, object->name, &w->name_len);
		return w->name ? 0 : -ENOMEM;
	case BL_WITNESS_DEEP:
		w->name = deep_name(d, &w->name_len);
		return w->name ? 0 : -ENOMEM;
	case BL_WITNESS_ADDRESS:
		memcpy(w->addr, object->destination->addr, sizeof(w->addr));
		w->family = object->destination->family;
		w->port = object->destination->port;
		return 0;
	case BL_WITNESS_FAMILY:
		w->family = object->family;
		return 0;
	case BL_WITNESS_LOST:
	case BL_WITNESS_MEMFD:
		break;
	}
	return 0;
}

static int compare_items(const void *left, const void *right)
{
	const struct bl_difference *a = left, *b = right;

	if (a->op != b->op)
		return (int)a->op - (int)b->op;
	return (a->decided[BL_NEW].verdict < b->decided[BL_NEW].verdict) -
	       (a->decided[BL_NEW].verdict > b->decided[BL_NEW].verdict);
}

/* No test asks for what the language has no word for. */
static bool has_words(const struct bl_difference *item)
{
	return item->op == BL_OP_CONNECT || !(item->access & BL_ACCESS_MOVE);
}

int bl_differ_finish(struct bl_differ *d)
{
	int r = 0;

	for (size_t i = 0; !r && i < d->ret->count; i++) {
		const struct bl_found *found = &d->found[i];
		struct bl_witness *w = &d->ret->items[i].witness;

		r = name_object(d, &found->object, w);
		if (!r)
			r = name_exes(d, &found->point, w);
		if (!r)
			r = name_ids(d, &found->point, w);
		if (!r)
			r = name_task(d, found, w);
		if (!r)
			r = name_kin(d, &found->point, w);
		if (!r && found->object.exec)
			r = name_args(d, &found->point, w);
		if (found->object.exec)
			w->facts = facts_at(&found->point);
		w->protocol = found->protocol;
		w->testable = found->good && has_words(&d->ret->items[i]);
	}
	if (!r && d->ret->count)
		qsort(d->ret->items, d->ret->count, sizeof(*d->ret->items), compare_items);
	return r;
}
