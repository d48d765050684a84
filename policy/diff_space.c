/* SPDX-License-Identifier: Apache-2.0 */
/* The subjects that two sets tell apart: values in each dimension, and the conditions these leave open. */
#include <errno.h>
#include <string.h>

#include "differ.h"

#define BITS_MAX ((size_t)32 << 20) /* words of all values' conditions */
#define FACTS	 64		    /* combinations of six facts */

static const uint8_t fact_bits[] = { BL_FACT_MEMFD,  BL_FACT_DELETED,  BL_FACT_TMPFS,
				     BL_FACT_SETUID, BL_FACT_WRITABLE, BL_FACT_SCRIPT };

/* ---- sets --------------------------------------------------------------------------------- */

const uint32_t *bl_dim_set(const struct bl_dim *dim, uint32_t number)
{
	size_t n;

	return bl_interned(&dim->sets, number, &n);
}

static bool is_full(const struct bl_dim *dim, const uint32_t *set)
{
	for (uint32_t value = 0; value < dim->n; value++)
		if (!bl_set_has(set, value))
			return false;
	return true;
}

int bl_dim_add(struct bl_dim *dim, const uint32_t *set, uint32_t *ret)
{
	*ret = 0;
	/* Of what a subject may have none of, all is more than nothing to ask for. */
	if (!dim->none && is_full(dim, set))
		return 0;
	return bl_intern(&dim->sets, set, dim->words, ret);
}

static void set_add(uint32_t *set, uint32_t value)
{
	set[value / 32] |= 1u << (value & 31);
}

static void dim_size(struct bl_dim *dim, uint32_t n)
{
	dim->n = n;
	dim->words = (n + 31) / 32;
}

static size_t cond_words(const struct bl_space *space, int side)
{
	return space->sides[side].header->cond_words;
}

/* ---- bits of values -> values of conditions ------------------------------------------------ */

int bl_dim_alloc(const struct bl_space *space, struct bl_dim *dim, uint32_t n)
{
	dim_size(dim, n);
	for (int side = 0; side < BL_SIDES; side++) {
		if (dim->n > BITS_MAX / cond_words(space, side))
			return -E2BIG;
		dim->bits[side] =
			calloc((size_t)dim->n * cond_words(space, side) + 1, sizeof(uint64_t));
		if (!dim->bits[side])
			return -ENOMEM;
	}
	return 0;
}

uint64_t *bl_dim_bits(const struct bl_space *space, const struct bl_dim *dim, int side,
		      uint32_t value)
{
	return dim->bits[side] + value * cond_words(space, side);
}

static bool has_cond(const uint64_t *bits, uint32_t cond)
{
	return bits[cond / 64] >> (cond & 63) & 1;
}

/* The conditions that hold for every value: most do, and need no set. */
static void find_always(const struct bl_dim *dim, int side, size_t words,
			uint64_t always[BL_COND_WORDS])
{
	if (dim->always[side]) {
		memcpy(always, dim->always[side], words * sizeof(*always));
		return;
	}
	memset(always, 0xff, words * sizeof(*always));
	for (uint32_t value = 0; value < dim->n; value++)
		for (size_t i = 0; i < words; i++)
			always[i] &= dim->bits[side][value * words + i];
}

static int make_cond(struct bl_dim *dim, int side, size_t words, uint32_t cond, uint32_t *set)
{
	memset(set, 0, dim->words * sizeof(*set));
	for (uint32_t value = 0; value < dim->n; value++)
		if (has_cond(dim->bits[side] + value * words, cond))
			set_add(set, value);
	return bl_dim_add(dim, set, &dim->conds[side][cond]);
}

int bl_dim_finish(const struct bl_space *space, struct bl_dim *dim)
{
	_cleanup_free_ uint32_t *set = calloc(dim->words + 1, sizeof(*set));
	int r = 0;

	if (!set)
		return -ENOMEM;
	for (int side = 0; side < BL_SIDES; side++) {
		size_t words = cond_words(space, side);
		uint64_t always[BL_COND_WORDS];

		dim->conds[side] = calloc(words * 64, sizeof(uint32_t));
		if (!dim->conds[side])
			return -ENOMEM;
		find_always(dim, side, words, always);
		for (uint32_t cond = 1; !r && cond < words * 64; cond++)
			if (!has_cond(always, cond))
				r = make_cond(dim, side, words, cond, set);
	}
	return r;
}

/* ---- executables -------------------------------------------------------------------------- */

static void or_bits(const struct bl_side *side, uint64_t *bits, uint32_t offset, uint32_t without)
{
	bl_bits_or(&side->m, (__u64 *)bits, offset, without);
}

/* The bits of a class of names as an executable, in the host's or in a container's file system. */
static void exe_bits(const struct bl_side *side, int which, const struct bl_name_class *class,
		     bool host, uint64_t *bits)
{
	const uint32_t offsets[] = { class->trie[which], class->dfa[which] };

	or_bits(side, bits, side->header->exe_any, 0);
	for (size_t i = 0; i < BL_ARRAY_SIZE(offsets); i++)
		if (offsets[i])
			or_bits(side, bits, bl_at(&side->m, offsets[i], struct bl_class)->exe_bits,
				host ? 0 : side->header->exe_grant);
}

/* Classes of names that are the same as executables are one. */
static int number_exes(struct bl_space *space, const struct bl_names *paths)
{
	_cleanup_(bl_interns_clear) struct bl_interns kinds = {};
	size_t capacity = 0;
	int r = 0;

	for (uint32_t number = 1; !r && number <= paths->classes.count; number++) {
		struct bl_name_class class = bl_names_class(paths, number);
		uint64_t bits[BL_SIDES * BL_COND_WORDS] = {};
		uint32_t kind;

		for (int side = 0; side < BL_SIDES; side++)
			exe_bits(&space->sides[side], side, &class, true,
				 bits + side * BL_COND_WORDS);
		r = bl_intern(&kinds, (const uint32_t *)bits, sizeof(bits) / 4, &kind);
		if (r || kind <= space->n_exes)
			continue;
		r = bl_grow(&space->exe_names, &capacity, kind, sizeof(*space->exe_names));
		if (!r)
			space->exe_names[space->n_exes++] = number;
	}
	return r;
}

static void fill_exes(struct bl_space *space, struct bl_dim *dim, const struct bl_names *paths)
{
	for (int which = 0; which < BL_SIDES; which++) {
		const struct bl_side *side = &space->sides[which];
		size_t words = cond_words(space, which);
		uint64_t *bits = dim->bits[which];

		or_bits(side, bits, side->header->exe_any, 0);
		for (uint32_t i = 0; i < space->n_exes; i++) {
			struct bl_name_class class = bl_names_class(paths, space->exe_names[i]);

			exe_bits(side, which, &class, true, bits + (1 + i) * words);
			exe_bits(side, which, &class, false,
				 bits + (1 + space->n_exes + i) * words);
		}
	}
}

/* A file with several names is an executable by all of them, in one file system. */
static int make_trusts(struct bl_space *space, struct bl_dim *dim)
{
	_cleanup_free_ uint32_t *host = calloc(dim->words, sizeof(*host));
	_cleanup_free_ uint32_t *container = calloc(dim->words, sizeof(*container));
	int r;

	if (!host || !container)
		return -ENOMEM;
	for (uint32_t value = 0; value < dim->n; value++)
		set_add(value <= space->n_exes ? host : container, value);
	r = bl_intern(&dim->sets, host, dim->words, &space->exe_host);
	return r ? r : bl_intern(&dim->sets, container, dim->words, &space->exe_container);
}

static int make_exes(struct bl_space *space, const struct bl_names *paths)
{
	struct bl_dim *dim = &space->dims[BL_DIM_EXE];
	int r = number_exes(space, paths);

	if (r)
		return r;
	dim->several = true;
	r = bl_dim_alloc(space, dim, 1 + 2 * space->n_exes);
	if (r)
		return r;
	fill_exes(space, dim, paths);
	r = bl_dim_finish(space, dim);
	return r ? r : make_trusts(space, dim);
}

/* ---- ids ---------------------------------------------------------------------------------- */

static const struct bl_range_bits *range_at(const struct bl_side *side,
					    const struct bl_ranges *ranges, uint32_t index)
{
	uint32_t offset = ranges->offset + index * (uint32_t)sizeof(struct bl_range_bits);

	return bl_at(&side->m, offset, struct bl_range_bits);
}

static const struct bl_ranges *ranges_of(const struct bl_side *side, enum bl_diff_dim which)
{
	return which == BL_DIM_UID ? &side->header->uids : &side->header->gids;
}

/* Where a range of either set begins; nobody has the id 2^32-1. */
static int collect_ids(struct bl_space *space, struct bl_dim *dim, enum bl_diff_dim which)
{
	size_t n = 0;

	for (int side = 0; side < BL_SIDES; side++)
		n += ranges_of(&space->sides[side], which)->count;
	dim->values = calloc(n + 1, sizeof(*dim->values));
	if (!dim->values)
		return -ENOMEM;
	n = 0;
	for (int side = 0; side < BL_SIDES; side++) {
		const struct bl_ranges *ranges = ranges_of(&space->sides[side], which);

		for (uint32_t i = 0; i < ranges->count; i++)
			dim->values[n++] = range_at(&space->sides[side], ranges, i)->first;
	}
	n = bl_words_sort(dim->values, n);
	if (n > 1 && dim->values[n - 1] == UINT32_MAX)
		n--;
	return bl_dim_alloc(space, dim, (uint32_t)n);
}

static int make_ids(struct bl_space *space, enum bl_diff_dim which)
{
	struct bl_dim *dim = &space->dims[which];
	int r = collect_ids(space, dim, which);

	dim->several = which == BL_DIM_GID;
	for (int s = 0; !r && s < BL_SIDES; s++) {
		const struct bl_side *side = &space->sides[s];

		for (uint32_t i = 0; i < dim->n; i++)
			or_bits(side, dim->bits[s] + i * cond_words(space, s),
				bl_range_find(&side->m, ranges_of(side, which), dim->values[i]), 0);
	}
	return r ? r : bl_dim_finish(space, dim);
}

/* ---- facts and arguments ------------------------------------------------------------------ */

uint8_t bl_space_facts(uint32_t value)
{
	uint8_t facts = 0;

	for (size_t i = 0; i < BL_ARRAY_SIZE(fact_bits); i++)
		facts |= value >> i & 1 ? fact_bits[i] : 0;
	return facts;
}

int bl_space_facts_set(struct bl_space *space, uint8_t any_of, uint32_t *ret)
{
	uint32_t set[FACTS / 32] = {};

	for (uint32_t value = 0; value < FACTS; value++)
		if (bl_space_facts(value) & any_of)
			set_add(set, value);
	return bl_dim_add(&space->dims[BL_DIM_FACTS], set, ret);
}

/* A memfd has no path, and so none to lose, nor a mounted file system. */
static int make_facts(struct bl_space *space)
{
	uint32_t paths[FACTS / 32] = {}, memfds[FACTS / 32] = {};
	struct bl_dim *dim = &space->dims[BL_DIM_FACTS];
	int r;

	dim_size(dim, FACTS);
	for (uint32_t value = 0; value < FACTS; value++) {
		uint8_t facts = bl_space_facts(value);

		if (!(facts & BL_FACT_MEMFD))
			set_add(paths, value);
		else if (!(facts & (BL_FACT_DELETED | BL_FACT_TMPFS)))
			set_add(memfds, value);
	}
	r = bl_dim_add(dim, paths, &space->paths);
	return r ? r : bl_dim_add(dim, memfds, &space->memfds);
}

/* By number of a rule that asks for arguments: the classes that are what it asks for. */
struct args_sets {
	uint32_t *sets;
	size_t words;
};

static void args_sets_clear(struct args_sets *sets)
{
	free(sets->sets);
}

static void take_args_list(struct bl_space *space, int which, uint32_t offset, uint32_t value,
			   struct args_sets *sets)
{
	const struct bl_side *side = &space->sides[which];
	const struct bl_list *list = bl_at(&side->m, offset, struct bl_list);

	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t at = offset + (uint32_t)(sizeof(*list) + i * sizeof(struct bl_cand));
		const struct bl_cand *cand = bl_at(&side->m, at, struct bl_cand);

		set_add(sets->sets + cand->cond * sets->words, value);
		space->args_verdict[which][cand->cond] = cand->verdict;
	}
}

static int make_side_args(struct bl_space *space, int which, const struct bl_names *args)
{
	struct bl_dim *dim = &space->dims[BL_DIM_ARGS];
	uint32_t n = space->sides[which].header->n_args;
	_cleanup_(args_sets_clear) struct args_sets sets = {
		.sets = calloc((size_t)(n + 1) * dim->words + 1, sizeof(uint32_t)),
		.words = dim->words,
	};
	int r = 0;

	space->args[which] = calloc(n + 1, sizeof(uint32_t));
	space->args_verdict[which] = calloc(n + 1, 1);
	if (!sets.sets || !space->args[which] || !space->args_verdict[which])
		return -ENOMEM;
	for (uint32_t number = 1; number <= args->classes.count; number++) {
		struct bl_name_class class = bl_names_class(args, number);
		uint32_t offset = class.dfa[which];

		offset = offset ? bl_at(&space->sides[which].m, offset, struct bl_class)->exec_list
				: 0;
		if (offset)
			take_args_list(space, which, offset, number - 1, &sets);
	}
	for (uint32_t rule = 1; !r && rule <= n; rule++)
		r = bl_dim_add(dim, sets.sets + rule * dim->words, &space->args[which][rule]);
	return r;
}

static int make_args(struct bl_space *space, const struct bl_names *args)
{
	struct bl_dim *dim = &space->dims[BL_DIM_ARGS];
	int r = 0;

	dim->several = dim->none = true;
	dim_size(dim, (uint32_t)args->classes.count + 1);
	for (int side = 0; !r && side < BL_SIDES; side++)
		r = make_side_args(space, side, args);
	return r;
}

/* ---- all of it ---------------------------------------------------------------------------- */

int bl_space_make(struct bl_space *space, const struct bl_side *sides, const struct bl_names *paths,
		  const struct bl_names *args, const struct bl_names *called)
{
	int r;

	space->sides = sides;
	space->called = called;
	space->programs = paths;
	r = make_exes(space, paths);
	if (!r)
		r = bl_space_add_kin(space);
	if (!r)
		r = make_ids(space, BL_DIM_UID);
	if (!r)
		r = make_ids(space, BL_DIM_GID);
	if (!r)
		r = bl_space_add_tasks(space);
	if (!r)
		r = make_facts(space);
	return r ? r : make_args(space, args);
}

void bl_space_clear(struct bl_space *space)
{
	for (int d = 0; d < _BL_DIM_MAX; d++) {
		struct bl_dim *dim = &space->dims[d];

		for (int side = 0; side < BL_SIDES; side++) {
			free(dim->bits[side]);
			free(dim->conds[side]);
			free(dim->always[side]);
		}
		free(dim->values);
		bl_interns_clear(&dim->sets);
	}
	for (int side = 0; side < BL_SIDES; side++) {
		free(space->args[side]);
		free(space->args_verdict[side]);
	}
	for (int i = 0; i < BL_NAMES_CALLED; i++)
		free(space->calls[i]);
	free(space->kin);
	free(space->exe_names);
}
