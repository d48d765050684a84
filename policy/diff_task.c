/* SPDX-License-Identifier: Apache-2.0 */
/* Dimensions of subjects beside programs, users and groups: logins, capabilities, and what processes are called. */
#include <errno.h>
#include <string.h>

#include "differ.h"
#include "glob.h"
#include "words.h"

static void or_range(const struct bl_space *space, int which, const struct bl_ranges *ranges,
		     uint32_t number, uint64_t *bits)
{
	const struct bl_side *side = &space->sides[which];

	bl_bits_or(&side->m, (__u64 *)bits, bl_range_find(&side->m, ranges, number), 0);
}

/* Whether some condition of either set looks at something. */
static bool asks(const struct bl_space *space, uint32_t flag)
{
	return (space->sides[BL_OLD].header->flags | space->sides[BL_NEW].header->flags) & flag;
}

/* ---- logins ------------------------------------------------------------------------------- */

static uint32_t login_first(const struct bl_side *side, uint32_t index)
{
	const struct bl_ranges *logins = &side->header->logins;
	uint32_t offset = logins->offset + index * (uint32_t)sizeof(struct bl_range_bits);

	return bl_at(&side->m, offset, struct bl_range_bits)->first;
}

/* Where a range of either set begins; nobody's login, which is the last one, comes first. */
static int find_logins(const struct bl_space *space, struct bl_dim *dim)
{
	size_t n = 0;

	for (int side = 0; side < BL_SIDES; side++)
		n += space->sides[side].header->logins.count;
	dim->values = calloc(n + 2, sizeof(*dim->values));
	if (!dim->values)
		return -ENOMEM;
	n = 0;
	for (int side = 0; side < BL_SIDES && asks(space, BL_TABLES_LOGINS); side++)
		for (uint32_t i = 0; i < space->sides[side].header->logins.count; i++)
			dim->values[n++] = login_first(&space->sides[side], i);
	dim->values[n++] = BL_LOGIN_UNSET;
	n = bl_words_sort(dim->values, n);
	memmove(dim->values + 1, dim->values, (n - 1) * sizeof(*dim->values));
	dim->values[0] = BL_LOGIN_UNSET;
	return bl_dim_alloc(space, dim, (uint32_t)n);
}

static int make_logins(struct bl_space *space)
{
	struct bl_dim *dim = &space->dims[BL_DIM_LOGIN];
	int r = find_logins(space, dim);

	if (r)
		return r;
	for (int side = 0; side < BL_SIDES; side++)
		for (uint32_t i = 0; i < dim->n; i++)
			or_range(space, side, &space->sides[side].header->logins, dim->values[i],
				 bl_dim_bits(space, dim, side, i));
	return bl_dim_finish(space, dim);
}

/* ---- capabilities ------------------------------------------------------------------------- */

/* A process has any of them, or none. */
static int make_capabilities(struct bl_space *space)
{
	struct bl_dim *dim = &space->dims[BL_DIM_CAPABILITY];
	uint32_t n = (uint32_t)bl_words_capability.count;
	int r = bl_dim_alloc(space, dim, n);

	dim->several = dim->none = true;
	dim->values = calloc(n, sizeof(*dim->values));
	if (r || !dim->values)
		return r ? r : -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		dim->values[i] = bl_words_capability.items[i].value;
	for (int side = 0; side < BL_SIDES; side++) {
		const struct bl_ranges *caps = &space->sides[side].header->caps;

		dim->always[side] = calloc(space->sides[side].header->cond_words, sizeof(uint64_t));
		if (!dim->always[side])
			return -ENOMEM;
		or_range(space, side, caps, BL_CAPS, dim->always[side]);
		for (uint32_t i = 0; i < n; i++)
			or_range(space, side, caps, dim->values[i],
				 bl_dim_bits(space, dim, side, i));
	}
	return bl_dim_finish(space, dim);
}

/* ---- names -------------------------------------------------------------------------------- */

uint8_t bl_names_mark(enum bl_names_kind kind)
{
	switch (kind) {
	case BL_NAMES_UNITS:
		return BL_NAME_UNIT;
	case BL_NAMES_SLICES:
		return BL_NAME_SLICE;
	case BL_NAMES_CONTAINERS:
		return BL_NAME_CONTAINER;
	case BL_NAMES_CGROUPS:
		return BL_NAME_CGROUP;
	case BL_NAMES_PATHS:
	case BL_NAMES_SOCKETS:
	case BL_NAMES_ARGS:
		break;
	}
	return 0;
}

static enum bl_names_kind kind_of(uint32_t which)
{
	return BL_NAMES_UNITS + which;
}

/* What a dimension is called by, with all bits of both sets: values that have the same are one. */
struct maker {
	struct bl_space *space;
	uint32_t which;
	size_t capacity;
	struct bl_interns kinds;
};

static void maker_clear(struct maker *maker)
{
	bl_interns_clear(&maker->kinds);
}

static void or_class(const struct bl_side *side, uint64_t *bits, uint32_t offset, uint32_t without)
{
	if (offset)
		bl_bits_or(&side->m, (__u64 *)bits,
			   bl_at(&side->m, offset, struct bl_class)->exe_bits, without);
}

/* All but what exceptions ask for that hold of no unsure name. */
static void or_unsure(const struct bl_side *side, uint64_t *bits)
{
	uint64_t grant[BL_COND_WORDS] = {};

	bl_bits_or(&side->m, (__u64 *)grant, side->header->names_grant, 0);
	for (uint32_t i = 0; i < side->header->cond_words; i++)
		bits[i] |= ~grant[i];
}

/* The conditions of one set that are left open to whoever is called so; see bl_subject_names(). */
static void call_bits(const struct bl_space *space, int which_side, uint32_t which,
		      const struct bl_call *call, const struct bl_name_class *class, uint64_t *bits)
{
	static const char outside[] = { BL_NAME_CONTAINER };
	const struct bl_side *side = &space->sides[which_side];
	uint32_t without = call->maybe ? side->header->names_grant : 0;
	uint8_t mark = bl_names_mark(kind_of(which));

	bl_bits_or(&side->m, (__u64 *)bits, side->header->names_any[mark], 0);
	if (call->cut)
		or_unsure(side, bits);
	else
		or_class(side, bits, class->dfa[which_side], without);
	if (call->maybe) {
		struct bl_name_class none = bl_names_read(space->sides, outside, sizeof(outside));

		or_class(side, bits, none.dfa[which_side], without);
	}
}

/* The value of what is called so, which is a new one where none has the same conditions. */
static int add_call(struct maker *maker, const struct bl_call *call,
		    const struct bl_name_class *class)
{
	uint64_t bits[BL_SIDES * BL_COND_WORDS] = {};
	struct bl_call **calls = &maker->space->calls[maker->which];
	size_t known = maker->kinds.count;
	uint32_t number;
	int r;

	for (int side = 0; side < BL_SIDES; side++)
		call_bits(maker->space, side, maker->which, call, class,
			  bits + side * BL_COND_WORDS);
	r = bl_intern(&maker->kinds, (const uint32_t *)bits, sizeof(bits) / 4, &number);
	if (r || number <= known)
		return r;
	r = bl_grow(calls, &maker->capacity, number, sizeof(**calls));
	if (!r)
		(*calls)[number - 1] = *call;
	return r;
}

static int add_text(struct maker *maker, const char *text, size_t len, struct bl_call call)
{
	struct bl_name_class class = bl_names_read(maker->space->sides, text, len);

	return add_call(maker, &call, &class);
}

/* What somebody is called of whom nothing is said: in no unit, container or slice, and in the root of all cgroups. */
static int add_default(struct maker *maker)
{
	static const char container[] = { BL_NAME_CONTAINER }, cgroup[] = { BL_NAME_CGROUP };
	static const char slice[] = "\x02-.slice";
	const struct bl_call none = {};

	switch (kind_of(maker->which)) {
	case BL_NAMES_UNITS:
		return add_call(maker, &none, &(struct bl_name_class){});
	case BL_NAMES_SLICES:
		return add_text(maker, slice, sizeof(slice) - 1, none);
	case BL_NAMES_CONTAINERS:
		return add_text(maker, container, sizeof(container), none);
	case BL_NAMES_CGROUPS:
		return add_text(maker, cgroup, sizeof(cgroup), none);
	case BL_NAMES_PATHS:
	case BL_NAMES_SOCKETS:
	case BL_NAMES_ARGS:
		break;
	}
	return 0;
}

static int add_names(struct maker *maker, bool maybe)
{
	const struct bl_names *names = &maker->space->called[maker->which];
	bool container = kind_of(maker->which) == BL_NAMES_CONTAINERS;
	int r = 0;

	for (uint32_t number = 1; !r && number <= names->classes.count; number++) {
		struct bl_name_class class = bl_names_class(names, number);
		struct bl_call call = { .name = number, .contained = container, .maybe = maybe };

		r = add_call(maker, &call, &class);
	}
	return r;
}

static int make_names(struct bl_space *space, uint32_t which)
{
	static const char unknown[] = { BL_NAME_CONTAINER, '/' };
	_cleanup_(maker_clear) struct maker maker = { .space = space, .which = which };
	struct bl_dim *dim = &space->dims[BL_DIM_UNIT + which];
	int r = add_default(&maker);

	if (!r)
		r = add_names(&maker, false);
	if (!r && kind_of(which) == BL_NAMES_CONTAINERS)
		r = add_text(&maker, unknown, sizeof(unknown),
			     (struct bl_call){ .contained = true, .maybe = true });
	if (!r && kind_of(which) == BL_NAMES_CONTAINERS)
		r = add_names(&maker, true);
	if (!r && kind_of(which) == BL_NAMES_CGROUPS && asks(space, BL_TABLES_CGROUPS))
		r = add_call(&maker, &(struct bl_call){ .cut = true }, &(struct bl_name_class){});
	if (!r)
		r = bl_dim_alloc(space, dim, (uint32_t)maker.kinds.count);
	for (uint32_t value = 0; !r && value < dim->n; value++) {
		size_t n;
		const uint64_t *bits = (const uint64_t *)bl_interned(&maker.kinds, value + 1, &n);

		for (int side = 0; side < BL_SIDES; side++)
			memcpy(bl_dim_bits(space, dim, side, value), bits + side * BL_COND_WORDS,
			       space->sides[side].header->cond_words * sizeof(uint64_t));
	}
	return r ? r : bl_dim_finish(space, dim);
}

int bl_space_add_tasks(struct bl_space *space)
{
	int r = make_logins(space);

	if (!r)
		r = make_capabilities(space);
	for (uint32_t which = 0; !r && which < BL_NAMES_CALLED; which++)
		r = make_names(space, which);
	return r;
}

/* ---- texts -------------------------------------------------------------------------------- */

static struct bl_call call_of(uint32_t which, const struct bl_called *called)
{
	if (kind_of(which) == BL_NAMES_CONTAINERS)
		return (struct bl_call){ .contained = called->contained != BL_CONTAINED_NOT,
					 .maybe = called->contained == BL_CONTAINED_MAYBE };
	return (struct bl_call){ .cut = kind_of(which) == BL_NAMES_CGROUPS && called->cut };
}

static const char *name_of(uint32_t which, const struct bl_called *called)
{
	switch (kind_of(which)) {
	case BL_NAMES_UNITS:
		return called->unit;
	case BL_NAMES_SLICES:
		return called->slice;
	case BL_NAMES_CONTAINERS:
		return called->container;
	case BL_NAMES_CGROUPS:
		return called->cgroup;
	case BL_NAMES_PATHS:
	case BL_NAMES_SOCKETS:
	case BL_NAMES_ARGS:
		break;
	}
	return "";
}

static bool has_bits(const struct bl_space *space, const struct bl_dim *dim, uint32_t value,
		     const uint64_t bits[BL_SIDES][BL_COND_WORDS])
{
	for (int side = 0; side < BL_SIDES; side++)
		if (memcmp(bl_dim_bits(space, dim, side, value), bits[side],
			   space->sides[side].header->cond_words * sizeof(uint64_t)) != 0)
			return false;
	return true;
}

uint32_t bl_space_find_call(const struct bl_space *space, uint32_t which,
			    const struct bl_called *called)
{
	const struct bl_dim *dim = &space->dims[BL_DIM_UNIT + which];
	struct bl_call call = call_of(which, called);
	const char *name = name_of(which, called);
	_cleanup_free_ char *text =
		bl_format("%c%s%s", bl_names_mark(kind_of(which)), call.contained ? "/" : "", name);
	uint64_t bits[BL_SIDES][BL_COND_WORDS] = {};
	struct bl_name_class class = {};
	uint32_t value = 0;

	if (text && (name[0] || kind_of(which) != BL_NAMES_UNITS))
		class = bl_names_read(space->sides, text, strlen(text));
	for (int side = 0; side < BL_SIDES; side++)
		call_bits(space, side, which, &call, &class, bits[side]);
	while (value < dim->n && !has_bits(space, dim, value, bits))
		value++;
	return value;
}

/* systemd's '_' before a name is none of the name; one that begins with that has two. */
char *bl_space_call_text(const struct bl_space *space, uint32_t which, uint32_t value)
{
	const struct bl_call *call = &space->calls[which][value];
	bool unit = bl_tail_has(kind_of(which), '.');
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!call->name)
		return strdup("");
	text = bl_names_sample(&space->called[which], call->name, &len);
	return text ? bl_format("%s%s", unit && text[1] == '_' ? "_" : "",
				text + 1 + call->contained)
		    : NULL;
}

/* ---- the ends of names -------------------------------------------------------------------- */

/* Units with processes are of these types; none has its first byte anywhere else. */
static const char *const unit_tails[] = { ".service", ".scope", ".socket", ".mount", ".swap" };
static const char *const slice_tails[] = { ".slice" };
#define TAIL_BYTES 16

struct tails {
	const char *const *items;
	uint32_t count;
};

static struct tails tails_of(enum bl_names_kind kind)
{
	if (kind == BL_NAMES_UNITS)
		return (struct tails){ unit_tails, BL_ARRAY_SIZE(unit_tails) };
	if (kind == BL_NAMES_SLICES)
		return (struct tails){ slice_tails, BL_ARRAY_SIZE(slice_tails) };
	return (struct tails){ 0 };
}

/* What a name ends in: so many bytes of one of the tails, of several that begin alike the first. */
struct tail {
	uint32_t number, len;
	bool some; /* there is something before it */
};

static struct tail tail_of(uint32_t seen)
{
	return (struct tail){ seen / 2 / TAIL_BYTES, seen / 2 % TAIL_BYTES, seen & 1 };
}

static uint32_t tail_seen(struct tail tail)
{
	return (tail.number * TAIL_BYTES + tail.len) * 2 + tail.some;
}

/* What fits no longer can only begin anew. */
uint32_t bl_tail_next(enum bl_names_kind kind, uint32_t seen, uint8_t byte)
{
	struct tail tail = tail_of(seen);
	struct tails tails = tails_of(kind);
	const char *old = tails.items[tail.number];

	for (uint32_t i = 0; i < tails.count; i++) {
		const char *item = tails.items[i];

		if (byte && strncmp(item, old, tail.len) == 0 && (uint8_t)item[tail.len] == byte)
			return tail_seen((struct tail){ i, tail.len + 1, tail.some });
	}
	return tail_seen((struct tail){ 0, byte == '.', true });
}

bool bl_tail_is_whole(enum bl_names_kind kind, uint32_t seen)
{
	struct tail tail = tail_of(seen);

	return tail.len && tail.some && !tails_of(kind).items[tail.number][tail.len];
}

bool bl_tail_has(enum bl_names_kind kind, uint8_t byte)
{
	struct tails tails = tails_of(kind);

	for (uint32_t i = 0; byte && i < tails.count; i++)
		if (strchr(tails.items[i], byte))
			return true;
	return false;
}
