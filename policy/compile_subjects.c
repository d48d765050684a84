/* SPDX-License-Identifier: Apache-2.0 */
/* Stage four, of subjects: for each range and name the conditions that it leaves open. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

/* The ranges of one dimension. */
struct ranges {
	enum bl_dimension dimension;
	const char *what;
	struct bl_ranges *place;
	struct bl_range_table table;
	uint32_t *bits; /* by range: numbers in c->bits */
};

/* Where things are in the image, by their numbers in the compiler. */
struct layout {
	struct bl_compiler *c;
	struct bl_image *image;
	uint32_t *bits;
	uint32_t any[_BL_KIN_MAX], grant[_BL_KIN_MAX]; /* numbers in c->bits */
	uint32_t names_any[_BL_NAME_MAX], names_grant;
	struct ranges ranges[4];
};

static void layout_clear(struct layout *l)
{
	free(l->bits);
	for (size_t i = 0; i < BL_ARRAY_SIZE(l->ranges); i++) {
		bl_range_table_clear(&l->ranges[i].table);
		free(l->ranges[i].bits);
	}
}

static int add_bits(struct layout *l, const uint64_t *bits, uint32_t *ret)
{
	return bl_intern(&l->c->bits, (const uint32_t *)bits, 2 * l->c->header.cond_words, ret);
}

static int make_kin_bits(struct layout *l, enum bl_kin kin)
{
	uint64_t any[BL_COND_WORDS] = { 1 }, grant[BL_COND_WORDS] = {};
	const struct bl_subjects *subjects = &l->c->subjects;
	int r;

	for (uint32_t cond = 1; cond < bl_subjects_count(subjects); cond++) {
		struct bl_cond info = bl_subjects_get(subjects, cond);

		if (!bl_cond_programs(&info, kin))
			any[cond / 64] |= 1ull << (cond & 63);
		else if (info.grant)
			grant[cond / 64] |= 1ull << (cond & 63);
	}
	r = add_bits(l, any, &l->any[kin]);
	return r ? r : add_bits(l, grant, &l->grant[kin]);
}

static uint32_t list_of(const struct bl_name_lists *lists, uint32_t name)
{
	switch ((enum bl_name)name) {
	case BL_NAME_UNIT:
		return lists->units;
	case BL_NAME_SLICE:
		return lists->slices;
	case BL_NAME_CONTAINER:
		return lists->containers;
	case BL_NAME_CGROUP:
		return lists->cgroups;
	case _BL_NAME_MAX:
		break;
	}
	return 0;
}

static int make_name_bits(struct layout *l)
{
	uint64_t any[_BL_NAME_MAX][BL_COND_WORDS] = {}, grant[BL_COND_WORDS] = {};
	const struct bl_subjects *subjects = &l->c->subjects;
	int r = 0;

	for (uint32_t cond = 0; cond < bl_subjects_count(subjects); cond++) {
		struct bl_cond info = cond ? bl_subjects_get(subjects, cond) : (struct bl_cond){};
		uint64_t bit = 1ull << (cond & 63);

		for (uint32_t name = 1; name < _BL_NAME_MAX; name++)
			if (!list_of(&info.names, name))
				any[name][cond / 64] |= bit;
		for (uint32_t name = 1; info.grant && name < _BL_NAME_MAX; name++)
			if (list_of(&info.names, name))
				grant[cond / 64] |= bit;
	}
	for (uint32_t name = 1; !r && name < _BL_NAME_MAX; name++)
		r = add_bits(l, any[name], &l->names_any[name]);
	return r ? r : add_bits(l, grant, &l->names_grant);
}

static int make_range_bits(struct layout *l, struct ranges *ranges)
{
	uint32_t words = l->c->header.cond_words;
	const struct bl_range_table *table = &ranges->table;
	int r = bl_subjects_table(&l->c->subjects, ranges->dimension, &ranges->table);

	if (r)
		return r;
	if (table->count > BL_CHUNK_BYTES / sizeof(struct bl_range_bits))
		return bl_compiler_refuse(l->c, NULL, "too-many-ids",
					  "use ranges of ids, or groups instead of users",
					  "the rules tell more than %zu ranges of %s apart",
					  BL_CHUNK_BYTES / sizeof(struct bl_range_bits),
					  ranges->what);
	ranges->bits = calloc(table->count, sizeof(*ranges->bits));
	if (!ranges->bits)
		return -ENOMEM;
	for (size_t i = 0; !r && i < table->count; i++)
		r = add_bits(l, table->bits + i * words, &ranges->bits[i]);
	return r;
}

static int place_bits(struct layout *l)
{
	size_t bytes = l->c->header.cond_words * sizeof(uint64_t);
	int r = 0;

	l->bits = calloc(l->c->bits.count + 1, sizeof(*l->bits));
	if (!l->bits)
		return -ENOMEM;
	for (uint32_t id = 1; !r && id <= l->c->bits.count; id++) {
		size_t n;

		r = bl_image_alloc(l->image, bytes, sizeof(uint64_t), true, &l->bits[id]);
		if (!r)
			memcpy(bl_image_at(l->image, l->bits[id]), bl_interned(&l->c->bits, id, &n),
			       bytes);
	}
	return r;
}

static int place_ranges(struct layout *l, const struct ranges *from)
{
	const struct bl_range_table *table = &from->table;
	struct bl_range_bits *ranges;
	int r = bl_image_alloc(l->image, table->count * sizeof(*ranges), sizeof(*ranges), true,
			       &from->place->offset);

	if (r)
		return r;
	from->place->count = (uint32_t)table->count;
	ranges = bl_image_at(l->image, from->place->offset);
	for (size_t i = 0; i < table->count; i++)
		ranges[i] = (struct bl_range_bits){ .first = table->firsts[i],
						    .bits = l->bits[from->bits[i]] };
	return 0;
}

int bl_compile_subjects(struct bl_compiler *c, uint32_t **ret_bits)
{
	struct bl_header *header = &c->header;
	_cleanup_(layout_clear) struct layout l = {
		.c = c,
		.image = &c->image,
		.ranges = {
			{ .dimension = BL_DIMENSION_UID, .what = "users", .place = &header->uids },
			{ .dimension = BL_DIMENSION_GID, .what = "groups", .place = &header->gids },
			{ .dimension = BL_DIMENSION_LOGIN, .what = "logins", .place = &header->logins },
			{ .dimension = BL_DIMENSION_CAP, .what = "capabilities", .place = &header->caps },
		},
	};
	int r = 0;

	for (enum bl_kin kin = 0; !r && kin < _BL_KIN_MAX; kin++)
		r = make_kin_bits(&l, kin);
	for (size_t i = 0; !r && i < BL_ARRAY_SIZE(l.ranges); i++)
		r = make_range_bits(&l, &l.ranges[i]);
	if (!r)
		r = make_name_bits(&l);
	if (!r)
		r = place_bits(&l);
	for (size_t i = 0; !r && i < BL_ARRAY_SIZE(l.ranges); i++)
		r = place_ranges(&l, &l.ranges[i]);
	if (r)
		return r;
	header->exe_any = l.bits[l.any[BL_KIN_SELF]];
	header->exe_grant = l.bits[l.grant[BL_KIN_SELF]];
	header->parent.any = l.bits[l.any[BL_KIN_PARENT]];
	header->parent.grant = l.bits[l.grant[BL_KIN_PARENT]];
	header->ancestor.any = l.bits[l.any[BL_KIN_ANCESTOR]];
	header->ancestor.grant = l.bits[l.grant[BL_KIN_ANCESTOR]];
	for (uint32_t name = 1; name < _BL_NAME_MAX; name++)
		header->names_any[name] = l.bits[l.names_any[name]];
	header->names_grant = l.bits[l.names_grant];
	*ret_bits = TAKE_PTR(l.bits);
	return 0;
}
