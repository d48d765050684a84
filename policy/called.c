/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is called by its cgroup, read from the text of the path, one component after the other. */
#include "called.h"

#include <string.h>

#include "base.h"

/* What the next component can be. */
enum part {
	PART_SLICE = 1,	  /* a slice, or the unit */
	PART_OF_HOST,	  /* below what is no unit */
	PART_OF_UNIT,	  /* below a unit */
	PART_NAME,	  /* a container's name, whatever it is */
	PART_SUPERVISOR,  /* that of who looks after a container */
	PART_OF_NOBODY,	  /* what the host has not named */
};

struct reader {
	struct bl_called *called;
	enum part part;
};

struct text {
	const char *bytes;
	size_t len;
};

static bool starts_with(struct text text, const char *start)
{
	return text.len >= strlen(start) && memcmp(text.bytes, start, strlen(start)) == 0;
}

static bool ends_with(struct text text, const char *end)
{
	size_t n = strlen(end);

	return text.len >= n && memcmp(text.bytes + text.len - n, end, n) == 0;
}

static bool is(struct text text, const char *whole)
{
	return text.len == strlen(whole) && starts_with(text, whole);
}

static struct text without(struct text text, size_t first, size_t last)
{
	return (struct text){ text.bytes + first, text.len - first - last };
}

static void copy(struct text text, char ret[static BL_NAME_BYTES + 1])
{
	size_t len = BL_MIN(text.len, (size_t)BL_NAME_BYTES);

	memcpy(ret, text.bytes, len);
	ret[len] = '\0';
}

/* systemd writes a '_' before what a file of the cgroup could be called. */
static void copy_unit(struct text text, char ret[static BL_NAME_BYTES + 1])
{
	copy(starts_with(text, "_") ? without(text, 1, 0) : text, ret);
}

static bool is_unit(struct text name)
{
	static const char *const types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	for (size_t i = 0; i < BL_ARRAY_SIZE(types); i++)
		if (ends_with(name, types[i]) && name.len > strlen(types[i]))
			return true;
	return false;
}

/* ---- containers --------------------------------------------------------------------------- */

static void contained(struct reader *r, struct text id, enum bl_contained sure, enum part next)
{
	copy(id, r->called->container);
	r->called->contained = sure;
	r->part = next;
}

/* 64 hexadecimal digits, alone or after a '-'; those of a monitor are of no container. */
static bool read_id(struct reader *r, struct text name, enum bl_contained sure)
{
	struct text id, before;

	if (ends_with(name, ".scope"))
		name = without(name, 0, strlen(".scope"));
	if (name.len < BL_ID_DIGITS)
		return false;
	id = without(name, name.len - BL_ID_DIGITS, 0);
	before = without(name, 0, BL_ID_DIGITS);
	for (size_t i = 0; i < id.len; i++)
		if (!strchr("0123456789abcdef", id.bytes[i]))
			return false;
	if (before.len && (!ends_with(before, "-") || ends_with(before, "conmon-")))
		return false;
	contained(r, id, sure, PART_OF_NOBODY);
	return true;
}

static bool read_lxc(struct reader *r, struct text name, enum bl_contained sure)
{
	if (is(name, "lxc") || is(name, "lxc.payload")) {
		r->part = PART_NAME;
		return false;
	}
	if (!starts_with(name, "lxc.payload.") || is(name, "lxc.payload."))
		return false;
	contained(r, without(name, strlen("lxc.payload."), 0), sure, PART_OF_NOBODY);
	return true;
}

static bool read_machine(struct reader *r, struct text name)
{
	static const struct {
		const char *start, *end;
	} machines[] = {
		{ "machine-", ".scope" },
		{ "systemd-nspawn@", ".service" },
	};

	if (starts_with(name, "machine-qemu\\x2d"))
		return false;
	for (size_t i = 0; i < BL_ARRAY_SIZE(machines); i++) {
		size_t start = strlen(machines[i].start), end = strlen(machines[i].end);

		if (!starts_with(name, machines[i].start) || !ends_with(name, machines[i].end) ||
		    name.len <= start + end)
			continue;
		contained(r, without(name, start, end), BL_CONTAINED_SURE, PART_SUPERVISOR);
		return true;
	}
	return false;
}

/* ---- components --------------------------------------------------------------------------- */

static void read_first(struct reader *r, struct text name)
{
	bool unit = is_unit(name);

	if (ends_with(name, ".slice") && name.len > strlen(".slice")) {
		copy_unit(name, r->called->slice);
		return;
	}
	r->part = unit ? PART_OF_UNIT : PART_OF_HOST;
	if (unit)
		copy_unit(name, r->called->unit);
	if (!read_id(r, name, BL_CONTAINED_SURE) && !read_machine(r, name))
		read_lxc(r, name, BL_CONTAINED_SURE);
}

static void read_component(struct reader *r, struct text name)
{
	struct bl_called *called = r->called;
	enum bl_contained sure = called->unit[0] ? BL_CONTAINED_MAYBE : BL_CONTAINED_SURE;

	switch (r->part) {
	case PART_SLICE:
		read_first(r, name);
		return;
	case PART_OF_HOST:
	case PART_OF_UNIT:
		if (!read_id(r, name, sure))
			read_lxc(r, name, sure);
		return;
	case PART_NAME:
		contained(r, name, sure, PART_OF_NOBODY);
		return;
	case PART_SUPERVISOR:
		if (is(name, "supervisor"))
			called->contained = BL_CONTAINED_NOT;
		r->part = PART_OF_NOBODY;
		return;
	case PART_OF_NOBODY:
		return;
	}
}

static void read_cgroup(const struct bl_query *query, struct bl_called *called)
{
	struct reader r = { .called = called, .part = PART_SLICE };
	size_t n = 0;

	for (const char *at = called->cgroup; *at; n++) {
		size_t len = strcspn(++at, "/");

		if (n < BL_CGROUP_COMPS)
			read_component(&r, (struct text){ at, len });
		at += len;
	}
	called->cut = n > BL_CGROUP_COMPS;
	if (called->contained == BL_CONTAINED_NOT)
		called->container[0] = '\0';
	if (called->contained == BL_CONTAINED_NOT && query->nested)
		called->contained = BL_CONTAINED_MAYBE;
}

/* Whose id is not known may as well be in none. */
static void read_container(const struct bl_query *query, struct bl_called *called)
{
	const char *id = query->container;

	called->contained = !query->in_container ? BL_CONTAINED_NOT
			    : id		 ? BL_CONTAINED_SURE
						 : BL_CONTAINED_MAYBE;
	called->container[0] = '\0';
	if (query->in_container && id)
		copy((struct text){ id, strlen(id) }, called->container);
}

void bl_called_read(const struct bl_query *query, struct bl_called *ret)
{
	*ret = (struct bl_called){ .cgroup = "" };
	if (query->cgroup && query->cgroup[0] && query->cgroup[1])
		ret->cgroup = query->cgroup;
	strcpy(ret->slice, "-.slice");
	read_cgroup(query, ret);
	if (query->unit)
		copy_unit((struct text){ query->unit, strlen(query->unit) }, ret->unit);
	if (query->slice)
		copy_unit((struct text){ query->slice, strlen(query->slice) }, ret->slice);
	if (query->has_container)
		read_container(query, ret);
}
