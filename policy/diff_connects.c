/* SPDX-License-Identifier: Apache-2.0 */
/* The destinations that two sets tell apart: what lies between the ends of their prefixes and ports. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "differ.h"

#define PAIRS_MAX ((size_t)64 << 20) /* of address classes and port classes */
#define PORTS	  65536u

typedef unsigned __int128 address; /* of either family, as a number */

/* An address class of both sets, and that of the IPv4 address in it: offsets of struct bl_addr_class. */
struct place {
	uint32_t at[BL_SIDES];
	uint32_t v4[BL_SIDES];
};

/* A port class of both sets. */
struct port_pair {
	uint32_t classes[BL_SIDES];
	uint32_t lists[BL_SIDES];
};

struct sample {
	address value;
	bool v6;
};

struct finder {
	struct bl_destinations *out;
	const struct bl_side *sides;
	address *starts[2]; /* of v4 and v6: where anything can change; ascending */
	size_t n_starts[2];
	struct bl_interns places; /* struct place */
	struct sample *samples;	  /* by number - 1 */
	size_t samples_capacity;
	struct bl_interns ports; /* struct port_pair */
	uint32_t *port_samples;	 /* by number - 1 */
	size_t port_capacity;
	uint32_t *port_firsts; /* numbers of those whose lists no earlier one has */
	size_t n_port_firsts;
};

static void finder_clear(struct finder *f)
{
	free(f->starts[0]);
	free(f->starts[1]);
	bl_interns_clear(&f->places);
	free(f->samples);
	bl_interns_clear(&f->ports);
	free(f->port_samples);
	free(f->port_firsts);
}

/* ---- addresses as numbers ----------------------------------------------------------------- */

static address read_address(const uint8_t *bytes, bool v6)
{
	address value = 0;

	for (int i = 0; i < (v6 ? 16 : 4); i++)
		value = value << 8 | bytes[i];
	return value;
}

static void write_address(address value, bool v6, uint8_t *bytes)
{
	for (int i = v6 ? 16 : 4; i--; value >>= 8)
		bytes[i] = (uint8_t)value;
}

static address last_address(bool v6)
{
	return v6 ? ~(address)0 : 0xffffffffu;
}

static address last_of(const struct bl_prefix_item *item, bool v6)
{
	unsigned int bits = v6 ? 128 : 32;
	address below = item->len < bits ? last_address(v6) >> item->len : 0;

	return read_address(item->addr, v6) | below;
}

static int compare_addresses(const void *left, const void *right)
{
	address a = *(const address *)left, b = *(const address *)right;

	return a < b ? -1 : a > b;
}

/* An address as it is asked about. */
static struct bl_peer peer_of(address value, bool v6)
{
	struct bl_peer peer = { .v6 = v6 };

	write_address(value, v6, (uint8_t *)peer.addr.word);
	bl_normalise(&peer);
	return peer;
}

/* ---- where anything changes --------------------------------------------------------------- */

static const struct bl_prefixes *prefixes_of(const struct bl_side *side, bool v6)
{
	return v6 ? &side->outline->v6 : &side->outline->v4;
}

static int collect_starts(struct finder *f, bool v6)
{
	size_t n = 1;
	address *starts;

	for (int side = 0; side < BL_SIDES; side++)
		n += 2 * prefixes_of(&f->sides[side], v6)->count;
	starts = f->starts[v6] = calloc(n + 3, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	n = 0;
	/* The addresses that stand for another one are not among the rest. */
	starts[n++] = 0;
	starts[n++] = 1;
	starts[n++] = v6 ? 2 : 1;
	for (int side = 0; side < BL_SIDES; side++) {
		const struct bl_prefixes *prefixes = prefixes_of(&f->sides[side], v6);

		for (size_t i = 0; i < prefixes->count; i++) {
			address last = last_of(&prefixes->items[i], v6);

			starts[n++] = read_address(prefixes->items[i].addr, v6);
			if (last < last_address(v6))
				starts[n++] = last + 1;
		}
	}
	qsort(starts, n, sizeof(*starts), compare_addresses);
	f->n_starts[v6] = 0;
	for (size_t i = 0; i < n; i++)
		if (!i || starts[i] != starts[f->n_starts[v6] - 1])
			starts[f->n_starts[v6]++] = starts[i];
	return 0;
}

/* The last address before the next place where anything changes. */
static address interval_end(const struct finder *f, bool v6, size_t index)
{
	return index + 1 < f->n_starts[v6] ? f->starts[v6][index + 1] - 1 : last_address(v6);
}

/* ---- places ------------------------------------------------------------------------------- */

static uint32_t embedded_in(const struct bl_peer *peer)
{
	if (!peer->v6)
		return 0;
	return peer->any ? BL_LOCAL4 : bl_embedded(&peer->addr);
}

static int add_place(struct finder *f, address value, bool v6)
{
	struct bl_peer peer = peer_of(value, v6);
	uint32_t embedded = embedded_in(&peer), number;
	struct bl_prefix_key v4 = { .word = { embedded } };
	size_t known = f->places.count;
	struct place place = {};
	int r;

	for (int side = 0; side < BL_SIDES; side++) {
		place.at[side] = bl_addr_find(&f->sides[side].m, &peer.addr, peer.v6);
		if (embedded)
			place.v4[side] = bl_addr_find(&f->sides[side].m, &v4, 0);
	}
	r = bl_intern(&f->places, (const uint32_t *)&place, sizeof(place) / 4, &number);
	if (r || number <= known)
		return r;
	r = bl_grow(&f->samples, &f->samples_capacity, number, sizeof(*f->samples));
	if (!r)
		f->samples[number - 1] = (struct sample){ .value = value, .v6 = v6 };
	return r;
}

static int find_v4(struct finder *f)
{
	int r = 0;

	/* 0.0.0.0 is 127.0.0.1 */
	for (size_t i = 1; !r && i < f->n_starts[false]; i++)
		r = add_place(f, f->starts[false][i], false);
	return r;
}

/* The forms of an IPv6 address that has an IPv4 address in it: a range, and where that is in it. */
static const struct form {
	address first;
	unsigned int shift; /* bits behind it */
	unsigned int bits;  /* of the range */
	bool mapped;	    /* these are IPv4 addresses */
} forms[] = {
	{ .first = 0, .bits = 32 },
	{ .first = (address)0xffff << 32, .bits = 32, .mapped = true },
	{ .first = (address)0xffff0000 << 32, .bits = 32 },
	{ .first = (address)0x64ff9b << 96, .bits = 32 },
	{ .first = (address)0x2002 << 112, .shift = 80, .bits = 112 },
};

static address form_last(const struct form *form)
{
	return form->first + (((address)1 << form->bits) - 1);
}

static const struct form *form_of(address value)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(forms); i++)
		if (value >= forms[i].first && value <= form_last(&forms[i]))
			return &forms[i];
	return NULL;
}

/* Teredo has them inverted, in all its addresses but one of each 2^32, which would stand for 0.0.0.0. */
static bool is_teredo(address value)
{
	return value >> 96 == 0x20010000;
}

/*
 * Where the run of addresses with one in them ends that this one is in; ISATAP has one for each /64, Teredo and
 * NAT64's prefixes for local use one for each /96.
 */
static address run_end(address value)
{
	const struct form *form = form_of(value);

	return form ? form_last(form) : value | 0xffffffffu;
}

static bool is_itself(address value)
{
	struct bl_peer peer = peer_of(value, true);

	return peer.v6 && !peer.any && !embedded_in(&peer);
}

/* An address of an interval that is itself alone. Returns whether there is one. */
static bool find_itself(address first, address last, address *ret)
{
	while (first <= last) {
		address end = run_end(first);

		*ret = first;
		if (is_itself(first))
			return true;
		*ret = end;
		if (end <= last && is_itself(end))
			return true;
		/* ::1 is, though it is in a range of those that are not. */
		if (first == 0)
			end = 0;
		if (end == last_address(true))
			return false;
		first = end + 1;
	}
	return false;
}

/*
 * Addresses that all have IPv4 addresses in them: each of these counts with what contains it. What has other
 * addresses as well needs no such look: for those the IPv6 address alone decides, the others are decided by
 * the stricter of that and of what was compared for IPv4.
 */
static int find_embedded(struct finder *f, address first, address last)
{
	const struct form *form = form_of(first);
	unsigned int shift = form ? form->shift : 0;
	address base = form ? form->first : first & ~(address)0xffffffffu;
	address end = BL_MIN(last, run_end(first));
	int r = form && form->mapped ? 0 : add_place(f, first, true);

	for (size_t i = 0; !r && !(form && form->mapped) && i < f->n_starts[false]; i++) {
		address value = base + (f->starts[false][i] << shift);

		if (is_teredo(first))
			value = base + (0xffffffffu - interval_end(f, false, i));
		if (value > first && value <= end)
			r = add_place(f, value, true);
	}
	if (r || end >= last)
		return r;
	return find_embedded(f, end + 1, last);
}

static int find_v6(struct finder *f)
{
	int r = add_place(f, 0, true);

	for (size_t i = 1; !r && i < f->n_starts[true]; i++) {
		address first = f->starts[true][i], last = interval_end(f, true, i), found;

		if (find_itself(first, last, &found))
			r = add_place(f, found, true);
		else
			r = find_embedded(f, first, last);
	}
	return r;
}

/* ---- ports -------------------------------------------------------------------------------- */

static uint32_t port_class(const struct bl_side *side, uint32_t port)
{
	uint32_t classes = side->header->port_classes;

	return classes ? *bl_at(&side->m, classes + 2 * port, __u16) : 0;
}

static uint32_t port_list(const struct bl_side *side, uint32_t class)
{
	uint32_t lists = side->header->port_lists;

	return lists ? *bl_at(&side->m, lists + 4 * class, __u32) : 0;
}

static int add_port(struct finder *f, uint32_t port)
{
	size_t known = f->ports.count;
	struct port_pair pair;
	uint32_t number;
	int r;

	for (int side = 0; side < BL_SIDES; side++) {
		pair.classes[side] = port_class(&f->sides[side], port);
		pair.lists[side] = port_list(&f->sides[side], pair.classes[side]);
	}
	r = bl_intern(&f->ports, (const uint32_t *)&pair, sizeof(pair) / 4, &number);
	if (r || number <= known)
		return r;
	r = bl_grow(&f->port_samples, &f->port_capacity, number, sizeof(*f->port_samples));
	if (!r)
		f->port_samples[number - 1] = port;
	return r;
}

static struct port_pair port_at(const struct finder *f, uint32_t number)
{
	struct port_pair pair;
	size_t n;

	memcpy(&pair, bl_interned(&f->ports, number, &n), sizeof(pair));
	return pair;
}

/* Where the address does not look at ports, those with the same lists are one. */
static int find_port_firsts(struct finder *f)
{
	_cleanup_(bl_interns_clear) struct bl_interns lists = {};
	int r = 0;

	f->port_firsts = calloc(f->ports.count, sizeof(*f->port_firsts));
	if (!f->port_firsts)
		return -ENOMEM;
	for (uint32_t number = 1; !r && number <= f->ports.count; number++) {
		struct port_pair pair = port_at(f, number);
		size_t known = lists.count;
		uint32_t one;

		r = bl_intern(&lists, pair.lists, BL_SIDES, &one);
		if (!r && one > known)
			f->port_firsts[f->n_port_firsts++] = number;
	}
	return r;
}

static int find_ports(struct finder *f)
{
	int r = 0;

	/* 0 is the last one to be shown */
	for (uint32_t port = 1; !r && port <= PORTS; port++)
		r = add_port(f, port % PORTS);
	return r ? r : find_port_firsts(f);
}

/* ---- both --------------------------------------------------------------------------------- */

static uint32_t addr_list(const struct bl_side *side, uint32_t offset, uint32_t class)
{
	const struct bl_addr_class *addr = offset ? bl_at(&side->m, offset, struct bl_addr_class)
						  : NULL;
	uint32_t found = 0;

	if (!addr)
		return 0;
	if (addr->by_port)
		found = bl_hash_find(&side->m, &side->header->ports,
				     bl_fp_port(side->header, addr->id, class));
	return found ? found : addr->list;
}

static bool looks_at_port(const struct finder *f, const struct place *place)
{
	for (int s = 0; s < BL_SIDES; s++) {
		const uint32_t offsets[] = { place->at[s], place->v4[s] };

		for (size_t i = 0; i < BL_ARRAY_SIZE(offsets); i++)
			if (offsets[i] &&
			    bl_at(&f->sides[s].m, offsets[i], struct bl_addr_class)->by_port)
				return true;
	}
	return false;
}

static int add_destination(struct finder *f, uint32_t number, const struct place *place,
			   uint32_t port)
{
	struct port_pair pair = port_at(f, port);
	const struct sample *sample = &f->samples[number - 1];
	struct bl_destination dest = { .family = sample->v6 ? AF_INET6 : AF_INET,
				       .port = (uint16_t)f->port_samples[port - 1] };
	size_t known = f->out->known.count;
	uint32_t id;
	int r;

	for (int s = 0; s < BL_SIDES; s++) {
		const struct bl_side *side = &f->sides[s];

		dest.lists[s][0] = addr_list(side, place->at[s], pair.classes[s]);
		dest.lists[s][1] = pair.lists[s];
		dest.lists[s][2] = addr_list(side, place->v4[s], pair.classes[s]);
	}
	r = bl_intern(&f->out->known, dest.lists[0], sizeof(dest.lists) / 4, &id);
	if (r || id <= known)
		return r;
	write_address(sample->value, sample->v6, dest.addr);
	r = bl_grow(&f->out->items, &f->out->capacity, f->out->count + 1, sizeof(dest));
	if (!r)
		f->out->items[f->out->count++] = dest;
	return r;
}

static int join_place(struct finder *f, uint32_t number, size_t *work)
{
	struct place place;
	size_t n, n_ports;
	bool by_port;
	int r = 0;

	memcpy(&place, bl_interned(&f->places, number, &n), sizeof(place));
	by_port = looks_at_port(f, &place);
	n_ports = by_port ? f->ports.count : f->n_port_firsts;
	*work += n_ports;
	if (*work > PAIRS_MAX)
		return -E2BIG;
	for (size_t i = 0; !r && i < n_ports; i++)
		r = add_destination(f, number, &place,
				    by_port ? (uint32_t)i + 1 : f->port_firsts[i]);
	return r;
}

int bl_destinations_find(struct bl_destinations *destinations, const struct bl_side *sides)
{
	_cleanup_(finder_clear) struct finder f = { .out = destinations, .sides = sides };
	size_t work = 0;
	int r = find_ports(&f);

	if (!r)
		r = collect_starts(&f, false);
	if (!r)
		r = collect_starts(&f, true);
	if (!r)
		r = find_v4(&f);
	if (!r)
		r = find_v6(&f);
	for (uint32_t number = 1; !r && number <= f.places.count; number++)
		r = join_place(&f, number, &work);
	return r;
}

void bl_destinations_clear(struct bl_destinations *destinations)
{
	free(destinations->items);
	bl_interns_clear(&destinations->known);
}
