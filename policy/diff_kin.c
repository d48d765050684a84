/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes come from. The parent is an ancestor as well, so both dimensions have the same values: programs as
 * the parent's and as other ancestors'. A process has any number of these.
 */
#include <errno.h>
#include <string.h>

#include "differ.h"

static const struct bl_kin_bits *kin_header(const struct bl_side *side, enum bl_diff_dim dim)
{
	return dim == BL_DIM_PARENT ? &side->header->parent : &side->header->ancestor;
}

static void or_class(const struct bl_side *side, enum bl_diff_dim dim, uint32_t offset,
		     bool container, uint64_t *bits)
{
	const struct bl_class *class;

	if (!offset)
		return;
	class = bl_at(&side->m, offset, struct bl_class);
	bl_bits_or(&side->m, (__u64 *)bits,
		   dim == BL_DIM_PARENT ? class->parent_bits : class->ancestor_bits,
		   container ? kin_header(side, dim)->grant : 0);
}

/* The conditions that are met by a program; see bl_kin_add() and bl_kin_fill(). */
static void kin_bits(const struct bl_space *space, int which, enum bl_diff_dim dim,
		     const struct bl_kin_value *kin, uint64_t *bits)
{
	const struct bl_side *side = &space->sides[which];
	struct bl_name_class class;

	bl_bits_or(&side->m, (__u64 *)bits, kin_header(side, dim)->any, 0);
	if (kin->unknown) {
		uint64_t grant[BL_COND_WORDS] = {};

		bl_bits_or(&side->m, (__u64 *)grant, kin_header(side, dim)->grant, 0);
		for (uint32_t i = 0; i < side->header->cond_words; i++)
			bits[i] |= ~grant[i];
		return;
	}
	if (!kin->name || (dim == BL_DIM_PARENT && !kin->parent))
		return;
	class = bl_names_class(space->programs, kin->name);
	or_class(side, dim, class.trie[which], kin->container, bits);
	or_class(side, dim, class.dfa[which], kin->container, bits);
}

struct maker {
	struct bl_space *space;
	struct bl_interns kinds; /* all bits of both dimensions and sets */
	size_t capacity;
};

static void maker_clear(struct maker *maker)
{
	bl_interns_clear(&maker->kinds);
}

/* Adds a value, unless there is one that comes to the same. */
static int add_kin(struct maker *maker, struct bl_kin_value kin)
{
	uint64_t bits[2 * BL_SIDES][BL_COND_WORDS] = {};
	struct bl_space *space = maker->space;
	size_t known = maker->kinds.count;
	uint32_t number;
	int r;

	for (int side = 0; side < BL_SIDES; side++) {
		kin_bits(space, side, BL_DIM_PARENT, &kin, bits[2 * side]);
		kin_bits(space, side, BL_DIM_ANCESTOR, &kin, bits[2 * side + 1]);
	}
	r = bl_intern(&maker->kinds, (const uint32_t *)bits, sizeof(bits) / 4, &number);
	if (r || number <= known)
		return r;
	r = bl_grow(&space->kin, &maker->capacity, number, sizeof(*space->kin));
	if (!r)
		space->kin[number - 1] = kin;
	return r;
}

static int add_programs(struct maker *maker)
{
	const struct bl_names *paths = maker->space->programs;
	int r = 0;

	for (int way = 0; way < 4; way++)
		for (uint32_t number = 1; !r && number <= paths->classes.count; number++)
			r = add_kin(maker, (struct bl_kin_value){ .name = number,
								  .parent = way & 1,
								  .container = way & 2 });
	return r;
}

static int make_dim(struct bl_space *space, enum bl_diff_dim which, uint32_t n)
{
	struct bl_dim *dim = &space->dims[which];
	int r = bl_dim_alloc(space, dim, n);

	dim->several = dim->none = true;
	for (int side = 0; !r && side < BL_SIDES; side++) {
		size_t words = space->sides[side].header->cond_words;

		dim->always[side] = calloc(words, sizeof(uint64_t));
		if (!dim->always[side])
			return -ENOMEM;
		bl_bits_or(&space->sides[side].m, (__u64 *)dim->always[side],
			   kin_header(&space->sides[side], which)->any, 0);
		for (uint32_t value = 0; value < n; value++)
			kin_bits(space, side, which, &space->kin[value],
				 bl_dim_bits(space, dim, side, value));
	}
	return r ? r : bl_dim_finish(space, dim);
}

/* Programs of the host. */
static int make_known(struct bl_space *space)
{
	struct bl_dim *dim = &space->dims[BL_DIM_PARENT];
	_cleanup_free_ uint32_t *set = calloc(dim->words + 1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	for (uint32_t value = 0; value < dim->n; value++)
		if (!space->kin[value].container && !space->kin[value].unknown)
			set[value / 32] |= 1u << (value & 31);
	return bl_intern(&dim->sets, set, dim->words, &space->kin_known);
}

int bl_space_add_kin(struct bl_space *space)
{
	_cleanup_(maker_clear) struct maker maker = { .space = space };
	uint32_t flags = 0;
	int r = 0;

	for (int side = 0; side < BL_SIDES; side++)
		flags |= space->sides[side].header->flags;
	if (flags & BL_TABLES_DESCENT)
		r = add_programs(&maker);
	/* What nobody asks for is one value, and need not be unknown. */
	if (!r)
		r = add_kin(&maker, (struct bl_kin_value){ .unknown = flags & BL_TABLES_DESCENT });
	if (!r)
		r = make_dim(space, BL_DIM_PARENT, (uint32_t)maker.kinds.count);
	if (!r)
		r = make_dim(space, BL_DIM_ANCESTOR, (uint32_t)maker.kinds.count);
	return r || !(flags & BL_TABLES_DESCENT) ? r : make_known(space);
}
