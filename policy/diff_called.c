/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a witness is called. Unit, slice, container and cgroup are told apart each for itself, but it is one cgroup
 * that gives a process all of them: here is looked for one.
 */
#include <errno.h>
#include <string.h>

#include "differ.h"

#define DEEPER "/x/x/x/x/x/x/x/x/x/x/x/x/x" /* more components than are looked at */
#define OTHERS_MAX \
	1000 /* of witnesses whose names don't go together, those that others are looked for */
#define ANY_UNIT   "a.service"
static_assert(sizeof(DEEPER) / 2 > BL_CGROUP_COMPS, "what is below is too deep whatever is above");

enum { UNIT, SLICE, CONTAINER, CGROUP };
static_assert(CGROUP + 1 == BL_NAMES_CALLED, "in the order of the dimensions");

/* The values of a point, and their texts. */
struct wanted {
	struct bl_differ *d;
	const struct bl_found *found;
	const struct bl_decided
		*decided; /* what has to come of it; NULL: it has to be called just so */
	uint32_t value[BL_NAMES_CALLED];
	char *text[BL_NAMES_CALLED];
	struct bl_point point; /* of who was found */
};

static void wanted_clear(struct wanted *wanted)
{
	for (int i = 0; i < BL_NAMES_CALLED; i++)
		free(wanted->text[i]);
}

static const struct bl_call *call_of(const struct wanted *wanted, int which)
{
	return &wanted->d->space.calls[which][wanted->value[which]];
}

/* Whether somebody who is called as a query says is who is wanted, or somebody who would do as well. */
static bool agrees(struct wanted *wanted, const struct bl_query *query)
{
	const struct bl_space *space = &wanted->d->space;
	struct bl_called called;
	bool same = true;

	bl_called_read(query, &called);
	wanted->point = wanted->found->point;
	for (uint32_t i = 0; i < BL_NAMES_CALLED; i++) {
		uint32_t value = bl_space_find_call(space, i, &called);

		if (value == space->dims[BL_DIM_UNIT + i].n)
			return false;
		same &= value == wanted->value[i];
		wanted->point.value[BL_DIM_UNIT + i][0] = value;
	}
	return same || (wanted->decided && bl_differ_decides(wanted->d, wanted->found,
							     &wanted->point, wanted->decided));
}

/* ---- a cgroup that gives all names -------------------------------------------------------- */

/* As systemd nests them: a-b.slice is in a.slice, and what is in none is in that of the root. */
static char *slice_path(const char *slice)
{
	_cleanup_free_ char *path = NULL;
	size_t size, len = strlen(slice);
	FILE *out = open_memstream(&path, &size);

	if (!out)
		return NULL;
	for (size_t i = 1; len && i + 1 < len; i++)
		if (slice[i] == '-' && slice[i - 1] != '-' && slice[i + 1] != '.')
			fprintf(out, "/%.*s.slice", (int)i, slice);
	if (len && strcmp(slice, "-.slice") != 0)
		fprintf(out, "/%s", slice);
	return fclose(out) == 0 ? TAKE_PTR(path) : NULL;
}

/* A process in another PID namespace is in a container perhaps, whatever its cgroup is called. */
static bool is_nested(const struct wanted *wanted)
{
	const struct bl_call *call = call_of(wanted, CONTAINER);

	return call->maybe && !call->name;
}

static int try_path(struct wanted *wanted, char *path, char **ret)
{
	const struct bl_query query = { .cgroup = path, .nested = is_nested(wanted) };

	if (!path)
		return -ENOMEM;
	if (!agrees(wanted, &query)) {
		free(path);
		return 0;
	}
	*ret = path;
	return 1;
}

/* Below some cgroup: the unit, in it a container, and in that more. */
static int try_below(struct wanted *wanted, const char *above, size_t len, const char *rest,
		     char **ret)
{
	const char *unit = wanted->text[UNIT], *id = wanted->text[CONTAINER];
	/* What is below a unit may be a container, whatever the unit is called. */
	const char *const units[] = { unit, *unit ? "" : ANY_UNIT };
	const char *const containers[] = { "", "/lxc.payload.", "/lxc/" };
	const char *const deeper[] = { "", rest, "/x", DEEPER };
	int r = 0;

	for (size_t i = 0;
	     !r && i < BL_ARRAY_SIZE(units) * BL_ARRAY_SIZE(containers) * BL_ARRAY_SIZE(deeper);
	     i++) {
		const char *in = units[i / 12], *with = containers[i / 4 % 3];

		if (*with && !*id)
			continue;
		r = try_path(wanted,
			     bl_format("%.*s%s%s%s%s%s", (int)len, above, *in ? "/" : "", in, with,
				       *with ? id : "", deeper[i % 4]),
			     ret);
	}
	return r;
}

/* Returns 1 and a path in *ret (free() it), 0: none was found, or -ENOMEM. */
static int find_path(struct wanted *wanted, char **ret)
{
	_cleanup_free_ char *slice = slice_path(wanted->text[SLICE]);
	const char *cgroup = wanted->text[CGROUP];
	size_t len = strlen(cgroup);
	int r = slice ? try_below(wanted, slice, strlen(slice), cgroup, ret) : -ENOMEM;

	for (size_t at = len + 1; !r && at--;)
		if (at == len || cgroup[at] == '/')
			r = try_below(wanted, cgroup, at, cgroup + at, ret);
	return r;
}

static int read_wanted(struct wanted *wanted, const struct bl_point *point)
{
	for (uint32_t i = 0; i < BL_NAMES_CALLED; i++) {
		wanted->value[i] = point->value[BL_DIM_UNIT + i][0];
		wanted->text[i] = bl_space_call_text(&wanted->d->space, i, wanted->value[i]);
		if (!wanted->text[i])
			return -ENOMEM;
	}
	return 0;
}

static bool is_default(const struct bl_point *point)
{
	for (uint32_t i = 0; i < BL_NAMES_CALLED; i++)
		if (point->value[BL_DIM_UNIT + i][0])
			return false;
	return true;
}

/* For whom none was found that gives just these names, what gives others by which it comes to the same. */
static int find_other(struct wanted *wanted, struct bl_found *found,
		      const struct bl_decided *decided, char **ret)
{
	int r;

	if (wanted->d->n_others++ >= OTHERS_MAX)
		return 0;
	wanted->decided = decided;
	r = find_path(wanted, ret);
	if (r > 0)
		found->point = wanted->point;
	return r;
}

/* The names that a point has, looked for once. */
static int find_known(struct wanted *wanted, const char **ret)
{
	struct bl_differ *d = wanted->d;
	size_t known = d->calls.count;
	_cleanup_free_ char *path = NULL;
	uint32_t number;
	int r = bl_intern(&d->calls, wanted->value, BL_NAMES_CALLED, &number);

	if (!r)
		r = bl_grow(&d->places, &d->places_capacity, number, sizeof(*d->places));
	if (!r && number > known) {
		d->places[number - 1] = NULL;
		r = find_path(wanted, &path);
		if (r > 0)
			d->places[number - 1] = bl_arena_strndup(d->ret->arena, path, strlen(path));
		r = r < 0 || (r > 0 && !d->places[number - 1]) ? -ENOMEM : 0;
	}
	if (!r)
		*ret = d->places[number - 1];
	return r;
}

int bl_differ_place(struct bl_differ *d, struct bl_found *found,
		    const struct bl_decided decided[BL_SIDES])
{
	_cleanup_(wanted_clear) struct wanted wanted = { .d = d, .found = found };
	_cleanup_free_ char *path = NULL;
	int r;

	found->place = "";
	if (is_default(&found->point))
		return 0;
	r = read_wanted(&wanted, &found->point);
	if (!r)
		r = find_known(&wanted, &found->place);
	if (r || found->place)
		return r;
	r = find_other(&wanted, found, decided, &path);
	if (r > 0)
		found->place = bl_arena_strndup(d->ret->arena, path, strlen(path));
	return r < 0 || (r > 0 && !found->place) ? -ENOMEM : 0;
}

/* ---- in words ----------------------------------------------------------------------------- */

static const char *keep(struct bl_differ *d, const char *text)
{
	return bl_arena_strndup(d->ret->arena, text, strlen(text));
}

static const char *cgroup_text(const struct wanted *wanted)
{
	const char *path = wanted->found->place;

	if (!path)
		path = call_of(wanted, CGROUP)->cut ? DEEPER : wanted->text[CGROUP];
	return *path ? path : "/";
}

/* What is said of each name that matters. */
static int say_names(struct bl_differ *d, const struct wanted *wanted, struct bl_witness *w)
{
	const struct bl_call *container = call_of(wanted, CONTAINER);

	if (wanted->value[UNIT] && !(w->unit = keep(d, wanted->text[UNIT])))
		return -ENOMEM;
	if (wanted->value[SLICE] && !(w->slice = keep(d, wanted->text[SLICE])))
		return -ENOMEM;
	if (wanted->value[CGROUP] && !(w->cgroup = keep(d, cgroup_text(wanted))))
		return -ENOMEM;
	if (!wanted->value[CONTAINER])
		return 0;
	w->has_container = true;
	w->in_container = container->contained;
	w->perhaps = container->maybe;
	if (container->name && !(w->container = keep(d, wanted->text[CONTAINER])))
		return -ENOMEM;
	return 0;
}

/* Whether a test that says this is about somebody who is called so. */
static bool test_agrees(struct wanted *wanted, const struct bl_witness *w)
{
	const struct bl_query query = { .cgroup = w->cgroup,
					.unit = w->unit,
					.slice = w->slice,
					.has_container = w->has_container,
					.in_container = w->in_container,
					.container = w->container };

	return !(w->perhaps && w->container) && agrees(wanted, &query);
}

int bl_differ_call(struct bl_differ *d, const struct bl_found *found, struct bl_witness *w)
{
	_cleanup_(wanted_clear) struct wanted wanted = { .d = d, .found = found };
	int r;

	if (is_default(&found->point))
		return 0;
	w->assumed = !found->place;
	r = read_wanted(&wanted, &found->point);
	if (!r && found->place)
		w->place = keep(d, cgroup_text(&wanted));
	if (!r)
		r = say_names(d, &wanted, w);
	if (r || !found->place || test_agrees(&wanted, w))
		return r;
	/* Then the cgroup alone says all of it. */
	w->unit = w->slice = w->container = NULL;
	w->has_container = w->in_container = w->perhaps = is_nested(&wanted);
	w->cgroup = w->place;
	return 0;
}
